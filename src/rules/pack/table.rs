//! Typed reading of a parsed TOML table: what is missing, unknown or of the wrong type becomes a finding with its
//! place, and reading goes on.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::Span;

use super::keys::Key;
use crate::rules::diagnostic::Diagnostic;
use crate::rules::operators::foreign::nearest;

/// One table with its place and its name for messages.
#[derive(Clone, Copy)]
pub(in crate::rules) struct Table<'t> {
    pub(in crate::rules) file: usize,
    /// Its header.
    pub(in crate::rules) span: Span,
    /// `[pack]`, `[[rule]]` …
    pub(in crate::rules) name: &'static str,
    pub(in crate::rules) entries: &'t DeTable<'t>,
}

/// A value with its place, quotes included.
pub(in crate::rules) type At<T> = (T, Span);

/// Range to span. Files are at most 4 GiB.
pub(in crate::rules) fn span(range: Range<usize>) -> Span {
    (range.start as u32, range.end as u32)
}

/// What a value is, for messages.
fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

impl<'t> Table<'t> {
    fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.entries.get(key)
    }

    /// Reports keys that are not in `known`.
    pub(in crate::rules) fn check_keys(&self, known: &[Key], out: &mut Vec<Diagnostic>) {
        let known: Vec<&'static str> = known.iter().map(|key| key.name).collect();
        for key in self.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{} has {}", self.name, known.join(", ")),
            };
            let message = format!("{} has no setting `{name}`", self.name);
            out.push(Diagnostic::error(self.file, span(key.span()), "pack-unknown-key", message).hint(hint));
        }
    }

    fn mistyped(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) -> Diagnostic {
        let message = format!("`{key}` is {wanted}, not {}", type_of(value.get_ref()));
        Diagnostic::error(self.file, span(value.span()), "pack-type", message)
            .hint(format!("write {wanted} after `{key} =`"))
    }

    pub(in crate::rules) fn string(&self, key: &str, out: &mut Vec<Diagnostic>) -> Option<At<&'t str>> {
        let value = self.get(key)?;
        let found = value.get_ref().as_str().map(|text| (text, span(value.span())));
        if found.is_none() {
            out.push(self.mistyped(key, value, "a text in quotes"));
        }
        found
    }

    /// As [`Table::string`]; missing or blank is an error.
    pub(in crate::rules) fn required(
        &self,
        key: &str,
        example: &str,
        out: &mut Vec<Diagnostic>,
    ) -> Option<At<&'t str>> {
        if self.get(key).is_none() {
            let message = format!("{} needs `{key}`", self.name);
            let missing = Diagnostic::error(self.file, self.span, "pack-missing-key", message);
            out.push(missing.hint(format!("add {key} = {example}")));
            return None;
        }
        self.string(key, out)
    }

    /// A name as in labels and queues: `[a-z0-9-]{1,64}`.
    pub(in crate::rules) fn name(
        &self,
        key: &str,
        found: Option<At<&'t str>>,
        out: &mut Vec<Diagnostic>,
    ) -> Option<At<&'t str>> {
        let (name, at) = found?;
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
            return Some((name, at));
        }
        let message = format!("`{name}` will not do as `{key}`");
        let hint = match suggested_name(name) {
            Some(suggested) => {
                format!("use 1 to 64 lower-case letters, digits and hyphens, such as \"{suggested}\"")
            }
            None => "use 1 to 64 lower-case letters, digits and hyphens".to_owned(),
        };
        out.push(Diagnostic::error(self.file, at, "pack-name", message).hint(hint));
        None
    }

    /// One of a few words; `default` when absent or refused.
    pub(in crate::rules) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&'static str, T)],
        default: T,
        out: &mut Vec<Diagnostic>,
    ) -> T {
        let Some((word, at)) = self.string(key, out) else { return default };
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return *value;
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let hint = match nearest(&word.to_lowercase(), names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("it is one of {}", names.join(", ")),
        };
        let message = format!("`{word}` is no value of `{key}`");
        out.push(Diagnostic::error(self.file, at, "pack-value", message).hint(hint));
        default
    }

    pub(in crate::rules) fn flag(&self, key: &str, out: &mut Vec<Diagnostic>) -> Option<bool> {
        let value = self.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            out.push(self.mistyped(key, value, "true or false"));
        }
        found
    }

    pub(in crate::rules) fn number(&self, key: &str, out: &mut Vec<Diagnostic>) -> Option<u64> {
        let value = self.get(key)?;
        let found = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        if found.is_none() {
            out.push(self.mistyped(key, value, "a whole number"));
        }
        found
    }

    /// `[low, high]`, whole numbers.
    pub(in crate::rules) fn range(&self, key: &str, out: &mut Vec<Diagnostic>) -> Option<(u32, u32)> {
        let value = self.get(key)?;
        let number =
            |value: &Spanned<DeValue<'_>>| value.get_ref().as_integer()?.as_str().parse::<u32>().ok();
        let found = value.get_ref().as_array().and_then(|pair| match &pair[..] {
            [low, high] => Some((number(low)?, number(high)?)).filter(|(low, high)| low <= high),
            _ => None,
        });
        if found.is_none() {
            let message = format!("`{key}` is two whole numbers, the lower first");
            let wrong = Diagnostic::error(self.file, span(value.span()), "pack-value", message);
            out.push(wrong.hint(format!("write {key} = [5, 400]")));
        }
        found
    }

    /// A table under `key`.
    pub(in crate::rules) fn table(
        &self,
        key: &str,
        name: &'static str,
        out: &mut Vec<Diagnostic>,
    ) -> Option<Table<'t>> {
        let value = self.get(key)?;
        let found = value.get_ref().as_table();
        if found.is_none() {
            out.push(self.mistyped(key, value, &format!("a table, {name}")));
        }
        found.map(|entries| Table { file: self.file, span: span(value.span()), name, entries })
    }

    /// An array of tables under `key`.
    pub(in crate::rules) fn tables(
        &self,
        key: &str,
        name: &'static str,
        out: &mut Vec<Diagnostic>,
    ) -> Vec<Table<'t>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            let mistyped = self.mistyped(key, value, &format!("an array of tables, {name}"));
            let is_header = value.get_ref().as_table().is_some() && name.starts_with("[[");
            out.push(if is_header {
                mistyped.hint(format!("write {name}, with two brackets"))
            } else {
                mistyped
            });
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(array.len());
        for value in array.iter() {
            match value.get_ref().as_table() {
                Some(entries) => {
                    tables.push(Table { file: self.file, span: span(value.span()), name, entries })
                }
                None => out.push(self.mistyped(key, value, &format!("an array of tables, {name}"))),
            }
        }
        tables
    }
}

/// `Acme Outage!` → `acme-outage`.
fn suggested_name(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    (!joined.is_empty() && joined.len() <= 64).then_some(joined)
}

//! What to do about a line that is no TOML: the slips that authors of rules make, told from the line itself.

use crate::model::Span;

const THREE_QUOTES: &str =
    "write the text between three quotes, where ', \" and line breaks may stand: '''…'''";
const ONE_QUOTE: &str = "write the text between single quotes, where \" may stand: '\"acme cloud\" down'";

/// What to do about `message`, which the TOML parser gave for `at`.
pub(in crate::rules) fn toml_hint(text: &str, at: Span, message: &str) -> String {
    if message.contains("missing comma") {
        return "put a comma before this, between it and what stands above".to_owned();
    }
    let line = line_of(text, at.0 as usize);
    if line.trim_start().starts_with('[') {
        return "write a header as [pack], [lists] or [[rule]]".to_owned();
    }
    let Some((key, value)) = line.split_once('=') else { return unfinished(line) };
    let (key, value) = (key.trim(), value.trim());
    match value.chars().next() {
        None => format!("write a value behind the `=`: {key} = \"…\""),
        Some(quote @ ('\'' | '"')) if value.matches(quote).count() == 1 => {
            format!(
                "close the text with {quote} on the same line; over several lines it stands between three: '''…'''"
            )
        }
        Some('\'') if !value.starts_with("'''") => THREE_QUOTES.to_owned(),
        Some('"') if value.contains('\'') => THREE_QUOTES.to_owned(),
        Some('"') => ONE_QUOTE.to_owned(),
        Some(first) if first.is_alphabetic() => format!("put the value in quotes: {key} = '{value}'"),
        _ => "see toml.io for how values are written".to_owned(),
    }
}

/// For a line without `=`.
fn unfinished(line: &str) -> String {
    match line.trim().split_once(char::is_whitespace) {
        Some((key, value)) if value.trim_start().starts_with(['\'', '"', '[']) => {
            format!("write an `=` between: {key} = {}", value.trim_start())
        }
        _ => "write a setting as key = value; a text over several lines stands between three quotes: '''…'''"
            .to_owned(),
    }
}

fn line_of(text: &str, at: usize) -> &str {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[start..].lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_slips_are_answered_with_what_to_write() {
        let hint = |line: &str, message| {
            let text = format!("[pack]\n{line}\nteam = 't'\n");
            toml_hint(&text, (9, 9), message)
        };
        for (line, part) in [
            (r#"query = "delta "not working"""#, "between single quotes"),
            ("query = 'don't'", "'''…'''"),
            ("query = 'acme", "'''…'''"),
            ("query = \"acme", "'''…'''"),
            ("team = care", "team = 'care'"),
            ("query = acme down", "query = 'acme down'"),
            ("query 'acme'", "query = 'acme'"),
            ("query =", "query = \"…\""),
            ("[[rule]", "[[rule]]"),
            ("down", "'''…'''"),
        ] {
            assert!(hint(line, "x").contains(part), "{line}: {}", hint(line, "x"));
        }
        assert!(hint(" { text = 'y' }", "missing comma between array elements").contains("a comma before"));
    }
}

//! Reply templates: words fixed in the configuration, one text for each language.
//!
//! Guard 15 lives in the type: a [`FixedText`] comes from the configuration only, nothing can be put into it, and
//! what looks like a placeholder is refused, so that no reply ever echoes a user's words, names or links.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use crate::model::ReplyMode;

/// Characters in a reply; the strictest network's limit (Bluesky: 300).
const CHARS_MAX: usize = 300;

/// One template.
///
/// ```toml
/// [reply.templates.status-page]
/// text = "We know and are on it: https://status.acme.example"
/// mode = "approve"                                   # over the default of [reply]
/// texts = { de = "Wir sind dran: https://status.acme.example" }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The text in every language without its own.
    pub text: FixedText,
    /// Texts by language, ISO 639-1.
    #[serde(default)]
    pub texts: BTreeMap<String, FixedText>,
    /// Mode of the rules that ask for this template.
    #[serde(default)]
    pub mode: Option<ReplyMode>,
}

impl Template {
    /// The text for a post in `lang`.
    #[must_use]
    pub fn text(&self, lang: &str) -> &FixedText {
        self.texts.get(lang).unwrap_or(&self.text)
    }
}

/// Words that go out as they stand. 1 to 300 characters, without placeholders or control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedText(Arc<str>);

impl FixedText {
    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for FixedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match mistake(&text) {
            None => Ok(Self(text.into())),
            Some(mistake) => Err(serde::de::Error::custom(mistake)),
        }
    }
}

fn mistake(text: &str) -> Option<String> {
    let chars = text.chars().count();
    if text.trim().is_empty() {
        Some("a reply text is empty; write what is to be sent".into())
    } else if chars > CHARS_MAX {
        Some(format!("a reply text has {chars} characters; at most {CHARS_MAX}"))
    } else if text.contains(|c: char| c.is_control() && c != '\n') {
        Some("a reply text has control characters; remove them".into())
    } else if text.contains(['{', '}']) || text.contains("${") || text.contains("<%") {
        Some(
            "a reply text is sent as it stands, so placeholders are refused; write the words themselves"
                .into(),
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Template, String> {
        toml::from_str(&format!("text = {text:?}\ntexts.de = \"Hallo\"")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_posts_language_chooses_the_text() {
        let template = read("Hello").unwrap();
        assert_eq!((template.text("de").as_str(), template.text("fr").as_str()), ("Hallo", "Hello"));
    }

    #[test]
    fn placeholders_and_unsendable_texts_are_refused() {
        assert!(read("Hello {name}").unwrap_err().contains("placeholders"));
        assert!(read("  ").unwrap_err().contains("empty"));
        assert!(read(&"x".repeat(301)).unwrap_err().contains("301"));
        assert!(read("bell\u{7}").is_err());
    }
}

//! The only way to write HTML here: markup is literal, and whatever is not literal is escaped.
//!
//! `raw` takes `&'static str` alone, so no text of a post can become markup.

use std::fmt::{self, Display, Write};

/// A page as it grows.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// Markup, as it stands in this program.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Anything, escaped for text and for attributes between double quotes.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }

    /// ` name="value"`.
    pub(super) fn attribute(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// `<name a="1" b="2">`.
    pub(super) fn open(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &dyn Display)],
    ) -> &mut Self {
        self.raw("<").raw(name);
        for (attribute, value) in attributes {
            self.attribute(attribute, value);
        }
        self.raw(">")
    }

    pub(super) fn close(&mut self, name: &'static str) -> &mut Self {
        self.raw("</").raw(name).raw(">")
    }

    /// `<name>text</name>`.
    pub(super) fn element(&mut self, name: &'static str, text: impl Display) -> &mut Self {
        self.open(name, &[]).text(text).close(name)
    }

    /// A cell of a table with a class.
    pub(super) fn cell(&mut self, class: &'static str, text: impl Display) -> &mut Self {
        self.open("td", &[("class", &class)]).text(text).close("td")
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A length in pixels.
pub(super) struct Px(pub(super) f64);

impl Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}", self.0)
    }
}

struct Escaped<'p>(&'p mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                // HTML has no way to write these.
                c if c.is_control() => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut page = Page::default();
        page.text(text);
        page.finish()
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("<script>alert('1')</script>"), "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;");
        assert_eq!(escaped("\" onload=\"x\0\u{85}"), "&quot; onload=&quot;x\u{fffd}\u{fffd}");
        let mut page = Page::default();
        page.open("a", &[("title", &"\"><b>")]).close("a");
        assert_eq!(page.finish(), "<a title=\"&quot;&gt;&lt;b&gt;\"></a>");
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_as_text_can_open_a_tag_or_close_a_quote(text in any::<String>()) {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let rest = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").replace("&quot;", "").replace("&#39;", "");
            prop_assert!(!rest.contains('&'));
        }
    }
}

//! Text written by others, made safe to show: on a terminal, in a log line, in a status page.

use std::borrow::Cow;

/// True for characters that act instead of showing: controls (C0, DEL, C1), bidi overrides, embeddings,
/// isolates and marks (UAX #9), zero-width and invisible format characters, tags, line separators.
/// Joiners (U+200C, U+200D) stay: emoji and several scripts need them.
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One safe line: white space that breaks lines becomes a space, other acting characters go.
#[must_use]
pub fn sanitise(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let breaks = |c| matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let shown = text.chars().filter(|&c| !acts(c) || breaks(c));
    Cow::Owned(shown.map(|c| if breaks(c) { ' ' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_words_and_loses_what_acts() {
        let sent = "no\x1b[31m\nwanted\u{202e}noitcelloc\u{2066}\u{200b}\u{feff} 👩\u{200d}🔬";
        assert_eq!(sanitise(sent), "no[31m wantednoitcelloc 👩\u{200d}🔬");
        assert!(matches!(sanitise("plain"), Cow::Borrowed("plain")));
    }
}

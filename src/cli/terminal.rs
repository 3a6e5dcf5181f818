//! What reaches the terminal: tables, colours, and no character of a post that could steer the terminal
//! or turn the reading order around.

use std::borrow::Cow;
use std::env;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};

use unicode_width::UnicodeWidthStr;

use crate::model::Timestamp;
use crate::telemetry;
use crate::text::display;

/// One safe line: white space that breaks lines becomes a space, other acting characters go.
pub(crate) fn sanitise(text: &str) -> Cow<'_, str> {
    display::one_line(text)
}

/// As [`sanitise`], but newlines stay.
pub(crate) fn sanitise_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(sanitise).collect();
    lines.join("\n")
}

/// JSON that is safe to show: acting characters in strings are escaped, so the value stays the same.
pub(crate) fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(display::escaped(&text).into_owned())
}

/// `1 rule`, `2 rules`.
pub(crate) fn counted<N: From<u8> + PartialEq + Display>(count: N, noun: &str) -> String {
    format!("{count} {}", self::noun(count == N::from(1), noun))
}

/// `rule` or `rules`, `match` or `matches`.
pub(crate) fn noun(is_one: bool, noun: &str) -> String {
    let end = match is_one {
        true => "",
        false if noun.ends_with("ch") => "es",
        false => "s",
    };
    format!("{noun}{end}")
}

/// The first `chars` characters of `2026-11-20 18:00:59`.
pub(crate) fn time(at: Timestamp, chars: usize) -> String {
    at.to_string().replacen('T', " ", 1).chars().take(chars).collect()
}

/// Cuts to `columns` terminal columns, with an ellipsis where something is missing.
pub(crate) fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    // A character may widen the one before it, so that only the whole has a width.
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| text[..*end].width() < columns).last().unwrap_or(0);
    Cow::Owned(format!("{}…", &text[..end]))
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    Faint,
    Bold,
    Warn,
    Alarm,
}

impl Style {
    /// The SGR parameters of ECMA-48.
    const fn sgr(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Faint => "2",
            Self::Bold => "1",
            Self::Warn => "33",
            Self::Alarm => "1;31",
        }
    }

    fn paint(self, text: &str, colours: bool) -> String {
        if colours && self != Self::Plain {
            format!("\x1b[{}m{text}\x1b[0m", self.sgr())
        } else {
            text.to_owned()
        }
    }
}

/// One cell: text made safe at the door.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: sanitise(text.as_ref()).into_owned(), style: Style::Plain }
    }

    pub(crate) fn number(number: u64) -> Self {
        Self { text: number.to_string(), style: if number == 0 { Style::Faint } else { Style::Plain } }
    }

    pub(crate) fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// Rows under a header, aligned by display width; headers that begin with `>` align to the right.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    header: Vec<&'a str>,
    rows: Vec<Vec<Cell>>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(header: &[&'a str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn render(&self, colours: bool) -> String {
        let titles: Vec<_> = self.header.iter().map(|title| title.trim_start_matches('>')).collect();
        let widths: Vec<_> = (0..titles.len()).map(|column| self.width(column, titles[column])).collect();
        let header = titles.iter().map(|title| Cell::new(title).style(Style::Bold)).collect();
        let mut text = String::new();
        for row in std::iter::once(&header).chain(&self.rows) {
            self.line(row, &widths, colours, &mut text);
        }
        text
    }

    fn width(&self, column: usize, title: &str) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.text.width()).chain([title.width()]).max().unwrap_or(0)
    }

    fn line(&self, row: &[Cell], widths: &[usize], colours: bool, text: &mut String) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column].saturating_sub(cell.text.width()));
            let painted = cell.style.paint(&cell.text, colours);
            let gap = if column == 0 { "" } else { "  " };
            let _ = match self.header[column].starts_with('>') {
                true => write!(line, "{gap}{padding}{painted}"),
                false => write!(line, "{gap}{painted}{padding}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// True when stdout is a terminal that wants colours (no-color.org).
pub(crate) fn colours() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// What a rule found in a text, so that it stands out.
pub(crate) fn marked(hit: &str, colours: bool) -> String {
    if colours { format!("\u{1b}[1;33m{hit}\u{1b}[0m") } else { format!("[{hit}]") }
}

/// Writes to stdout; a closed pipe is an error and not a panic.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a line or more to stderr; one that is full or closed is no reason to die, as it is for `eprintln!`.
pub(crate) fn complain(text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    telemetry::to_stderr(&format!("{text}{end}"));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_may_stay_lines() {
        assert_eq!(sanitise_lines("keep\nthe \x1bbreak"), "keep\nthe break");
    }

    #[test]
    fn columns_align_by_what_is_seen() {
        let mut table = Table::new(&["NAME", ">N", "TEXT"]);
        table.row(vec![Cell::new("日本"), Cell::number(7), Cell::new("x")]);
        table.row(vec![Cell::new("ab"), Cell::number(123), Cell::new("y\n")]);
        assert_eq!(table.render(false), "NAME    N  TEXT\n日本    7  x\nab    123  y\n");
        assert!(table.render(true).contains("\x1b[1mNAME\x1b[0m"));
    }

    #[test]
    fn one_thing_has_no_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "item")), ["0 items", "1 item", "2 items"]);
    }

    #[test]
    fn long_text_is_cut_with_an_ellipsis() {
        assert_eq!(truncate("日本語です", 6), "日本…");
        assert_eq!(truncate("short", 6), "short");
        assert_eq!(truncate("*\u{fe0f}abcdef", 6), "*\u{fe0f}abc…");
    }

    proptest! {
        #[test]
        fn a_cut_text_is_never_too_wide(text in any::<String>()) {
            prop_assert!(truncate(&sanitise(&text), 20).width() <= 20);
        }
    }
}

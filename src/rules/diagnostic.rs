//! One finding about a file of rules, and how it is shown: lines with carets for people, JSON for programs.
//!
//! Pure: works on texts that somebody else has read. All findings of all files go out together.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::model::Span;

/// Most findings shown as text; the rest is counted.
pub const SHOWN_MAX: usize = 500;

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its content. At most 4 GiB, by the type of [`Span`].
    pub text: String,
}

/// Whether a finding stops the rules from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Error,
    Warning,
    Note,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which file: an index into the files given to the loader.
    pub file: usize,
    /// The exact characters, as a byte range of the file.
    pub span: Span,
    /// Error, warning or note.
    pub severity: Severity,
    /// Stable name, for searching and for silencing.
    pub id: &'static str,
    /// What is wrong.
    pub message: String,
    /// A few words for beside the caret; may be empty.
    pub label: String,
    /// What to do about it; may be empty.
    pub hint: String,
    /// Another place that belongs to it.
    pub also: Option<Place>,
}

/// A place that a finding refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As in [`Diagnostic::file`].
    pub file: usize,
    /// As in [`Diagnostic::span`].
    pub span: Span,
    /// What stands there.
    pub label: String,
}

impl Diagnostic {
    /// An error without label, hint and second place.
    #[must_use]
    pub fn error(file: usize, span: Span, id: &'static str, message: impl Into<String>) -> Self {
        let (label, hint) = (String::new(), String::new());
        Self { file, span, severity: Severity::Error, id, message: message.into(), label, hint, also: None }
    }

    /// A warning without label, hint and second place.
    #[must_use]
    pub fn warning(file: usize, span: Span, id: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, span, id, message) }
    }

    /// Adds the words beside the caret.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// Adds another place.
    #[must_use]
    pub fn also(self, file: usize, span: Span, label: impl Into<String>) -> Self {
        Self { also: Some(Place { file, span, label: label.into() }), ..self }
    }
}

/// True when some finding is an error.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Where each line of a text begins.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Self { text, starts: starts.collect() }
    }

    /// Index of the line that `offset` is on.
    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset) - 1
    }

    /// Line and column from 1, the column in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_of(offset);
        (line + 1, self.text[self.starts[line]..offset].chars().count() + 1)
    }

    /// The span as a range that can be sliced, whatever a caller put in.
    fn clamp(&self, span: Span) -> Range<usize> {
        let floor =
            |at: u32| (0..=self.text.len().min(at as usize)).rev().find(|&at| self.text.is_char_boundary(at));
        let start = floor(span.0).unwrap_or(0);
        start..floor(span.1).unwrap_or(0).max(start)
    }

    /// The whole lines that `range` touches, and the index of the first of them.
    fn around(&self, range: &Range<usize>) -> (usize, Range<usize>) {
        let first = self.line_of(range.start);
        let last = self
            .line_of(range.end.max(range.start + 1).min(self.text.len()).saturating_sub(1).max(range.start));
        let end = self.starts.get(last + 1).map_or(self.text.len(), |next| next - 1);
        (first, self.starts[first]..end)
    }
}

/// Shows `diagnostics` with the lines that they are about, as compilers do; `colours` adds ANSI colours.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], files: &[SourceFile], colours: bool) -> String {
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    let lines: Vec<Lines> = files.iter().map(|file| Lines::new(&file.text)).collect();
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN_MAX) {
        out.push_str(&renderer.render(&[group(diagnostic, files, &lines)]));
        out.push_str("\n\n");
    }
    if let Some(more) = diagnostics.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        let _ = writeln!(out, "… and {more} more\n");
    }
    out
}

fn group<'a>(diagnostic: &'a Diagnostic, files: &'a [SourceFile], lines: &[Lines<'a>]) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.id);
    let main =
        snippet(diagnostic.file, diagnostic.span, &diagnostic.label, AnnotationKind::Primary, files, lines);
    let also = diagnostic.also.as_ref();
    let also = also
        .map(|place| snippet(place.file, place.span, &place.label, AnnotationKind::Context, files, lines));
    let group = title.element(main).elements(also);
    if diagnostic.hint.is_empty() { group } else { group.element(Level::HELP.message(&diagnostic.hint)) }
}

fn snippet<'a>(
    file: usize,
    span: Span,
    label: &'a str,
    kind: AnnotationKind,
    files: &'a [SourceFile],
    lines: &[Lines<'a>],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let range = lines[file].clamp(span);
    let (line, around) = lines[file].around(&range);
    let annotation = kind.span(range.start - around.start..range.end - around.start);
    let annotation = if label.is_empty() { annotation } else { annotation.label(label) };
    Snippet::source(&files[file].text[around])
        .line_start(line + 1)
        .path(files[file].path.to_string_lossy())
        .annotation(annotation)
}

/// The JSON form of a [`Diagnostic`].
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "as in Diagnostic; lines and columns from 1, columns in characters")]
pub struct Located<'a> {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
    pub span: Span,
    pub severity: Severity,
    pub id: &'static str,
    pub message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub label: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub hint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<LocatedPlace<'a>>,
}

/// The JSON form of a [`Place`].
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "as in Located")]
pub struct LocatedPlace<'a> {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub label: &'a str,
}

/// Adds lines and columns for the JSON form.
#[must_use]
pub fn locate<'a>(diagnostics: &'a [Diagnostic], files: &[SourceFile]) -> Vec<Located<'a>> {
    let lines: Vec<Lines> = files.iter().map(|file| Lines::new(&file.text)).collect();
    let path = |file: usize| files[file].path.to_string_lossy().into_owned();
    let also = |place: &'a Place| {
        let (line, column) = lines[place.file].position(lines[place.file].clamp(place.span).start);
        LocatedPlace { file: path(place.file), line, column, label: &place.label }
    };
    let one = |diagnostic: &'a Diagnostic| {
        let lines = &lines[diagnostic.file];
        let range = lines.clamp(diagnostic.span);
        let ((line, column), (end_line, end_column)) =
            (lines.position(range.start), lines.position(range.end));
        Located {
            file: path(diagnostic.file),
            line,
            column,
            end_line,
            end_column,
            span: diagnostic.span,
            severity: diagnostic.severity,
            id: diagnostic.id,
            message: &diagnostic.message,
            label: &diagnostic.label,
            hint: &diagnostic.hint,
            also: diagnostic.also.as_ref().map(also),
        }
    };
    diagnostics.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn the_caret_stands_under_the_characters() {
        let files = [file("a.toml", "first\nécole = bad value\nlast\n")];
        let finding =
            Diagnostic::error(0, (15, 18), "x-id", "this is wrong").label("not this").hint("write good");
        let shown = render(&[finding], &files, false);
        assert_eq!(
            shown,
            "error[x-id]: this is wrong\n --> a.toml:2:9\n  |\n2 | école = bad value\n  |         ^^^ not this\n  |\n  = help: write good\n\n"
        );
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let files = [file("a.toml", "é\nxé y")];
        let finding = Diagnostic::warning(0, (7, 8), "x", "m").also(0, (0, 2), "there");
        let json = serde_json::to_value(locate(&[finding], &files)).unwrap();
        assert_eq!((&json[0]["line"], &json[0]["column"]), (&2.into(), &4.into()));
        assert_eq!((&json[0]["also"]["line"], &json[0]["severity"]), (&1.into(), &"warning".into()));
    }

    #[test]
    fn findings_beyond_the_limit_are_counted() {
        let files = [file("a", "text")];
        let many = vec![Diagnostic::error(0, (0, 1), "x", "m"); SHOWN_MAX + 3];
        assert!(render(&many, &files, false).ends_with("… and 3 more\n\n"));
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_can_be_shown(text in "(\\PC|\n|\r\n){0,30}", start in 0u32..60, len in 0u32..60) {
            let files = [file("a", &text)];
            let finding = [Diagnostic::error(0, (start, start + len), "x", "m")];
            prop_assert!(render(&finding, &files, false).starts_with("error[x]: m"));
            prop_assert_eq!(locate(&finding, &files).len(), 1);
        }
    }
}

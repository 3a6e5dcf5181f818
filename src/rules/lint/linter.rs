//! What a lint is, and how it looks at a rule and reports what it found.

use crate::model::Span;

use crate::rules::diagnostic::{Diagnostic, Severity, SourceFile};
use crate::rules::pack::LoadedRule;
use crate::rules::query::ast::{Kind, Node};

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Lint {
    /// Stable name, for `--deny` and `--allow`.
    pub id: &'static str,
    /// How a finding is reported unless told otherwise.
    pub severity: Severity,
    /// What it is about, in one line.
    pub meaning: &'static str,
}

impl Lint {
    pub(super) const fn warning(id: &'static str, meaning: &'static str) -> Self {
        Self { id, severity: Severity::Warning, meaning }
    }

    pub(super) const fn note(id: &'static str, meaning: &'static str) -> Self {
        Self { id, severity: Severity::Note, meaning }
    }

    pub(super) fn at(&self, file: usize, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: self.severity, ..Diagnostic::warning(file, span, self.id, message) }
    }
}

/// One rule under examination.
pub(super) struct Linter<'r, 'o> {
    pub(super) rule: &'r LoadedRule,
    pub(super) files: &'r [SourceFile],
    pub(super) out: &'o mut Vec<Diagnostic>,
    /// Of proof, for this rule.
    pub(super) steps: &'o mut u32,
}

impl<'r> Linter<'r, '_> {
    /// Reports `part` of the query.
    pub(super) fn report(&mut self, lint: &Lint, part: Span, message: String, hint: impl Into<String>) {
        let found = self.finding(lint, part, message, hint);
        self.out.push(found);
    }

    pub(super) fn finding(
        &self,
        lint: &Lint,
        part: Span,
        message: String,
        hint: impl Into<String>,
    ) -> Diagnostic {
        lint.at(self.rule.file, self.rule.place(self.files, part), message).hint(hint)
    }

    /// As [`Linter::report`], with another part that belongs to it.
    pub(super) fn report_with(
        &mut self,
        lint: &Lint,
        (part, other): (Span, Span),
        message: String,
        hint: &str,
        label: &str,
    ) {
        let other = self.rule.place(self.files, other);
        let found = self.finding(lint, part, message, hint).also(self.rule.file, other, label);
        self.out.push(found);
    }

    /// `node` as the author wrote it.
    pub(super) fn written(&self, node: &Node) -> &'r str {
        &self.rule.source[node.span.0 as usize..node.span.1 as usize]
    }
}

/// The nodes directly below.
pub(super) fn children(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::And(nodes) | Kind::Or(nodes) => nodes,
        Kind::Not(inner) => std::slice::from_ref(inner),
        Kind::Near { .. } | Kind::Window { .. } | Kind::List { .. } | Kind::Term(_) => &[],
    }
}

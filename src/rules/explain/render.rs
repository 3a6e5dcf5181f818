//! The explanation for people.

use std::fmt::Write as _;

use super::explanation::{Explanation, Verdict};
use super::miss::NOT_FOUND;
use crate::model::{RuleStatus, Span, merged};

impl Explanation {
    /// The explanation for people. Posts are untrusted: everything that may come from one goes through `clean`;
    /// `paint` then wraps the highlighted pieces of the text.
    #[must_use]
    pub fn render(
        &self,
        text: &str,
        clean: impl Fn(&str) -> String,
        paint: impl Fn(&str) -> String,
    ) -> String {
        let mut out = String::new();
        let verb = if self.matched { "matches" } else { "does not match" };
        let status = match self.status {
            RuleStatus::Live => "",
            RuleStatus::Shadow => " (shadow: counted, not sent)",
            RuleStatus::Off => " (off)",
        };
        let _ = writeln!(out, "{} {verb}{status}", self.rule);
        if self.matched {
            let _ = writeln!(out, "  team {}, floor {}", self.team, self.floor.as_str());
        }
        let _ = writeln!(out, "  {}\n", highlighted(text, &self.spans, &clean, paint).replace('\n', "\n  "));
        show(&self.tree, 1, &clean, &mut out);
        if !self.failed.is_empty() {
            out.push_str("\n  why not:\n");
        }
        for failed in &self.failed {
            let _ = writeln!(out, "    {}: {}", clean(&failed.query), clean(&failed.why));
        }
        out
    }
}

fn show(verdict: &Verdict, depth: usize, clean: &impl Fn(&str) -> String, out: &mut String) {
    let mark = if verdict.holds { '✓' } else { '✗' };
    let name = match verdict.kind {
        "and" => "all of",
        "or" => "any of",
        _ => verdict.query.as_str(),
    };
    let _ = write!(out, "{:width$}{mark} {}", "", clean(name), width = depth * 2);
    if let Some(why) = &verdict.why {
        let _ = write!(out, "  ({})", clean(why));
    }
    out.push('\n');
    // What is excluded and not there needs no words; of many alternatives only those that tell something do.
    let is_told = |operand: &&Verdict| match verdict.kind {
        "and" => true,
        "near" => !verdict.holds,
        "or" if verdict.holds => operand.holds,
        "or" => operand.why.as_deref() != Some(NOT_FOUND),
        _ => !verdict.holds && !operand.operands.is_empty(),
    };
    let told: Vec<&Verdict> = verdict.operands.iter().filter(is_told).collect();
    told.iter().for_each(|operand| show(operand, depth + 1, clean, out));
    if verdict.kind == "or" && told.len() < verdict.operands.len() {
        let more = verdict.operands.len() - told.len();
        let what = if verdict.holds { "which do not hold" } else { NOT_FOUND };
        let _ = writeln!(out, "{:width$}✗ … {more} more, {what}", "", width = (depth + 1) * 2);
    }
}

/// `text` with the spans, which may overlap, painted.
pub fn highlighted(
    text: &str,
    spans: &[Span],
    clean: &impl Fn(&str) -> String,
    paint: impl Fn(&str) -> String,
) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (start, end) in merged(spans) {
        let (start, end) = (start as usize, end as usize);
        out.push_str(&clean(text.get(at..start).unwrap_or("")));
        out.push_str(&paint(&clean(text.get(start..end).unwrap_or(""))));
        at = end;
    }
    out.push_str(&clean(text.get(at..).unwrap_or("")));
    out
}

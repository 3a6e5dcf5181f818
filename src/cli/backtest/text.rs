//! The report for the terminal: tables, bars, and samples with their hits marked.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::figures::{
    Timeline, by_posts, expected, grouped, headline, left_out, minute, percent, period, plural, posts, rate,
    unclear, verdict,
};
use super::title::Title;
use crate::backtest::report::{Against, Cost, Flow, Report, Rule, RuleFlow, Sample, Verdict};
use crate::cli::terminal::{Cell, Style, Table, marked, sanitise, truncate};
use crate::model::merged;

/// Columns of a bar, and of a line of days.
const BAR_COLUMNS: u64 = 10;
const LINE_COLUMNS: usize = 24;
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Characters of a sample, and those before its first hit.
const SAMPLE_CHARS: usize = 160;
const LEAD_CHARS: usize = 40;
/// Pairs and implied rules listed.
const PAIRS_MAX: usize = 15;
/// Rules whose gains and losses are shown.
const FLOWS_SHOWN_MAX: usize = 8;
/// Terms listed per rule.
const TERMS_MAX: usize = 8;
const QUERY_COLUMNS: usize = 100;
/// From this share of all matching, a rule's cost stands out.
const COST_HIGH: f64 = 0.25;

/// The whole report; `top` rules are listed.
pub(super) fn shown(report: &Report, title: &Title<'_>, top: usize, colours: bool) -> String {
    let shower = Shower { report, colours };
    let mut out = shower.head(title);
    let rules: Vec<&Rule> = by_posts(report);
    let listed = &rules[..rules.len().min(top)];
    out += &shower.rules(listed);
    out += &shower.rest(&rules[listed.len()..]);
    out += &report.cost.as_ref().map_or_else(String::new, |cost| shower.cost(cost));
    out += &shower.overlap();
    out += &report.against.as_ref().map_or_else(String::new, |against| shower.against(against, title));
    out += &shower.details(listed);
    out
}

struct Shower<'r> {
    report: &'r Report,
    colours: bool,
}

impl Shower<'_> {
    fn head(&self, title: &Title<'_>) -> String {
        let Report { data, matched, .. } = self.report;
        let rules = self.report.rules.len();
        let mut out = format!(
            "{} of {}, {}, {}\n",
            plural(rules as u64, "rule"),
            sanitise(&title.rules.display().to_string()),
            posts(data.posts),
            period(data)
        );
        out.extend(left_out(data).map(|said| said + "\n"));
        for file in &data.files {
            for rejected in &file.rejected {
                let (name, lines) = (sanitise(&file.name), plural(rejected.lines, "line"));
                let _ = writeln!(
                    out,
                    "{name}: {lines} refused as {}, the first in line {}",
                    rejected.reason, rejected.first_line
                );
            }
            if file.edits > 0 {
                let edits = plural(file.edits, "edit");
                let _ = writeln!(out, "{}: {edits} of posts left out", sanitise(&file.name));
            }
        }
        let (any, live) = (posts(matched.posts), grouped(matched.live_posts));
        let verb = if matched.posts == 1 { "matches" } else { "match" };
        let _ = writeln!(out, "{any} {verb} ({}), {live} of them a live rule\n", percent(matched.share));
        out
    }

    fn rules(&self, rules: &[&Rule]) -> String {
        let line = Timeline::new(&self.report.data, LINE_COLUMNS);
        let mut header =
            vec!["RULE", "STATUS", "TEAM", ">POSTS", "", ">SHARE", ">A DAY", ">EXPECTED", "", ">COST"];
        header.extend(line.is_some().then_some("BY DAY"));
        let mut table = Table::new(&header);
        let most = rules.iter().map(|rule| rule.posts).max().unwrap_or(0);
        for rule in rules {
            table.row(self.row(rule, most, line.as_ref()));
        }
        table.render(self.colours)
    }

    fn row(&self, rule: &Rule, most: u64, line: Option<&Timeline>) -> Vec<Cell> {
        let cost = rule.cost.map_or_else(|| "–".to_owned(), |cost| percent(cost.share));
        let is_costly = rule.unanchored || rule.cost.is_some_and(|cost| cost.share >= COST_HIGH);
        let is_off_range = matches!(rule.verdict, Verdict::Below | Verdict::Above);
        let style = |warn: bool| if warn { Style::Warn } else { Style::Plain };
        let mut cells = vec![
            Cell::new(&rule.id).style(Style::Bold),
            Cell::new(rule.status.as_str()),
            Cell::new(&rule.team),
            Cell::new(grouped(rule.posts)).style(if rule.posts == 0 { Style::Faint } else { Style::Plain }),
            Cell::new(bar(rule.posts, most)),
            Cell::new(percent(rule.share)),
            Cell::new(rate(rule.rate_per_day)),
            Cell::new(expected(rule)),
            Cell::new(verdict(rule)).style(style(is_off_range)),
            Cell::new(cost).style(style(is_costly)),
        ];
        cells.extend(line.map(|line| Cell::new(sparkline(&line.counts(&rule.per_day)))));
        cells
    }

    /// What the table leaves out, and rules that stand out.
    fn rest(&self, rest: &[&Rule]) -> String {
        let mut out = String::new();
        if !rest.is_empty() {
            let silent = rest.iter().filter(|rule| rule.posts == 0).count();
            let posts: u64 = rest.iter().map(|rule| rule.posts).sum();
            let _ = writeln!(
                out,
                "and {} with {}, {silent} of them with none; --top N lists more",
                plural(rest.len() as u64, "more rule"),
                plural(posts, "match")
            );
        }
        let unanchored: Vec<_> = self.report.rules.iter().filter(|rule| rule.unanchored).collect();
        if !unanchored.is_empty() {
            let ids: Vec<_> = unanchored.iter().take(PAIRS_MAX).map(|rule| &*rule.id).collect();
            let _ = writeln!(out, "no required term, evaluated on every post: {}", ids.join(", "));
        }
        out
    }

    fn cost(&self, cost: &Cost) -> String {
        let posts = self.report.data.posts.max(1) as f64;
        let each = |ns: u64| format!("{:.2} µs", ns as f64 / posts / 1_000.0);
        format!(
            "matching takes {} of a worker's time a post: {} finding terms, which all rules share, the rest evaluating rules; \
             reading a post {}, scoring {}\n",
            each(cost.find_ns + cost.rules_ns),
            percent(cost.find_share),
            each(cost.decode_ns),
            each(cost.score_ns)
        )
    }

    fn overlap(&self) -> String {
        let overlap = &self.report.overlap;
        let mut out = String::new();
        if !overlap.pairs.is_empty() {
            out += &self.title("Rules that match the same posts");
            let mut table = Table::new(&[">BOTH", ">JACCARD", "RULE", ">OF IT", "AND", ">OF IT"]);
            for pair in overlap.pairs.iter().take(PAIRS_MAX) {
                table.row(vec![
                    Cell::new(grouped(pair.both)),
                    Cell::new(format!("{:.2}", pair.jaccard)),
                    Cell::new(&pair.a),
                    Cell::new(percent(pair.of_a)),
                    Cell::new(&pair.b),
                    Cell::new(percent(pair.of_b)),
                ]);
            }
            out += &table.render(self.colours);
            out += &more(overlap.pairs.len(), PAIRS_MAX, "pair", "");
        }
        if !overlap.implied.is_empty() {
            out += &self.title("Rules that say no more than another");
            for implied in overlap.implied.iter().take(PAIRS_MAX) {
                let _ = writeln!(
                    out,
                    "every post of {} is one of {}, as their queries tell",
                    implied.rule, implied.by
                );
            }
            out += &more(overlap.implied.len(), PAIRS_MAX, "rule", "");
        }
        out.extend(unclear(self.report).map(|said| said + "\n"));
        out
    }

    fn against(&self, against: &Against, title: &Title<'_>) -> String {
        let other = title.against.map(|other| other.display().to_string()).unwrap_or_default();
        let mut out = self.title(&format!("Against {other}"));
        let rules = &against.rules;
        let changed: Vec<String> =
            rules.changed.iter().map(|rule| format!("{} ({})", rule.id, rule.what.join(", "))).collect();
        let ids = |ids: &[std::sync::Arc<str>]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (what, ids) in
            [("added", ids(&rules.added)), ("removed", ids(&rules.removed)), ("changed", changed)]
        {
            if !ids.is_empty() {
                let shown: Vec<_> = ids.iter().take(PAIRS_MAX).map(String::as_str).collect();
                let _ = writeln!(out, "{} {what}: {}", ids.len(), shown.join(", "));
            }
        }
        for line in headline(against) {
            let _ = writeln!(out, "{line}");
        }
        if !against.by_rule.is_empty() {
            out.push('\n');
            out += &self.flows(&against.by_rule);
        }
        let samples = title.flow_samples;
        for flow in against.by_rule.iter().take(FLOWS_SHOWN_MAX) {
            out += &self.flow(&format!("{} gains", flow.id), &flow.gained, samples);
            out += &self.flow(&format!("{} loses", flow.id), &flow.lost, samples);
        }
        out + &more(
            against.by_rule.len(),
            FLOWS_SHOWN_MAX,
            "rule",
            " with posts gained or lost; --html shows all",
        )
    }

    fn flows(&self, flows: &[RuleFlow]) -> String {
        let mut table = Table::new(&["RULE", ">BEFORE", ">NOW", ">GAINED", ">LOST"]);
        for flow in flows.iter().take(PAIRS_MAX) {
            table.row(vec![
                Cell::new(&flow.id).style(Style::Bold),
                Cell::new(grouped(flow.before)),
                Cell::new(grouped(flow.after)),
                Cell::new(format!("+{}", grouped(flow.gained.posts))),
                Cell::new(format!("−{}", grouped(flow.lost.posts))),
            ]);
        }
        table.render(self.colours) + &more(flows.len(), PAIRS_MAX, "rule", "")
    }

    /// What one rule gains or loses: some of the posts.
    fn flow(&self, name: &str, flow: &Flow, samples_max: usize) -> String {
        let shown = flow.samples.len().min(samples_max);
        if shown == 0 {
            return String::new();
        }
        let mut out = self.title(&format!("{name} {}: {shown} of them", posts(flow.posts)));
        flow.samples.iter().take(shown).for_each(|sample| out += &self.sample(sample));
        out
    }

    fn details(&self, rules: &[&Rule]) -> String {
        let mut out = String::new();
        for rule in rules.iter().filter(|rule| !rule.samples.is_empty()) {
            out += &self.title(&rule.id);
            let query = rule.query.split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "{}", truncate(&sanitise(&query), QUERY_COLUMNS));
            let lanes = rule.lanes;
            let _ = write!(
                out,
                "{} negative; lanes: critical {}, high {}, normal {}, low {}",
                percent(rule.sentiment.negative as f64 / rule.posts.max(1) as f64),
                grouped(lanes.critical),
                grouped(lanes.high),
                grouped(lanes.normal),
                grouped(lanes.low)
            );
            let terms = rule.terms.iter().take(TERMS_MAX);
            let terms: Vec<_> =
                terms.map(|term| format!("{} {}", sanitise(&term.term), grouped(term.posts))).collect();
            out +=
                &if terms.is_empty() { "\n".to_owned() } else { format!("; found: {}\n", terms.join(", ")) };
            rule.samples.iter().for_each(|sample| out += &self.sample(sample));
        }
        out
    }

    fn sample(&self, sample: &Sample) -> String {
        let at = sample.at.map_or_else(|| format!("line {}", sample.line), minute);
        let rules = sample.rules.iter().map(|rule| &**rule).collect::<Vec<_>>().join(" ");
        let rules = if rules.is_empty() { rules } else { format!("{rules}: ") };
        format!("  {at}  {:8} {rules}{}\n", sample.lane.as_str(), self.marked(sample))
    }

    /// The part of the text around its first hit, on one line, with all hits in it marked.
    fn marked(&self, sample: &Sample) -> String {
        let (text, spans) = (&sample.text, merged(&sample.spans));
        let window = window(text, spans.first().map_or(0, |(start, _)| *start as usize));
        let (mut out, mut at) = (String::new(), window.start);
        out.push_str(if at > 0 { "…" } else { "" });
        for (start, end) in spans {
            let (start, end) = (start as usize, (end as usize).min(window.end));
            if start >= end || start < at {
                continue;
            }
            out += &sanitise(text.get(at..start).unwrap_or_default());
            out += &marked(&sanitise(text.get(start..end).unwrap_or_default()), self.colours);
            at = end;
        }
        out += &sanitise(&text[at..window.end]);
        out.push_str(if window.end < text.len() { "…" } else { "" });
        out
    }

    fn title(&self, title: &str) -> String {
        let title = sanitise(title);
        if self.colours {
            format!("\n\u{1b}[1m{title}\u{1b}[0m\n")
        } else {
            format!("\n{title}\n{}\n", "─".repeat(title.width()))
        }
    }
}

fn more(count: usize, shown: usize, noun: &str, rest: &str) -> String {
    let left = count.saturating_sub(shown) as u64;
    if left > 0 { format!("and {}{rest}\n", plural(left, &format!("more {noun}"))) } else { String::new() }
}

/// The bytes to show: from a little before `hit`, so many characters.
fn window(text: &str, hit: usize) -> std::ops::Range<usize> {
    let before = text.get(..hit).unwrap_or_default();
    let is_near = before.chars().count() <= SAMPLE_CHARS / 2;
    let start = if is_near { 0 } else { before.char_indices().rev().nth(LEAD_CHARS).map_or(0, |(at, _)| at) };
    let end = text[start..].char_indices().nth(SAMPLE_CHARS).map_or(text.len(), |(at, _)| start + at);
    start..end
}

fn bar(count: u64, most: u64) -> String {
    let eighths = (count * BAR_COLUMNS * 8).div_ceil(most.max(1));
    let partial = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let mut bar = "█".repeat((eighths / 8) as usize);
    bar.extend((eighths % 8).checked_sub(1).and_then(|part| partial.get(part as usize)));
    bar
}

fn sparkline(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let step = |count: u64| EIGHTHS[((count * 8).div_ceil(most).clamp(1, 8) - 1) as usize];
    counts.iter().map(|count| if *count == 0 { ' ' } else { step(*count) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_numbers() {
        assert_eq!(
            (bar(0, 8), bar(8, 8), bar(1, 80), bar(5, 80)),
            ("".into(), "█".repeat(10), "▏".into(), "▋".into())
        );
        assert_eq!(sparkline(&[0, 1, 4, 8]), " ▁▄█");
    }

    #[test]
    fn a_long_text_is_shown_around_its_first_hit() {
        let text = format!("{}acme{}", "é".repeat(300), "ü".repeat(300));
        let shown = window(&text, 600);
        assert_eq!(
            (&text[shown.start..600], text[shown.clone()].chars().count()),
            ("é".repeat(41).as_str(), 160)
        );
        assert_eq!(window("acme", 0), 0..4);
    }
}

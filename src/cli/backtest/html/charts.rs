//! Charts as inline SVG: bars, days, shares, and the matrix of overlaps. Each has a name for screen readers, and its
//! figures stand in a table beside it.

use super::page::{Page, Px};
use crate::backtest::report::{Overlap, Pair};
use crate::cli::backtest::figures::{Timeline, percent, posts};

const BAR_WIDTH: f64 = 120.0;
const LINE_HEIGHT: f64 = 14.0;
const DAYS_WIDTH: f64 = 640.0;
const DAYS_HEIGHT: f64 = 96.0;
const SPARK_WIDTH: f64 = 120.0;
const SPARK_HEIGHT: f64 = 18.0;
const SHARE_HEIGHT: f64 = 22.0;
const CELL: f64 = 22.0;
const LABELS: f64 = 190.0;
/// Rules in the matrix.
pub(super) const MATRIX_RULES_MAX: usize = 24;

fn open(page: &mut Page, class: &'static str, (width, height): (f64, f64), name: &str) {
    let view = format!("0 0 {width:.0} {height:.0}");
    let size = [Px(width), Px(height)];
    page.open(
        "svg",
        &[
            ("class", &class),
            ("viewBox", &view),
            ("width", &size[0]),
            ("height", &size[1]),
            ("role", &"img"),
            ("aria-label", &name),
        ],
    );
}

fn rect(page: &mut Page, class: &'static str, (x, y): (f64, f64), (width, height): (f64, f64), title: &str) {
    let place = [Px(x), Px(y), Px(width), Px(height)];
    page.open(
        "rect",
        &[("class", &class), ("x", &place[0]), ("y", &place[1]), ("width", &place[2]), ("height", &place[3])],
    );
    page.element("title", title).close("rect");
}

/// One bar, for a cell that also says the number.
pub(super) fn bar(page: &mut Page, part: f64, name: &str) {
    open(page, "bar", (BAR_WIDTH, LINE_HEIGHT), name);
    rect(page, "track", (0.0, 0.0), (BAR_WIDTH, LINE_HEIGHT), name);
    rect(page, "fill", (0.0, 0.0), (BAR_WIDTH * part.clamp(0.0, 1.0), LINE_HEIGHT), name);
    page.close("svg");
}

/// Posts by day, large enough to read off.
pub(super) fn days(page: &mut Page, line: &Timeline, counts: &[u64], name: &str) {
    bars(page, "days", (DAYS_WIDTH, DAYS_HEIGHT), line, counts, name);
}

/// Posts by day, in a cell.
pub(super) fn spark(page: &mut Page, line: &Timeline, counts: &[u64], name: &str) {
    bars(page, "spark", (SPARK_WIDTH, SPARK_HEIGHT), line, counts, name);
}

fn bars(page: &mut Page, class: &'static str, size: (f64, f64), line: &Timeline, counts: &[u64], name: &str) {
    open(page, class, size, name);
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let width = size.0 / counts.len().max(1) as f64;
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (size.1 * *count as f64 / most).max(1.0);
        let place = (width * at as f64, size.1 - height);
        let gap = if width > 3.0 { 1.0 } else { 0.0 };
        let title = format!("{}: {}", part_name(line, at), posts(*count));
        rect(page, "fill", place, (width - gap, height), &title);
    }
    page.close("svg");
}

/// `2026-11-20`, or `7 days from 2026-11-20`.
pub(super) fn part_name(line: &Timeline, part: usize) -> String {
    let start = line.start(part);
    if line.step == 1 { start } else { format!("{} days from {start}", line.step) }
}

/// Parts of a whole, side by side; the first is what all share.
pub(super) fn shares(page: &mut Page, parts: &[(&str, f64)], name: &str) {
    open(page, "shares", (DAYS_WIDTH, SHARE_HEIGHT), name);
    let mut x = 0.0;
    for (at, (label, share)) in parts.iter().enumerate() {
        let width = DAYS_WIDTH * share;
        let class = match at {
            0 => "shared",
            at if at % 2 == 1 => "odd",
            _ => "even",
        };
        rect(page, class, (x, 0.0), (width, SHARE_HEIGHT), &format!("{label}: {}", percent(*share)));
        x += width;
    }
    page.close("svg");
}

/// Rules against rules, the darker the more alike. Columns are numbered as rows are.
pub(super) fn matrix(page: &mut Page, overlap: &Overlap) {
    let rules = in_matrix(overlap);
    let side = CELL * rules.len() as f64;
    open(page, "matrix", (LABELS + side, CELL + side), "Overlap of rules, by Jaccard's index");
    for (at, rule) in rules.iter().enumerate() {
        let middle = CELL * (at as f64 + 1.0) + CELL * 0.7;
        label(page, (LABELS - 6.0, middle), "end", &format!("{rule} {}", at + 1));
        label(page, (LABELS + CELL * (at as f64 + 0.5), CELL * 0.7), "middle", &(at + 1).to_string());
    }
    let place = |rule: &str| rules.iter().position(|known| *known == rule);
    for pair in &overlap.pairs {
        let (Some(a), Some(b)) = (place(&pair.a), place(&pair.b)) else { continue };
        cell(page, (a, b), pair);
        cell(page, (b, a), pair);
    }
    page.close("svg");
}

/// The rules of the most alike pairs.
fn in_matrix(overlap: &Overlap) -> Vec<&str> {
    let mut rules: Vec<&str> = Vec::new();
    for rule in overlap.pairs.iter().flat_map(|pair| [&*pair.a, &*pair.b]) {
        if !rules.contains(&rule) && rules.len() < MATRIX_RULES_MAX {
            rules.push(rule);
        }
    }
    rules
}

fn cell(page: &mut Page, (row, column): (usize, usize), pair: &Pair) {
    let place = [Px(LABELS + CELL * column as f64), Px(CELL * (row as f64 + 1.0)), Px(CELL - 1.0)];
    let opacity = format!("{:.2}", 0.15 + 0.85 * pair.jaccard);
    page.open(
        "rect",
        &[
            ("class", &"fill"),
            ("x", &place[0]),
            ("y", &place[1]),
            ("width", &place[2]),
            ("height", &place[2]),
            ("fill-opacity", &opacity),
        ],
    );
    let title = format!("{} and {}: {:.2}, {}", pair.a, pair.b, pair.jaccard, posts(pair.both));
    page.element("title", title).close("rect");
}

fn label(page: &mut Page, (x, y): (f64, f64), anchor: &'static str, text: &str) {
    page.open("text", &[("x", &Px(x)), ("y", &Px(y)), ("text-anchor", &anchor)]).text(text).close("text");
}

//! The report as one page: no script, nothing fetched, light and dark, readable without seeing the charts.

mod charts;
mod page;

use super::Title;
use super::figures::{
    Timeline, by_posts, expected, grouped, headline, left_out, minute, percent, period, plural, rate,
    unclear, verdict,
};
use crate::backtest::report::{Against, Flow, Report, Rule, Sample, Verdict};
use crate::model::merged;
use page::Page;

const STYLE: &str = include_str!("style.css");
/// Parts of a line of days, large and in a cell.
const DAYS_MAX: usize = 120;
const SPARK_DAYS_MAX: usize = 40;
/// Rules with a large chart of days of their own, and with a share of the cost of their own.
const CHARTS_MAX: usize = 12;
/// Rows of the tables of pairs and of rules gained and lost.
const ROWS_MAX: usize = 100;
/// From this share of all matching, a rule's cost stands out.
const COST_HIGH: f64 = 0.25;

/// The page; at most `rules_max` rules are on it, those with the most posts.
pub(super) fn page(report: &Report, title: &Title<'_>, rules_max: usize) -> String {
    let mut page = Page::default();
    let rules = by_posts(report);
    let listed = &rules[..rules.len().min(rules_max)];
    head(&mut page, report, title);
    if let Some(against) = &report.against {
        changes(&mut page, against, title);
    }
    table(&mut page, report, listed, rules.len());
    volumes(&mut page, report, listed);
    costs(&mut page, report);
    overlap(&mut page, report);
    samples(&mut page, listed);
    page.raw("</main></body></html>\n");
    page.finish()
}

fn head(page: &mut Page, report: &Report, title: &Title<'_>) {
    page.raw(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"referrer\" content=\"no-referrer\">",
    );
    let name = format!("Backtest of {}", title.rules.display());
    page.element("title", &name).raw("<style>").raw(STYLE).raw("</style></head><body><main>");
    page.element("h1", &name);
    let (data, matched) = (&report.data, &report.matched);
    page.element("p", format!("{}; {}.", plural(data.posts, "post"), period(data)));
    page.element(
        "p",
        format!(
            "{} matching ({}), {} of them a live rule; {}.",
            plural(matched.posts, "post"),
            percent(matched.share),
            grouped(matched.live_posts),
            plural(report.rules.len() as u64, "rule")
        ),
    );
    if let Some(left_out) = left_out(data) {
        page.element("p", left_out);
    }
    files(page, report);
}

fn files(page: &mut Page, report: &Report) {
    page.raw("<details><summary>Files</summary><div class=\"wide\"><table><thead><tr><th scope=\"col\">File</th><th scope=\"col\" class=\"n\">Lines</th>\
         <th scope=\"col\" class=\"n\">Posts</th><th scope=\"col\" class=\"n\">Edits</th><th scope=\"col\" class=\"n\">Other events</th>\
         <th scope=\"col\">Refused</th></tr></thead><tbody>");
    for file in &report.data.files {
        page.raw("<tr>").element("td", &file.name);
        for count in [file.lines, file.posts, file.edits, file.others] {
            page.cell("n", grouped(count));
        }
        let refused: Vec<String> = file
            .rejected
            .iter()
            .map(|seen| {
                format!("{} {} (first in line {})", seen.reason, grouped(seen.lines), seen.first_line)
            })
            .collect();
        page.element("td", if refused.is_empty() { "–".to_owned() } else { refused.join(", ") }).raw("</tr>");
    }
    page.raw("</tbody></table></div></details>");
}

fn table(page: &mut Page, report: &Report, rules: &[&Rule], all: usize) {
    page.element("h2", "Rules");
    if rules.len() < all {
        let left_out = plural((all - rules.len()) as u64, "rule");
        page.open("p", &[("class", &"soft")])
            .raw("Not on this page: ")
            .text(left_out)
            .raw(" with fewer posts.</p>");
    }
    page.raw(
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">Status</th><th scope=\"col\">Team</th>\
         <th scope=\"col\" class=\"n\">Posts</th><th scope=\"col\"><span class=\"soft\">of the most</span></th>\
         <th scope=\"col\" class=\"n\">Share</th><th scope=\"col\" class=\"n\">A day</th><th scope=\"col\" class=\"n\">Expected</th><th scope=\"col\">Verdict</th>\
         <th scope=\"col\" class=\"n\">Negative</th><th scope=\"col\" class=\"n\">High or critical</th><th scope=\"col\" class=\"n\">Cost</th>\
         <th scope=\"col\">By day</th></tr></thead><tbody>",
    );
    let line = Timeline::new(&report.data, SPARK_DAYS_MAX);
    let most = rules.iter().map(|rule| rule.posts).max().unwrap_or(0).max(1);
    rules.iter().for_each(|rule| row(page, rule, most, line.as_ref()));
    page.raw("</tbody></table></div>");
    if rules.iter().any(|rule| rule.unanchored) {
        page.raw("<p class=\"soft\">* no term must be there, so the rule is evaluated on every post.</p>");
    }
}

fn row(page: &mut Page, rule: &Rule, most: u64, line: Option<&Timeline>) {
    let share = |part: u64| match rule.posts {
        0 => "–".to_owned(),
        posts => percent(part as f64 / posts as f64),
    };
    let warn = |is: bool, class: &'static str| if is { "n warn" } else { class };
    page.raw("<tr><th scope=\"row\">")
        .text(&rule.id)
        .raw(if rule.unanchored { " *" } else { "" })
        .raw("</th>");
    page.element("td", rule.status.as_str())
        .element("td", &rule.team)
        .cell("n", grouped(rule.posts))
        .raw("<td>");
    charts::bar(page, rule.posts as f64 / most as f64, &plural(rule.posts, "post"));
    page.raw("</td>")
        .cell("n", percent(rule.share))
        .cell("n", rate(rule.rate_per_day))
        .cell("n", expected(rule));
    let is_off_range = matches!(rule.verdict, Verdict::Below | Verdict::Above);
    page.cell(if is_off_range { "warn" } else { "" }, verdict(rule));
    page.cell("n", share(rule.sentiment.negative)).cell("n", share(rule.lanes.high + rule.lanes.critical));
    let cost = rule.cost.map_or(0.0, |cost| cost.share);
    let shown = rule.cost.map_or_else(|| "–".to_owned(), |cost| percent(cost.share));
    page.cell(warn(rule.unanchored || cost >= COST_HIGH, "n"), shown).raw("<td>");
    if let Some(line) = line {
        charts::spark(page, line, &line.counts(&rule.per_day), &format!("Posts of {} by day", rule.id));
    }
    page.raw("</td></tr>");
}

fn volumes(page: &mut Page, report: &Report, rules: &[&Rule]) {
    let Some(line) = Timeline::new(&report.data, DAYS_MAX) else { return };
    page.element("h2", "Volume by day");
    let last = line.counts(&[]).len() - 1;
    let (from, to) = (charts::part_name(&line, 0), charts::part_name(&line, last));
    page.open("p", &[("class", &"soft")]).text(format!("From {from} to {to}, UTC.")).close("p");
    page.raw("<div class=\"charts\">");
    let mut chart = |name: &str, days| {
        let counts = line.counts(days);
        let most = grouped(counts.iter().copied().max().unwrap_or(0));
        page.raw("<figure><figcaption><b>").text(name).raw("</b> <span class=\"soft\">at most ").text(most);
        page.raw("</span></figcaption>");
        charts::days(page, &line, &counts, &format!("{name} by day"));
        page.raw("</figure>");
    };
    chart("All posts", &report.data.per_day);
    for rule in rules.iter().filter(|rule| rule.posts > 0).take(CHARTS_MAX) {
        chart(&rule.id, &rule.per_day);
    }
    page.raw("</div>");
}

fn costs(page: &mut Page, report: &Report) {
    let Some(cost) = &report.cost else { return };
    page.element("h2", "Cost");
    let mut rules: Vec<(&str, f64)> =
        report.rules.iter().filter_map(|rule| Some((&*rule.id, rule.cost?.share))).collect();
    rules.sort_by(|one, other| other.1.total_cmp(&one.1));
    let rest: f64 = rules.iter().skip(CHARTS_MAX).map(|(_, share)| share).sum();
    rules.truncate(CHARTS_MAX);
    let mut parts = vec![("finding terms, shared by all rules", cost.find_share)];
    parts.extend(rules);
    parts.extend((rest > 0.0).then_some(("all other rules", rest)));
    charts::shares(page, &parts, "Share of the time of matching");
    page.raw("<div class=\"wide\"><table><caption>Of the time of matching</caption><tbody>");
    for (name, share) in &parts {
        page.raw("<tr><th scope=\"row\">").text(name).raw("</th>").cell("n", percent(*share)).raw("<td>");
        charts::bar(page, *share, &percent(*share));
        page.raw("</td></tr>");
    }
    page.raw("</tbody></table></div>");
    let each = |ns: u64| format!("{:.2} µs", ns as f64 / report.data.posts.max(1) as f64 / 1_000.0);
    let (matching, reading, scoring) =
        (each(cost.find_ns + cost.rules_ns), each(cost.decode_ns), each(cost.score_ns));
    page.open("p", &[("class", &"soft")])
        .text(format!(
            "A post takes a worker {matching} of matching, {reading} of reading, {scoring} of scoring; \
             what takes 0.2 ms or more is done twice, and the smaller time counts."
        ))
        .close("p");
}

fn overlap(page: &mut Page, report: &Report) {
    let overlap = &report.overlap;
    let unclear = unclear(report);
    if overlap.pairs.is_empty() && overlap.implied.is_empty() && unclear.is_none() {
        return;
    }
    page.element("h2", "Overlap");
    if !overlap.pairs.is_empty() {
        page.raw("<div class=\"wide\">");
        charts::matrix(page, overlap);
        page.raw(
            "</div><div class=\"wide\"><table><caption>Jaccard's index: posts that both match, of those that either matches</caption>\
             <thead><tr><th scope=\"col\" class=\"n\">Index</th><th scope=\"col\" class=\"n\">Both</th><th scope=\"col\">Rule</th><th scope=\"col\" class=\"n\">Of it</th>\
             <th scope=\"col\">And</th><th scope=\"col\" class=\"n\">Of it</th></tr></thead><tbody>",
        );
        for pair in overlap.pairs.iter().take(ROWS_MAX) {
            page.raw("<tr>").cell("n", format!("{:.2}", pair.jaccard)).cell("n", grouped(pair.both));
            page.element("td", &pair.a).cell("n", percent(pair.of_a));
            page.element("td", &pair.b).cell("n", percent(pair.of_b)).raw("</tr>");
        }
        page.raw("</tbody></table></div>");
    }
    if !overlap.implied.is_empty() {
        page.element("h3", "Rules that say no more than another").raw("<ul>");
        for implied in overlap.implied.iter().take(ROWS_MAX) {
            page.raw("<li>every post of <b>").text(&implied.rule).raw("</b> is one of <b>").text(&implied.by);
            page.raw("</b>, as their queries tell</li>");
        }
        page.raw("</ul>");
    }
    if let Some(unclear) = unclear {
        page.element("p", unclear);
    }
}

fn changes(page: &mut Page, against: &Against, title: &Title<'_>) {
    let other = title.against.map(|other| other.display().to_string()).unwrap_or_default();
    page.element("h2", format!("Against {other}"));
    let rules = &against.rules;
    let changed: Vec<String> =
        rules.changed.iter().map(|rule| format!("{} ({})", rule.id, rule.what.join(", "))).collect();
    let ids = |ids: &[std::sync::Arc<str>]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (what, ids) in [("Added", ids(&rules.added)), ("Removed", ids(&rules.removed)), ("Changed", changed)]
    {
        if !ids.is_empty() {
            page.element("p", format!("{what}: {}", ids.join(", ")));
        }
    }
    for line in headline(against) {
        page.element("p", line);
    }
    flows(page, against);
    flow(page, "Gained", "posts gained", &against.gained);
    flow(page, "Lost", "posts lost", &against.lost);
    for rule in against.by_rule.iter().take(ROWS_MAX) {
        let (gained, lost) = (grouped(rule.gained.posts), grouped(rule.lost.posts));
        page.raw("<details><summary>").text(format!("{}: +{gained} −{lost}", rule.id)).raw("</summary>");
        flow(page, "Gained", "posts gained", &rule.gained);
        flow(page, "Lost", "posts lost", &rule.lost);
        page.raw("</details>");
    }
}

fn flows(page: &mut Page, against: &Against) {
    if against.by_rule.is_empty() {
        return;
    }
    page.raw(
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\" class=\"n\">Before</th><th scope=\"col\" class=\"n\">Now</th>\
         <th scope=\"col\" class=\"n\">Gained</th><th scope=\"col\" class=\"n\">Lost</th></tr></thead><tbody>",
    );
    for rule in against.by_rule.iter().take(ROWS_MAX) {
        page.raw("<tr><th scope=\"row\">").text(&rule.id).raw("</th>");
        page.cell("n", grouped(rule.before)).cell("n", grouped(rule.after));
        page.cell("n", format!("+{}", grouped(rule.gained.posts)));
        page.cell("n", format!("−{}", grouped(rule.lost.posts))).raw("</tr>");
    }
    page.raw("</tbody></table></div>");
}

fn flow(page: &mut Page, name: &str, class: &'static str, flow: &Flow) {
    if flow.samples.is_empty() {
        return;
    }
    page.element("h3", format!("{name}: {} of {}", flow.samples.len(), grouped(flow.posts)));
    posts(page, class, &flow.samples);
}

fn samples(page: &mut Page, rules: &[&Rule]) {
    page.element("h2", "Samples");
    for rule in rules.iter().filter(|rule| rule.posts > 0) {
        page.raw("<details><summary><b>").text(&rule.id).raw("</b> <span class=\"soft\">");
        page.text(plural(rule.posts, "post"))
            .raw("</span></summary><p><code>")
            .text(&rule.query)
            .raw("</code></p>");
        let terms: Vec<String> =
            rule.terms.iter().map(|term| format!("{} {}", term.term, grouped(term.posts))).collect();
        if !terms.is_empty() {
            page.raw("<p class=\"soft\">Found: <bdi>").text(terms.join(", ")).raw("</bdi></p>");
        }
        posts(page, "posts", &rule.samples);
        page.raw("</details>");
    }
}

fn posts(page: &mut Page, class: &'static str, samples: &[Sample]) {
    page.open("ol", &[("class", &class)]);
    samples.iter().for_each(|sample| post(page, sample));
    page.raw("</ol>");
}

fn post(page: &mut Page, sample: &Sample) {
    let at = sample.at.map_or_else(|| format!("{}, line {}", sample.file, sample.line), minute);
    let rules = sample.rules.iter().map(|rule| &**rule).collect::<Vec<_>>().join(", ");
    page.raw("<li><div class=\"about\">").text(format!(
        "{at} · {} · {}",
        sample.lane.as_str(),
        sample.intent.as_str()
    ));
    page.text(if rules.is_empty() { String::new() } else { format!(" · {rules}") });
    page.raw("</div><p class=\"post\" dir=\"auto\">");
    let mut at = 0;
    for (start, end) in merged(&sample.spans) {
        let part = |range: std::ops::Range<usize>| sample.text.get(range).unwrap_or_default();
        page.text(part(at..start as usize))
            .raw("<mark>")
            .text(part(start as usize..end as usize))
            .raw("</mark>");
        at = end as usize;
    }
    page.text(sample.text.get(at..).unwrap_or_default()).raw("</p></li>");
}

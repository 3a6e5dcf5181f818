//! Figures as people read them, the same in the terminal and on the page.

use jiff::civil::Date;

use crate::backtest::report::{Against, Data, Day, Report, Rule, Verdict};
use crate::cli::terminal;
use crate::model::Timestamp;

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.3%`; what is little and not nothing is `<0.1%`.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0%".to_owned(),
        share if share < 0.1 => "<0.1%".to_owned(),
        share => format!("{share:.1}%"),
    }
}

/// `4,872` or `0.7`.
pub(super) fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "–".to_owned(),
        Some(rate) if rate >= 10.0 || rate == 0.0 => grouped(rate.round() as u64),
        Some(rate) if rate < 0.1 => "<0.1".to_owned(),
        Some(rate) => format!("{rate:.1}"),
    }
}

/// `5–400`.
pub(super) fn expected(rule: &Rule) -> String {
    rule.expect_per_day.map_or_else(String::new, |(low, high)| {
        format!("{}–{}", grouped(u64::from(low)), grouped(u64::from(high)))
    })
}

pub(super) fn verdict(rule: &Rule) -> &'static str {
    match rule.verdict {
        Verdict::Within => "within",
        Verdict::Below => "below",
        Verdict::Above => "above",
        Verdict::Unknown if rule.expect_per_day.is_some() => "unknown",
        Verdict::Unknown => "",
    }
}

/// `1 post`, `1,234 posts`.
pub(super) fn posts(count: u64) -> String {
    plural(count, "post")
}

/// As [`posts`], of anything.
pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{} {}", grouped(count), terminal::noun(count == 1, noun))
}

/// What an edit does, to each rule and to all work: a post that one team loses may still be another's.
pub(super) fn headline(against: &Against) -> [String; 2] {
    let flows = &against.by_rule;
    let gained: u64 = flows.iter().map(|flow| flow.gained.posts).sum();
    let lost: u64 = flows.iter().map(|flow| flow.lost.posts).sum();
    let gaining = flows.iter().filter(|flow| flow.gained.posts > 0).count() as u64;
    let losing = flows.iter().filter(|flow| flow.lost.posts > 0).count() as u64;
    let (gaining, losing) = (plural(gaining, "rule"), plural(losing, "rule"));
    let (fresh, gone) = (posts(against.gained.posts), posts(against.lost.posts));
    [
        format!("rule by rule: {gaining} gained {}, {losing} lost {}", posts(gained), posts(lost)),
        format!("all live rules together: {fresh} that none found before, {gone} that none finds now"),
    ]
}

/// `2026-11-20 18:00`.
pub(super) fn minute(time: Timestamp) -> String {
    terminal::time(time, 16)
}

/// From when to when, in words; empty when no post has a time.
pub(super) fn period(data: &Data) -> String {
    let (Some(first), Some(last)) = (data.first, data.last) else { return "no times".to_owned() };
    let length = match data.days {
        days if days >= 2.0 => format!("{days:.1} days"),
        days if days >= 2.0 / 24.0 => format!("{:.1} hours", days * 24.0),
        days => plural((days * 1_440.0).round() as u64, "minute"),
    };
    let few = match data.posts - data.undated {
        dated if dated < data.posts => {
            let verb = if dated == 1 { "has" } else { "have" };
            format!("; only {} of {} {verb} a time", grouped(dated), posts(data.posts))
        }
        _ => String::new(),
    };
    format!("{} to {} UTC, {length}{few}", minute(first), minute(last))
}

/// All rules, those with the most posts first.
pub(super) fn by_posts(report: &Report) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = report.rules.iter().collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.posts));
    rules
}

/// Says that some of the implied rules may be missing, when some may.
pub(super) fn unclear(report: &Report) -> Option<String> {
    let pairs = report.dropped.implied;
    (pairs > 0).then(|| {
        let pairs = plural(pairs, "pair");
        format!("whether one rule says no more than another was given up for {pairs}, too many or too large")
    })
}

/// Says that rates and lines of days leave out posts of odd dates, when they do.
pub(super) fn left_out(data: &Data) -> Option<String> {
    let rated = data.rated.as_ref().filter(|rated| rated.left_out > 0)?;
    let (first, last, posts) = (minute(rated.first), minute(rated.last), grouped(rated.left_out));
    Some(format!("rates are those of {first} to {last} UTC; posts far off that span: {posts}"))
}

/// Days put together into at most `most` equal parts, over the days that rates are taken from.
pub(super) struct Timeline {
    first: Date,
    days: usize,
    /// Days in each part.
    pub(super) step: usize,
}

impl Timeline {
    /// `None` when the data covers a single day, which is no line.
    pub(super) fn new(data: &Data, most: usize) -> Option<Self> {
        let rated = data.rated.as_ref()?;
        let first: Date = date(rated.first).parse().ok()?;
        let days = days_since(first, &date(rated.last))? + 1;
        (days > 1).then_some(Self { first, days, step: days.div_ceil(most.max(1)) })
    }

    /// Posts by part.
    pub(super) fn counts(&self, days: &[Day]) -> Vec<u64> {
        let mut counts = vec![0; self.days.div_ceil(self.step)];
        for day in days {
            let at = days_since(self.first, &day.day).map(|days| days / self.step);
            if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
                *count += day.posts;
            }
        }
        counts
    }

    /// The first day of a part.
    pub(super) fn start(&self, part: usize) -> String {
        let days = i64::try_from(self.step * part).unwrap_or(0);
        self.first.saturating_add(jiff::Span::new().days(days)).to_string()
    }
}

/// `2026-11-20`.
fn date(time: Timestamp) -> String {
    terminal::time(time, 10)
}

fn days_since(first: Date, day: &str) -> Option<usize> {
    let span = first.until(day.parse::<Date>().ok()?).ok()?;
    usize::try_from(span.get_days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::report::Rated;

    #[test]
    fn one_of_a_thing_is_no_plural() {
        assert_eq!([posts(0), posts(1), posts(1_234)], ["0 posts", "1 post", "1,234 posts"]);
        assert_eq!([plural(1, "match"), plural(2, "match")], ["1 match", "2 matches"]);
    }

    #[test]
    fn figures_are_short() {
        assert_eq!([grouped(0), grouped(999), grouped(1_234_567)], ["0", "999", "1,234,567"]);
        assert_eq!([percent(0.0), percent(0.0002), percent(0.1234)], ["0%", "<0.1%", "12.3%"]);
        assert_eq!(
            [rate(None), rate(Some(0.04)), rate(Some(3.21)), rate(Some(4871.6))],
            ["–", "<0.1", "3.2", "4,872"]
        );
    }

    #[test]
    fn many_days_are_put_together() {
        let day = |day: &str, posts| Day { day: day.to_owned(), posts };
        let days = [day("2025-12-30", 1), day("2025-12-31", 2), day("2026-01-03", 4)];
        let at = |day: &str| Timestamp::parse(&format!("{day}T12:00:00Z")).unwrap();
        let rated = |last| Rated { first: at("2025-12-30"), last: at(last), days: 0.0, left_out: 0 };
        let data = |last| Data {
            files: Vec::new(),
            posts: 7,
            first: None,
            last: None,
            days: 0.0,
            undated: 0,
            rated: Some(rated(last)),
            per_day: days.to_vec(),
        };
        let line = |most| Timeline::new(&data("2026-01-03"), most).unwrap();
        assert_eq!(line(30).counts(&days), [1, 2, 0, 0, 4]);
        assert_eq!(
            (line(3).counts(&days), line(3).step, line(3).start(2)),
            (vec![3, 0, 4], 2, "2026-01-03".into())
        );
        let odd_end = Timeline::new(&data("2025-12-31"), 30).unwrap();
        assert_eq!(odd_end.counts(&days), [1, 2]);
        assert!(Timeline::new(&data("2025-12-30"), 30).is_none());
    }
}

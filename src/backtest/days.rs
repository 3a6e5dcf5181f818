//! Posts by day, and the span that rates are taken from: a single post with a wrong clock must not make a week a decade.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::model::Timestamp;

const DAY_MICROS: i64 = 86_400_000_000;
const DAY_SECONDS: f64 = 86_400.0;
/// Days from 1970 to 2099. A time outside is none: somebody's clock was wrong.
const DAYS: i64 = 47_482;
/// Of so many posts one may be odd, however few they are.
const ODD_PER_POSTS: u64 = 100;
const ODD_FROM_POSTS: u64 = 10;
/// Odd posts are left out when the span is at least so many times shorter without them.
const ODD_SPAN_FACTOR: f64 = 2.0;

/// The day of a time, counted from 1970; `None` where no time is known.
pub(super) fn day(time: Timestamp) -> Option<u32> {
    let day = time.as_micros().div_euclid(DAY_MICROS);
    (time != Timestamp::ZERO && (0..DAYS).contains(&day)).then_some(day as u32)
}

/// Posts of one day, with the times of the first and the last.
#[derive(Clone, Copy, Debug)]
struct Day {
    posts: u64,
    first: Timestamp,
    last: Timestamp,
}

/// Posts by day.
#[derive(Clone, Debug, Default)]
pub(super) struct Days(BTreeMap<u32, Day>);

/// Days in a row, from the first post in them to the last.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) days: RangeInclusive<u32>,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) posts: u64,
}

impl Span {
    /// In days of 24 hours.
    pub(super) fn length(&self) -> f64 {
        self.last.since(self.first).as_secs_f64() / DAY_SECONDS
    }
}

impl Days {
    /// Counts a post that has a time.
    pub(super) fn add(&mut self, at: Timestamp) {
        if let Some(day) = day(at) {
            self.merge_day(day, Day { posts: 1, first: at, last: at });
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(day, counted)| self.merge_day(*day, *counted));
    }

    fn merge_day(&mut self, day: u32, counted: Day) {
        let known = self.0.entry(day).or_insert(Day { posts: 0, ..counted });
        known.posts += counted.posts;
        known.first = known.first.min(counted.first);
        known.last = known.last.max(counted.last);
    }

    /// Days with posts, and how many each has.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.0.iter().map(|(day, counted)| (*day, counted.posts))
    }

    /// Posts with a time.
    pub(super) fn posts(&self) -> u64 {
        self.0.values().map(|day| day.posts).sum()
    }

    /// From the first post to the last; `None` when no post has a time.
    pub(super) fn whole(&self) -> Option<Span> {
        let (first, last) = (self.0.first_key_value()?, self.0.last_key_value()?);
        Some(self.span(first, last, self.posts()))
    }

    /// What rates are taken from: all, or the days that remain when odd ones at either end are left out.
    pub(super) fn rated(&self) -> Option<Span> {
        let whole = self.whole()?;
        let core = self.core(whole.posts);
        Some(core.filter(|core| core.length() * ODD_SPAN_FACTOR <= whole.length()).unwrap_or(whole))
    }

    fn span(&self, first: (&u32, &Day), last: (&u32, &Day), posts: u64) -> Span {
        Span { days: *first.0..=*last.0, first: first.1.first, last: last.1.last, posts }
    }

    /// The shortest span without some days at its ends that hold few enough posts to be odd.
    fn core(&self, posts: u64) -> Option<Span> {
        let odd_max = (posts / ODD_PER_POSTS).max(u64::from(posts >= ODD_FROM_POSTS));
        let mut shortest: Option<Span> = None;
        let mut odd_before = 0;
        for first in &self.0 {
            if odd_before > odd_max {
                break;
            }
            let mut odd = odd_before;
            // At the first day from the end that is too large to be odd.
            let last = self.0.range(first.0..).rev().find(|(_, day)| {
                odd += day.posts;
                odd > odd_max
            });
            if let Some(last) = last {
                let within = posts - (odd - last.1.posts);
                let span = self.span(first, last, within);
                if shortest.as_ref().is_none_or(|shortest| span.length() < shortest.length()) {
                    shortest = Some(span);
                }
            }
            odd_before += first.1.posts;
        }
        shortest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(posts: &[(&str, u64)]) -> Days {
        let mut days = Days::default();
        for (time, posts) in posts {
            (0..*posts).for_each(|_| days.add(Timestamp::parse(time).unwrap()));
        }
        days
    }

    #[test]
    fn a_day_is_utc_and_a_wrong_clock_has_none() {
        let at = |text| day(Timestamp::parse(text).unwrap());
        assert_eq!((at("1970-01-02T00:00:00Z"), at("1970-01-02T23:59:59Z")), (Some(1), Some(1)));
        assert_eq!(
            (day(Timestamp::ZERO), at("1969-12-31T00:00:00Z"), at("2101-01-01T00:00:00Z")),
            (None, None, None)
        );
    }

    #[test]
    fn a_single_odd_date_at_either_end_or_at_both_is_left_out() {
        let week = [("2026-11-16T06:00:00Z", 50), ("2026-11-17T06:00:00Z", 60), ("2026-11-20T06:00:00Z", 90)];
        let (before, after) = (("2012-01-01T00:00:00Z", 1), ("2031-01-01T00:00:00Z", 1));
        for odd in [&[before][..], &[after], &[before, after]] {
            let span = days(&[&week, odd].concat()).rated().unwrap();
            assert_eq!((span.posts, span.length()), (200, 4.0), "{odd:?}");
            assert_eq!(span.first, Timestamp::parse("2026-11-16T06:00:00Z").unwrap());
        }
        assert_eq!(days(&week).rated(), days(&week).whole());
    }

    #[test]
    fn days_are_kept_that_are_not_far_off_or_hold_more_than_few_posts() {
        let quiet_end =
            [("2026-11-16T06:00:00Z", 1), ("2026-11-18T06:00:00Z", 199), ("2026-11-21T06:00:00Z", 1)];
        assert_eq!(days(&quiet_end[..2]).rated().unwrap().posts, 199);
        let quiet_end = days(&[quiet_end[0], ("2026-11-17T06:00:00Z", 100), ("2026-11-20T06:00:00Z", 99)]);
        assert_eq!(quiet_end.rated(), quiet_end.whole());
        let two_feeds = days(&[("2012-01-01T00:00:00Z", 6), ("2026-11-16T06:00:00Z", 200)]);
        assert_eq!(two_feeds.rated(), two_feeds.whole());
        let few = days(&[("2012-01-01T00:00:00Z", 1), ("2026-11-16T06:00:00Z", 8)]);
        assert_eq!(few.rated(), few.whole());
        assert_eq!((Days::default().rated(), Days::default().whole()), (None, None));
    }
}

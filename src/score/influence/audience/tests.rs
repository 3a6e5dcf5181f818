//! Distinct engagers, decay, bounds: what the numbers are worth.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::stable_hash;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn account(number: u64) -> u64 {
    stable_hash(format!("did:plc:{number}").as_bytes())
}

fn engagement(author: u64, by: u64) -> Engagement {
    Engagement { author: account(author), by: account(by) }
}

fn crowd(author: u64, by: std::ops::Range<u64>) -> Vec<Engagement> {
    by.map(|by| engagement(author, by)).collect()
}

/// The start of the window that [`START`] is in.
fn window_start() -> Timestamp {
    let window = i64::try_from(Config::default().window.as_micros()).unwrap();
    Timestamp::from_micros(START.as_micros() / window * window)
}

fn audience() -> Audience {
    Audience::new(&Config::default(), 0)
}

#[test]
fn one_account_that_likes_a_thousand_times_is_one_engager() {
    let mut audience = audience();
    audience.hear(&vec![engagement(1, 2); 1_000], START);
    let engagers = audience.engagers(account(1), START);
    assert!((0.8..1.3).contains(&engagers), "{engagers}");
    assert_eq!((audience.heard(), audience.memory()), (1_000, (1, 0)));
    assert_eq!(audience.engagers(account(2), START), 0.0, "whoever likes gains nothing by it");
}

#[test]
fn an_author_of_a_thousand_engagers_is_known_within_a_factor_of_two_in_a_crowd_of_two_hundred_thousand() {
    let mut audience = audience();
    let mut state = 7u64;
    let mut random = move || {
        state = state.wrapping_add(1);
        stable_hash(&state.to_le_bytes())
    };
    let known: Vec<u64> = (0..40).map(|author| 1_000_000 + author).collect();
    for round in 0..1_000 {
        let noise = (0..1_000).map(|_| engagement(random() % 200_000, random() % 500_000));
        let known = known.iter().map(|author| engagement(*author, 2_000_000 + round));
        let batch: Vec<Engagement> = noise.chain(known).collect();
        audience.hear(&batch, START);
    }
    let engagers: Vec<f32> = known.iter().map(|author| audience.engagers(account(*author), START)).collect();
    let near = engagers.iter().filter(|engagers| (500.0..2_000.0).contains(*engagers)).count();
    println!("{near} of 40 within a factor of 2: {engagers:?}; {:?}", audience.memory());
    assert!(near >= 38, "{engagers:?}");
    // The crowd's own authors, with five engagers each, are not taken for great ones.
    let crowd: Vec<f32> = (0..2_000).map(|author| audience.engagers(account(author), START)).collect();
    let mean = crowd.iter().sum::<f32>() / crowd.len() as f32;
    assert!((4.0..6.5).contains(&mean), "{mean}");
    assert!(crowd.iter().all(|engagers| *engagers < 40.0));
}

#[test]
fn a_seed_of_its_own_gives_each_process_other_errors() {
    let of = |seed| {
        let mut audience = Audience::new(&Config::default(), seed);
        audience.hear(&crowd(1, 0..1_000), START);
        audience.engagers(account(1), START)
    };
    assert_eq!(of(5), of(5));
    assert_ne!(of(5), of(6));
}

#[test]
fn engagers_fade_after_their_window_and_are_forgotten_after_the_next() {
    let mut audience = audience();
    let start = window_start();
    audience.hear(&crowd(1, 0..1_000), start);
    let mut after = |hours: u32| audience.engagers(account(1), start + HOUR * hours);
    let full = after(0);
    assert!((500.0..2_000.0).contains(&full), "{full}");
    assert_eq!([after(11), after(12)], [full, full]);
    let quarters = [after(15), after(18), after(21)].map(|engagers| engagers / full);
    for (share, due) in quarters.into_iter().zip([0.75, 0.5, 0.25]) {
        assert!((share - due).abs() < 0.01, "{quarters:?}");
    }
    assert_eq!(after(24), 0.0);
    assert_eq!(audience.memory(), (0, 0), "nothing is left of them");
}

#[test]
fn whoever_engages_in_both_windows_counts_once() {
    let mut audience = audience();
    let start = window_start();
    audience.hear(&crowd(1, 0..1_000), start);
    let before = audience.engagers(account(1), start);
    audience.hear(&crowd(1, 0..1_000), start + HOUR * 12);
    assert_eq!(audience.engagers(account(1), start + HOUR * 12), before);
    assert_eq!(audience.engagers(account(1), start + HOUR * 23), before);
}

#[test]
fn what_comes_late_counts_where_it_belongs_and_what_is_old_does_not_count() {
    let mut audience = audience();
    let start = window_start();
    audience.hear(&crowd(1, 0..100), start + HOUR * 24);
    audience.hear(&crowd(2, 0..100), start + HOUR * 12);
    audience.hear(&crowd(3, 0..100), start);
    let mut at = |author, hours: u32| audience.engagers(account(author), start + HOUR * hours);
    assert!(at(1, 24) > 50.0);
    let late = at(2, 24);
    assert!(late > 50.0 && at(2, 30) < 0.6 * late);
    assert_eq!(at(3, 24), 0.0);
    assert!(at(1, 0) > 50.0, "a late question is answered with what is known");
}

#[test]
fn a_standstill_of_days_forgets_everything() {
    let mut audience = audience();
    audience.hear(&crowd(1, 0..100), START);
    assert_eq!(audience.engagers(account(1), START + HOUR * 100), 0.0);
}

#[test]
fn the_memory_is_what_the_setting_says_whatever_comes() {
    let config = Config { memory_max: 64 << 10, ..Config::default() };
    let mut audience = Audience::new(&config, 0);
    for window in 0..2 {
        let at = START + config.window * window;
        let crowd: Vec<Engagement> = (0..100_000).map(|number| engagement(number, number + 1)).collect();
        audience.hear(&crowd, at);
    }
    let (entries, evicted) = audience.memory();
    assert_eq!(entries * size_of::<u64>(), config.memory_max, "both tables are full, and no fuller");
    assert!(evicted > 10_000, "{evicted}");
}

proptest! {
    #[test]
    fn within_a_window_neither_the_order_nor_the_batches_matter(
        mut engagements in prop::collection::vec((0u64..5, 0u64..50), 1..200),
        cuts in prop::collection::vec(1usize..40, 1..20),
    ) {
        let hear = |engagements: &[(u64, u64)], cuts: &[usize]| {
            let mut audience = audience();
            let mut rest: &[(u64, u64)] = engagements;
            for cut in cuts.iter().copied().chain([usize::MAX]) {
                let (batch, others) = rest.split_at(cut.min(rest.len()));
                let batch: Vec<Engagement> = batch.iter().map(|(author, by)| engagement(*author, *by)).collect();
                audience.hear(&batch, START);
                rest = others;
            }
            [0, 1, 2, 3, 4].map(|author| audience.engagers(account(author), START))
        };
        let at_once = hear(&engagements, &[]);
        prop_assert_eq!(at_once, hear(&engagements, &cuts));
        engagements.reverse();
        prop_assert_eq!(at_once, hear(&engagements, &[]));
    }

    #[test]
    fn another_engager_never_lowers_the_number(
        by in prop::collection::vec(0u64..1_000, 0..100), hours in 0u32..24, more in 0u64..1_000,
    ) {
        let mut audience = audience();
        let (start, at) = (window_start(), window_start() + HOUR * hours);
        let heard: Vec<Engagement> = by.iter().map(|by| engagement(1, *by)).collect();
        audience.hear(&heard, start);
        let before = audience.engagers(account(1), at);
        audience.hear(&[engagement(1, more)], at);
        prop_assert!(audience.engagers(account(1), at) >= before * 0.999_999);
    }

    #[test]
    fn any_time_at_all_is_taken(times in prop::collection::vec(any::<i64>(), 1..20)) {
        let mut audience = Audience::new(&Config { memory_max: 1 << 10, ..Config::default() }, 0);
        for time in times {
            let at = Timestamp::from_micros(time);
            audience.hear(&crowd(1, 0..3), at);
            prop_assert!(audience.engagers(account(1), at).is_finite());
        }
    }
}

//! Guard 18, switch: off stops every reply; and it is off whenever state or clock cannot be trusted.
//!
//! ```toml
//! [reply.switch]
//! back_max = "5s"         # a clock that steps back further disarms
//! gap_max = "10m"         # so does one that leaps ahead, or a standstill, of more than this while running
//! downtime_max = "7d"     # so does a start this long after the last trace in the store
//! ```
//! It starts disarmed unless the stored switch says armed and the ledger was recovered whole. Only a person arms it.

use std::time::Duration;

use serde::Deserialize;

use super::{Ask, Finding, Guard};
use crate::model::{Recovered, ReplySwitch, Timestamp, setting};

/// Who moves the switch when nobody does.
const BIRDDOG: &str = "birddog";

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Greatest step back of the clock.
    #[serde(with = "setting::duration")]
    pub back_max: Duration,
    /// Longest time between two looks at the clock while running.
    #[serde(with = "setting::duration")]
    pub gap_max: Duration,
    /// Longest time between the last trace in the store and a start.
    #[serde(with = "setting::duration")]
    pub downtime_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            back_max: Duration::from_secs(5),
            gap_max: Duration::from_secs(600),
            downtime_max: Duration::from_secs(7 * 86_400),
        }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct Switch {
    config: Config,
    moved: Option<ReplySwitch>,
    looked_at: Option<Timestamp>,
}

impl Switch {
    pub(super) const fn new(config: &Config) -> Self {
        Self { config: *config, moved: None, looked_at: None }
    }

    pub(in crate::reply) fn is_armed(&self) -> bool {
        self.moved.as_ref().is_some_and(|switch| switch.armed)
    }

    /// As it was last moved.
    pub(in crate::reply) const fn moved(&self) -> Option<&ReplySwitch> {
        self.moved.as_ref()
    }

    /// Takes the stored switch over; returns it when it had to be moved.
    pub(in crate::reply) fn restore(
        &mut self,
        recovered: &Recovered,
        now: Timestamp,
    ) -> Option<&ReplySwitch> {
        self.moved.clone_from(&recovered.reply_switch);
        self.looked_at = Some(now);
        if !self.is_armed() {
            return None;
        }
        let last_trace = last_trace(recovered);
        if recovered.ledger_left_out > 0 {
            Some(self.disarm(BIRDDOG, "the reply ledger was not recovered whole", now))
        } else if last_trace > now + self.config.back_max {
            Some(self.disarm(BIRDDOG, "the clock is behind the store", now))
        } else if now > last_trace + self.config.downtime_max {
            Some(self.disarm(BIRDDOG, "too long since the store was last written", now))
        } else {
            None
        }
    }

    /// Looks at the clock; returns the switch when it had to be moved.
    pub(in crate::reply) fn watch(&mut self, now: Timestamp) -> Option<&ReplySwitch> {
        let before = self.looked_at?;
        // The latest look counts, so that small steps back cannot add up unnoticed.
        self.looked_at = Some(now.max(before));
        if !self.is_armed() {
            None
        } else if now + self.config.back_max < before {
            Some(self.disarm(BIRDDOG, "the clock stepped back", now))
        } else if now > before + self.config.gap_max {
            Some(self.disarm(BIRDDOG, "the clock leapt ahead, or birddog stood still", now))
        } else {
            None
        }
    }

    pub(in crate::reply) fn arm(&mut self, by: &str, reason: &str, now: Timestamp) -> &ReplySwitch {
        self.looked_at = Some(now);
        self.set(true, by, reason, now)
    }

    pub(in crate::reply) fn disarm(&mut self, by: &str, reason: &str, now: Timestamp) -> &ReplySwitch {
        self.set(false, by, reason, now)
    }

    fn set(&mut self, armed: bool, by: &str, reason: &str, at: Timestamp) -> &ReplySwitch {
        self.moved.insert(ReplySwitch { armed, by: by.to_owned(), reason: reason.to_owned(), at })
    }
}

/// The latest time that the store bears witness to.
fn last_trace(recovered: &Recovered) -> Timestamp {
    let switch = recovered.reply_switch.iter().map(|switch| switch.at);
    let seen = recovered.seen.iter().map(|&(_, at)| at);
    let ledger = recovered.ledger.iter().map(|entry| entry.at);
    let items = recovered.items.iter().map(|item| item.created_at);
    switch.chain(seen).chain(ledger).chain(items).max().unwrap_or_default()
}

impl Guard for Switch {
    fn name(&self) -> &'static str {
        "switch"
    }

    fn check(&self, _: &Ask<'_>) -> Finding {
        if self.is_armed() { Finding::Ok } else { Finding::suppress("disarmed") }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, allowed, check, post};
    use super::*;

    fn switch() -> Switch {
        Switch::new(&Config::default())
    }

    fn recovered(armed: bool, at: Timestamp) -> Recovered {
        let reply_switch = ReplySwitch { armed, by: "ann".into(), reason: "".into(), at };
        Recovered { reply_switch: Some(reply_switch), ..Recovered::default() }
    }

    fn restored(recovered: &Recovered, now: Timestamp) -> (bool, Option<String>) {
        let mut switch = switch();
        let reason = switch.restore(recovered, now).map(|moved| moved.reason.clone());
        (switch.is_armed(), reason)
    }

    #[test]
    fn it_starts_disarmed_and_a_person_arms_it() {
        let mut switch = switch();
        assert_eq!(check(&switch, &post(), NOW, |_, _, _| {}).as_str().to_owned(), "disarmed");
        switch.arm("ann", "tested", NOW);
        assert_eq!(check(&switch, &post(), NOW, |_, _, _| {}), Finding::Ok);
        switch.disarm("ann", "enough", NOW);
        assert!(!switch.is_armed());
    }

    #[test]
    fn a_restart_stays_armed_only_when_everything_is_there_and_the_clock_goes_on() {
        let (hour, week) = (Duration::from_secs(3_600), Duration::from_secs(7 * 86_400));
        assert_eq!(restored(&recovered(true, NOW), NOW + hour), (true, None));
        assert_eq!(restored(&recovered(false, NOW), NOW + hour), (false, None));
        assert_eq!(restored(&Recovered::default(), NOW), (false, None));
        let cut = Recovered { ledger_left_out: 1, ..recovered(true, NOW) };
        assert!(restored(&cut, NOW).1.unwrap().contains("ledger"));
        assert!(restored(&recovered(true, NOW), NOW - hour).1.unwrap().contains("behind"));
        assert!(restored(&recovered(true, NOW), NOW + week + hour).1.unwrap().contains("too long"));
        let later = Recovered { ledger: vec![allowed(1, 2, NOW + hour)], ..recovered(true, NOW) };
        assert!(!restored(&later, NOW).0);
    }

    #[test]
    fn a_clock_that_jumps_disarms_and_a_steady_one_does_not() {
        for (step, armed) in [(60, true), (-4, true), (-6, false), (601, false), (-31_536_000, false)] {
            let mut switch = switch();
            switch.arm("ann", "", NOW);
            let now = Timestamp::from_micros(NOW.as_micros() + step * 1_000_000);
            assert_eq!(switch.watch(now).is_none(), armed, "{step}");
            assert_eq!(switch.is_armed(), armed, "{step}");
        }
    }

    #[test]
    fn small_steps_back_do_not_add_up_unnoticed() {
        let mut switch = switch();
        switch.arm("ann", "", NOW);
        for step in 1..10 {
            switch.watch(NOW - Duration::from_secs(4 * step));
        }
        assert!(!switch.is_armed());
    }
}

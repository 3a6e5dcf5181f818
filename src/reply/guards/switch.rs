//! Guard 18, switch: off stops every reply; and it is off whenever state or clock cannot be trusted.
//!
//! ```toml
//! [reply.switch]
//! leap_max = "5s"         # a wall clock that leaps further, either way, disarms
//! downtime_max = "7d"     # so does a start this long after the store was last written
//! ```
//! It starts disarmed unless the stored switch says armed and the ledger was recovered whole. Only a person arms it.

use std::time::Duration;

use serde::Deserialize;

use super::guard::{Ask, Finding, Guard};
use crate::model::{Leap, Moment, Recovered, ReplySwitch, Timestamp, setting};

/// Who moves the switch when no person does.
const BIRDDOG: &str = "birddog";

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How far the wall clock may leap, in all, since the gate was armed.
    #[serde(with = "setting::duration")]
    pub leap_max: Duration,
    /// Longest time between the last write of the store and a start, by the wall clock.
    #[serde(with = "setting::duration")]
    pub downtime_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { leap_max: Duration::from_secs(5), downtime_max: Duration::from_secs(7 * 86_400) }
    }
}

#[derive(Debug)]
pub(in crate::reply) struct Switch {
    config: Config,
    moved: Option<ReplySwitch>,
    /// [`Moment::offset`] when the gate was armed or restored.
    offset: Option<i64>,
}

impl Switch {
    pub(super) const fn new(config: &Config) -> Self {
        Self { config: *config, moved: None, offset: None }
    }

    pub(in crate::reply) fn is_armed(&self) -> bool {
        self.moved.as_ref().is_some_and(|switch| switch.armed)
    }

    /// As it was last moved.
    pub(in crate::reply) const fn moved(&self) -> Option<&ReplySwitch> {
        self.moved.as_ref()
    }

    /// Takes the stored switch over; returns it when it had to be moved.
    pub(in crate::reply) fn restore(&mut self, recovered: &Recovered, now: Moment) -> Option<&ReplySwitch> {
        self.moved.clone_from(&recovered.reply_switch);
        self.offset = Some(now.offset());
        if !self.is_armed() {
            return None;
        }
        let Config { leap_max, downtime_max } = self.config;
        let leap = recovered.leap.unwrap_or_default();
        let reason = if recovered.ledger_left_out > 0 {
            "the reply ledger was not recovered whole"
        } else if leap.is_behind(leap_max) {
            "the clock is behind the store"
        } else if leap.is_certain && leap.is_ahead(leap_max) {
            "the clock leapt while birddog was down"
        } else if leap.is_ahead(downtime_max) {
            "too long since the store was last written"
        } else {
            return None;
        };
        Some(self.disarm(BIRDDOG, reason, now))
    }

    /// Looks at the clock; returns the switch when it had to be moved.
    pub(in crate::reply) fn watch(&mut self, now: Moment) -> Option<&ReplySwitch> {
        // Against the offset of the beginning, so that small leaps cannot add up unnoticed.
        let micros = now.offset().saturating_sub(self.offset?);
        let leap = Leap { micros, is_certain: true };
        if !self.is_armed() {
            None
        } else if leap.is_behind(self.config.leap_max) {
            Some(self.disarm(BIRDDOG, "the clock stepped back", now))
        } else if leap.is_ahead(self.config.leap_max) {
            Some(self.disarm(BIRDDOG, "the clock leapt ahead, or birddog stood still", now))
        } else {
            None
        }
    }

    pub(in crate::reply) fn arm(&mut self, by: &str, reason: &str, now: Moment) -> &ReplySwitch {
        self.offset = Some(now.offset());
        self.set(true, by, reason, now.wall)
    }

    pub(in crate::reply) fn disarm(&mut self, by: &str, reason: &str, now: Moment) -> &ReplySwitch {
        self.set(false, by, reason, now.wall)
    }

    fn set(&mut self, armed: bool, by: &str, reason: &str, at: Timestamp) -> &ReplySwitch {
        self.moved.insert(ReplySwitch { armed, by: by.to_owned(), reason: reason.to_owned(), at })
    }
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
    use super::super::testing::{NOW, check, post};
    use super::*;

    const HOUR: i64 = 3_600;

    fn switch() -> Switch {
        Switch::new(&Config::default())
    }

    fn leap(seconds: i64, is_certain: bool) -> Option<Leap> {
        Some(Leap { micros: seconds * 1_000_000, is_certain })
    }

    fn recovered(armed: bool, leap: Option<Leap>) -> Recovered {
        let reply_switch = ReplySwitch { armed, by: "ann".into(), reason: "".into(), at: NOW.wall };
        Recovered { reply_switch: Some(reply_switch), leap, ..Recovered::default() }
    }

    fn restored(recovered: &Recovered) -> (bool, Option<String>) {
        let mut switch = switch();
        let reason = switch.restore(recovered, NOW).map(|moved| moved.reason.clone());
        (switch.is_armed(), reason)
    }

    /// `NOW` with a wall clock that has leapt.
    fn leapt(seconds: i64) -> Moment {
        let wall = Timestamp::from_micros(NOW.wall.as_micros() + seconds * 1_000_000);
        Moment { wall, ..NOW }
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
        assert_eq!(restored(&recovered(true, leap(0, true))), (true, None));
        assert_eq!(
            restored(&recovered(true, leap(HOUR, false))),
            (true, None),
            "down for an hour, or so it seems"
        );
        assert_eq!(restored(&recovered(false, leap(0, true))), (false, None));
        assert_eq!(restored(&Recovered::default()), (false, None));
        let cut = Recovered { ledger_left_out: 1, ..recovered(true, leap(0, true)) };
        for (recovered, part) in [
            (cut, "ledger"),
            (recovered(true, leap(-HOUR, false)), "behind"),
            (recovered(true, leap(HOUR, true)), "leapt"),
            (recovered(true, leap(7 * 24 * HOUR + 1, false)), "too long"),
        ] {
            let (armed, reason) = restored(&recovered);
            assert!(!armed && reason.as_ref().is_some_and(|reason| reason.contains(part)), "{reason:?}");
        }
    }

    #[test]
    fn a_clock_that_leaps_disarms_and_a_steady_one_does_not() {
        for (seconds, armed) in [(4, true), (-4, true), (-6, false), (6, false), (-31_536_000, false)] {
            let mut switch = switch();
            switch.arm("ann", "", NOW);
            assert_eq!(switch.watch(leapt(seconds)).is_none(), armed, "{seconds}");
            assert_eq!(switch.is_armed(), armed, "{seconds}");
        }
        let mut switch = switch();
        switch.arm("ann", "", NOW);
        assert!(switch.watch(NOW + Duration::from_secs(86_400)).is_none(), "a quiet day is no leap");
    }

    #[test]
    fn small_leaps_do_not_add_up_unnoticed() {
        for direction in [-1, 1] {
            let mut switch = switch();
            switch.arm("ann", "", NOW);
            (1..10).for_each(|step| _ = switch.watch(leapt(direction * step)));
            assert!(!switch.is_armed());
        }
    }
}

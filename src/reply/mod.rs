//! The reply gate: may birddog answer this post by itself?
//!
//! Layer 1, pure. A rule asks by naming a template; the guards decide allow, hold or suppress. An allowed
//! reply charges its budgets and stands in the ledger of the same commit, before anything is released. This part
//! sends nothing, never expands content into a reply, and never suppresses a work item. After a restart the ledger
//! gives every budget back; when it can't, or the clock can't be trusted, the gate is disarmed until a person arms it.

mod accounts;
mod budget;
mod config;
mod gate;
mod gcra;
pub mod guards;
mod ledger;
mod question;
mod template;
mod window;

pub use config::Config;
pub use gate::Gate;
pub use ledger::OPT_OUT;
pub use question::Question;
pub use template::{FixedText, Template};
pub use window::Limit;

use crate::model::metric::Metric;

/// Decisions by outcome (allow, hold, suppress) and the guard that refused (`none` for allow).
pub const DECISIONS: &str = "birddog_reply_decisions_total";
/// 1 while replies may go out, 0 while the switch is off.
pub const ARMED: &str = "birddog_reply_armed";

/// What the engine exports for this part.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        DECISIONS,
        "Reply decisions by outcome and by the guard that refused (none for allow).",
        &["outcome", "guard"],
    ),
    Metric::gauge(ARMED, "1 while replies may go out, 0 while the switch is off.", &[]),
];

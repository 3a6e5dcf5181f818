//! The one rule set in force: read from a folder, checked, watched, and swapped as a whole.
//!
//! Layer 4. [`LoadedRules`] is what the files say, [`ReadyRules`] what passed every check, [`ActiveRules`] what is in
//! force. [`RulesInForce`] is the only place that holds it: workers, engine, API and status all look there.

mod active;
mod config;
mod dir;
mod load;
mod reload;
mod watch;

pub use active::{ActiveRules, RulesInForce};
pub use config::{Config, Context};
pub use dir::{DEPTH_MAX, FILE_BYTES_MAX, FILES_MAX, RulesDirError, Stamp, read_dir};
pub use load::{LoadedRules, ReadyRules, Refusal, Unfit};
pub use reload::{LOADED_AT, METRICS, RELOADS, RULES, Reloader};

//! What the daemon is told from outside: the folder of rules.
//!
//! Layer 4: composes the parts' own settings; no part imports this.

pub mod rules_dir;

pub use rules_dir::{RulesDirError, read_dir};

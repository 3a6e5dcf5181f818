//! A sender's wish to know when what it sent is durable.

use std::fmt;

/// Called once everything that came of a batch is stored, or nothing was to be stored. Dropped without a call when the
/// daemon ends before.
pub struct Ack(Box<dyn FnOnce() + Send + Sync>);

impl Ack {
    /// Calls `durable` when it is.
    #[must_use]
    pub fn new(durable: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Box::new(durable))
    }

    /// It is durable.
    pub fn call(self) {
        (self.0)();
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ack")
    }
}

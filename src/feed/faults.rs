//! Ways in which a feed misbehaves on purpose, for tests: one per connection, in order.

use std::time::Duration;

/// What happens to one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Answers the upgrade with this HTTP status.
    Refuse {
        /// The status, such as 503.
        status: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// Closes right after the upgrade.
    AcceptThenDrop,
    /// Closes without a close frame after this many events.
    DropAfter(u64),
    /// Sends nothing more after this many events, and answers no ping, but stays open.
    StallAfter(u64),
    /// Sends nothing more after this many events, but answers pings and stays open.
    PingsOnlyAfter(u64),
    /// Sends raw bytes after this many events, then goes on.
    Inject {
        /// Events before it.
        after: u64,
        /// The bytes, frame header included.
        bytes: Vec<u8>,
    },
    /// Has forgotten everything up to this time: playback starts behind it whatever the cursor.
    Forgot {
        /// Microseconds.
        time_us: u64,
    },
    /// Waits before answering the upgrade.
    SlowUpgrade(Duration),
}

/// Faults by connection: the first connection gets the first one, and so on; then none.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// In order of connections.
    pub connections: Vec<Fault>,
    /// Repeats the last one for ever instead.
    pub repeat_last: bool,
}

impl Faults {
    /// The same fault for every connection.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { connections: vec![fault], repeat_last: true }
    }

    /// These faults for the first connections, then none.
    #[must_use]
    pub fn first(connections: Vec<Fault>) -> Self {
        Self { connections, repeat_last: false }
    }

    pub(super) fn of(&self, connection: usize) -> Fault {
        let last = self.connections.last().filter(|_| self.repeat_last);
        self.connections.get(connection).or(last).cloned().unwrap_or_default()
    }
}

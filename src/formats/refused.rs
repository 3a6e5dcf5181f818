//! Why a frame is not an event.

use crate::model::RejectReason;

/// Why a frame was refused, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reason to count the frame under.
    pub reason: RejectReason,
    /// A sentence that names the field, where one is to blame.
    pub detail: Option<String>,
}

impl From<RejectReason> for Refused {
    fn from(reason: RejectReason) -> Self {
        Self { reason, detail: None }
    }
}

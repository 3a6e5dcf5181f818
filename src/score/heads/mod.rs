//! What is decided about a post: sentiment, urgency, intent, tone.
//!
//! Each file says how its head decides by cues and values; `model` sums the weights of a post's features into all trained
//! heads at once, and `trained` says which heads to believe in this language.

pub(super) mod intent;
pub(super) mod letters;
pub mod model;
pub(super) mod sentiment;
pub(super) mod tone;
mod trained;
pub(super) mod urgency;

pub use trained::{Reader, TrainedScorer};
pub use urgency::urgency_label;

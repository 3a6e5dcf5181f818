//! From words to a place in the queue.
pub mod priority;

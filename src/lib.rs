//! birddog listens to social firehoses and points people at the posts that need them.
//!
//! The map, in reading order; ARCHITECTURE.md has the picture. Layers 0–2 are pure: no I/O, no clock.

pub mod cli;
pub mod feed;
pub mod model;
pub mod pipeline;
pub mod sources;

//! birddog listens to social firehoses and points people at the posts that need them.
//!
//! The map, in reading order; ARCHITECTURE.md has the picture. Layers 0–2 are pure: no I/O, no clock.

pub mod model;
pub mod text;
pub mod formats;
pub mod rules;
pub mod score;
pub mod dedupe;
pub mod route;
pub mod reply;
pub mod pipeline;
pub mod sources;
pub mod store;
pub mod sinks;
pub mod feed;
pub mod dispatch;
pub mod app;
pub mod api;
pub mod telemetry;
pub mod cli;

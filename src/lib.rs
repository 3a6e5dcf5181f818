//! birddog listens to social firehoses and points people at the posts that need them.
//!
//! The map, in reading order; ARCHITECTURE.md has the picture. Layers 0–2 are pure: no I/O, no clock.

pub mod api;
pub mod app;
pub mod cli;
pub mod formats;
pub mod feed;
pub mod model;

pub mod pipeline;

pub mod sinks;
pub mod store;

pub mod dispatch;
pub mod dedupe;
pub mod reply;
pub mod route;
pub mod score;
pub mod pipeline;
pub mod rules;
pub mod telemetry;
pub mod score;
pub mod text;
pub mod store;
pub mod sources;

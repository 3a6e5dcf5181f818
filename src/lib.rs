//! birddog listens to social firehoses and points people at the posts that need them.
//!
//! The map, in reading order; ARCHITECTURE.md has the picture. Layers 0–2 are pure: no I/O, no clock. A folder imports
//! only lower layers; `tests/it/layers.rs` holds it to that.

// Layer 0: the words of the field.
pub mod model;

// Layer 1: what can be said about one post.
pub mod dedupe;
pub mod formats;
pub mod reply;
pub mod route;
pub mod rules;
pub mod score;
pub mod text;

// Layer 2: the straight line.
pub mod line;
pub mod monitor;
pub mod triage;

// Layer 3: the edges.
pub mod backtest;
pub mod clock;
pub mod feed;
pub mod secret;
pub mod sinks;
pub mod sources;
pub mod store;

// Layer 4: what composes the edges.
pub mod config;
pub mod dispatch;
pub mod ruleset;

// Layer 5: the daemon.
pub mod api;
pub mod app;
pub mod telemetry;

// Layer 6: the command line.
pub mod cli;

//! Every behaviour that needs more than one module: one binary, one file per behaviour.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod api;
mod cli_queue;
mod cli_score;
mod metrics_catalogue;
mod nats_sink;
mod rule_errors;
mod rules_folder;
mod servers;
mod sources;
mod stub;

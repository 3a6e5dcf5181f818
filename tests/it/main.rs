//! Every behaviour that needs more than one module: one binary, one file per behaviour.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "seeds and figures are for who reads the run")]

mod alarms;
mod api;
mod aspects;
mod backtest;
mod bad_input;
mod big_posts;
mod changes;
mod check_output;
mod circles;
mod cli_queue;
mod cli_scan;
mod cli_score;
#[cfg(target_os = "linux")]
mod clock;
mod collisions;
mod complaints;
mod crash;
mod daemon;
mod dice;
#[cfg(target_os = "linux")]
mod disks;
mod edits;
mod eval;
mod frames;
mod greedy_rule;
mod implication;
mod influence;
mod json_posts;
mod layers;
mod lint_proofs;
mod live;
mod locks;
mod log_output;
mod metrics_catalogue;
mod monitoring;
mod nats_sink;
mod numbered;
mod odd_times;
#[cfg(target_os = "linux")]
mod power_loss;
mod prefilter;
mod process;
mod proof;
mod real_events;
#[cfg(target_os = "linux")]
mod recorder;
mod recreation;
mod redaction;
mod reference;
mod reload;
mod retention;
mod rule_errors;
mod rules_equal;
mod rules_folder;
mod servers;
#[cfg(target_os = "linux")]
mod shim;
mod shutdown;
mod source_hosts;
mod sources;
mod spans;
mod stores;
mod stub;
mod vocabulary;

//! The table of promises that hold against somebody who means harm: each test adds its row.
//!
//! Counts are short, so that every run of the tests takes a slice; `tests/run --release-proof` asks for the long ones
//! and puts the rows together.

use std::fmt::Display;
use std::fs::File;
use std::io::Write as _;
use std::time::Instant;

/// The long counts, when it says `release`.
const LENGTH: &str = "BIRDDOG_PROOF";
/// A file to which rows are appended.
const TABLE: &str = "BIRDDOG_PROOF_TABLE";

/// True in a release proof.
pub(crate) fn is_release() -> bool {
    std::env::var(LENGTH).is_ok_and(|length| length == "release")
}

/// How often to try: `short`, or `long` in a release proof.
pub(crate) fn count(short: u64, long: u64) -> u64 {
    if is_release() { long } else { short }
}

/// One row in the making. Dropped without a result, it says that the promise was broken.
pub(crate) struct Proof {
    fault: &'static str,
    started: Instant,
    result: Option<(String, String)>,
}

impl Proof {
    /// Begins the row of `fault`: what is done to birddog.
    pub(crate) fn of(fault: &'static str) -> Self {
        Self { fault, started: Instant::now(), result: None }
    }

    /// Ends the row: how often it was done, and what came of it.
    pub(crate) fn holds(mut self, count: impl Display, result: impl Display) {
        self.result = Some((count.to_string(), result.to_string()));
    }

    /// Ends the row: it holds when nothing went wrong; otherwise fails with all that did.
    pub(crate) fn verdict(mut self, count: impl Display, result: impl Display, mut wrong: Vec<String>) {
        wrong.sort();
        wrong.dedup();
        let Some(first) = wrong.first() else { return self.holds(count, result) };
        self.result =
            Some((count.to_string(), format!("**failed**: {} wrong, such as {first}", wrong.len())));
        panic!("{}: {} wrong: {wrong:#?}", self.fault, wrong.len());
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs();
        let failed = || ("".to_owned(), "**failed**; the log of the run says how".to_owned());
        let (count, result) = self.result.take().unwrap_or_else(failed);
        row(self.fault, &count, &format!("{result}; {seconds} s"));
    }
}

/// Prints one row, past the capture of the test harness, and adds it to the table.
fn row(fault: &str, count: &str, result: &str) {
    let cell = |text: &str| text.replace('|', "/").split_whitespace().collect::<Vec<_>>().join(" ");
    let row = format!("| {} | {} | {} |\n", cell(fault), cell(count), cell(result));
    let _ = std::io::stdout().lock().write_all(format!("\nproof: {row}").as_bytes());
    if let Some(path) = std::env::var_os(TABLE) {
        let table = File::options().create(true).append(true).open(path);
        let _ = table.and_then(|mut table| table.write_all(row.as_bytes()));
    }
}

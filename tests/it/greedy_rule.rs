//! A rule that matches everything, over a file that is read as fast as it can be.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::dice::now_us;
use crate::frames;
use crate::process::{Site, until};
use crate::proof::{self, Proof};

/// All that the daemon may ever have needed.
const MEMORY_MAX: u64 = 200_000_000;
/// Posts an author wrote.
const POSTS_PER_AUTHOR: u64 = 4;

fn write_posts(path: &Path, count: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let now = now_us();
    for number in 0..count {
        let text =
            format!("acme is {number} times as slow as it was, and nobody there answers my questions. #acme");
        let author = frames::did(&format!("a{}", number / POSTS_PER_AUTHOR));
        writeln!(file, "{}", frames::post(&author, &format!("k{number}"), now + number, &text)).unwrap();
    }
    file.flush().unwrap();
}

#[test]
fn a_rule_that_matches_every_post_costs_no_more_memory_than_is_promised() {
    let proof = Proof::of("every post of a file becomes an item, at full speed");
    let count = proof::count(20_000, 400_000);
    let folder = tempfile::tempdir().unwrap();
    let posts = folder.path().join("posts.jsonl");
    write_posts(&posts, count);
    let site = Site::reading(&posts);
    let mut daemon = site.start();
    let client = daemon.listening();
    client.triaged(count);
    let stored = || client.metrics().sum("birddog_items_stored_total", &[]);
    until("every post is an item", || (stored() == count).then_some(()));
    let peak = daemon.peak_bytes().unwrap();
    daemon.stop();
    let megabytes = peak / 1_000_000;
    let wrong =
        if peak > MEMORY_MAX { vec![format!("{megabytes} MB of memory at the peak")] } else { Vec::new() };
    proof.verdict(format_args!("{count} items"), format!("{megabytes} MB of memory"), wrong);
}

//! Identities that one unkeyed 64-bit hash cannot tell apart: what one account does to its own posts leaves those of
//! others alone. The pairs are in `tests/fixtures/xxh3_collisions.txt`, with how they were made.

use serde_json::Value;

use crate::dice::now_us;
use crate::frames;
use crate::live::{Live, closed_item, item};
use crate::process::{Client, Process, Site, until};
use crate::proof::Proof;

const VICTIM_SAYS: &str = "acme is down, and my shop with it";
const ATTACKER_SAYS: &str = "acme is a word that I know, too";

/// Victim and attacker of every pair of `kind`.
fn pairs(kind: &str) -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("../fixtures/xxh3_collisions.txt").lines();
    let pairs: Vec<_> =
        lines.filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' ')?.split_once(' ')).collect();
    assert!(pairs.len() >= 3, "{kind}: {pairs:?}");
    pairs
}

/// Account and record key of a post.
fn parts(uri: &str) -> (&str, &str) {
    uri.strip_prefix("at://").unwrap().split_once("/app.bsky.feed.post/").unwrap()
}

fn post(uri: &str, text: &str) -> String {
    let (did, rkey) = parts(uri);
    frames::post(did, rkey, now_us(), text)
}

/// A daemon that listens to what the test says.
struct Stage {
    live: Live,
    site: Site,
    daemon: Process,
    client: Client,
}

impl Stage {
    fn new() -> Self {
        let live = Live::serve();
        let site = Site::with_one_rule(&live.url(), "0s");
        let mut daemon = site.start();
        let client = daemon.listening();
        until("it connects", || (live.connections() > 0).then_some(()));
        Self { live, site, daemon, client }
    }

    fn restart(&mut self) {
        let before = self.live.connections();
        self.daemon.stop();
        self.daemon = self.site.start();
        self.client = self.daemon.listening();
        until("it connects again", || (self.live.connections() > before).then_some(()));
        self.live.settle(&self.client);
    }

    fn say(&self, events: impl IntoIterator<Item = String>) {
        events.into_iter().for_each(|event| self.live.say(event));
        self.live.settle(&self.client);
    }

    /// What is wrong with the victim's item, if anything.
    fn harm(&self, uri: &str) -> Option<String> {
        let Some(item) = item(&self.client, uri) else {
            let gone = closed_item(&self.client, "withdrawn", uri);
            return Some(gone.map_or("dropped", |_| "withdrawn").to_owned());
        };
        let said: (&Value, &Value) = (&item["post"]["text"], &item["post"]["author"]["id"]);
        let wanted = (&Value::from(VICTIM_SAYS), &Value::from(parts(uri).0));
        (said != wanted).then(|| format!("changed: {said:?}"))
    }
}

fn judge(proof: Proof, harm: Vec<String>, pairs: usize) {
    proof.verdict(format_args!("{pairs} pairs"), "each has its own items, untouched", harm);
}

fn harmed<'p>(stage: &Stage, victims: impl IntoIterator<Item = &'p str>) -> Vec<String> {
    victims.into_iter().filter_map(|uri| Some(format!("{uri}: {}", stage.harm(uri)?))).collect()
}

#[test]
fn a_post_whose_hash_was_taken_by_another_account_still_makes_work() {
    let proof = Proof::of("forged identity: posted first, to drop another's post");
    let pairs = [pairs("post"), pairs("item")].concat();
    let stage = Stage::new();
    stage.say(pairs.iter().map(|(_, attacker)| post(attacker, ATTACKER_SAYS)));
    stage.say(pairs.iter().map(|(victim, _)| post(victim, VICTIM_SAYS)));
    let mut harm = harmed(&stage, pairs.iter().map(|pair| pair.0));
    let attackers = pairs.iter().filter(|(_, attacker)| item(&stage.client, attacker).is_none());
    harm.extend(attackers.map(|(_, attacker)| format!("{attacker}: dropped")));
    judge(proof, harm, pairs.len());
}

#[test]
fn deleting_a_post_leaves_one_of_another_account_alone_though_their_hashes_are_equal() {
    let proof = Proof::of("forged identity: deleted, to redact another's post");
    let pairs = pairs("post");
    let mut stage = Stage::new();
    stage.say(pairs.iter().map(|(victim, _)| post(victim, VICTIM_SAYS)));
    let delete = |uri: &str| frames::delete(parts(uri).0, parts(uri).1, now_us());
    stage.say(pairs.iter().map(|(_, attacker)| delete(attacker)));
    let mut harm = harmed(&stage, pairs.iter().map(|pair| pair.0));
    // After a restart posts that are no longer remembered are looked for in the store.
    stage.restart();
    stage.say(pairs.iter().flat_map(|(_, attacker)| [post(attacker, ATTACKER_SAYS), delete(attacker)]));
    harm.extend(harmed(&stage, pairs.iter().map(|pair| pair.0)));
    judge(proof, harm, pairs.len());
}

#[test]
fn editing_a_post_leaves_one_of_another_account_alone_though_their_hashes_are_equal() {
    let proof = Proof::of("forged identity: edited, to rewrite another's post");
    let pairs = pairs("post");
    let stage = Stage::new();
    stage.say(pairs.iter().map(|(victim, _)| post(victim, VICTIM_SAYS)));
    let edit = |uri: &str| frames::update(parts(uri).0, parts(uri).1, now_us(), ATTACKER_SAYS);
    stage.say(pairs.iter().map(|(_, attacker)| edit(attacker)));
    judge(proof, harmed(&stage, pairs.iter().map(|pair| pair.0)), pairs.len());
}

#[test]
fn an_account_that_goes_takes_nobody_elses_posts_along_though_their_hashes_are_equal() {
    let proof = Proof::of("forged account: deleted, to redact another's posts");
    let pairs = pairs("author");
    let mut stage = Stage::new();
    let uris: Vec<String> = pairs.iter().map(|(victim, _)| frames::uri(victim, "3mbd3ehjqksr6")).collect();
    stage.say(uris.iter().map(|uri| post(uri, VICTIM_SAYS)));
    stage.say(pairs.iter().map(|(_, attacker)| frames::account_gone(attacker, now_us())));
    let mut harm = harmed(&stage, uris.iter().map(String::as_str));
    stage.restart();
    stage.say(pairs.iter().map(|(_, attacker)| frames::account_gone(attacker, now_us())));
    harm.extend(harmed(&stage, uris.iter().map(String::as_str)));
    judge(proof, harm, pairs.len());
}

#[test]
fn the_pairs_are_valid_distinct_and_alike_to_the_hash_that_was_in_use() {
    let alike = |a: &[u8], b: &[u8]| a != b && xxh3(a) == xxh3(b);
    let item = |uri: &str| [b"bluesky\xFF".as_slice(), uri.as_bytes(), b"\xFFsupport\xFF"].concat();
    for (a, b) in [pairs("post"), pairs("author")].concat() {
        assert!(alike(a.as_bytes(), b.as_bytes()), "{a} {b}");
    }
    for (a, b) in pairs("item") {
        assert!(alike(&item(a), &item(b)), "{a} {b}");
    }
    for uri in [pairs("post"), pairs("item")].concat().into_iter().flat_map(|(a, b)| [a, b]) {
        let (did, rkey) = parts(uri);
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
        assert!(did.strip_prefix("did:plc:").unwrap().bytes().all(is_letter) && did.len() == 32, "{uri}");
        assert!(rkey.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:~-".contains(&byte)), "{uri}");
    }
}

/// The hash that birddog knew posts by, when these pairs were made.
fn xxh3(identity: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(identity)
}

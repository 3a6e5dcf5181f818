//! A made-up day on a social network: seeded, deterministic, in the shape of real Jetstream events.
//!
//! Three fictional brands get a trickle of praise, complaints, questions, leads and worse, in seven languages,
//! in a stream that is mostly likes, follows and other people's lives. Then acme has an outage that builds up,
//! and a picture about northwind goes round with mocking replies. The plot repeats every
//! [`PLOT_SECONDS`]. [`Story::numbered`] makes posts that a checker can count instead.

mod texts;
mod wire;

use std::collections::VecDeque;

use texts::Line;
use wire::{Dice, Parts, Target, cid, did, post_record, tid};

use crate::model::Timestamp;

/// Acme Cloud's own account, `@acmecloud`.
pub const ACME_DID: &str = "did:plc:acmecloudsupportaccounta";
/// Northwind Bank's own account, `@northwindhelp`.
pub const NORTHWIND_DID: &str = "did:plc:northwindhelpsupportacct";
/// Globex's own account, `@globexcoffee`.
pub const GLOBEX_DID: &str = "did:plc:globexcoffeesupportaccta";
/// Story seconds after which the plot starts again.
pub const PLOT_SECONDS: u64 = 300;

const BRANDS: &[(&str, &str)] =
    &[("acmecloud", ACME_DID), ("northwindhelp", NORTHWIND_DID), ("globexcoffee", GLOBEX_DID)];
const SECOND_US: u64 = 1_000_000;
/// Accounts on the network, and those of them that talk about brands.
const ACCOUNTS: u64 = 50_000;
const CUSTOMERS: u64 = 600;
/// Posts remembered, to be answered, shared and liked.
const RECENT_MAX: usize = 500;

/// The generator; an iterator of events, one JSON object each, that never ends.
#[derive(Clone, Debug)]
pub struct Story {
    dice: Dice,
    start_us: u64,
    time_us: u64,
    step_us: u64,
    sequence: u64,
    recent: VecDeque<Target>,
    about_brands: VecDeque<Target>,
    protest: Option<Target>,
    plot: u64,
    edits: bool,
}

impl Story {
    /// A story that begins at `start`, at 1,000 events per second of its own time.
    #[must_use]
    pub fn new(seed: u64, start: Timestamp) -> Self {
        let start_us = u64::try_from(start.as_micros()).unwrap_or(0);
        Self {
            dice: Dice::new(seed),
            start_us,
            time_us: start_us,
            step_us: 1_000,
            sequence: 0,
            recent: VecDeque::new(),
            about_brands: VecDeque::new(),
            protest: None,
            plot: u64::MAX,
            edits: true,
        }
    }

    /// The same at another pace: served live at this rate, events carry the present time.
    #[must_use]
    pub fn at_rate(mut self, events_per_second: f64) -> Self {
        self.step_us = ((1e6 / events_per_second.max(1e-3)) as u64).max(1);
        self
    }

    /// The first `count` events.
    pub fn events(self, count: usize) -> impl Iterator<Item = String> + Send {
        self.take(count)
    }

    /// `count` posts that a checker can count: post `i` names acme and contains [`numbered_token`]`(i)`, by an
    /// author and under a URI of its own. Three events of other people come before each; none of them names
    /// a brand, edits or deletes.
    pub fn numbered(mut self, count: u64) -> impl Iterator<Item = String> + Send {
        self.edits = false;
        (0..count * 4).map(move |index| {
            self.tick();
            if index % 4 == 3 { self.numbered_post(index / 4) } else { self.other_people() }
        })
    }

    fn tick(&mut self) {
        // Steps vary between a half and one and a half of the mean.
        self.time_us += self.step_us / 2 + self.dice.below(self.step_us + 1);
        self.sequence += 1;
    }

    fn event(&mut self) -> String {
        self.tick();
        let seconds = (self.time_us - self.start_us) / SECOND_US;
        let (plot, second) = (seconds / PLOT_SECONDS, seconds % PLOT_SECONDS);
        if self.plot != plot {
            (self.plot, self.protest) = (plot, None);
        }
        if let Some(event) = self.outage(second).or_else(|| self.cascade(second)) {
            return event;
        }
        if self.dice.chance(6_000) {
            return self.about_a_brand();
        }
        if self.edits && self.dice.chance(600) {
            return self.second_thoughts();
        }
        self.other_people()
    }

    /// Acme's outage: doubts, noise that grows, relief.
    fn outage(&mut self, second: u64) -> Option<String> {
        let (lines, in_a_million): (&[Line], u64) = match second {
            5..10 => (texts::OUTAGE_EARLY, 4_000),
            10..60 => (texts::OUTAGE_LATE, 1_000 * second),
            60..75 => (texts::OUTAGE_OVER, 3_000),
            _ => return None,
        };
        self.dice.chance(in_a_million).then(|| self.say_about_a_brand(lines))
    }

    /// Northwind's picture: one post, many reposts, mocking replies and quotes.
    fn cascade(&mut self, second: u64) -> Option<String> {
        if !(8..80).contains(&second) {
            return None;
        }
        let Some(protest) = self.protest.clone() else {
            let text = self.fill(texts::PROTEST.1);
            let photo = Some("people kneel on a pavement in front of a bank, drawing with chalk");
            let (post, target) =
                self.post(Parts { lang: texts::PROTEST.0, text: &text, photo, ..Parts::default() });
            self.protest = Some(target);
            return Some(post);
        };
        if self.dice.chance(30_000) {
            return Some(self.share("repost", &protest));
        }
        self.dice.chance(5_000).then(|| self.mock(&protest))
    }

    fn mock(&mut self, protest: &Target) -> String {
        let (lang, text) = self.dice.pick(texts::MOCKERY);
        let text = self.fill(text);
        let quotes = self.dice.chance(200_000).then_some(protest);
        let reply_to = Some(protest).filter(|_| quotes.is_none());
        self.post(Parts { lang, text: &text, reply_to, quotes, photo: None }).0
    }

    fn about_a_brand(&mut self) -> String {
        let lines = [texts::ACME, texts::NORTHWIND, texts::GLOBEX];
        let lines = self.dice.pick(&lines);
        self.say_about_a_brand(lines)
    }

    fn say_about_a_brand(&mut self, lines: &[Line]) -> String {
        let (lang, text) = self.dice.pick(lines);
        let text = self.fill(text);
        let author = did(self.dice.below(CUSTOMERS));
        let (post, target) = self.post_by(author, Parts { lang, text: &text, ..Parts::default() });
        remember(&mut self.about_brands, target);
        post
    }

    /// An author edits or deletes what they said about a brand.
    fn second_thoughts(&mut self) -> String {
        let Some(target) = self.about_brands.pop_front() else { return self.other_people() };
        if self.dice.chance(500_000) {
            let (did, rkey) = (target.did, target.rkey);
            return self.commit(&did, "delete", "app.bsky.feed.post", &rkey, None);
        }
        let text = self.fill("Edit: Acme Cloud wrote back at {time}, waiting for a fix now. @acmecloud");
        let parts = Parts { lang: "en", text: &text, ..Parts::default() };
        let record = post_record(&parts, self.time_us, BRANDS, &mut self.dice);
        self.commit(&target.did, "update", "app.bsky.feed.post", &target.rkey, Some(&record))
    }

    /// The rest of the network, in about the proportions of the real one.
    fn other_people(&mut self) -> String {
        match self.dice.below(1000) {
            0..640 => self.like(),
            640..740 => self.background_post(false),
            740..790 => self.background_post(true),
            790..870 => self.repost(),
            870..950 => self.follow(),
            950..980 => self.unlike(),
            980..988 => self.profile(),
            988..995 => self.identity(),
            _ => self.account(),
        }
    }

    fn somebody(&mut self) -> String {
        did(CUSTOMERS + self.dice.below(ACCOUNTS))
    }

    fn some_post(&mut self) -> Target {
        let index = self.dice.below(self.recent.len() as u64 + 1);
        match self.recent.get(usize::try_from(index).unwrap_or(0)) {
            Some(target) => target.clone(),
            None => {
                let did = self.somebody();
                let rkey = tid(self.time_us.saturating_sub(self.dice.below(3600 * SECOND_US)), 7);
                Target { did, rkey, cid: cid(&mut self.dice), root: None }
            }
        }
    }

    fn background_post(&mut self, is_reply: bool) -> String {
        let (lang, text) = self.dice.pick(texts::BACKGROUND);
        let text = self.fill(text);
        let parent = is_reply.then(|| self.some_post());
        let photo = self.dice.chance(200_000).then_some("");
        let (post, target) =
            self.post(Parts { lang, text: &text, reply_to: parent.as_ref(), quotes: None, photo });
        remember(&mut self.recent, target);
        post
    }

    fn post(&mut self, parts: Parts<'_>) -> (String, Target) {
        let author = self.somebody();
        self.post_by(author, parts)
    }

    fn post_by(&mut self, author: String, parts: Parts<'_>) -> (String, Target) {
        let created_us = self.time_us.saturating_sub(50_000 + self.dice.below(850_000));
        let record = post_record(&parts, created_us, BRANDS, &mut self.dice);
        let rkey = tid(self.time_us, self.sequence);
        let event = self.commit(&author, "create", "app.bsky.feed.post", &rkey, Some(&record));
        let root = parts
            .reply_to
            .map(|parent| parent.root.clone().unwrap_or_else(|| (parent.uri(), parent.cid.clone())));
        let cid = event.rsplit('"').nth(1).unwrap_or_default().to_owned();
        (event, Target { did: author, rkey, cid, root })
    }

    fn like(&mut self) -> String {
        let target = self.some_post();
        self.share("like", &target)
    }

    fn repost(&mut self) -> String {
        let target = self.some_post();
        self.share("repost", &target)
    }

    fn share(&mut self, how: &str, target: &Target) -> String {
        let (created, uri) = (wire::iso(self.time_us.saturating_sub(200_000)), target.uri());
        let record = format!(
            "{{\"$type\":\"app.bsky.feed.{how}\",\"createdAt\":\"{created}\",\"subject\":{{\"cid\":\"{}\",\"uri\":\"{uri}\"}}}}",
            target.cid
        );
        self.create(&format!("app.bsky.feed.{how}"), &record)
    }

    fn follow(&mut self) -> String {
        let (created, whom) = (wire::iso(self.time_us.saturating_sub(200_000)), self.somebody());
        let record = format!(
            "{{\"$type\":\"app.bsky.graph.follow\",\"createdAt\":\"{created}\",\"subject\":\"{whom}\"}}"
        );
        self.create("app.bsky.graph.follow", &record)
    }

    fn create(&mut self, collection: &str, record: &str) -> String {
        let (who, rkey) = (self.somebody(), tid(self.time_us, self.sequence));
        self.commit(&who, "create", collection, &rkey, Some(record))
    }

    fn unlike(&mut self) -> String {
        let (who, rkey) = (self.somebody(), tid(self.time_us.saturating_sub(SECOND_US), self.sequence));
        self.commit(&who, "delete", "app.bsky.feed.like", &rkey, None)
    }

    fn profile(&mut self) -> String {
        let who = self.somebody();
        let record = "{\"$type\":\"app.bsky.actor.profile\",\"description\":\"just here \\u0026 happy\",\"displayName\":\"Sam\"}";
        self.commit(&who, "update", "app.bsky.actor.profile", "self", Some(record))
    }

    fn identity(&mut self) -> String {
        let (who, handle) = (self.somebody(), self.dice.below(100_000));
        let (seq, time) = (1_400_000_000 + self.sequence, wire::iso(self.time_us.saturating_sub(300_000)));
        format!(
            "{{\"did\":\"{who}\",\"time_us\":{},\"kind\":\"identity\",\"identity\":{{\"did\":\"{who}\",\"handle\":\"user{handle}.bsky.social\",\"seq\":{seq},\"time\":\"{time}\"}}}}",
            self.time_us
        )
    }

    fn account(&mut self) -> String {
        let (who, active) = (self.somebody(), self.dice.chance(700_000));
        let (seq, time) = (1_400_000_000 + self.sequence, wire::iso(self.time_us.saturating_sub(300_000)));
        let status = if active { "" } else { ",\"status\":\"deactivated\"" };
        format!(
            "{{\"did\":\"{who}\",\"time_us\":{},\"kind\":\"account\",\"account\":{{\"active\":{active},\"did\":\"{who}\",\"seq\":{seq}{status},\"time\":\"{time}\"}}}}",
            self.time_us
        )
    }

    fn commit(
        &mut self,
        did: &str,
        operation: &str,
        collection: &str,
        rkey: &str,
        record: Option<&str>,
    ) -> String {
        let rev = tid(self.time_us, self.sequence + 1);
        let tail = record.map_or_else(String::new, |record| {
            format!(",\"record\":{record},\"cid\":\"{}\"", cid(&mut self.dice))
        });
        format!(
            "{{\"did\":\"{did}\",\"time_us\":{},\"kind\":\"commit\",\"commit\":{{\"rev\":\"{rev}\",\"operation\":\"{operation}\",\"collection\":\"{collection}\",\"rkey\":\"{rkey}\"{tail}}}}}",
            self.time_us
        )
    }

    fn numbered_post(&mut self, number: u64) -> String {
        let (lang, text) = self.dice.pick(texts::NUMBERED);
        let text = self.fill(text).replace("{case}", &format!("{number:06}"));
        let author = did(CUSTOMERS + ACCOUNTS + number);
        self.post_by(author, Parts { lang, text: &text, ..Parts::default() }).0
    }

    fn fill(&mut self, text: &str) -> String {
        let time = format!("{}:{:02}", self.dice.below(24), self.dice.below(60));
        text.replace("{n}", &(2 + self.dice.below(97)).to_string())
            .replace("{city}", self.dice.pick(texts::CITIES))
            .replace("{thing}", self.dice.pick(texts::THINGS))
            .replace("{time}", &time)
    }
}

impl Iterator for Story {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        Some(self.event())
    }
}

/// The words by which a checker knows numbered post `number`.
#[must_use]
pub fn numbered_token(number: u64) -> String {
    format!("case-{number:06}")
}

fn remember(posts: &mut VecDeque<Target>, target: Target) {
    if posts.len() >= RECENT_MAX {
        posts.pop_front();
    }
    posts.push_back(target);
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    fn story() -> Story {
        Story::new(7, Timestamp::from_micros(1_725_911_162_000_000))
    }

    fn parsed(events: impl Iterator<Item = String>) -> Vec<Value> {
        events.map(|event| serde_json::from_str(&event).unwrap_or_else(|e| panic!("{e}: {event}"))).collect()
    }

    fn text(event: &Value) -> &str {
        event["commit"]["record"]["text"].as_str().unwrap_or_default()
    }

    #[test]
    fn the_same_seed_tells_the_same_story_and_another_seed_another() {
        let told = |seed| Story::new(seed, Timestamp::from_micros(1_725_911_162_000_000)).events(2_000);
        assert!(told(1).eq(told(1)));
        assert!(!told(1).eq(told(2)));
    }

    #[test]
    fn every_kind_of_event_occurs_in_order_of_time() {
        let events = parsed(story().events(90_000));
        assert!(events.is_sorted_by_key(|event| event["time_us"].as_u64()));
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for event in &events {
            let commit = &event["commit"];
            let of = |key: &str| commit[key].as_str().unwrap_or_default().to_owned();
            let kind =
                format!("{} {} {}", event["kind"].as_str().unwrap(), of("operation"), of("collection"));
            *kinds.entry(kind).or_default() += 1;
        }
        for kind in [
            "commit create app.bsky.feed.post",
            "commit update app.bsky.feed.post",
            "commit delete app.bsky.feed.post",
            "commit create app.bsky.feed.like",
            "commit create app.bsky.feed.repost",
            "commit create app.bsky.graph.follow",
            "identity  ",
            "account  ",
        ] {
            assert!(kinds.contains_key(kind), "{kind} is missing from {kinds:?}");
        }
    }

    #[test]
    fn the_outage_builds_up_and_the_picture_goes_round() {
        let events = parsed(story().events(90_000));
        let start = 1_725_911_162_000_000;
        let second = |event: &Value| (event["time_us"].as_u64().unwrap() - start) / SECOND_US;
        let down = |from: u64, to: u64| {
            events.iter().filter(|e| (from..to).contains(&second(e)) && text(e).contains("#acmedown")).count()
        };
        assert_eq!(down(0, 5), 0);
        assert!(down(40, 60) > 2 * down(10, 25), "{} then {}", down(10, 25), down(40, 60));
        let protest = events.iter().find(|e| text(e).contains("chalk drawings")).unwrap();
        let rkey = protest["commit"]["rkey"].as_str().unwrap();
        let uri = format!("at://{}/app.bsky.feed.post/{rkey}", protest["did"].as_str().unwrap());
        let subject = |e: &&Value| e["commit"]["record"]["subject"]["uri"] == *uri;
        let replies = |e: &&Value| e["commit"]["record"]["reply"]["root"]["uri"] == *uri;
        assert!(events.iter().filter(subject).count() > 500);
        assert!(events.iter().filter(replies).count() > 50);
    }

    #[test]
    fn languages_and_mentions_are_there() {
        let events = parsed(story().events(60_000));
        let langs: BTreeSet<&str> =
            events.iter().filter_map(|e| e["commit"]["record"]["langs"][0].as_str()).collect();
        assert_eq!(langs, BTreeSet::from(["ar", "de", "en", "es", "fr", "ja", "pt"]));
        let mentions = |did: &str| {
            events.iter().filter(|e| e["commit"]["record"]["facets"].to_string().contains(did)).count()
        };
        for did in [ACME_DID, NORTHWIND_DID, GLOBEX_DID] {
            assert_eq!(did.len(), 32);
            assert!(mentions(did) > 10, "{did}");
        }
    }

    #[test]
    fn numbered_posts_are_all_there_once_and_nobody_else_names_a_brand() {
        let events = parsed(story().numbered(500));
        assert_eq!(events.len(), 2_000);
        let (numbered, others): (Vec<_>, Vec<_>) = events.iter().partition(|e| text(e).contains("case-"));
        for (number, post) in numbered.iter().enumerate() {
            let said = text(post);
            assert!(said.contains(&numbered_token(number as u64)) && said.contains("Acme Cloud"), "{said}");
        }
        let authors: BTreeSet<_> = numbered.iter().map(|e| e["did"].as_str()).collect();
        assert_eq!((numbered.len(), authors.len()), (500, 500));
        for word in ["acme", "northwind", "globex"] {
            assert!(others.iter().all(|e| !text(e).to_lowercase().contains(word)));
        }
    }
}

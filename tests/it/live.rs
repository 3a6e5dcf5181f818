//! A live feed that says what a test tells it to, when it tells it to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use birddog::feed::{FeedOptions, Input};
use serde_json::Value;

use crate::dice::now_us;
use crate::frames;
use crate::process::{Client, Feed, until};

/// Events a second: more than any test says.
const RATE: f64 = 1_000_000.0;
/// What was said while a daemon was connecting may have passed it by.
const SAY_AGAIN: Duration = Duration::from_secs(2);

/// A feed whose events come from a test.
pub(crate) struct Live {
    feed: Feed,
    events: Sender<String>,
    markers: AtomicU64,
}

impl Live {
    pub(crate) fn serve() -> Self {
        let (events, said) = channel();
        let mut options =
            FeedOptions::new(Input::Generator(Box::new(std::iter::from_fn(move || said.try_recv().ok()))));
        (options.live, options.rate) = (true, Some(RATE));
        Self { feed: Feed::serve(options), events, markers: AtomicU64::new(0) }
    }

    pub(crate) fn url(&self) -> String {
        self.feed.url()
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.feed.connections()
    }

    /// Publishes one event.
    pub(crate) fn say(&self, event: String) {
        self.events.send(event).unwrap();
    }

    /// Waits until the daemon has dealt with everything said so far: a post said after it has become an item.
    pub(crate) fn settle(&self, client: &Client) -> Value {
        self.settle_at(client, now_us())
    }

    /// As [`Live::settle`], at a time that is the feed's own.
    pub(crate) fn settle_at(&self, client: &Client, time_us: u64) -> Value {
        let did = frames::did("marker");
        let mut said: Option<(Instant, String)> = None;
        until("what was said is dealt with", || {
            if said.as_ref().is_none_or(|(at, _)| at.elapsed() > SAY_AGAIN) {
                let rkey = format!("marker{}", self.markers.fetch_add(1, Ordering::SeqCst));
                self.say(frames::post(&did, &rkey, time_us, "acme, and nothing else"));
                said = Some((Instant::now(), frames::uri(&did, &rkey)));
            }
            said.as_ref().and_then(|(_, uri)| item(client, uri))
        })
    }
}

/// The open item of the post `uri`.
pub(crate) fn item(client: &Client, uri: &str) -> Option<Value> {
    item_among(client, "", uri)
}

/// The item of the post `uri` in a closed state, such as `resolved`.
pub(crate) fn closed_item(client: &Client, state: &str, uri: &str) -> Option<Value> {
    item_among(client, &format!("&state={state}"), uri)
}

fn item_among(client: &Client, filter: &str, uri: &str) -> Option<Value> {
    let list = client.get(&format!("/api/v1/items?limit=1000{filter}"));
    list["items"].as_array().unwrap().iter().find(|item| item["post"]["uri"] == uri).cloned()
}

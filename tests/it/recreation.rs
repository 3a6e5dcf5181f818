//! A post that is deleted and made again under the same key, within the window of duplicates, is work again.

use std::time::Duration;

use crate::dice::now_us;
use crate::frames;
use crate::live::{Live, item};
use crate::process::{Client, Process, Site, until};
use crate::proof::{self, Proof};

const FIRST: &str = "acme is down, first version";
const SECOND: &str = "acme is down, second version";

/// When the post is made again.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// At once, in one batch with the delete.
    AtOnce,
    /// When the delete is dealt with.
    Later,
    /// After a restart.
    AfterRestart,
}

const ALL: [Then; 3] = [Then::AtOnce, Then::Later, Then::AfterRestart];

struct Stage {
    live: Live,
    site: Site,
    daemon: Process,
    client: Client,
}

impl Stage {
    fn new() -> Self {
        let live = Live::serve();
        let site = Site::with_one_rule(&live.url(), "1h");
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
        self.settle();
    }

    fn settle(&self) {
        self.live.settle(&self.client);
    }

    /// Says an event at a time of its own: two events of one account in one microsecond are one event.
    fn say(&self, event: impl FnOnce(u64) -> String) {
        std::thread::sleep(Duration::from_micros(10));
        self.live.say(event(now_us()));
    }

    /// Makes a post, deletes it, and makes it again; what is wrong then.
    fn make_again(&mut self, then: Then, rkey: &str) -> Option<String> {
        let did = frames::did("again");
        self.say(|time| frames::post(&did, rkey, time, FIRST));
        if !matches!(then, Then::AtOnce) {
            self.settle();
        }
        self.say(|time| frames::delete(&did, rkey, time));
        match then {
            Then::AtOnce => {}
            Then::Later => self.settle(),
            Then::AfterRestart => self.restart(),
        }
        self.say(|time| frames::post(&did, rkey, time, SECOND));
        self.settle();
        match item(&self.client, &frames::uri(&did, rkey)) {
            None => Some(format!("{then:?}: the second version made no work")),
            Some(item) if item["post"]["text"] == SECOND => None,
            Some(item) => Some(format!("{then:?}: the item says {}", item["post"]["text"])),
        }
    }

    /// Open items of second versions.
    fn open(&self) -> usize {
        let list = self.client.get("/api/v1/items?limit=1000")["items"].clone();
        list.as_array().unwrap().iter().filter(|item| item["post"]["text"] == SECOND).count()
    }
}

#[test]
fn a_post_made_again_under_its_key_after_a_delete_is_work_again_and_only_once() {
    let proof = Proof::of("deleted and made again under one key");
    let times = proof::count(3, 30);
    let mut stage = Stage::new();
    let mut wrong = Vec::new();
    for (number, then) in (0..times).flat_map(|number| ALL.map(|then| (number, then))) {
        wrong.extend(stage.make_again(then, &format!("{then:?}{number}")));
    }
    // All of it is read again: the deletes of the first versions must not take the second ones along.
    let before = stage.open();
    stage.restart();
    let after = stage.open();
    if before != after {
        wrong.push(format!("{before} second versions were open, and {after} after they were read again"));
    }
    proof.verdict(
        format_args!("{} posts", times * ALL.len() as u64),
        "each second version is one item",
        wrong,
    );
}

//! Numbered posts from a live feed, and a checker of the store that shares no code with birddog's matcher: it reads
//! the SQLite file itself and looks for numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use birddog::feed::story::Story;
use birddog::feed::{FeedOptions, Input};
use birddog::model::{Body, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use crate::dice::now_us;
use crate::process::{Feed, SOURCE, saved_position, until};

/// Events per second; one in four is a numbered post.
const RATE: f64 = 3_000.0;
/// The events begin this long ago, so that none is from the future, however much faster than [`RATE`] they are served.
const BEGAN_US: u64 = 600_000_000;
/// More than any run serves.
const POSTS_MAX: u64 = 999_999;

/// What was served, written down before it was served.
#[derive(Default)]
struct Told {
    posts: Mutex<Vec<String>>,
    last_us: Mutex<i64>,
    stopped: AtomicBool,
}

impl Told {
    fn note(&self, event: &str) {
        *self.last_us.lock().unwrap() = time_us(event);
        if number_in(event).is_some() {
            self.posts.lock().unwrap().push(event.to_owned());
        }
    }
}

fn time_us(event: &str) -> i64 {
    event.split_once("\"time_us\":").unwrap().1.split_once(',').unwrap().0.parse().unwrap()
}

/// The six digits after `case-`, if they are there.
fn number_in(text: &str) -> Option<String> {
    let digits = text.split_once("case-")?.1.get(..6)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.to_owned())
}

/// A live feed of numbered posts.
pub(crate) struct Numbered {
    told: Arc<Told>,
    pub(crate) feed: Feed,
}

impl Numbered {
    /// [`RATE`] events a second, for as long as it is not stopped.
    pub(crate) fn serve(seed: u64) -> Self {
        Self::new(seed, POSTS_MAX, true, RATE)
    }

    /// `posts` posts among four times as many events, kept until they are read, `rate` events a second.
    pub(crate) fn serve_kept(seed: u64, posts: u64, rate: f64) -> Self {
        Self::new(seed, posts, false, rate)
    }

    /// The same events twice, kept until they are read: `rate` a second, and as fast as they are read.
    pub(crate) fn serve_twins(seed: u64, posts: u64, rate: f64) -> (Self, Self) {
        let start = Timestamp::from_micros((now_us() - BEGAN_US) as i64);
        let events: Vec<String> = Story::new(seed, start).at_rate(RATE).numbered(posts).collect();
        let told = Arc::new(Told::default());
        events.iter().for_each(|event| told.note(event));
        let twin = |rate| {
            let options = FeedOptions { rate, ..FeedOptions::lines(events.clone()) };
            Self { told: Arc::clone(&told), feed: Feed::serve(options) }
        };
        (twin(Some(rate)), twin(None))
    }

    fn new(seed: u64, posts: u64, live: bool, rate: f64) -> Self {
        let told = Arc::new(Told::default());
        let start = Timestamp::from_micros((now_us() - BEGAN_US) as i64);
        let mut events = Story::new(seed, start).at_rate(RATE).numbered(posts);
        let teller = Arc::clone(&told);
        let events = std::iter::from_fn(move || {
            if teller.stopped.load(Ordering::SeqCst) {
                return None;
            }
            let event = events.next()?;
            teller.note(&event);
            Some(event)
        });
        let mut options = FeedOptions::new(Input::Generator(Box::new(events)));
        (options.live, options.rate) = (live, Some(rate));
        Self { told, feed: Feed::serve(options) }
    }

    /// Serves nothing new from now on.
    pub(crate) fn stop(&self) {
        self.told.stopped.store(true, Ordering::SeqCst);
    }

    /// Waits until the store has dealt with the last event, for as long as it gets on.
    pub(crate) fn wait_to_end(&self, store: &Path) {
        let mut reached = None;
        while !self.is_read_to_end(store) {
            let before = reached;
            reached = Some(until("the store gets on", || {
                saved_position(store).filter(|position| Some(*position) != before)
            }));
        }
    }

    /// True when the store says that it has dealt with the last event.
    pub(crate) fn is_read_to_end(&self, store: &Path) -> bool {
        saved_position(store) == Some(*self.told.last_us.lock().unwrap())
    }

    /// The identities in a store that is on its way: every post up to its position is there, and none twice or invented.
    pub(crate) fn check_so_far(&self, store: &Path) -> Result<BTreeSet<String>, String> {
        let position = position_and_health(store).map_err(|error| error.to_string())?;
        let stored = stored(store);
        let there: BTreeSet<_> = stored.iter().filter_map(|(_, text)| number_in(text)).collect();
        let uris = stored.iter().map(|(uri, _)| uri.clone()).collect();
        let posts = self.told.posts.lock().unwrap();
        let due = posts.iter().filter(|event| {
            time_us(event) <= position || number_in(event).is_some_and(|number| there.contains(&number))
        });
        compare(due.map(|event| expected(event)).collect(), stored).map(|()| uris)
    }

    /// Every post that was served is stored once, as it was served, and nothing else is. The number of posts.
    pub(crate) fn check(&self, store: &Path) -> usize {
        let posts = self.told.posts.lock().unwrap();
        let expected: Expected = posts.iter().map(|event| expected(event)).collect();
        assert_eq!(expected.len(), posts.len(), "the feed numbers each post differently");
        if let Err(difference) = compare(expected, stored(store)) {
            panic!("{difference}");
        }
        posts.len()
    }
}

/// The source's position in a store that can be read; 0 when it has none.
fn position_and_health(store: &Path) -> rusqlite::Result<i64> {
    let db = Connection::open(store)?;
    let health: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if health != "ok" {
        return Err(rusqlite::Error::InvalidParameterName(health));
    }
    db.query_row("SELECT count(*) FROM items", [], |_| Ok(()))?;
    let position = "SELECT position FROM positions WHERE source = ?1";
    let position = db.query_row(position, [SOURCE], |row| row.get(0)).optional()?;
    Ok(position.unwrap_or(0))
}

/// Identity and text by number.
type Expected = BTreeMap<String, (String, String)>;

fn compare(mut missing: Expected, stored: Vec<(String, String)>) -> Result<(), String> {
    let posts = missing.len();
    for (uri, text) in stored {
        let number = number_in(&text).ok_or_else(|| format!("invented: {uri} {text:?}"))?;
        let wanted = missing.remove(&number);
        if wanted.as_ref() != Some(&(uri.clone(), text.clone())) {
            return Err(format!("stored twice, invented or changed: {uri} {text:?}, not {wanted:?}"));
        }
    }
    let examples: Vec<_> = missing.keys().take(5).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("{} of {posts} lost: {examples:?}", missing.len())) }
}

/// An event's number, and the identity and text that an item must have for it.
fn expected(event: &str) -> (String, (String, String)) {
    let event: Value = serde_json::from_str(event).unwrap();
    let commit = &event["commit"];
    let part = |value: &Value| value.as_str().unwrap().to_owned();
    let text = part(&commit["record"]["text"]);
    let uri = format!("at://{}/app.bsky.feed.post/{}", part(&event["did"]), part(&commit["rkey"]));
    (number_in(&text).unwrap(), (uri, text))
}

/// Identity and text of every item in the file.
fn stored(store: &Path) -> Vec<(String, String)> {
    let read = |body: Vec<u8>| {
        let post = Body::decode(&body).unwrap().post;
        (post.uri.to_owned(), post.text.to_owned())
    };
    bodies(store).into_iter().map(read).collect()
}

/// The body of every item in the file, in the order in which they were stored.
pub(crate) fn bodies(store: &Path) -> Vec<Vec<u8>> {
    let db = Connection::open(store).unwrap();
    let intact: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(intact, "ok");
    let mut query = db.prepare("SELECT body FROM items ORDER BY seq").unwrap();
    let bodies = query.query_map([], |row| row.get(0)).unwrap();
    bodies.map(Result::unwrap).collect()
}

#[test]
fn the_checker_notices_what_is_lost_doubled_invented_or_changed() {
    let post = |number: u32| (format!("at://{number}"), format!("Acme Cloud, case-{number:06}!"));
    let served = || (0..3).map(|number| (format!("{number:06}"), post(number))).collect::<Expected>();
    assert_eq!(compare(served(), vec![post(2), post(0), post(1)]), Ok(()));
    for (wrong, said) in [
        (vec![post(0), post(2)], "lost"),
        (vec![post(0), post(1), post(2), post(1)], "twice"),
        (vec![post(0), post(1), post(2), post(7)], "invented"),
        (vec![post(0), ("at://x".to_owned(), "Acme Cloud".to_owned())], "invented"),
        (vec![post(0), ("at://9".to_owned(), post(1).1)], "changed"),
    ] {
        assert!(compare(served(), wrong).unwrap_err().contains(said), "{said}");
    }
}

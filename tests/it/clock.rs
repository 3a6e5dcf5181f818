//! A wall clock that leaps, in every direction, while the server and the clock agree or not: no post is answered
//! twice, no author twice in a day that did not pass, no budget fills up before its time, and nothing that was dealt
//! with comes back. Time that passed is what the monotonic clock says, and that goes on truly.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dice::{Dice, now_us};
use crate::frames;
use crate::live::{Live, closed_item, item};
use crate::process::{Client, Process, Site, birddog, until};
use crate::proof::{self, Proof};
use crate::shim::Shim;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
const OWN: &str = "did:plc:acmecareacmecareacmecare";
const PACK: &str = "[pack]\nbrand = \"acme\"\nowner = \"care@acme.example\"\n\
    [[rule]]\nid = \"acme\"\nquery = 'acme'\nteam = \"support\"\nreply = \"thanks\"\n\
    tests = [{ text = 'acme is down', match = true }]\n";
const REPLY: &str = "[reply]\nmode = \"auto\"\nown = [\"did:plc:acmecareacmecareacmecare\"]\n\
    [reply.templates.thanks]\ntext = \"We see it and are on it\"\n[reply.tone]\nhold = []\n";
/// Guard 9: so many replies at once, then one each so often.
const BURST: u64 = 3;
const REFILL: Duration = Duration::from_secs(360);
/// The store tidies up once a minute.
const TIDIED: Duration = Duration::from_secs(62);

/// A daemon on a clock of its own, with a server whose clock agrees with it or not.
struct World {
    live: Live,
    site: Site,
    shim: Shim,
    daemon: Process,
    client: Client,
    started: Instant,
    offset_us: i64,
    server_agrees: bool,
    posts: u64,
    /// Posts since the daemon's start; each asks the gate once.
    decided: AtomicU64,
    allowed_before: u64,
    wrong: Vec<String>,
}

impl World {
    fn new(server_agrees: bool) -> Self {
        let (live, shim) = (Live::serve(), Shim::new());
        let site = Site::with_one_rule(&live.url(), "0s");
        std::fs::write(site.rules().join("acme.toml"), PACK).unwrap();
        site.configure(REPLY);
        shim.set_clock(0);
        let mut daemon = site.start_with(|command| shim.on_clock(command));
        let client = daemon.listening();
        until("it connects", || (live.connections() > 0).then_some(()));
        let (started, wrong) = (Instant::now(), Vec::new());
        let (offset_us, posts, decided, allowed_before) = (0, 0, AtomicU64::new(0), 0);
        let world = Self {
            live,
            site,
            shim,
            daemon,
            client,
            started,
            offset_us,
            server_agrees,
            posts,
            decided,
            allowed_before,
            wrong,
        };
        world.arm();
        world
    }

    /// A person lets replies out, whatever the gate thought of the clock.
    fn arm(&self) {
        let api = &self.client.base;
        let args = ["reply", "arm", "--api", api, "--by", "ann", "--reason", "looked at it"];
        let said = birddog(self.site.folder(), &args);
        assert!(said.status.success(), "{said:?}");
    }

    fn server_us(&self) -> u64 {
        let offset = if self.server_agrees { self.offset_us } else { 0 };
        now_us().checked_add_signed(offset).unwrap()
    }

    /// The clock leaps, and the daemon has seen it when this returns.
    fn leap_to(&mut self, offset_us: i64) {
        self.offset_us = offset_us;
        self.shim.set_clock(offset_us);
        let wanted = now_us().checked_add_signed(offset_us).unwrap();
        until("the daemon sees the new time", || {
            let made = self.settle();
            let made: jiff::Timestamp = made["created_at"].as_str().unwrap().parse().unwrap();
            let off = made.as_microsecond().abs_diff(i64::try_from(wanted).unwrap());
            (off < 30 * SECOND as u64).then_some(())
        });
    }

    fn settle(&self) -> Value {
        self.decided.fetch_add(1, Ordering::SeqCst);
        self.live.settle_at(&self.client, self.server_us())
    }

    /// A restart, with a leap of the clock while nothing runs. `cleanly`, or by SIGKILL.
    fn restart(&mut self, offset_us: i64, cleanly: bool) {
        self.allowed_before += self.allowed_since_start();
        let before = self.live.connections();
        if cleanly {
            self.daemon.stop();
        } else {
            self.daemon.kill();
        }
        (self.offset_us, self.decided) = (offset_us, AtomicU64::new(0));
        self.shim.set_clock(offset_us);
        self.daemon = self.site.start_with(|command| self.shim.on_clock(command));
        self.client = self.daemon.listening();
        until("it connects again", || (self.live.connections() > before).then_some(()));
        self.settle();
    }

    /// The counts are published now and then: waits until they have the last decision.
    fn allowed_since_start(&self) -> u64 {
        let counts = || self.client.get("/api/v1/reply/status")["decisions"].clone();
        let count = |counts: &Value, verdict: &str| counts[verdict].as_u64().unwrap();
        until("the last decision is counted", || {
            let counts = counts();
            let all: u64 =
                ["allowed", "held", "suppressed"].iter().map(|verdict| count(&counts, verdict)).sum();
            (all >= self.decided.load(Ordering::SeqCst)).then(|| count(&counts, "allowed"))
        })
    }

    /// Replies allowed since the world began.
    fn allowed(&self) -> u64 {
        self.allowed_before + self.allowed_since_start()
    }

    /// `author` asks for help in a new post; its event, its identity, and whether a reply may go out.
    fn ask(&mut self, author: &str) -> (String, String, bool) {
        self.posts += 1;
        self.decided.fetch_add(1, Ordering::SeqCst);
        let (did, rkey) = (frames::did(author), format!("post{}", self.posts));
        let event = frames::post_to(OWN, &did, &rkey, self.server_us(), "acme is down, please help");
        self.live.say(event.clone());
        let uri = frames::uri(&did, &rkey);
        let item = until("the post is dealt with", || item(&self.client, &uri));
        (event, uri, item["reply"]["decision"] == "allow")
    }

    /// The first post of `author` is answered, and its item resolved.
    fn ask_and_resolve(&mut self, author: &str) -> (String, String) {
        let (event, uri, is_allowed) = self.ask(author);
        assert!(is_allowed, "nothing speaks against the first reply: {:?}", item(&self.client, &uri));
        let claim = json!({"team": "support", "agent": "ann", "lease": "10m", "max": 100});
        self.client.post("/api/v1/queue/claim", &claim);
        let id = item(&self.client, &uri).unwrap()["id"].as_str().unwrap().to_owned();
        self.client.post(&format!("/api/v1/items/{id}/resolve"), &json!({"agent": "ann"}));
        (event, uri)
    }

    /// The post is sent again, as after a reconnect: nothing comes of it. Its author asks once more: no reply.
    fn probe(&mut self, when: &str, author: &str, (event, uri): &(String, String)) {
        let allowed = self.allowed();
        self.live.say(event.clone());
        self.settle();
        if self.allowed() > allowed {
            self.wrong.push(format!("{when}: the same post was answered again"));
        }
        if let Some(again) = item(&self.client, uri) {
            self.wrong.push(format!("{when}: the resolved item is {} again", again["state"]));
        } else if closed_item(&self.client, "resolved", uri).is_none() {
            self.wrong.push(format!("{when}: the resolved item is forgotten"));
        }
        if self.ask(author).2 {
            self.wrong.push(format!("{when}: its author was answered again"));
        }
    }

    /// Replies allowed beyond what the rule's budget gives in the time that passed.
    fn excess(&self) -> u64 {
        let refilled = self.started.elapsed().as_secs() / REFILL.as_secs();
        self.allowed().saturating_sub(BURST + refilled)
    }
}

fn name(leap: i64) -> String {
    let (size, unit) = match leap.abs() {
        us if us < HOUR => (us / SECOND, "s"),
        us if us < 10 * DAY => (us / HOUR, "h"),
        us => (us / DAY, "d"),
    };
    format!("{}{size} {unit}", if leap < 0 { "-" } else { "+" })
}

/// Runs one case in each of as many worlds, side by side, since most of the time is spent waiting.
fn side_by_side<C: Copy + Send + Sync>(cases: &[C], run: impl Fn(C) -> Vec<String> + Sync) -> Vec<String> {
    std::thread::scope(|scope| {
        let run = &run;
        let runs: Vec<_> = cases.iter().map(|&case| scope.spawn(move || run(case))).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    })
}

const LEAPS: [i64; 11] = [
    HOUR,
    -HOUR,
    25 * HOUR,
    -25 * HOUR,
    40 * DAY,
    -40 * DAY,
    YEAR,
    -YEAR,
    590 * SECOND,
    -590 * SECOND,
    -4 * SECOND,
];

/// While running, through the store's tidying up, back again, over a restart and a kill, armed again each time.
/// With `waits`, nothing is sent again before the store has tidied up: a key that is found is a key that is kept.
fn leap_everywhere(Case { leap, server_agrees, waits }: Case) -> Vec<String> {
    let mut world = World::new(server_agrees);
    let side = if server_agrees { "server and clock" } else { "clock" };
    let name = format!("{side} {}", name(leap));
    let first = world.ask_and_resolve("first");
    for (when, arms, offset, restarts) in [
        ("while running", false, Some(leap), None),
        ("armed after that", true, None, None),
        ("after tidying up", true, None, None),
        ("back again", true, Some(0), None),
        ("over a restart", false, Some(leap), Some(true)),
        ("armed after the restart", true, None, None),
        ("over a kill, back", false, Some(0), Some(false)),
        ("armed after the kill", true, None, None),
    ] {
        match (offset, restarts) {
            (Some(offset), Some(cleanly)) => world.restart(offset, cleanly),
            (Some(offset), None) => world.leap_to(offset),
            _ => {}
        }
        if when == "after tidying up" {
            until_tidied(&world);
        }
        if arms {
            world.arm();
        }
        if !waits || world.started.elapsed() >= TIDIED {
            world.probe(&format!("{name}, {when}"), "first", &first);
        }
    }
    world.wrong
}

#[derive(Clone, Copy)]
struct Case {
    leap: i64,
    server_agrees: bool,
    waits: bool,
}

/// Every leap with and without the server, and the long ones once more, waiting.
fn cases() -> Vec<Case> {
    let case = |server_agrees, waits| move |leap| Case { leap, server_agrees, waits };
    let long = || LEAPS.into_iter().filter(|leap| leap.abs() >= 40 * DAY);
    let all = LEAPS.into_iter().map(case(false, false)).chain(LEAPS.into_iter().map(case(true, false)));
    all.chain(long().map(case(false, true))).chain(long().map(case(true, true))).collect()
}

/// A pass of the store's own tidying up is the event; nothing outside tells of one that found nothing to do.
fn until_tidied(world: &World) {
    let rest = TIDIED.saturating_sub(world.started.elapsed());
    std::thread::sleep(rest);
    world.settle();
}

#[test]
fn a_post_is_answered_once_and_an_author_once_a_day_whatever_the_clock_does() {
    let proof = Proof::of("clock leaps while running, over tidying up, restart, kill and arming");
    let cases = cases();
    let wrong = side_by_side(&cases, leap_everywhere);
    let count = format!("{} leaps, 8 looks at each", cases.len());
    proof.verdict(count, "each post and author answered once, nothing resolved is new again", wrong);
}

#[test]
fn budgets_fill_up_in_time_that_passed_though_server_and_clock_creep_ahead_together() {
    let leaps = proof::count(20, 150);
    let proof = Proof::of("server and clock creep ahead in leaps of 9 min 50 s, replies armed");
    let mut world = World::new(true);
    let first = world.ask_and_resolve("first");
    for number in 1..=leaps as i64 {
        world.leap_to(number * 590 * SECOND);
        world.ask(&format!("other{number}"));
        if number % 10 == 0 {
            world.probe(&format!("after {number} leaps"), "first", &first);
        }
    }
    let excess = world.excess();
    let mut wrong = std::mem::take(&mut world.wrong);
    if excess > 0 {
        wrong.push(format!("{excess} replies beyond {BURST} at once and one each 6 min"));
    }
    proof.verdict(format_args!("{leaps} leaps"), format_args!("{} replies allowed", world.allowed()), wrong);
}

#[test]
fn budgets_fill_up_in_time_that_passed_though_a_week_seems_to_lie_between_stop_and_start() {
    let proof = Proof::of("server and clock up to 7 d ahead after a restart, replies armed");
    let cases = [7 * HOUR, 25 * HOUR, 3 * DAY, 7 * DAY - HOUR];
    let wrong = side_by_side(&cases, |leap| {
        let mut world = World::new(true);
        let first = world.ask_and_resolve("first");
        (0..2).for_each(|number| _ = world.ask(&format!("other{number}")));
        world.restart(leap, true);
        world.probe(&name(leap), "first", &first);
        (2..6).for_each(|number| _ = world.ask(&format!("other{number}")));
        let excess = world.excess();
        if excess > 0 {
            world.wrong.push(format!("{}: {excess} replies beyond {BURST}", name(leap)));
        }
        world.wrong
    });
    proof.verdict(format_args!("{} restarts", cases.len()), "no budget filled up", wrong);
}

#[test]
fn clusters_count_each_repost_once_though_kills_and_a_clock_a_year_off_have_it_read_again() {
    let kills = proof::count(6, 40);
    let proof = Proof::of("kill -9 with the clock a year off, reposts read again");
    let seed = Dice::from_environment("clusters").below(u64::MAX);
    let worlds = [0, YEAR, -YEAR];
    let wrong = side_by_side(&worlds, |first| share_and_kill(first, kills, Dice::new(seed ^ first as u64)));
    proof.verdict(
        format_args!("{} kills", kills * worlds.len() as u64),
        "each repost is counted once",
        wrong,
    );
}

fn share_and_kill(first: i64, kills: u64, mut dice: Dice) -> Vec<String> {
    let mut world = World::new(false);
    world.site.set("rewind = \"0s\"", "rewind = \"1h\"");
    world.restart(first, true);
    // Of one post only the reposts are read again, of the other everything.
    let posts = [(2 * HOUR, "old"), (0, "new")].map(|(age, author)| {
        let did = frames::did(author);
        world.live.say(frames::post(&did, author, now_us() - age as u64, "acme is down, please help"));
        frames::uri(&did, author)
    });
    world.live.settle(&world.client);
    let share = |world: &World, name: &str| {
        for (place, uri) in posts.iter().enumerate() {
            world.live.say(frames::repost(&frames::did(name), &format!("{name}{place}"), now_us(), uri));
        }
    };
    for number in 0..SHARED {
        share(&world, &format!("sharer{number}"));
    }
    let clusters = |world: &World| posts.each_ref().map(|uri| size(&world.client, uri));
    until("all reposts are counted", || (clusters(&world) == [SHARED + 1; 2]).then_some(()));
    let mut wrong = Vec::new();
    for kill in 0..kills {
        let offset = dice.pick(&[0, YEAR, -YEAR, HOUR]);
        world.restart(offset, false);
        // A new one, so that what was counted wrongly is shown.
        share(&world, &format!("late{kill}"));
        world.live.settle(&world.client);
        let (found, expected) = (clusters(&world), SHARED + 2 + kill);
        if found != [expected; 2] {
            let (first, now) = (name(first), name(offset));
            wrong.push(format!("from {first}, kill {kill} to {now}: {found:?} posts, not {expected}"));
        }
    }
    wrong
}

/// Accounts that shared each post at first.
const SHARED: u64 = 20;

/// Posts in the cluster of the post; of so many authors, as each shared once, their number is estimated.
fn size(client: &Client, uri: &str) -> u64 {
    let item = until("the item is there", || item(client, uri));
    item["cluster"]["size"].as_u64().unwrap()
}

//! What the demo shows: each second the new work items with their text and the gate's word, and a line of rates.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::app::Handle;
use crate::cli::terminal::{self, Cell, Style, Table, counted, sanitise, truncate};
use crate::model::{ItemFilter, ItemId, Lane, QueueStats, WorkItem};
use crate::telemetry::{FLUSH_MAX, NonBlocking};

/// Items shown per second; the rest is only counted.
const ITEMS_SHOWN: usize = 5;
/// A line is at most 100 columns wide.
const TEXT_COLUMNS: usize = 44;
/// The open items looked at per second, best first; past this many of a team and lane, the rest is only counted.
const LOOKED_AT: u32 = 1_000;

pub(super) struct Screen {
    handle: Handle,
    address: SocketAddr,
    feed: String,
    seen: HashSet<ItemId>,
    replies: BTreeMap<&'static str, u64>,
    events: u64,
    colours: bool,
    out: NonBlocking,
}

impl Screen {
    pub(super) fn new(handle: Handle, address: SocketAddr, feed: String) -> io::Result<Self> {
        let colours = terminal::colours();
        let notice = |missing| format!("({missing} lines are missing: the terminal was too slow)\n");
        // A terminal that is held (Ctrl-S, a pager) must not hold the daemon.
        let out = NonBlocking::start(io::stdout(), notice)?;
        let (seen, replies) = (HashSet::new(), BTreeMap::new());
        Ok(Self { handle, address, feed, seen, replies, events: 0, colours, out })
    }

    pub(super) fn open(&self) {
        let Self { address, feed, .. } = self;
        self.say(&format!(
            "birddog demo: a made-up day of acme (hosting), northwind (a bank) and globex (coffee makers)\n\
             feed     {feed}\n\
             start    http://{address}/\n\
             queue    http://{address}/api/v1/items    (or: birddog queue list --api http://{address})\n\
             metrics  http://{address}/metrics\n\
             status   http://{address}/status\n"
        ));
    }

    /// Shows what is new since the last call; `events` is what the feed has sent so far.
    pub(super) async fn refresh(&mut self, events: u64) {
        let filter = ItemFilter { limit: Some(LOOKED_AT), ..ItemFilter::default() };
        let Ok(page) = self.handle.list(filter).await else { return };
        let mut fresh: Vec<&WorkItem> = page.items.iter().filter(|item| self.seen.insert(item.id)).collect();
        for item in &fresh {
            if let Some(reply) = item.reply() {
                *self.replies.entry(reply.decision.as_str()).or_default() += 1;
            }
        }
        fresh.sort_by_key(|item| {
            std::cmp::Reverse((item.reply().is_some(), item.priority.lane, item.priority.score))
        });
        let mut table = Table::new(&["", "", "", "", ""]);
        one_of_each_rule(&fresh).take(ITEMS_SHOWN).for_each(|item| table.row(row(item)));
        let rows = table.render(self.colours);
        let rows = rows.split_once('\n').map_or("", |(_, rows)| rows);
        let rate = events - std::mem::replace(&mut self.events, events);
        let more = fresh.len().saturating_sub(ITEMS_SHOWN);
        let more = if more > 0 { format!(", {more} more not shown") } else { String::new() };
        let replies: Vec<String> =
            self.replies.iter().map(|(word, count)| format!("{word} {count}")).collect();
        self.say(&format!(
            "{rows}-- {rate} events/s, {} so far{more}; replies: {}\n",
            counted(self.seen.len(), "item"),
            if replies.is_empty() { "none asked for".to_owned() } else { replies.join(", ") },
        ));
    }

    /// Shows the sums by team and lane, and waits a moment until everything is out.
    pub(super) async fn close(self) {
        if let Ok(stats) = self.handle.stats().await {
            self.sums(&stats);
        }
        let out = self.out;
        let _ = tokio::task::spawn_blocking(move || out.flush(FLUSH_MAX)).await;
    }

    fn sums(&self, stats: &QueueStats) {
        let mut table = Table::new(&["TEAM", ">CRITICAL", ">HIGH", ">NORMAL", ">LOW"]);
        for team in &stats.teams {
            let lanes =
                Lane::ALL.iter().rev().map(|lane| Cell::number(team.new_by_lane[lane.as_index() as usize]));
            let mut cells = vec![Cell::new(&team.team)];
            cells.extend(lanes);
            table.row(cells);
        }
        self.say(&format!(
            "\nWaiting in the queues after {}:\n{}",
            counted(self.events, "event"),
            table.render(self.colours)
        ));
    }

    /// A demo whose reader has gone needs no error.
    fn say(&self, text: &str) {
        self.out.push(text.as_bytes());
    }
}

/// The first item of each rule, so that one loud story does not hide the others, and then the rest.
fn one_of_each_rule<'a>(items: &[&'a WorkItem]) -> impl Iterator<Item = &'a WorkItem> {
    let mut rules = HashSet::new();
    let is_first = |item: &&WorkItem| {
        rules.insert(item.post().and_then(|body| body.matches.first()).map(|found| Arc::clone(&found.rule)))
    };
    let (first, rest): (Vec<&WorkItem>, Vec<&WorkItem>) = items.iter().copied().partition(is_first);
    first.into_iter().chain(rest)
}

fn row(item: &WorkItem) -> Vec<Cell> {
    let lane = Cell::new(item.priority.lane.as_str()).style(match item.priority.lane {
        Lane::Critical | Lane::High => Style::Bold,
        _ => Style::Faint,
    });
    let text = sanitise(item.headline());
    let reply = item.reply().map(|reply| match &reply.guard {
        Some(guard) => format!("no reply: {guard} guard"),
        None => format!("reply: {}", reply.decision.as_str()),
    });
    vec![
        lane,
        Cell::new(&*item.team),
        Cell::new(&*item.brand),
        Cell::new(truncate(&text, TEXT_COLUMNS)),
        Cell::new(reply.unwrap_or_default()).style(Style::Faint),
    ]
}

//! `birddog queue`: what agents do with work items, through the daemon's API.
//!
//! Posts are untrusted: every cell is made safe for the terminal before it is shown.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;

use super::client::{Client, Connection};
use super::exit::{OK, UsageError};
use super::queue_watch;
use super::terminal::{self, Cell, Style, Table, counted};
use crate::api::{By, Claim, HandOff, Items, Note, OneItem, Resolve};
use crate::clock::wall_clock;
use crate::model::flags::{Flag, Flags};
use crate::model::setting::parse_duration;
use crate::model::{
    Alarm, ItemBody, ItemId, ItemPage, ItemRecord, ItemState, Lane, PostBody, QueueStats, Timestamp, WorkItem,
};

const EXAMPLES: &str = "\
Examples:
  birddog queue stats                                   each team's queue in numbers
  birddog queue list --team support --lane critical     what is open, best first
  birddog queue claim --team support --max 3            take the three most pressing
  birddog queue ack ID                                  I am at work: the lease stops running
  birddog queue handoff ID --to sales --reason 'asks for a quote'
  birddog queue resolve ID --note 'refunded'
  birddog queue watch --team support                    what happens to its items, as it happens
  birddog queue list --format json | jq -r '.items[].post.url'

A claim falls back to the queue when its lease ends without an ack. Set BIRDDOG_AGENT to your name, and
BIRDDOG_API and BIRDDOG_API_TOKEN (or --token-file) for a daemon on another machine.";

/// Columns of a post's text in a list.
const TEXT_COLUMNS: usize = 60;

/// Arguments of `birddog queue`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Each team's queue in numbers
    Stats,
    /// Open items, best first
    List(ListArgs),
    /// One item with its history
    Show(Item),
    /// Take the most pressing unclaimed items of a team
    Claim(ClaimArgs),
    /// Say that you are at work on a claimed item; counts as the first response
    Ack(Act),
    /// Give a claimed item back to the queue
    Release(Act),
    /// Pass an item to another team; its history and deadline stay
    Handoff(HandOffArgs),
    /// Close an item
    Resolve(ResolveArgs),
    /// Put a remark on an item's record
    Note(NoteArgs),
    /// What happens to items, as it happens
    Watch(queue_watch::Args),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only this team's
    #[arg(long)]
    team: Option<String>,
    /// Only in this state: new, claimed, waiting, resolved, withdrawn [default: all that are open]
    #[arg(long, value_parser = state)]
    state: Option<ItemState>,
    /// Only in this lane: critical, high, normal, low
    #[arg(long, value_parser = lane)]
    lane: Option<Lane>,
    /// Only this brand's
    #[arg(long)]
    brand: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct Item {
    /// The item's id, as `birddog queue list` shows it
    id: ItemId,
}

#[derive(Debug, clap::Args)]
struct Agent {
    /// Who you are [default: your login name]
    #[arg(long, env = "BIRDDOG_AGENT", value_name = "NAME")]
    agent: Option<String>,
}

#[derive(Debug, clap::Args)]
struct ClaimArgs {
    /// Whose queue
    #[arg(long)]
    team: String,
    #[command(flatten)]
    agent: Agent,
    /// How long before an unacknowledged claim falls back
    #[arg(long, default_value = "15m", value_parser = parse_duration)]
    lease: Duration,
    /// At most this many
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    max: u32,
}

#[derive(Debug, clap::Args)]
struct Act {
    #[command(flatten)]
    item: Item,
    #[command(flatten)]
    agent: Agent,
}

#[derive(Debug, clap::Args)]
struct HandOffArgs {
    #[command(flatten)]
    act: Act,
    /// The team that gets it
    #[arg(long, value_name = "TEAM")]
    to: String,
    /// Why, so that nothing is thrown over a wall
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, clap::Args)]
struct ResolveArgs {
    #[command(flatten)]
    act: Act,
    /// What was done, for the record
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, clap::Args)]
struct NoteArgs {
    #[command(flatten)]
    act: Act,
    /// The remark
    text: String,
}

/// Runs `birddog queue`.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let format = args.connection.format;
    let (colours, now) = (terminal::colours(), wall_clock());
    match args.command {
        Command::Stats => {
            let answer = client.get("/api/v1/queue/stats", &[])?;
            format.print(&answer, |stats| stats_text(&stats, now, colours))?;
        }
        Command::List(list) => {
            let answer = list.pages(&client)?;
            format.print(&answer, |items| items_text(&items, "nothing is open", now, colours))?;
        }
        Command::Show(item) => {
            let answer = client.get(&format!("/api/v1/items/{}", item.id), &[])?;
            format.print(&answer, |record| record_text(&record, now, colours))?;
        }
        Command::Claim(claim) => {
            let answer = client.post("/api/v1/queue/claim", &claim.body()?)?;
            format.print(&answer, |items| items_text(&items, "nothing to claim", now, colours))?;
        }
        Command::Watch(watch) => return queue_watch::run(&watch, &client, format),
        act => format.print(&post(&client, act)?, |item| one_text(&item, now, colours))?,
    }
    Ok(ExitCode::from(OK))
}

/// The operations on one item.
fn post(client: &Client, command: Command) -> anyhow::Result<Value> {
    let path = |act: &Act, verb: &str| format!("/api/v1/items/{}/{verb}", act.item.id);
    match command {
        Command::Ack(act) => client.post(&path(&act, "ack"), &By { agent: act.agent.name()? }),
        Command::Release(act) => client.post(&path(&act, "release"), &By { agent: act.agent.name()? }),
        Command::Handoff(HandOffArgs { act, to, reason }) => {
            let path = path(&act, "handoff");
            client.post(&path, &HandOff { agent: act.agent.name()?, to_team: to, reason })
        }
        Command::Resolve(ResolveArgs { act, note }) => {
            client.post(&path(&act, "resolve"), &Resolve { agent: act.agent.name()?, note })
        }
        Command::Note(NoteArgs { act, text }) => {
            client.post(&path(&act, "note"), &Note { agent: act.agent.name()?, text })
        }
        other => anyhow::bail!("{other:?} is not an operation on one item"),
    }
}

impl ListArgs {
    /// One list of as many pages as it takes: an answer of the API is bounded in bytes.
    fn pages(&self, client: &Client) -> anyhow::Result<Value> {
        let (mut items, mut next) = (Vec::new(), None);
        loop {
            let left = self.limit - items.len() as u32;
            let answer = client.get("/api/v1/items", &self.query(left, next.take()))?;
            let page: ItemPage = serde_json::from_value(answer)?;
            items.extend(page.items);
            next = page.next;
            if next.is_none() || items.len() as u32 >= self.limit {
                return Ok(serde_json::to_value(ItemPage { items, next })?);
            }
        }
    }

    fn query(&self, limit: u32, after: Option<String>) -> Vec<(&'static str, String)> {
        let conditions = [
            ("team", self.team.clone()),
            ("state", self.state.map(|state| state.as_str().to_owned())),
            ("lane", self.lane.map(|lane| lane.as_str().to_owned())),
            ("brand", self.brand.clone()),
            ("limit", Some(limit.to_string())),
            ("after", after),
        ];
        conditions.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl ClaimArgs {
    fn body(self) -> anyhow::Result<Claim> {
        Ok(Claim { team: self.team, agent: self.agent.name()?, lease: self.lease, max: self.max })
    }
}

impl Agent {
    fn name(self) -> anyhow::Result<String> {
        agent_name(self.agent)
    }
}

/// The name given, or else the login name.
pub(super) fn agent_name(given: Option<String>) -> anyhow::Result<String> {
    let login = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = given.or(login).filter(|name| !name.trim().is_empty());
    let unknown = || UsageError("who are you? give --agent (or --by), or set BIRDDOG_AGENT".to_owned());
    Ok(name.ok_or_else(unknown)?)
}

fn state(text: &str) -> Result<ItemState, String> {
    let found = ItemState::ALL.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| "write new, claimed, waiting, resolved or withdrawn".to_owned())
}

fn lane(text: &str) -> Result<Lane, String> {
    let found = Lane::ALL.into_iter().find(|lane| lane.as_str() == text);
    found.ok_or_else(|| "write critical, high, normal or low".to_owned())
}

fn stats_text(stats: &QueueStats, now: Timestamp, colours: bool) -> String {
    if stats.teams.is_empty() {
        return "no team has had an item yet".to_owned();
    }
    let header = [
        "TEAM",
        ">CRITICAL",
        ">HIGH",
        ">NORMAL",
        ">LOW",
        ">CLAIMED",
        ">WAITING",
        ">OVERDUE",
        ">RESOLVED",
        ">WITHDRAWN",
        ">IN",
        ">OUT",
        "OLDEST",
    ];
    let mut table = Table::new(&header);
    for team in &stats.teams {
        let [low, normal, high, critical] = team.new_by_lane;
        let flagged = |count, style| Cell::number(count).style(if count > 0 { style } else { Style::Faint });
        let oldest = team.oldest_new.map_or_else(|| "-".to_owned(), |at| short(now.since(at)));
        let mut row =
            vec![Cell::new(&team.team), flagged(critical, Style::Alarm), flagged(high, Style::Warn)];
        row.extend([normal, low, team.claimed, team.waiting].map(Cell::number));
        row.push(flagged(team.overdue, Style::Alarm));
        row.extend([team.resolved, team.withdrawn, team.handed_in, team.handed_out].map(Cell::number));
        row.push(Cell::new(oldest));
        table.row(row);
    }
    table.render(colours)
}

fn items_text(items: &Items, nothing: &str, now: Timestamp, colours: bool) -> String {
    if items.items.is_empty() {
        return nothing.to_owned();
    }
    let mut table = Table::new(&["ID", "LANE", ">SCORE", "STATE", "DUE", "TEAM", "BRAND", "HOLDER", "TEXT"]);
    for item in &items.items {
        table.row(vec![
            Cell::new(item.id.to_string()),
            Cell::new(item.priority.lane.as_str()).style(lane_style(item.priority.lane)),
            Cell::number(item.priority.score.into()),
            Cell::new(item.state.as_str()),
            due(item, now),
            Cell::new(&item.team),
            Cell::new(&item.brand),
            Cell::new(item.claimed_by.as_deref().unwrap_or("-")),
            Cell::new(terminal::truncate(&terminal::sanitise(item.headline()), TEXT_COLUMNS)),
        ]);
    }
    table.render(colours)
}

fn one_text(answer: &OneItem, now: Timestamp, colours: bool) -> String {
    let items = Items { items: answer.item.clone().into_iter().collect() };
    items_text(&items, "done", now, colours)
}

fn record_text(record: &ItemRecord, now: Timestamp, colours: bool) -> String {
    let mut facts = Table::new(&["", ""]);
    for (name, value) in facts_of(&record.item) {
        facts.row(vec![Cell::new(name).style(Style::Faint), Cell::new(value)]);
    }
    facts.row(vec![Cell::new("due").style(Style::Faint), due(&record.item, now)]);
    let mut history = Table::new(&["WHEN", "WHO", "WHAT", "DETAIL"]);
    for entry in &record.history {
        let detail = entry.detail.as_deref().unwrap_or_default();
        let cells = [entry.at.to_string().as_str(), &entry.agent, &entry.action, detail].map(Cell::new);
        history.row(cells.to_vec());
    }
    format!("{}\n{}", facts.render(colours).trim_start(), history.render(colours))
}

fn facts_of(item: &WorkItem) -> Vec<(&'static str, String)> {
    let mut facts = head_facts(item);
    match &item.body {
        ItemBody::Post(body) => facts.extend(post_facts(item, body)),
        ItemBody::Alarm { alarm } => facts.extend(alarm_facts(alarm)),
    }
    facts
}

fn head_facts(item: &WorkItem) -> Vec<(&'static str, String)> {
    let priority = &item.priority;
    let factors = &priority.factors;
    vec![
        ("id", item.id.to_string()),
        ("team", item.team.to_string()),
        ("brand", item.brand.to_string()),
        ("state", item.state.as_str().to_owned()),
        ("holder", item.claimed_by.clone().unwrap_or_else(|| "-".to_owned())),
        ("priority", format!("{} {}", priority.lane.as_str(), priority.score)),
        (
            "because",
            format!(
                "urgency {:.2}, negative {:.2}, influence {:.2}, amplification {:.2}, floor {}",
                factors.urgency,
                factors.sentiment,
                factors.influence,
                factors.amplification,
                factors.floor.as_str()
            ),
        ),
        ("sentiment", format!("{} {:.2}", item.scores.sentiment.label.as_str(), item.scores.sentiment.score)),
    ]
}

fn post_facts(item: &WorkItem, body: &PostBody) -> Vec<(&'static str, String)> {
    let post = &body.post;
    let rules: Vec<_> = body.matches.iter().map(|matched| &*matched.rule).collect();
    let author = post.author.handle.as_deref().unwrap_or(&post.author.id);
    let before = counted(body.author_history.mentions, "mention");
    let (posts, authors) = (counted(body.cluster.size, "post"), counted(body.cluster.authors, "author"));
    let mut facts = vec![
        ("intent", item.scores.intent.as_str().to_owned()),
        ("cues", names(item.scores.cues)),
        ("tones", names(item.scores.tones)),
        ("rules", if rules.is_empty() { "none since the last edit".to_owned() } else { rules.join(", ") }),
        ("cluster", format!("{posts} by {authors}")),
        ("author", format!("{author}, {before} before")),
        ("post", post.url.clone().unwrap_or_else(|| post.uri.clone())),
        ("text", post.text.clone()),
    ];
    if let Some(reply) = &body.reply {
        facts.push(("reply", format!("{:?}: {}", reply.decision, reply.trace.join(" ")).to_lowercase()));
    }
    facts
}

fn alarm_facts(alarm: &Alarm) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("alarm", alarm.title.clone()),
        ("since", alarm.first_seen.to_string()),
        ("last seen", alarm.last_seen.to_string()),
        ("posts", format!("{} by {}", counted(alarm.posts, "post"), counted(alarm.authors, "author"))),
    ];
    facts.extend(alarm.evidence.iter().map(|uri| ("such as", uri.clone())));
    facts
}

const fn lane_style(lane: Lane) -> Style {
    match lane {
        Lane::Critical => Style::Alarm,
        Lane::High => Style::Warn,
        Lane::Normal => Style::Plain,
        Lane::Low => Style::Faint,
    }
}

/// `outage, repeat`, or `-`.
fn names<F: Flag>(flags: Flags<F>) -> String {
    if flags.is_empty() {
        return "-".to_owned();
    }
    flags.iter().map(Flag::as_str).collect::<Vec<_>>().join(", ")
}

fn due(item: &WorkItem, now: Timestamp) -> Cell {
    if matches!(item.state, ItemState::Resolved | ItemState::Withdrawn) {
        return Cell::new("-");
    }
    match item.due_at < now {
        true => Cell::new(format!("{} late", short(now.since(item.due_at)))).style(Style::Alarm),
        false => Cell::new(format!("in {}", short(item.due_at.since(now)))),
    }
}

/// A duration in its two largest units: `45s`, `12m`, `3h05m`, `2d04h`.
fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days}d{:02}h", hours % 24),
        () if hours > 0 => format!("{hours}h{:02}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m"),
        () => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> WorkItem {
        let at = "2026-11-21T10:00:00Z";
        serde_json::from_value(serde_json::json!({
            "schema": 1, "id": "00c0ffee00c0ffee", "created_at": at, "updated_at": at, "brand": "acme",
            "team": "support", "state": "new", "due_at": at,
            "priority": {"score": 87, "lane": "critical", "factors": {"urgency": 0.8, "sentiment": 0.7,
                "influence": 0.1, "amplification": 0.3, "floor": "high"}},
            "sentiment": {"score": -0.72, "label": "negative", "confidence": 0.9}, "urgency": 0.81,
            "urgency_label": "high", "intent": "complaint", "lang": "en",
            "matches": [{"rule": "acme-outage", "spans": []}],
            "post": {"source": "bluesky", "uri": "at://x", "url": null, "author": {"id": "did:x", "handle": null},
                "text": text, "created_at": at, "received_at": at, "kind": "post", "root": null, "parent": null,
                "links": [], "hashtags": [], "mentions": []},
            "cluster": {"id": "0", "size": 3, "authors": 2, "first_seen": at},
            "author_history": {"mentions": 4, "open_items": 1, "last_sentiment": null, "first_seen": null},
            "reply": {"decision": "suppress", "template": "t", "guard": "mode", "trace": ["mode:shadow"]}
        }))
        .unwrap()
    }

    #[test]
    fn a_hostile_post_cannot_leave_its_cell() {
        let items = Items { items: vec![item("all fine\x1b[2J\nFAKE  critical\u{202e}evil")] };
        let text = items_text(&items, "", Timestamp::ZERO, false);
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("all fine[2J FAKE  criticalevil"), "{text}");
    }

    #[test]
    fn an_item_is_shown_with_its_reasons_and_history() {
        let record = ItemRecord {
            item: item("down again"),
            history: vec![crate::model::HistoryEntry {
                at: Timestamp::ZERO,
                agent: "ann".to_owned(),
                action: "note".to_owned(),
                detail: Some("called\nback".to_owned()),
            }],
        };
        let late = record.item.due_at + Duration::from_secs(125 * 60);
        let text = record_text(&record, late, false);
        for part in ["critical 87", "urgency 0.80", "2h05m late", "called back", "suppress: mode:shadow"] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }

    #[test]
    fn a_team_with_nothing_waiting_shows_no_oldest() {
        let stats: QueueStats = serde_json::from_value(serde_json::json!({"teams": [{
            "team": "pr", "new_by_lane": [1, 2, 3, 4], "claimed": 5, "waiting": 6, "resolved": 7, "withdrawn": 8,
            "overdue": 9, "handed_in": 10, "handed_out": 11, "oldest_new": null}]}))
        .unwrap();
        let text = stats_text(&stats, Timestamp::ZERO, false);
        let row: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row, ["pr", "4", "3", "2", "1", "5", "6", "9", "7", "8", "10", "11", "-"]);
    }

    #[test]
    fn ids_states_and_lanes_are_read_as_they_are_shown() {
        for id in [ItemId(0x00c0_ffee_00c0_ffee), ItemId(u128::MAX - 1)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for other in ["", "c0ffee", "+0c0ffee00c0ffee", "00c0ffee00c0ffee00c0ffee00c0ffeg"] {
            assert!(other.parse::<ItemId>().is_err(), "{other}");
        }
        assert!(ItemState::ALL.iter().all(|s| state(s.as_str()) == Ok(*s)));
        assert!(Lane::ALL.iter().all(|l| lane(l.as_str()) == Ok(*l)));
        assert!(state("open").is_err() && lane("urgent").is_err());
    }
}

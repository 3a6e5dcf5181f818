//! `birddog queue watch`: what happens to items, as it happens, until it is interrupted.

use std::process::ExitCode;

use super::client::{Client, Format};
use super::terminal::{self, complain, sanitise};
use crate::model::{CHANGES_LIMIT_MAX, ChangeKind, ChangePage, ItemChange};

/// How long one question waits for news; less than the client's patience.
const WAIT: &str = "20s";

/// Arguments of `birddog queue watch`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this team's items
    #[arg(long)]
    team: Option<String>,
    /// Only this kind of change: created, updated, raised, claimed, acknowledged, released, lapsed, handed_over, resolved,
    /// noted, withdrawn, expired, reply_decided
    #[arg(long)]
    kind: Option<ChangeKind>,
    /// Begin after the change with this number; 0 for all that are kept [default: what happens from now on]
    #[arg(long, value_name = "N")]
    after: Option<u64>,
}

/// Runs `birddog queue watch`.
pub(super) fn run(args: &Args, client: &Client, format: Format) -> anyhow::Result<ExitCode> {
    let mut after = match args.after {
        Some(after) => after,
        None => ask(client, &[("limit", "1".to_owned())])?.newest,
    };
    loop {
        let page = ask(client, &args.query(after))?;
        if page.gap && args.after != Some(0) {
            complain(&format!(
                "changes after {after} are no longer kept; `birddog queue list` shows what is open"
            ));
        }
        after = page.next;
        for change in &page.changes {
            let line = match format {
                Format::Json => serde_json::to_string(change)?,
                Format::Text => line(change),
            };
            terminal::print(&line)?;
        }
    }
}

impl Args {
    fn query(&self, after: u64) -> Vec<(&'static str, String)> {
        let conditions = [
            ("after", Some(after.to_string())),
            ("wait", Some(WAIT.to_owned())),
            ("limit", Some(CHANGES_LIMIT_MAX.to_string())),
            ("team", self.team.clone()),
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
        ];
        conditions.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn ask(client: &Client, query: &[(&'static str, String)]) -> anyhow::Result<ChangePage> {
    Ok(serde_json::from_value(client.get("/api/v1/changes", query)?)?)
}

/// `2026-12-01T05:12:30Z  handed_over    critical  sales  5eb8…  by ann: support to sales: wants to buy`
fn line(change: &ItemChange) -> String {
    let ItemChange { at, kind, item, team, lane, by, detail, .. } = change;
    let by = by.as_ref().map_or(String::new(), |by| format!("  by {by}"));
    let detail = detail.as_ref().map_or(String::new(), |detail| format!(": {detail}"));
    sanitise(&format!("{at}  {:<13}  {:<8}  {team}  {item}{by}{detail}", kind.as_str(), lane.as_str())).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemId, ItemState, Lane, Timestamp};

    #[test]
    fn a_change_is_one_line_without_tricks() {
        let change = ItemChange {
            n: 7,
            at: Timestamp::ZERO,
            kind: ChangeKind::HandedOver,
            item: ItemId(0xc0ffee),
            team: "sales".into(),
            lane: Lane::High,
            state: ItemState::New,
            by: Some("ann".into()),
            detail: Some("support to sales: \u{1b}[2Jbuy\nnow".into()),
        };
        let line = line(&change);
        assert!(
            line.contains("handed_over    high      sales") && line.contains("by ann: support to sales"),
            "{line}"
        );
        assert!(!line.contains(['\u{1b}', '\n']), "{line:?}");
    }
}

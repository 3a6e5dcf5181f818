//! A new item as one JSON line, in the form of schema 1: for `scan`, which has no store to compose it.

use serde::Serialize;

use crate::model::{
    AuthorHistory, Factors, ItemId, ItemState, Lane, NewItem, ReplyDecision, Timestamp, WORK_ITEM_SCHEMA,
};

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    id: ItemId,
    created_at: Timestamp,
    updated_at: Timestamp,
    brand: &'a str,
    team: &'a str,
    state: ItemState,
    due_at: Timestamp,
    priority: PriorityLine,
    cluster: ClusterLine,
    author_history: AuthorHistory,
    reply: Option<&'a ReplyDecision>,
}

#[derive(Serialize)]
struct PriorityLine {
    score: u8,
    lane: Lane,
    factors: Factors,
}

#[derive(Serialize)]
struct ClusterLine {
    id: ItemId,
    size: u32,
    authors: u32,
    first_seen: Timestamp,
}

/// Appends `item` as it stands when made, and a line feed.
pub fn write_line(item: &NewItem, out: &mut Vec<u8>) {
    let line = Line {
        schema: WORK_ITEM_SCHEMA,
        id: item.id,
        created_at: item.created_at,
        updated_at: item.created_at,
        brand: &item.brand,
        team: &item.team,
        state: ItemState::New,
        due_at: item.due_at,
        priority: PriorityLine { score: item.score, lane: item.lane, factors: item.factors },
        cluster: ClusterLine { id: ItemId(item.cluster), size: 1, authors: 1, first_seen: item.created_at },
        author_history: item.history,
        reply: item.reply.as_ref(),
    };
    let start = out.len();
    if serde_json::to_writer(&mut *out, &line).is_err() {
        // Only a writer can fail here, and memory does not.
        return out.truncate(start);
    }
    // The body is an object of its own; its fields go on where the head ends.
    out.pop();
    out.push(b',');
    out.extend_from_slice(&item.body.as_bytes()[1..]);
    out.push(b'\n');
}

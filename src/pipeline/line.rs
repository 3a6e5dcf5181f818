//! A new item as one JSON line, in the form of schema 1: for `scan`, which has no store to compose it.

use crate::model::{Body, BodyError, ClusterInfo, ItemState, NewItem, Priority, WORK_ITEM_SCHEMA, WorkItem};

/// Appends `item` as it stands when made, and a line feed.
pub fn write_line(item: &NewItem, out: &mut Vec<u8>) {
    let start = out.len();
    let written = work_item(item).is_ok_and(|item| serde_json::to_writer(&mut *out, &item).is_ok());
    if !written {
        // Only a writer or a damaged body can fail here, and both are memory of our own.
        return out.truncate(start);
    }
    out.push(b'\n');
}

fn work_item(item: &NewItem) -> Result<WorkItem, BodyError> {
    let body = Body::decode(&item.body)?;
    Ok(WorkItem {
        schema: WORK_ITEM_SCHEMA,
        id: item.id,
        created_at: item.created_at.wall,
        updated_at: item.created_at.wall,
        brand: item.brand.clone(),
        team: item.team.clone(),
        state: ItemState::New,
        due_at: item.due_at,
        claimed_by: None,
        lease_until: None,
        priority: Priority { score: item.score, lane: item.lane, factors: item.factors },
        scores: body.scores,
        lang: body.lang.to_owned(),
        matches: body.match_infos(),
        post: body.post.info(),
        cut: body.cut,
        cluster: ClusterInfo::new(item.cluster, 1, 1, item.created_at.wall),
        author_history: item.history,
        reply: item.reply.clone(),
    })
}

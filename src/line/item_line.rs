//! A new item as one JSON line, in the form of schema 1: for `scan`, which has no store to compose it.

use crate::model::{
    BodyError, ClusterInfo, ItemState, NewItem, Priority, StoredBody, WORK_ITEM_SCHEMA, WorkItem,
};

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
    let (scores, body) = StoredBody::decode(&item.body)?.into_item(|| {
        let about = item.about_post().cloned().unwrap_or_default();
        (ClusterInfo::new(about.cluster, 1, 1, item.created_at.wall), about.history, about.reply)
    });
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
        scores,
        body,
    })
}

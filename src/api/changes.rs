//! The change feed over HTTP: as pages that wait for news (long poll), or as a stream of events (SSE).
//!
//! ```text
//! GET /api/v1/changes?after=17&wait=30s              {"changes":[…],"next":19,"newest":19,"gap":false}
//! GET /api/v1/changes   Accept: text/event-stream    id: 18 / event: claimed / data: {"n":18,…}
//! ```
//!
//! A stream says a comment every [`HEARTBEAT`], so that neither side takes the other for gone. It resumes by
//! `Last-Event-ID`. A client that does not read is asked for nothing more, and closed like any idle connection: what it
//! missed is in the feed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::header::{self, HeaderMap};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::Deserialize;

use super::connections::Activity;
use super::error::Refusal;
use crate::app::{Handle, StreamPermit};
use crate::model::{CHANGES_LIMIT_DEFAULT, CHANGES_LIMIT_MAX, ChangeFilter, ChangePage, setting};

/// The longest that a page waits for news.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(60);
/// How often a stream without news says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What may be asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    after: u64,
    limit: Option<usize>,
    team: Option<String>,
    kind: Option<String>,
    #[serde(with = "setting::duration")]
    wait: Duration,
}

impl Wanted {
    fn filter(&self) -> Result<ChangeFilter, Refusal> {
        let limit = self.limit.unwrap_or(CHANGES_LIMIT_DEFAULT);
        if !(1..=CHANGES_LIMIT_MAX).contains(&limit) {
            return Err(Refusal::invalid(format!("`limit` must be 1 to {CHANGES_LIMIT_MAX}")));
        }
        if self.wait > WAIT_MAX {
            return Err(Refusal::invalid("`wait` must be \"0s\" to \"60s\""));
        }
        let kind = self.kind.as_deref().map(str::parse).transpose().map_err(Refusal::invalid)?;
        Ok(ChangeFilter { after: self.after, limit, team: self.team.as_deref().map(Arc::from), kind })
    }
}

/// `GET /api/v1/changes`.
pub(super) async fn changes(
    State(handle): State<Handle>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Query(wanted) = wanted.map_err(|wrong| Refusal::invalid(wrong.body_text()))?;
    let mut filter = wanted.filter()?;
    if !wants_stream(request.headers()) {
        return Ok(Json(handle.changes(filter, wanted.wait).await?).into_response());
    }
    if let Some(last) = last_event(request.headers())? {
        filter.after = last;
    }
    let permit = handle.stream_permit()?;
    // What is wrong with the question is said before the stream begins.
    let first = handle.changes(filter.clone(), Duration::ZERO).await?;
    let activity = request.extensions().get::<Arc<Activity>>().cloned();
    let feed = Feed { handle, filter, activity, page: Some(first), _permit: permit };
    Ok(Sse::new(feed.events()).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

fn last_event(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    let number = id.to_str().ok().and_then(|id| id.trim().parse().ok());
    number.map(Some).ok_or_else(|| Refusal::invalid("`Last-Event-ID` is not a number that this feed gave"))
}

/// One client's stream.
struct Feed {
    handle: Handle,
    filter: ChangeFilter,
    activity: Option<Arc<Activity>>,
    /// Read and not yet sent.
    page: Option<ChangePage>,
    _permit: StreamPermit,
}

impl Feed {
    /// Ends when the daemon stops or its store cannot be read; the client comes again.
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let pages = stream::unfold(self, |mut feed| async {
            let events = feed.next().await?;
            Some((stream::iter(events.into_iter().map(Ok)), feed))
        });
        futures_util::StreamExt::flatten(pages)
    }

    async fn next(&mut self) -> Option<Vec<Event>> {
        // Asked for more, so the client reads.
        if let Some(activity) = &self.activity {
            activity.touch(Instant::now());
        }
        let page = match self.page.take() {
            Some(page) => page,
            None if self.handle.is_ending() => return None,
            None => self.handle.changes(self.filter.clone(), HEARTBEAT).await.ok()?,
        };
        self.filter.after = page.next;
        Some(events_of(page))
    }
}

fn events_of(page: ChangePage) -> Vec<Event> {
    let mut events = Vec::with_capacity(page.changes.len() + 1);
    if page.gap {
        events.push(Event::default().event("gap").data(page.next.to_string()));
    }
    for change in &page.changes {
        let event = Event::default().id(change.n.to_string()).event(change.kind.as_str());
        events.extend(event.json_data(change).ok());
    }
    if events.is_empty() {
        events.push(Event::default().comment(""));
    }
    events
}

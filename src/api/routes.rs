//! The routes: each handler checks its input, asks the [`Handle`], and shapes the answer. No state of its own.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::changes::changes;
use super::error::Refusal;
use super::wire::{
    AcceptedClock, Body, By, Claim, HandOff, Ingested, Items, Note, OneItem, Resolve, Rules, Samples, Switch,
    To,
};
use crate::app::{Handle, Health, StatusReport};
use crate::model::{
    BadItemId, ItemFilter, ItemId, ItemPage, ItemRecord, QueueOp, QueueStats, ReplyStatus, check_name,
    check_note,
};

/// The change feed, which may wait for news.
pub(super) const CHANGES: &str = "/api/v1/changes";

/// Where posts are sent to, in larger bodies than any other.
pub(super) const INGEST: &str = "/api/v1/ingest";

/// Every route's template, for the metric labels.
pub(super) const ROUTES: &[&str] = &[
    "/",
    "/livez",
    "/readyz",
    "/status",
    "/metrics",
    "/api/v1/queue/claim",
    "/api/v1/queue/stats",
    "/api/v1/items",
    "/api/v1/items/{id}",
    "/api/v1/items/{id}/ack",
    "/api/v1/items/{id}/release",
    "/api/v1/items/{id}/handoff",
    "/api/v1/items/{id}/resolve",
    "/api/v1/items/{id}/note",
    CHANGES,
    INGEST,
    "/api/v1/rules",
    "/api/v1/rules/{id}/samples",
    "/api/v1/reply/status",
    "/api/v1/reply/arm",
    "/api/v1/reply/disarm",
    "/api/v1/clock/accept",
];

type Answer<T> = Result<Json<T>, Refusal>;

/// All routes; the guards go around them.
pub(super) fn router(handle: Handle) -> Router {
    Router::new()
        .route("/", get(|| async { Html(include_str!("index.html")) }))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .route("/api/v1/queue/claim", post(claim))
        .route("/api/v1/queue/stats", get(stats))
        .route("/api/v1/items", get(list))
        .route("/api/v1/items/{id}", get(show))
        .route("/api/v1/items/{id}/ack", post(ack))
        .route("/api/v1/items/{id}/release", post(release))
        .route("/api/v1/items/{id}/handoff", post(handoff))
        .route("/api/v1/items/{id}/resolve", post(resolve))
        .route("/api/v1/items/{id}/note", post(note))
        .route(CHANGES, get(changes))
        .route(INGEST, post(ingest))
        .route("/api/v1/rules", get(rules))
        .route("/api/v1/rules/{id}/samples", get(samples))
        .route("/api/v1/reply/status", get(reply_status))
        .route("/api/v1/reply/arm", post(arm))
        .route("/api/v1/reply/disarm", post(disarm))
        .route("/api/v1/clock/accept", post(accept_clock))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(handle)
}

async fn no_route() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "no_route", "no such address; `/` lists them")
}

async fn no_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "no_method",
        "this address takes another method; `/` lists them",
    )
}

async fn livez(State(handle): State<Handle>) -> Response {
    health(handle.live())
}

async fn readyz(State(handle): State<Handle>) -> Response {
    health(handle.ready())
}

fn health(health: Health) -> Response {
    let status = if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

async fn status(State(handle): State<Handle>) -> Answer<StatusReport> {
    Ok(Json(handle.status().await?))
}

async fn metrics(State(handle): State<Handle>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render_metrics())
}

async fn claim(State(handle): State<Handle>, Body(body): Body<Claim>) -> Answer<Items> {
    let Claim { team, agent, lease, max } = body;
    let op = QueueOp::Claim { team, agent, lease, count_max: max };
    op.validate()?;
    Ok(Json(Items { items: handle.queue(op).await? }))
}

async fn ack(State(handle): State<Handle>, Id(id): Id, Body(body): Body<By>) -> Answer<OneItem> {
    apply(&handle, QueueOp::Ack { id, agent: body.agent }).await
}

async fn release(State(handle): State<Handle>, Id(id): Id, Body(body): Body<By>) -> Answer<OneItem> {
    apply(&handle, QueueOp::Release { id, agent: body.agent }).await
}

async fn handoff(State(handle): State<Handle>, Id(id): Id, Body(body): Body<HandOff>) -> Answer<OneItem> {
    let op = QueueOp::HandOff { id, agent: body.agent, to_team: body.to_team, reason: body.reason };
    apply(&handle, op).await
}

async fn resolve(State(handle): State<Handle>, Id(id): Id, Body(body): Body<Resolve>) -> Answer<OneItem> {
    apply(&handle, QueueOp::Resolve { id, agent: body.agent, note: body.note }).await
}

async fn note(State(handle): State<Handle>, Id(id): Id, Body(body): Body<Note>) -> Answer<OneItem> {
    apply(&handle, QueueOp::Note { id, agent: body.agent, text: body.text }).await
}

async fn apply(handle: &Handle, op: QueueOp) -> Answer<OneItem> {
    op.validate()?;
    let item = handle.queue(op).await?.into_iter().next();
    Ok(Json(OneItem { item }))
}

async fn list(
    State(handle): State<Handle>,
    filter: Result<Query<ItemFilter>, QueryRejection>,
) -> Answer<ItemPage> {
    let Query(filter) = filter.map_err(|wrong| Refusal::invalid(wrong.body_text()))?;
    filter.validate()?;
    Ok(Json(handle.list(filter).await?))
}

async fn show(State(handle): State<Handle>, Id(id): Id) -> Answer<ItemRecord> {
    Ok(Json(handle.show(id).await?))
}

async fn stats(State(handle): State<Handle>) -> Answer<QueueStats> {
    Ok(Json(handle.stats().await?))
}

async fn ingest(
    State(handle): State<Handle>,
    to: Result<Query<To>, QueryRejection>,
    body: Bytes,
) -> Result<(StatusCode, Json<Ingested>), Refusal> {
    let Query(to) = to.map_err(|wrong| Refusal::invalid(wrong.body_text()))?;
    let accepted = handle.ingest(to.source.as_deref(), body).await?;
    Ok((StatusCode::ACCEPTED, Json(Ingested { accepted })))
}

async fn rules(State(handle): State<Handle>) -> Json<Rules> {
    let (rules, report) = handle.rules();
    Json(Rules { rules, report: Arc::unwrap_or_clone(report) })
}

async fn samples(State(handle): State<Handle>, Path(rule): Path<String>) -> Answer<Samples> {
    let unknown = |said| Refusal::new(StatusCode::NOT_FOUND, "not_found", said);
    let samples = handle.samples(rule.clone()).await?.map_err(unknown)?;
    Ok(Json(Samples { rule, samples }))
}

async fn reply_status(State(handle): State<Handle>) -> Json<ReplyStatus> {
    Json(ReplyStatus::clone(&handle.reply_status()))
}

async fn arm(State(handle): State<Handle>, Body(body): Body<Switch>) -> Answer<ReplyStatus> {
    switch(&handle, true, body).await
}

async fn disarm(State(handle): State<Handle>, Body(body): Body<Switch>) -> Answer<ReplyStatus> {
    switch(&handle, false, body).await
}

async fn switch(handle: &Handle, armed: bool, body: Switch) -> Answer<ReplyStatus> {
    let Switch { by, reason } = checked(body)?;
    Ok(Json(handle.reply_switch(armed, by, reason).await?))
}

async fn accept_clock(State(handle): State<Handle>, Body(body): Body<Switch>) -> Answer<AcceptedClock> {
    let Switch { by, reason } = checked(body)?;
    Ok(Json(AcceptedClock { leap_seconds: handle.accept_clock(by, reason).await? }))
}

fn checked(switch: Switch) -> Result<Switch, Refusal> {
    check_name("by", &switch.by)?;
    check_note("reason", &switch.reason)?;
    Ok(switch)
}

/// An item's id in the address.
struct Id(ItemId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let text = Path::<String>::from_request_parts(parts, state).await.map(|Path(text)| text);
        text.unwrap_or_default()
            .parse()
            .map(Self)
            .map_err(|wrong: BadItemId| Refusal::invalid(wrong.to_string()))
    }
}

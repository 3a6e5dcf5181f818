//! The JSON bodies of requests and answers, and their limits. The CLI speaks with the same types.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::Refusal;
use crate::model::{RuleSample, RulesReport, RulesStatus, WorkItem, setting};

/// `POST /queue/claim`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Whose queue.
    pub team: String,
    /// Who claims.
    pub agent: String,
    /// How long before an unacknowledged claim falls back; 15 minutes without it.
    #[serde(with = "setting::duration", default = "lease_default")]
    pub lease: Duration,
    /// At most this many, 1–100.
    #[serde(default = "claim_default")]
    pub max: u32,
}

/// How long an unacknowledged claim holds when nothing else is said.
#[must_use]
pub fn lease_default() -> Duration {
    Duration::from_secs(15 * 60)
}

fn claim_default() -> u32 {
    1
}

/// The query of `POST /ingest`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    /// The source's name; not needed when there is one.
    pub(super) source: Option<String>,
}

/// What `POST /ingest` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ingested {
    /// Posts that were taken; what came of them is stored.
    pub(super) accepted: usize,
}

/// `POST /items/{id}/ack` and `/release`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// Who.
    pub agent: String,
}

/// `POST /items/{id}/handoff`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOff {
    /// Who.
    pub agent: String,
    /// The team that gets it.
    pub to_team: String,
    /// Why.
    pub reason: String,
}

/// `POST /items/{id}/resolve`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// Who.
    pub agent: String,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `POST /items/{id}/note`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Who.
    pub agent: String,
    /// The remark.
    pub text: String,
}

/// `POST /reply/arm`, `/reply/disarm` and `/clock/accept`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The answer to `POST /clock/accept`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AcceptedClock {
    /// How far the wall clock stood ahead of where it should, in seconds.
    pub leap_seconds: f64,
}

/// The answer to a claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Items {
    /// Best first.
    pub items: Vec<WorkItem>,
}

/// The answer to an operation on one item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OneItem {
    /// The item after the operation.
    pub item: Option<WorkItem>,
}

/// The answer to `GET /rules`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rules {
    /// The set in use, and what came of the last reload.
    #[serde(flatten)]
    pub rules: RulesStatus,
    /// How its rules do.
    #[serde(flatten)]
    pub report: RulesReport,
}

/// The answer to `GET /rules/{id}/samples`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Samples {
    /// The shadow rule.
    pub rule: String,
    /// What it matched, the newest first.
    pub samples: Vec<RuleSample>,
}

/// A JSON body, with our own refusals.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if !is_json(&request) {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "the body must be JSON; send it with `Content-Type: application/json`",
            ));
        }
        let broken = |_| Refusal::invalid("the body broke off");
        let bytes = Bytes::from_request(request, state).await.map_err(broken)?;
        let wrong = |error| Refusal::invalid(format!("the body is not as documented: {error}"));
        serde_json::from_slice(&bytes).map(Self).map_err(wrong)
    }
}

fn is_json(request: &Request) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

//! What can go wrong: [`Error`] while setting up, [`Refusal`] for one request.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::IngestError;
use crate::model::QueueError;
use crate::secret::SecretError;

/// Shortest token accepted, in bytes.
pub(super) const TOKEN_BYTES_MIN: usize = 16;
/// Longest token accepted, in bytes.
pub(super) const TOKEN_BYTES_MAX: usize = 512;

/// Why the API cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Anybody could claim work.
    #[error(
        "api.listen {0} is not a loopback address, so a token is required; \
         set api.token_file (or the variable named by api.token_env), or listen on 127.0.0.1"
    )]
    PublicWithoutToken(SocketAddr),
    /// The token's file is missing, closed to us, or open to others.
    #[error("the token file {} {source}", path.display())]
    TokenFile {
        /// Where.
        path: PathBuf,
        /// Why, and the remedy.
        source: SecretError,
    },
    /// Not a token.
    #[error(
        "{0} holds no usable token; write {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} printable ASCII characters \
         without spaces, such as the output of `openssl rand -hex 32`"
    )]
    Token(String),
    /// A number that cannot work.
    #[error("api.{setting} is out of range; write {range}")]
    OutOfRange {
        /// The setting.
        setting: &'static str,
        /// What is accepted.
        range: &'static str,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another address or port for api.listen")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// The body of every refusal: `{"error":{"code":"…","message":"…"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What happened.
    pub error: ErrorDetail,
}

/// The inside of [`ErrorBody`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For programs; stays the same over versions.
    pub code: String,
    /// For people: what is wrong, and the remedy.
    pub message: String,
}

/// Why one request was not served.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        let (status, code) = match &error {
            QueueError::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            QueueError::WrongState { .. } => (StatusCode::CONFLICT, "wrong_state"),
            QueueError::NotHolder { .. } => (StatusCode::CONFLICT, "not_holder"),
            QueueError::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid"),
            QueueError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<IngestError> for Refusal {
    fn from(error: IngestError) -> Self {
        let (status, code) = match &error {
            IngestError::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid"),
            IngestError::Full => (StatusCode::TOO_MANY_REQUESTS, "full"),
            IngestError::Lost => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let detail = ErrorDetail { code: self.code.to_owned(), message: self.message };
        let mut response = (self.status, Json(ErrorBody { error: detail })).into_response();
        let hint = match self.status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Some((header::RETRY_AFTER, "1"))
            }
            _ => None,
        };
        if let Some((name, value)) = hint {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

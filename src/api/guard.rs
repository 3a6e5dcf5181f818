//! What stands before every route: who asks, from which page, and for how long.
//!
//! Order: two Hosts and foreign pages refused (Origin, and Host against DNS rebinding), token, body read whole within its
//! limit, then the route; all of it within the timeout; hardening headers on every answer. `/livez` alone
//! needs no token. A request counts as in work only once its body is here: a slow sender can be evicted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use metrics::{Counter, Histogram, counter, histogram};
use tokio::sync::Semaphore;

use super::changes::WAIT_MAX;
use super::connections::Activity;
use super::error::Refusal;
use super::routes::{CHANGES, INGEST, ROUTES};
use super::token::Token;

/// The label of requests that fit no route.
const NO_ROUTE: &str = "other";

const HARDENING: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
];

/// Requests answered.
pub const REQUESTS: &str = "birddog_api_requests_total";
/// Time to answer a request.
pub const REQUEST_SECONDS: &str = "birddog_api_request_seconds";

/// What the guards need to know.
pub(super) struct Guard {
    token: Option<Token>,
    request_timeout: Duration,
    body_bytes_max: usize,
    ingests: Semaphore,
    routes: HashMap<&'static str, RouteMetrics>,
}

struct RouteMetrics {
    by_class: [Counter; 3],
    seconds: Histogram,
}

impl RouteMetrics {
    fn new(route: &'static str) -> Self {
        let by_class = ["ok", "refused", "failed"];
        Self {
            by_class: by_class.map(|outcome| counter!(REQUESTS, "route" => route, "outcome" => outcome)),
            seconds: histogram!(REQUEST_SECONDS, "route" => route),
        }
    }

    fn record(&self, status: StatusCode, seconds: f64) {
        let class = usize::from(status.is_client_error()) + 2 * usize::from(status.is_server_error());
        self.by_class[class].increment(1);
        self.seconds.record(seconds);
    }
}

/// Bytes of a body of posts.
const INGEST_BYTES_MAX: usize = 4 << 20;
/// Bodies of posts that are read, checked and waited for at a time: they are large.
const INGESTS_MAX: usize = 4;

impl Guard {
    pub(super) fn new(token: Option<Token>, request_timeout: Duration, body_bytes_max: usize) -> Self {
        let routes = ROUTES.iter().chain([&NO_ROUTE]).map(|&route| (route, RouteMetrics::new(route)));
        let ingests = Semaphore::new(INGESTS_MAX);
        Self { token, request_timeout, body_bytes_max, ingests, routes: routes.collect() }
    }

    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        let headers = request.headers();
        if headers.get_all(header::HOST).iter().nth(1).is_some() {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid", "a request has one Host header"));
        }
        if foreign_origin(headers) || (self.token.is_none() && foreign_host(headers)) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "foreign_origin",
                "requests from other sites' pages are refused; open the API's own address, \
                 localhost or 127.0.0.1",
            ));
        }
        match &self.token {
            Some(token) if request.uri().path() != "/livez" && !authorised(token, headers) => {
                Err(Refusal::new(
                    StatusCode::UNAUTHORIZED,
                    "unauthorized",
                    "this needs `Authorization: Bearer TOKEN` with the token of api.token_file",
                ))
            }
            _ => Ok(()),
        }
    }

    async fn answer(&self, request: Request, next: Next) -> Result<Response, Refusal> {
        self.admit(&request)?;
        let activity = request.extensions().get::<Arc<Activity>>().cloned();
        let is_ingest = request.uri().path() == INGEST;
        let _permit = if is_ingest { Some(self.ingests.try_acquire().map_err(|_| full())?) } else { None };
        let bytes_max =
            if is_ingest { INGEST_BYTES_MAX.max(self.body_bytes_max) } else { self.body_bytes_max };
        let request = read_whole(request, bytes_max).await?;
        let _in_work = activity.as_ref().map(Activity::begin);
        Ok(next.run(request).await)
    }
}

async fn read_whole(request: Request, bytes_max: usize) -> Result<Request, Refusal> {
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    let bytes = axum::body::to_bytes(body, bytes_max).await.map_err(|error| {
        let over = std::error::Error::source(&error).is_some_and(|source| source.is::<LengthLimitError>());
        if over { too_large(bytes_max) } else { Refusal::invalid("the body broke off") }
    })?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn too_large(bytes_max: usize) -> Refusal {
    let message = match bytes_max {
        INGEST_BYTES_MAX => {
            format!("the body has more than {INGEST_BYTES_MAX} bytes; send fewer posts at a time")
        }
        _ => "the body is larger than api.body_bytes_max".to_owned(),
    };
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

fn full() -> Refusal {
    let message = format!("{INGESTS_MAX} bodies of posts are being read; send the same again in a second");
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "full", message)
}

fn timed_out() -> Refusal {
    let message = "no answer within api.request_timeout; an operation may still take effect";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message)
}

/// The middleware around all routes.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let is_feed = path.as_ref().is_some_and(|path| path.as_str() == CHANGES);
    let timeout = guard.request_timeout + if is_feed { WAIT_MAX } else { Duration::ZERO };
    let answer = tokio::time::timeout(timeout, guard.answer(request, next)).await;
    let mut response = answer.unwrap_or_else(|_| Err(timed_out())).into_response();
    let route = path.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    if let Some(metrics) = guard.routes.get(route).or_else(|| guard.routes.get(NO_ROUTE)) {
        metrics.record(response.status(), started.elapsed().as_secs_f64());
    }
    for (name, value) in HARDENING {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn authorised(token: &Token, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    match value.split_at_checked(7) {
        Some((scheme, candidate)) => scheme.eq_ignore_ascii_case(b"bearer ") && token.matches(candidate),
        None => false,
    }
}

/// True when a page of another origin makes the request: its Origin names another authority than Host.
fn foreign_origin(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return false };
    if origins.next().is_some() {
        return true;
    }
    let origin = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
    let origin = origin.as_ref().and_then(|uri| uri.scheme().and(uri.authority()));
    let host = host(headers);
    match (origin, host) {
        (Some(origin), Some(host)) => !origin.as_str().eq_ignore_ascii_case(host),
        _ => true,
    }
}

/// True when the request came by a name that is not the loopback's: a page's own name, rebound to us.
fn foreign_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return false };
    let Some(authority) = host.to_str().ok().and_then(|text| text.parse::<Uri>().ok()) else { return true };
    let name = authority.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !loopback && !name.eq_ignore_ascii_case("localhost")
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_own_origin_passes() {
        let with = |origin| headers(&[(header::HOST, "localhost:8642"), (header::ORIGIN, origin)]);
        assert!(!foreign_origin(&with("http://localhost:8642")));
        assert!(!foreign_origin(&with("https://LOCALHOST:8642")));
        for origin in ["http://evil.example", "http://localhost:9999", "null", "", "file://"] {
            assert!(foreign_origin(&with(origin)), "{origin:?}");
        }
        assert!(!foreign_origin(&headers(&[])));
        assert!(foreign_origin(&headers(&[(header::ORIGIN, "http://localhost")])));
        let mut two = with("http://localhost:8642");
        two.append(header::ORIGIN, "http://evil.example".parse().unwrap());
        assert!(foreign_origin(&two));
    }

    #[test]
    fn a_rebound_name_is_not_the_loopback() {
        for host in ["localhost", "localhost:8642", "127.0.0.1:8642", "127.0.0.9", "[::1]:8642"] {
            assert!(!foreign_host(&headers(&[(header::HOST, host)])), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8642",
            "localhost.evil.example",
            "10.0.0.1",
            "127.0.0.1.nip.io",
            "",
        ] {
            assert!(foreign_host(&headers(&[(header::HOST, host)])), "{host}");
        }
    }

    #[test]
    fn the_bearer_scheme_is_read_as_rfc_6750_has_it() {
        let token = Token::parse("0123456789abcdef", "the test").unwrap();
        let with = |value| authorised(&token, &headers(&[(header::AUTHORIZATION, value)]));
        assert!(with("Bearer 0123456789abcdef") && with("bearer 0123456789abcdef"));
        assert!(
            !with("Basic 0123456789abcdef") && !with("0123456789abcdef") && !with("Bearer ") && !with("")
        );
        assert!(!authorised(&token, &HeaderMap::new()));
    }
}

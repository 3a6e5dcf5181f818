//! A small blocking HTTP client for the daemon's own API.
//!
//! It follows no redirect and uses no proxy, so the token goes nowhere else, and it bounds every answer.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{StatusCode, Uri};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, RequestBuilder};

use super::exit::UsageError;
use super::terminal;
use crate::api::{Error as TokenError, ErrorBody, Token};

/// The largest answer read: 1,000 items of 64 KiB.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// For one request from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Asked when there is no `--token-file`.
const TOKEN_VARIABLE: &str = "BIRDDOG_API_TOKEN";

/// Where the daemon is, and how its answers are shown.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Connection {
    /// The daemon's API
    #[arg(
        long,
        global = true,
        env = "BIRDDOG_API",
        default_value = "http://127.0.0.1:8642",
        value_name = "URL",
        value_parser = base_url
    )]
    api: String,
    /// File that holds the API's token [default: the variable BIRDDOG_API_TOKEN, if set]
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How answers are shown
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables for people.
    #[default]
    Text,
    /// The API's answer.
    Json,
}

impl Format {
    /// Prints `answer` as JSON, or as the text that `text` makes of it.
    pub(crate) fn print<T>(self, answer: &Value, text: impl FnOnce(T) -> String) -> anyhow::Result<()>
    where
        T: DeserializeOwned,
    {
        let shown = match self {
            Self::Json => terminal::json(answer)?,
            Self::Text => text(T::deserialize(answer).context("the daemon's answer is of another version")?),
        };
        Ok(terminal::print(&shown)?)
    }
}

/// Speaks with one daemon.
pub(crate) struct Client {
    agent: Agent,
    base: String,
    token: Option<Token>,
}

impl Client {
    /// Reads the token and makes ready; nothing is sent yet.
    pub(crate) fn new(connection: &Connection) -> anyhow::Result<Self> {
        let token = match &connection.token_file {
            Some(path) => Token::from_file(path).map(Some),
            None => variable_token(),
        };
        let token = token.map_err(|error| UsageError(error.to_string()))?;
        Ok(Self { agent: agent(), base: connection.api.clone(), token })
    }

    /// `GET path?query`.
    pub(crate) fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
        let request = self.authorise(self.agent.get(format!("{}{path}", self.base)));
        let request = query.iter().fold(request, |request, (name, value)| request.query(*name, value));
        self.answer(request.call())
    }

    /// `POST path` with a JSON body.
    pub(crate) fn post(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Value> {
        self.answer(self.authorise(self.agent.post(format!("{}{path}", self.base))).send_json(body))
    }

    fn authorise<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {}", token.reveal())),
            None => request,
        }
    }

    fn answer(&self, answer: Result<ureq::http::Response<Body>, ureq::Error>) -> anyhow::Result<Value> {
        let mut answer = answer.map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.with_context(|| format!("the answer of {} broke off", self.base))?;
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        let not_ours = || format!("{} does not answer like birddog; is --api right?", self.base);
        serde_json::from_slice(&body).with_context(not_ours)
    }

    fn unreachable(&self, error: ureq::Error) -> anyhow::Error {
        let refused = matches!(&error, ureq::Error::Io(e) if e.kind() == io::ErrorKind::ConnectionRefused);
        let hint = match refused || matches!(error, ureq::Error::ConnectionFailed) {
            true => {
                "\nhint: start it with `birddog run -c birddog.toml` or `birddog demo`, or name it with --api"
            }
            false => "",
        };
        anyhow!("cannot reach the daemon at {}: {error}{hint}", self.base)
    }
}

/// Reads `--api`; paths are put behind it.
fn base_url(text: &str) -> Result<String, String> {
    let base = text.trim_end_matches('/');
    let address = base.parse::<Uri>().ok().filter(|address| {
        matches!(address.scheme_str(), Some("http" | "https")) && address.authority().is_some()
    });
    address.map(|_| base.to_owned()).ok_or_else(|| "write a URL as in http://127.0.0.1:8642".to_owned())
}

fn variable_token() -> Result<Option<Token>, TokenError> {
    let text = std::env::var(TOKEN_VARIABLE).ok();
    text.map(|text| Token::parse(&text, &format!("the variable {TOKEN_VARIABLE}"))).transpose()
}

fn agent() -> Agent {
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .tls_config(TlsConfig::builder().unversioned_rustls_crypto_provider(crypto).build());
    config.build().into()
}

fn refused(status: StatusCode, body: &[u8]) -> anyhow::Error {
    let hint = match status {
        StatusCode::UNAUTHORIZED => {
            "\nhint: give the token with --token-file or the variable BIRDDOG_API_TOKEN"
        }
        _ => "",
    };
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(said) => anyhow!("{} ({}){hint}", said.error.message, said.error.code),
        Err(_) => anyhow!("the daemon answered {status}{hint}"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn client(api: &str) -> anyhow::Result<Client> {
        Client::new(&Connection { api: api.to_owned(), token_file: None, format: Format::Text })
    }

    #[test]
    fn a_daemon_that_is_not_there_gets_a_hint_on_starting_it() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = client(&format!("http://{free}")).unwrap().get("/status", &[]).unwrap_err();
        assert!(error.to_string().contains("birddog run"), "{error}");
    }

    #[test]
    fn what_is_no_url_is_refused_before_anything_is_sent() {
        for api in ["127.0.0.1:8642", "ftp://host", "", "not a url"] {
            assert!(base_url(api).is_err(), "{api}");
        }
    }
}

//! Work items to NATS JetStream, one message an item, acknowledged by the server.
//!
//! Subject `PREFIX.TEAM.LANE`, all three from configuration; header `Nats-Msg-Id` is the item's id and revision,
//! so that repeats within the stream's duplicate window are dropped by the server.
//!
//! ```toml
//! [[sink]]
//! type = "nats"
//! name = "nats"
//! url = "nats://127.0.0.1:4222"
//! subject_prefix = "birddog"
//! stream = "BIRDDOG"              # made if missing, also later; leave it out to bring your own
//! replicas = 3
//! token_file = "/run/secrets/nats-token"
//! ```

mod config;
mod stream;

use std::path::Path;
use std::sync::Arc;

use async_nats::connection::State;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, ConnectOptions};
use futures_util::future::join_all;

use super::deliver::{Deliver, Outcome, Outgoing};
use super::errors::SinkError;
use super::token::{check_token, is_token};
use crate::secret;
pub use config::Config;
use stream::StreamGuard;

/// Longest token or credentials file, in bytes.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// The sink. Connects when first used, and again whenever the connection is lost.
pub struct Nats {
    name: Arc<str>,
    config: Config,
    auth: Auth,
    link: Option<Link>,
    stream: StreamGuard,
}

struct Link {
    client: Client,
    context: jetstream::Context,
}

enum Auth {
    None,
    Token(String),
    Credentials(String),
}

impl std::fmt::Debug for Nats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nats").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Nats {
    /// Checks the settings and reads the secrets; connects later.
    ///
    /// # Errors
    /// Says which setting is wrong and what it must be.
    pub fn new(config: &Config) -> Result<Self, SinkError> {
        check_token("subject_prefix", &config.subject_prefix)?;
        config.stream.as_deref().map_or(Ok(()), |stream| check_token("stream", stream))?;
        check_url(&config.url)?;
        check_replicas(config.replicas)?;
        let auth = Auth::read(config)?;
        Ok(Self {
            name: Arc::from(&*config.name),
            config: config.clone(),
            auth,
            link: None,
            stream: StreamGuard::new(config),
        })
    }

    async fn connect(&self) -> Result<Link, async_nats::Error> {
        let mut options = ConnectOptions::new()
            .name("birddog")
            .connection_timeout(self.config.timeout)
            .request_timeout(Some(self.config.timeout));
        options = match &self.auth {
            Auth::None => options,
            Auth::Token(token) => options.token(token.clone()),
            Auth::Credentials(text) => options.credentials(text)?,
        };
        let client = options.connect(&self.config.url).await?;
        let builder = jetstream::context::ContextBuilder::new().timeout(self.config.timeout);
        let context = builder.ack_timeout(self.config.timeout).build(client.clone());
        tracing::info!(sink = %self.name, url = %self.config.url, "sink connected");
        Ok(Link { client, context })
    }

    /// A connection that is up, with the stream behind it, or why there is none.
    async fn link(&mut self) -> Result<&Link, String> {
        if self.link.is_none() {
            self.link = Some(self.connect().await.map_err(|error| error.to_string())?);
        }
        let link = self.link.as_ref().ok_or("not connected")?;
        match link.client.connection_state() {
            State::Connected => {}
            // The client reconnects by itself. Until then nothing is handed to it: it would queue.
            State::Pending | State::Disconnected => {
                // The server that comes back may have lost its disk.
                self.stream.check_next_time();
                return Err("the connection is down".to_owned());
            }
        }
        self.stream.ensure(&link.context).await.map_err(|error| error.to_string())?;
        Ok(link)
    }

    fn subject(&self, outgoing: &Outgoing) -> Result<String, Outcome> {
        let (team, lane) = (&outgoing.item.team, outgoing.item.priority.lane.as_str());
        if !is_token(team) {
            return Err(Outcome::Refused("the team's name cannot be part of a subject".to_owned()));
        }
        Ok(format!("{}.{team}.{lane}", self.config.subject_prefix))
    }
}

impl Deliver for Nats {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    async fn deliver(&mut self, batch: &[Outgoing]) -> Vec<Outcome> {
        let subjects: Vec<_> = batch.iter().map(|outgoing| self.subject(outgoing)).collect();
        let outcomes = match self.link().await {
            Ok(link) => join_all(publish_all(link, batch, subjects).await).await,
            Err(reason) => vec![Outcome::Unavailable(reason); batch.len()],
        };
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unavailable(_) | Outcome::Failed(_))) {
            self.stream.check_next_time();
        }
        outcomes
    }
}

/// Hands all messages to the client in order, then gives the waits for their acknowledgements.
async fn publish_all(
    link: &Link,
    batch: &[Outgoing],
    subjects: Vec<Result<String, Outcome>>,
) -> Vec<impl Future<Output = Outcome> + use<>> {
    let mut waits = Vec::with_capacity(batch.len());
    for (outgoing, subject) in batch.iter().zip(subjects) {
        let sent = match subject {
            Ok(subject) => link.context.send_publish(subject, message(outgoing)).await.map_err(outcome_of),
            Err(outcome) => Err(outcome),
        };
        waits.push(async move {
            match sent {
                Ok(acknowledgement) => acknowledgement.await.map_or_else(outcome_of, |_| Outcome::Delivered),
                Err(outcome) => outcome,
            }
        });
    }
    waits
}

fn message(outgoing: &Outgoing) -> PublishMessage {
    let json = serde_json::to_vec(&outgoing.item).expect("a work item has no failing parts");
    PublishMessage::build().message_id(outgoing.idempotency_key()).payload(json.into())
}

/// Sorts errors by whether the sink or the message is at fault.
fn outcome_of(error: PublishError) -> Outcome {
    let reason = error.to_string();
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => Outcome::Refused(reason),
        PublishErrorKind::Other => server_outcome(&error, reason),
        _ => Outcome::Unavailable(reason),
    }
}

/// JetStream's answers of 4xx that are about the stream or the account: the message is taken once that is mended.
const NOT_THE_MESSAGE: [ErrorCode; 4] = [
    ErrorCode::STREAM_NOT_FOUND,
    ErrorCode::STREAM_SEALED,
    ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
    ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT,
];

/// JetStream's own error: 5xx is the server's trouble, anything else this message's but for [`NOT_THE_MESSAGE`].
fn server_outcome(error: &PublishError, reason: String) -> Outcome {
    let source = std::error::Error::source(error);
    match source.and_then(|source| source.downcast_ref::<jetstream::Error>()) {
        Some(error) if error.error_code() == ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => {
            Outcome::Refused(reason)
        }
        Some(error) if NOT_THE_MESSAGE.contains(&error.error_code()) => Outcome::Unavailable(reason),
        Some(error) if (400..500).contains(&error.code()) => Outcome::Failed(reason),
        _ => Outcome::Unavailable(reason),
    }
}

fn check_url(url: &str) -> Result<(), SinkError> {
    let wrong =
        |value: &str, remedy| Err(SinkError::Setting { setting: "url", value: value.to_owned(), remedy });
    let Some(rest) = url.strip_prefix("nats://").or_else(|| url.strip_prefix("tls://")) else {
        return wrong("…", "write nats://HOST:PORT or tls://HOST:PORT");
    };
    if rest.contains('@') {
        return wrong("…", "keep secrets out of it: use token_file or credentials_file");
    }
    Ok(())
}

fn check_replicas(replicas: usize) -> Result<(), SinkError> {
    let wrong = || SinkError::Setting {
        setting: "replicas",
        value: replicas.to_string(),
        remedy: "JetStream allows 1 to 5",
    };
    (1..=5).contains(&replicas).then_some(()).ok_or_else(wrong)
}

impl Auth {
    fn read(config: &Config) -> Result<Self, SinkError> {
        match (&config.token_file, &config.credentials_file) {
            (None, None) => Ok(Self::None),
            (Some(path), None) => Ok(Self::Token(read_secret("token_file", path)?.trim().to_owned())),
            (None, Some(path)) => read_secret("credentials_file", path).map(Self::Credentials),
            (Some(_), Some(path)) => Err(SinkError::Secret {
                setting: "credentials_file",
                path: path.clone(),
                reason: "use either this or token_file, not both".to_owned(),
            }),
        }
    }
}

fn read_secret(setting: &'static str, path: &Path) -> Result<String, SinkError> {
    secret::read(path, SECRET_BYTES_MAX).map_err(|error| SinkError::Secret {
        setting,
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::work_item;
    use super::*;

    fn sink() -> Nats {
        Nats::new(&Config::default()).unwrap()
    }

    fn outgoing() -> Outgoing {
        Outgoing { item: work_item(0xAB), revision: 3 }
    }

    #[test]
    fn the_subject_is_prefix_team_and_lane_and_the_key_id_and_revision() {
        assert_eq!(sink().subject(&outgoing()).unwrap(), "birddog.support.normal");
        assert_eq!(outgoing().idempotency_key(), "00000000000000ab-3");
    }

    #[test]
    fn a_team_that_is_no_token_is_refused_rather_than_sent_somewhere_else() {
        for team in ["a.b", ">", "*", "a b", ""] {
            let mut outgoing = outgoing();
            outgoing.item.team = team.into();
            assert!(matches!(sink().subject(&outgoing), Err(Outcome::Refused(_))), "{team:?}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_without_showing_secrets() {
        let refused = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            Nats::new(&config).unwrap_err().to_string()
        };
        assert!(refused(|config| config.url = "http://x".to_owned()).contains("nats://HOST:PORT"));
        let text = refused(|config| config.url = "nats://me:hunter2@x".to_owned());
        assert!(text.contains("token_file") && !text.contains("hunter2"), "{text}");
        assert!(refused(|config| config.replicas = 9).contains("1 to 5"));
        assert!(refused(|config| config.stream = Some("a.b".to_owned())).contains("stream"));
        assert!(refused(|config| config.subject_prefix = "a.>".to_owned()).contains("subject_prefix"));
    }

    #[test]
    fn a_secret_that_others_can_read_or_write_is_refused_and_a_good_one_never_shown() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "s3cret\n").unwrap();
        let config = Config { token_file: Some(path.clone()), ..Config::default() };
        for mode in [0o644, 0o602, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(Nats::new(&config).unwrap_err().to_string().contains("chmod 600"), "{mode:o}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let sink = Nats::new(&config).unwrap();
        assert!(matches!(&sink.auth, Auth::Token(token) if token == "s3cret"));
        assert!(!format!("{sink:?}").contains("s3cret"));
    }

    #[test]
    fn an_oversize_message_is_refused_and_a_silent_server_is_unavailable() {
        let outcome = |kind| outcome_of(PublishError::new(kind));
        assert!(matches!(outcome(PublishErrorKind::MaxPayloadExceeded), Outcome::Refused(_)));
        assert!(matches!(outcome(PublishErrorKind::TimedOut), Outcome::Unavailable(_)));
        assert!(matches!(outcome(PublishErrorKind::StreamNotFound), Outcome::Unavailable(_)));
    }

    #[test]
    fn what_is_wrong_with_the_stream_is_not_held_against_the_message() {
        let outcome = |code: u16, err_code: u16| {
            let answer = serde_json::json!({"code": code, "err_code": err_code, "description": "no"});
            let answer: jetstream::Error = serde_json::from_value(answer).unwrap();
            outcome_of(PublishError::with_source(PublishErrorKind::Other, answer))
        };
        for (code, err_code) in [(404, 10059), (400, 10109), (400, 10002), (409, 10158), (503, 10077)] {
            assert!(matches!(outcome(code, err_code), Outcome::Unavailable(_)), "{err_code}");
        }
        assert!(matches!(outcome(400, 10054), Outcome::Refused(_)));
        assert!(matches!(outcome(400, 10097), Outcome::Failed(_)));
    }
}

//! The HTTP source: posts that are sent to us, over the API's `POST /api/v1/ingest`.
//!
//! The API hands each body to an [`Ingest`], which checks every post in it and offers them to the source as one batch.
//! The sender hears of success only when what came of the batch is stored; so what is sent again after a failure is
//! sent safely: the same post twice is one. Nothing of a body with a wrong post is taken.
//!
//! ```toml
//! [[source]]
//! type = "http"
//! name = "crm"
//! [source.fields]          # where the fields of a post stand, if not where docs/json.md says
//! text = "/body"
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::errors::SourceError;
use super::format::{FormatName, format_of};
use super::handover::Handover;
use super::status::SourceStatus;
use crate::clock::wall_clock;
use crate::formats::{BatchBuilder, Decoder, Format, Refused};
use crate::model::setting::size;
use crate::model::{Ack, Position, Timestamp};

/// Bodies that are checked and wait for room among the batches in flight; one more is refused for now.
const WAITING_MAX: usize = 16;
/// Wrong posts that are named in one answer.
const NAMED_MAX: usize = 10;
/// Posts in one body.
pub const POSTS_MAX: usize = 10_000;

/// Settings of an HTTP source; see the module for an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The source's name in metrics and in `?source=`.
    pub name: String,
    /// Where the fields of posts stand: JSON pointers by name of the field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Longer posts are refused.
    #[serde(with = "size")]
    pub frame_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { name: "http".to_owned(), fields: BTreeMap::new(), frame_bytes_max: 256 << 10 }
    }
}

/// Why posts are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// Something is wrong with the body: nothing of it is taken.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
    /// More is waiting than may be; send the same again in a second.
    #[error("the line is full; send the same again in a second")]
    Full,
    /// The daemon ends, or the store takes nothing. Send the same again: what was stored is recognised.
    #[error("the posts may not have been stored; send the same again")]
    Lost,
}

/// Posts on their way from the API to the source.
#[derive(Debug)]
struct Delivery {
    posts: BatchBuilder,
    ack: Ack,
}

/// The API's end of a source.
#[derive(Clone, Debug)]
pub struct Ingest {
    name: Arc<str>,
    format: Format,
    frame_bytes_max: usize,
    deliveries: mpsc::Sender<Delivery>,
}

/// An HTTP source, ready to run.
#[derive(Debug)]
pub(super) struct HttpSource {
    format: Format,
    inbox: mpsc::Receiver<Delivery>,
    ingest: Ingest,
    status: Arc<SourceStatus>,
}

impl HttpSource {
    pub(super) fn new(config: &Config, status: Arc<SourceStatus>) -> Result<Self, SourceError> {
        let format = format_of(status.name(), FormatName::Json, &config.fields)?;
        let (deliveries, inbox) = mpsc::channel(WAITING_MAX);
        let (name, frame_bytes_max) = (Arc::clone(status.name()), config.frame_bytes_max);
        let ingest = Ingest { name, format: format.clone(), frame_bytes_max, deliveries };
        Ok(Self { format, inbox, ingest, status })
    }

    pub(super) fn ingest(&self) -> Ingest {
        self.ingest.clone()
    }

    /// Hands posts over as they come, each body as one batch, until shutdown.
    pub(super) async fn run(
        self,
        handover: Handover,
        shutdown: CancellationToken,
    ) -> Result<(), SourceError> {
        let Self { format, mut inbox, ingest, status } = self;
        drop(ingest);
        status.connecting("the API", true);
        status.set_connected(true);
        let mut taken = 0;
        for sequence in 0.. {
            let next = shutdown.run_until_cancelled(inbox.recv()).await.flatten();
            let Some(Delivery { posts, ack }) = next else { break };
            let Some(room) = shutdown.run_until_cancelled(handover.reserve(posts.byte_len())).await else {
                break;
            };
            taken += posts.len() as u64;
            let mut batch = posts.finish(status.name(), sequence, Position(taken)).of_format(format.clone());
            batch.ack = Some(ack);
            status.batch_sealed(batch.len(), batch.byte_len(), batch.received_at);
            // No event is reported as the last one: where nobody sends anything, nothing is late.
            let name = Arc::clone(status.name());
            handover.send(room, batch).map_err(|_| SourceError::WorkersGone { name })?;
        }
        Ok(())
    }
}

impl Ingest {
    /// The source's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks the posts of a body, NDJSON or one JSON array, and offers them to the source; what comes back is answered
    /// once they are durable, and how many they are.
    ///
    /// # Errors
    /// [`IngestError::Invalid`] with what is wrong and where, [`IngestError::Full`], or [`IngestError::Lost`] when the
    /// source has ended.
    pub fn offer(&self, body: &[u8]) -> Result<(usize, oneshot::Receiver<()>), IngestError> {
        let posts = self.check(body)?;
        let (stored, answer) = oneshot::channel();
        let ack = Ack::new(move || _ = stored.send(()));
        let count = posts.len();
        self.deliveries.try_send(Delivery { posts, ack }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => IngestError::Full,
            mpsc::error::TrySendError::Closed(_) => IngestError::Lost,
        })?;
        Ok((count, answer))
    }

    fn check(&self, body: &[u8]) -> Result<BatchBuilder, IngestError> {
        let (now, mut posts, mut mistakes) = (wall_clock(), BatchBuilder::default(), Mistakes::default());
        let mut decoder = Decoder::default();
        let mut each = |place: String, frame: &[u8]| match self.check_post(&mut decoder, frame, now) {
            Ok(()) => posts.push(frame, now),
            Err(problem) => mistakes.add(&format!("{place}: {problem}")),
        };
        match body.trim_ascii() {
            array @ [b'[', ..] => each_element(array, &mut each)?,
            _ => each_line(body, &mut each),
        }
        mistakes.done()?;
        match posts.len() {
            0 => {
                Err(invalid("there is no post in the body: send one JSON object a line, or an array of them"))
            }
            1..=POSTS_MAX => Ok(posts),
            many => Err(invalid(&format!("{many} posts in one body; send at most {POSTS_MAX}"))),
        }
    }

    fn check_post(&self, decoder: &mut Decoder, frame: &[u8], now: Timestamp) -> Result<(), String> {
        if frame.len() > self.frame_bytes_max {
            return Err(format!("the post has more than {} bytes", self.frame_bytes_max));
        }
        let refused = decoder.decode(&self.format, frame, now).err();
        refused.map_or(Ok(()), |Refused { reason, detail }| {
            Err(detail.unwrap_or_else(|| reason.as_str().to_owned()))
        })
    }
}

/// The first mistakes in words, and how many there are.
#[derive(Default)]
struct Mistakes {
    named: Vec<String>,
    count: usize,
}

impl Mistakes {
    fn add(&mut self, mistake: &str) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(mistake.to_owned());
        }
    }

    fn done(mut self) -> Result<(), IngestError> {
        match self.count.checked_sub(self.named.len()) {
            _ if self.count == 0 => return Ok(()),
            Some(more @ 1..) => self.named.push(format!("and {more} more")),
            _ => {}
        }
        Err(IngestError::Invalid(self.named))
    }
}

fn invalid(problem: &str) -> IngestError {
    IngestError::Invalid(vec![problem.to_owned()])
}

fn each_line(body: &[u8], each: &mut impl FnMut(String, &[u8])) {
    let lines = body.split(|byte| *byte == b'\n').enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
        each(format!("line {}", number + 1), line);
    }
}

/// The elements as they are written: what is in them is checked one by one, so that no large tree of values is built.
fn each_element(array: &[u8], each: &mut impl FnMut(String, &[u8])) -> Result<(), IngestError> {
    let inner = array.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    let inner = inner.ok_or_else(|| invalid("the array is not closed by a ]"))?;
    if inner.trim_ascii().is_empty() {
        return Ok(());
    }
    let (mut start, mut number) = (0, 1);
    let mut nesting = Nesting::default();
    for (at, byte) in inner.iter().enumerate() {
        if nesting.is_between_elements(*byte) {
            each(format!("post {number}"), inner[start..at].trim_ascii());
            (start, number) = (at + 1, number + 1);
        }
    }
    each(format!("post {number}"), inner[start..].trim_ascii());
    Ok(())
}

/// How deep in brackets and strings a byte of JSON stands.
#[derive(Default)]
struct Nesting {
    depth: u32,
    in_string: bool,
    is_escaped: bool,
}

impl Nesting {
    /// Takes the next byte; true for a comma outside of everything.
    fn is_between_elements(&mut self, byte: u8) -> bool {
        if self.in_string {
            (self.in_string, self.is_escaped) =
                (byte != b'"' || self.is_escaped, byte == b'\\' && !self.is_escaped);
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            b',' => return self.depth == 0,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::handover::Limits;

    fn source() -> HttpSource {
        let status = Arc::new(SourceStatus::new(Arc::from("crm"), "http"));
        HttpSource::new(&Config::default(), status).unwrap()
    }

    #[test]
    fn a_body_is_lines_or_an_array() {
        let ingest = source().ingest();
        for body in [
            "{\"id\": 1, \"text\": \"a\"}\n\n {\"id\": 2, \"text\": \"b\"}\r\n",
            r#" [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]"#,
        ] {
            assert_eq!(ingest.check(body.as_bytes()).unwrap().len(), 2, "{body}");
        }
    }

    #[test]
    fn elements_are_told_apart_whatever_stands_in_them() {
        let texts = ["a, b", "\\", "\"],[{\"", "\\\",", "], {", "é\u{1F525},"];
        let posts: Vec<serde_json::Value> = texts
            .iter()
            .enumerate()
            .map(|(id, text)| serde_json::json!({"id": id, "text": text, "links": [text, "x"], "more": {"a": [text]}}))
            .collect();
        let body = serde_json::Value::from(posts.clone()).to_string();
        let mut found: Vec<serde_json::Value> = Vec::new();
        each_element(body.as_bytes(), &mut |_, post| found.push(serde_json::from_slice(post).unwrap()))
            .unwrap();
        assert_eq!(found, posts);
    }

    #[test]
    fn every_wrong_post_is_named_with_its_place_and_nothing_is_taken() {
        let ingest = source().ingest();
        let wrong = |body: &str| ingest.check(body.as_bytes()).unwrap_err().to_string();
        let told = wrong("{\"id\": 1, \"text\": \"a\"}\n{\"id\": 2}\n{\"text\": \"c\"}");
        assert!(told.starts_with("line 2: `text`") && told.contains("; line 3: `id`"), "{told}");
        assert!(wrong("[{\"id\": 1}]").starts_with("post 1: `text`"));
        assert!(wrong("[1, 2").contains("not closed"));
        assert!(wrong("[{\"id\": 1, \"text\": \"a\"}, ]").contains("post 2: it is not JSON"));
        assert!(wrong("[{\"id\": 1, \"text\": \"a\"}] [1]").contains("post 1: it is not JSON"));
        assert!(wrong(" \n").contains("no post"));
        assert!(wrong(&"{}\n".repeat(50)).ends_with("and 40 more"));
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_one_more_is_refused_for_now() {
        let source = source();
        let ingest = source.ingest();
        let body = br#"{"id": 1, "text": "a"}"#;
        let waiting: Vec<_> = (0..WAITING_MAX).map(|_| ingest.offer(body).unwrap()).collect();
        assert_eq!(ingest.offer(body).unwrap_err(), IngestError::Full);
        let (handover, intake) = Handover::new(Limits::default());
        let stop = CancellationToken::new();
        let run = tokio::spawn(source.run(handover, stop.clone()));
        let taken = tokio::task::spawn_blocking(move || {
            let taken = (0..WAITING_MAX).map(|_| intake.recv().unwrap().into_parts().1.unwrap().call());
            taken.count()
        });
        assert_eq!(taken.await.unwrap(), WAITING_MAX);
        for (_, answer) in waiting {
            answer.await.unwrap();
        }
        stop.cancel();
        run.await.unwrap().unwrap();
        assert_eq!(ingest.offer(body).unwrap_err(), IngestError::Lost);
    }
}

//! One WebSocket connection: TCP, TLS (rustls with ring, webpki roots), tungstenite's handshake, then our
//! own reading ([`Frames`]).
//!
//! Offers no extension, so frames are plain text. Knows nothing of Jetstream, retries nothing.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Uri};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame, coding::CloseCode};
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};

use super::frames::Frames;
use crate::text::display;

/// Longest response head taken from a server.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Longest part of a server's words that is shown.
const WORDS_CHARS_MAX: usize = 300;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// The server answered with HTTP instead of the upgrade.
    #[error("HTTP {status}: {reason}")]
    Status { status: u16, retry_after: Option<Duration>, reason: String },
    #[error("no answer in time")]
    TimedOut,
    #[error("{0}")]
    Network(#[from] io::Error),
    #[error("{0}")]
    Handshake(String),
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: MaybeTlsStream<TcpStream>,
    /// What has been read.
    pub(super) frames: Frames,
    out: Vec<u8>,
}

impl Connection {
    /// Connects to a `ws://` or `wss://` address, waiting as long as it takes.
    pub(super) async fn open(
        uri: &Uri,
        tls: &Arc<ClientConfig>,
        message_bytes_max: usize,
    ) -> Result<Self, OpenError> {
        let stream = HeadFirst::new(transport(uri, tls).await?);
        let request = uri.into_client_request().map_err(|error| OpenError::Handshake(error.to_string()))?;
        let (socket, _response) =
            tokio_tungstenite::client_async(request, stream).await.map_err(open_error)?;
        let (stream, already_read) = socket.into_inner().into_parts();
        Ok(Self { stream, frames: Frames::new(message_bytes_max, &already_read), out: Vec::new() })
    }

    /// One read; 0 at the end of the stream. Cancel-safe.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        let read = self.stream.read(self.frames.room()).await?;
        self.frames.filled(read);
        Ok(read)
    }

    /// Queues the answer to a ping. `out` and `frames` are apart so that the ping may still be borrowed.
    pub(super) fn queue_pong(out: &mut Vec<u8>, payload: &[u8]) {
        queue(out, Frame::pong(payload.to_vec()));
    }

    /// The frames, and where answers to them are queued.
    pub(super) fn split(&mut self) -> (&mut Frames, &mut Vec<u8>) {
        (&mut self.frames, &mut self.out)
    }

    pub(super) fn queue_ping(&mut self) {
        queue(&mut self.out, Frame::ping(Vec::new()));
    }

    pub(super) fn queue_text(&mut self, text: String) {
        use tungstenite::protocol::frame::coding::{Data, OpCode};
        queue(&mut self.out, Frame::message(text, OpCode::Data(Data::Text), true));
    }

    pub(super) fn queue_close(&mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
        queue(&mut self.out, Frame::close(Some(frame)));
    }

    /// Sends what is queued; free when nothing is.
    pub(super) async fn flush(&mut self, timeout: Duration) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let (stream, out) = (&mut self.stream, &self.out);
        let write = async {
            stream.write_all(out).await?;
            stream.flush().await
        };
        tokio::time::timeout(timeout, write).await.map_err(|_| io::ErrorKind::TimedOut)??;
        self.out.clear();
        Ok(())
    }
}

/// Formats a client's frame, masked as RFC 6455 §5.3 wants it.
fn queue(out: &mut Vec<u8>, mut frame: Frame) {
    frame.header_mut().mask = Some(rand::random());
    frame.format(out).expect("writing to a Vec cannot fail");
}

async fn transport(uri: &Uri, tls: &Arc<ClientConfig>) -> Result<MaybeTlsStream<TcpStream>, OpenError> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let secure = uri.scheme_str() == Some("wss");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    if !secure {
        return Ok(MaybeTlsStream::Plain(stream));
    }
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| OpenError::Handshake(format!("{host:?} is not a TLS server name")))?;
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
    Ok(MaybeTlsStream::Rustls(stream))
}

/// TLS that trusts the certificates in a PEM file, or else the web's (webpki roots).
pub(super) fn tls_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let roots = match ca_file {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(path) => roots_of(path)?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots_of(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if roots.is_empty() { Err(format!("{} holds no certificate", path.display())) } else { Ok(roots) }
}

fn open_error(error: tungstenite::Error) -> OpenError {
    match error {
        tungstenite::Error::Http(response) => OpenError::Status {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
            reason: reason(response.body().as_deref().unwrap_or_default()),
        },
        tungstenite::Error::Io(error) => OpenError::Network(error),
        other => OpenError::Handshake(other.to_string()),
    }
}

/// A server's own words, fit for a log line and a status page: the first part, without characters that act.
pub(super) fn words(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    display::printable(text.trim(), WORDS_CHARS_MAX)
}

/// What the body of a refusal says.
fn reason(body: &[u8]) -> String {
    let words = words(body);
    if words.is_empty() { "no reason given".to_owned() } else { words }
}

/// Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::from_secs(
        u64::try_from(date.as_second() - crate::clock::wall_clock().as_seconds()).unwrap_or(0),
    ))
}

/// Keeps back what follows a successful upgrade's head, which the handshake would otherwise swallow:
/// a server may send its first frames in the same packet.
struct HeadFirst<S> {
    stream: S,
    read: Vec<u8>,
    given: usize,
    head_end: Option<usize>,
}

impl<S> HeadFirst<S> {
    fn new(stream: S) -> Self {
        Self { stream, read: Vec::new(), given: 0, head_end: None }
    }

    fn into_parts(mut self) -> (S, Vec<u8>) {
        let rest = self.read.split_off(self.given);
        (self.stream, rest)
    }

    /// Notes where the head ends. The body of a refusal is not kept back: it says why.
    fn look_for_end(&mut self) {
        let end = memchr::memmem::find(&self.read, b"\r\n\r\n").map(|at| at + 4);
        let switched = self.read.get(9..12) == Some(b"101");
        self.head_end = if switched { end } else { end.map(|_| self.read.len()) };
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadFirst<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.head_end.is_none() {
            let mut chunk = [0; 4096];
            let mut buffer = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.read.extend_from_slice(buffer.filled());
            if this.read.len() > HEAD_BYTES_MAX {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            this.look_for_end();
        }
        let end = this.head_end.unwrap_or(this.read.len()).min(this.given + out.remaining());
        out.put_slice(&this.read[this.given..end]);
        this.given = end;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadFirst<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", value.parse().unwrap());
        headers
    }

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        assert_eq!(retry_after(&header("7")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&header("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert!(retry_after(&header("Fri, 31 Dec 2100 23:59:59 GMT")).unwrap() > Duration::from_secs(86_400));
        assert_eq!(retry_after(&header("soon")), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn frames_sent_with_the_upgrade_head_are_kept() {
        let head = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n";
        let wire = [&head[..], b"\x81\x02hi"].concat();
        let mut stream = HeadFirst::new(&wire[..]);
        let mut seen = vec![0; 1000];
        let mut n = 0;
        while n < head.len() {
            n += stream.read(&mut seen[n..n + 10]).await.unwrap();
        }
        assert_eq!(&seen[..n], head);
        assert_eq!(stream.into_parts().1, b"\x81\x02hi");
    }

    #[test]
    fn a_servers_words_are_short_and_printable() {
        assert_eq!(reason(b"bad\x1b[31m\ncollection"), "bad[31m collection");
        assert_eq!(reason("\u{202e}dab\u{2066}\u{200b}\u{feff}!".as_bytes()), "dab!");
        assert_eq!(reason(b"\x07\n"), "no reason given");
        assert_eq!(reason(&[b'x'; 5_000]).chars().count(), WORDS_CHARS_MAX);
    }
}

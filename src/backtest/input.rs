//! Where recorded posts come from: files and standard input, plain or Zstandard, told apart by their content.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde_json::Value;

use super::errors::BacktestError;
use super::zstd::Decompressed;
use crate::formats::packed::{ZSTD, packed_with};

const BUFFER_BYTES: usize = 256 << 10;

/// What the lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Events of Bluesky's Jetstream, v1 wire.
    Jetstream,
    /// Posts as `formats::json` reads them.
    Json,
}

impl Format {
    /// What `line` is, when it can be told.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(line).ok()?;
        let fields = value.as_object()?;
        let has = |name| fields.contains_key(name);
        if has("did") && (has("kind") || has("commit") || has("time_us")) {
            return Some(Self::Jetstream);
        }
        (has("text") || has("post") || has("item")).then_some(Self::Json)
    }
}

/// One file of lines.
pub struct Input {
    pub(super) name: String,
    pub(super) format: Option<Format>,
    pub(super) reader: Box<dyn BufRead + Send>,
    read: Arc<AtomicU64>,
    bytes: Option<u64>,
}

impl Input {
    /// Opens `path`, or standard input for `-`. Without a `format`, the first line that tells decides.
    ///
    /// # Errors
    /// When it cannot be opened, or is compressed with something else than Zstandard.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Self, BacktestError> {
        if path == Path::new("-") {
            return Self::new("standard input", io::stdin(), None, format);
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| file.metadata().map(|about| (file, about.len())));
        match opened {
            Ok((file, bytes)) => Self::new(&name, file, Some(bytes).filter(|bytes| *bytes > 0), format),
            Err(error) => Err(BacktestError::Open { name, error }),
        }
    }

    /// Reads from `source`, which holds `bytes`, if that is known.
    ///
    /// # Errors
    /// When its first bytes cannot be read, or are those of a compression other than Zstandard.
    pub fn new(
        name: &str,
        source: impl Read + Send + 'static,
        bytes: Option<u64>,
        format: Option<Format>,
    ) -> Result<Self, BacktestError> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { source, read: Arc::clone(&read) };
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, counted);
        let open = |error| BacktestError::Open { name: name.to_owned(), error };
        let start = reader.fill_buf().map_err(open)?;
        let reader: Box<dyn BufRead + Send> = match packed_with(start) {
            None => Box::new(reader),
            Some(ZSTD) => Box::new(BufReader::with_capacity(BUFFER_BYTES, Decompressed::new(reader))),
            Some(with) => return Err(BacktestError::Packed { name: name.to_owned(), with }),
        };
        Ok(Self { name: name.to_owned(), format, reader, read, bytes })
    }

    /// Its size as it is stored, when that is known.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Counts the bytes read of it, as stored.
    pub(super) fn read_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }
}

struct Counted<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_tells_decides() {
        for (line, expected) in [
            (r#"{"did": "did:x", "time_us": 1, "kind": "identity"}"#, Some(Format::Jetstream)),
            (r#"{"text": "hi"}"#, Some(Format::Json)),
            (r#"{"id": "5f", "post": {"text": "hi"}}"#, Some(Format::Json)),
            (r#"{"words": "hi"}"#, None),
            ("hi", None),
        ] {
            assert_eq!(Format::of(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn gzip_is_refused_with_the_way_round() {
        let refused = Input::new("a.gz", &[0x1F, 0x8B, 8][..], None, None).err().unwrap();
        assert!(refused.to_string().contains("gzip -dc"), "{refused}");
    }
}

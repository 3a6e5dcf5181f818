//! Zstandard (RFC 8878) as a reader: frame after frame, skippable frames passed over, checksums held.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Decompresses `source`.
pub(super) struct Decompressed<R> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Decompressed<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), in_frame: false }
    }

    /// Begins the next frame; false at the end of the source.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut self.source.by_ref().take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(invalid(error)),
            }
        }
        Ok(false)
    }

    fn end(&mut self) -> io::Result<()> {
        self.in_frame = false;
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(written), Some(found)) if written != found => Err(invalid("its checksum is wrong")),
            _ => Ok(()),
        }
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<R: BufRead> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            if !self.in_frame && !self.begin()? {
                break;
            }
            self.in_frame = true;
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(invalid)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.end()?;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;
    use crate::formats::packed::{ZSTD, packed_with};

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Decompressed::new(bytes).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn frames_are_read_one_after_another_and_others_skipped() {
        let text = "acme is down\n".repeat(20_000);
        let frame = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        let skippable = [&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
        let file = [&frame[..], &skippable, &frame].concat();
        assert_eq!(packed_with(&frame), Some(ZSTD));
        assert!(read(&file).unwrap() == text.repeat(2).into_bytes());
        assert_eq!(read(b"").unwrap(), b"");
    }

    #[test]
    fn a_file_cut_short_or_changed_is_an_error() {
        let frame = compress_to_vec(&b"acme is down"[..], CompressionLevel::Fastest);
        assert!(read(&frame[..frame.len() - 3]).is_err());
        let mut changed = frame.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0x20;
        assert!(read(&changed).is_err());
    }
}

//! WebSocket messages out of bytes (RFC 6455 §5), in place and without an allocation per message.
//!
//! Headers are parsed by tungstenite; the buffer is ours, because tungstenite's costs an allocation or a
//! reference count per message and must end the connection at an oversized one. Here an oversized message is
//! skipped and reported, and the stream goes on. Never allocates from a length on the wire: the buffer
//! doubles as bytes arrive. Text is not checked for UTF-8: the workers do that where it matters.

use std::io::Cursor;

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::status::Refusal;

/// Bytes asked for in one read. Larger ones fall out of the second-level cache.
const READ_BYTES: usize = 128 << 10;
/// Longest frame header: 2 + 8 length + 4 mask.
const HEADER_BYTES_MAX: usize = 14;
/// Longest payload of a control frame (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: u64 = 125;
/// An oversized frame is skipped up to this length; a longer claim ends the connection.
const SKIP_BYTES_MAX: u64 = 1 << 30;

/// What the peer sent, in place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    /// A whole text message.
    Message(&'a [u8]),
    /// A message that was refused; the stream goes on behind it.
    Refused(Refusal),
    /// Wants the same bytes back.
    Ping(&'a [u8]),
    /// The answer to ours.
    Pong,
    /// The peer ends the connection, with a code and words when it gave them.
    Close(Option<u16>, &'a [u8]),
}

/// The peer breaks the protocol: end the connection.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("reserved bits or opcode")]
    Reserved,
    #[error("masked frame from a server")]
    Masked,
    #[error("control frame too long or fragmented")]
    Control,
    #[error("continuation out of order")]
    Continuation,
    #[error("frame claims {0} bytes")]
    Absurd(u64),
}

/// The message whose fragments are being put together.
#[derive(Debug, PartialEq, Eq)]
enum Partial {
    None,
    Text,
    /// Already reported as refused; its fragments are skipped.
    Refused,
}

/// The read buffer of one connection.
#[derive(Debug)]
pub(super) struct Frames {
    /// Initialised throughout, so that reads need no zeroing; `start..end` is unread.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Payload still to skip.
    skip: u64,
    message_bytes_max: usize,
    partial: Partial,
    assembly: Vec<u8>,
    /// `assembly` was given out and is emptied at the next call.
    assembled: bool,
}

impl Frames {
    pub(super) fn new(message_bytes_max: usize, already_read: &[u8]) -> Self {
        let mut bytes = already_read.to_vec();
        bytes.resize(READ_BYTES.max(already_read.len()), 0);
        Self {
            bytes,
            start: 0,
            end: already_read.len(),
            skip: 0,
            message_bytes_max,
            partial: Partial::None,
            assembly: Vec::new(),
            assembled: false,
        }
    }

    /// Room to read into. Call when [`Frames::next`] has nothing left: at most one frame's part moves.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.bytes.len() {
            let largest = self.message_bytes_max + HEADER_BYTES_MAX;
            self.bytes.resize((self.bytes.len() * 2).min(largest.max(self.bytes.len() + 1)), 0);
        }
        &mut self.bytes[self.end..]
    }

    /// `read` bytes of the room are filled.
    pub(super) fn filled(&mut self, read: usize) {
        self.end = (self.end + read).min(self.bytes.len());
    }

    /// The next whole thing in the buffer; `None` when more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Incoming<'_>>, FrameError> {
        if std::mem::take(&mut self.assembled) {
            self.assembly.clear();
        }
        loop {
            if !self.skipped() {
                return Ok(None);
            }
            let mut cursor = Cursor::new(&self.bytes[self.start..self.end]);
            let parsed = FrameHeader::parse(&mut cursor).map_err(|_| FrameError::Reserved)?;
            let Some((header, length)) = parsed else { return Ok(None) };
            let body = self.start + usize::try_from(cursor.position()).unwrap_or(HEADER_BYTES_MAX);
            check(&header, length)?;
            let too_large = length > self.message_bytes_max.saturating_sub(self.assembly.len()) as u64;
            if matches!(header.opcode, OpCode::Data(_)) && (too_large || self.is_unwanted(&header)) {
                self.start = body;
                self.skip = length;
                if let Some(refusal) = self.refuse(&header)? {
                    return Ok(Some(Incoming::Refused(refusal)));
                }
                continue;
            }
            let length = usize::try_from(length).map_err(|_| FrameError::Absurd(length))?;
            if self.end - body < length {
                return Ok(None);
            }
            self.start = body + length;
            let range = body..body + length;
            match header.opcode {
                OpCode::Control(control) => return Ok(Some(control_frame(control, &self.bytes[range]))),
                OpCode::Data(Data::Text) if header.is_final && self.partial == Partial::None => {
                    return Ok(Some(Incoming::Message(&self.bytes[range])));
                }
                OpCode::Data(kind) => {
                    if self.assemble(kind, header.is_final, range)? {
                        return Ok(Some(Incoming::Message(&self.assembly)));
                    }
                }
            }
        }
    }

    /// Steps over refused payload; false when more of it is still to come.
    fn skipped(&mut self) -> bool {
        if self.skip > 0 {
            let step = self.skip.min((self.end - self.start) as u64);
            self.start += usize::try_from(step).unwrap_or(0);
            self.skip -= step;
        }
        self.skip == 0
    }

    fn is_unwanted(&self, header: &FrameHeader) -> bool {
        self.partial == Partial::Refused || header.opcode == OpCode::Data(Data::Binary)
    }

    /// Notes that this frame's payload is skipped; the reason, the first time for a message.
    fn refuse(&mut self, header: &FrameHeader) -> Result<Option<Refusal>, FrameError> {
        let continues = header.opcode == OpCode::Data(Data::Continue);
        if continues == (self.partial == Partial::None) {
            return Err(FrameError::Continuation);
        }
        let known = self.partial == Partial::Refused;
        self.partial = if header.is_final { Partial::None } else { Partial::Refused };
        self.assembly.clear();
        let binary = header.opcode == OpCode::Data(Data::Binary);
        let reason = if binary { Refusal::Binary } else { Refusal::TooLarge };
        Ok((!known).then_some(reason))
    }

    /// Adds a fragment; true when the message is whole.
    fn assemble(
        &mut self,
        kind: Data,
        is_final: bool,
        range: std::ops::Range<usize>,
    ) -> Result<bool, FrameError> {
        if (kind == Data::Continue) == (self.partial == Partial::None) {
            return Err(FrameError::Continuation);
        }
        self.assembly.extend_from_slice(&self.bytes[range]);
        self.partial = if is_final { Partial::None } else { Partial::Text };
        self.assembled = is_final;
        Ok(is_final)
    }
}

fn check(header: &FrameHeader, length: u64) -> Result<(), FrameError> {
    if header.rsv1 || header.rsv2 || header.rsv3 {
        return Err(FrameError::Reserved);
    }
    if header.mask.is_some() {
        return Err(FrameError::Masked);
    }
    if matches!(header.opcode, OpCode::Control(_)) && (length > CONTROL_BYTES_MAX || !header.is_final) {
        return Err(FrameError::Control);
    }
    if length > SKIP_BYTES_MAX {
        return Err(FrameError::Absurd(length));
    }
    Ok(())
}

fn control_frame(control: Control, payload: &[u8]) -> Incoming<'_> {
    match control {
        Control::Ping => Incoming::Ping(payload),
        Control::Pong => Incoming::Pong,
        _ => match payload.split_first_chunk() {
            Some((code, reason)) => Incoming::Close(Some(u16::from_be_bytes(*code)), reason),
            None => Incoming::Close(None, &[]),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            0..126 => bytes.push(payload.len() as u8),
            126..65536 => {
                bytes.push(126);
                bytes.extend((payload.len() as u16).to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((payload.len() as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        bytes
    }

    /// Feeds the wire in pieces of `step` bytes and writes down what comes out.
    fn read(wire: &[u8], limit: usize, step: usize) -> Result<Vec<String>, FrameError> {
        let mut frames = Frames::new(limit, &[]);
        let mut seen = Vec::new();
        for piece in wire.chunks(step) {
            let mut rest = piece;
            while !rest.is_empty() {
                let room = frames.room();
                let n = room.len().min(rest.len());
                room[..n].copy_from_slice(&rest[..n]);
                frames.filled(n);
                rest = &rest[n..];
                while let Some(incoming) = frames.next()? {
                    seen.push(match incoming {
                        Incoming::Message(text) => String::from_utf8_lossy(text).into_owned(),
                        other => format!("{other:?}"),
                    });
                }
            }
        }
        Ok(seen)
    }

    #[test]
    fn an_oversized_message_is_refused_once_and_the_next_one_is_read() {
        let wire = [frame(0x81, b"one"), frame(0x81, &[b'x'; 300_000]), frame(0x81, b"two")].concat();
        for step in [1, 1000, 1 << 20] {
            assert_eq!(read(&wire, 1000, step).unwrap(), ["one", "Refused(TooLarge)", "two"]);
        }
    }

    #[test]
    fn fragments_are_put_together_with_a_ping_in_between() {
        let wire = [frame(0x01, b"he"), frame(0x89, b"p"), frame(0x00, b"ll"), frame(0x80, b"o")].concat();
        assert_eq!(read(&wire, 1000, 1).unwrap(), ["Ping([112])", "hello"]);
    }

    #[test]
    fn fragments_that_grow_over_the_limit_are_refused_once() {
        let wire = [
            frame(0x01, &[b'a'; 60]),
            frame(0x00, &[b'b'; 60]),
            frame(0x00, &[b'c'; 60]),
            frame(0x80, &[b'd'; 60]),
            frame(0x81, b"next"),
        ]
        .concat();
        assert_eq!(read(&wire, 100, 7).unwrap(), ["Refused(TooLarge)", "next"]);
    }

    #[test]
    fn binary_messages_are_refused_and_the_stream_goes_on() {
        let wire =
            [frame(0x82, b"zstd"), frame(0x02, b"a"), frame(0x80, b"b"), frame(0x81, b"text")].concat();
        assert_eq!(read(&wire, 100, 3).unwrap(), ["Refused(Binary)", "Refused(Binary)", "text"]);
    }

    #[test]
    fn control_frames_are_told_apart() {
        let close = [&1001u16.to_be_bytes()[..], b"bye"].concat();
        let wire = [frame(0x8A, b""), frame(0x88, &close), frame(0x88, b"")].concat();
        assert_eq!(
            read(&wire, 100, 100).unwrap(),
            ["Pong", "Close(Some(1001), [98, 121, 101])", "Close(None, [])"]
        );
    }

    #[test]
    fn broken_peers_are_named() {
        assert_eq!(read(&frame(0xC1, b"x"), 100, 9), Err(FrameError::Reserved));
        assert_eq!(read(&frame(0x83, b"x"), 100, 9), Err(FrameError::Reserved));
        assert_eq!(read(&[0x81, 0x81, 1, 2, 3, 4, 5], 100, 9), Err(FrameError::Masked));
        assert_eq!(read(&frame(0x09, b"x"), 100, 9), Err(FrameError::Control));
        assert_eq!(read(&frame(0x80, b"x"), 100, 9), Err(FrameError::Continuation));
        let absurd = [&[0x81, 127][..], &(1u64 << 40).to_be_bytes()].concat();
        assert_eq!(read(&absurd, 100, 100), Err(FrameError::Absurd(1 << 40)));
    }

    #[test]
    fn a_message_of_exactly_the_limit_passes_and_memory_stays_near_it() {
        let wire = [frame(0x81, &[b'x'; 400_000]), frame(0x81, b"y")].concat();
        let seen = read(&wire, 400_000, 10_000).unwrap();
        assert_eq!((seen[0].len(), &*seen[1]), (400_000, "y"));
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_the_wire_is_cut(
            messages in prop::collection::vec("[a-z]{0,400}", 1..20), step in 1usize..700,
        ) {
            let wire: Vec<u8> = messages.iter().flat_map(|m| frame(0x81, m.as_bytes())).collect();
            prop_assert_eq!(read(&wire, 1000, step).unwrap(), messages);
        }

        #[test]
        fn no_bytes_make_it_panic(wire in prop::collection::vec(any::<u8>(), 0..300), step in 1usize..50) {
            let _ = read(&wire, 64, step);
        }
    }
}

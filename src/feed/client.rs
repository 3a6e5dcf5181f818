//! What clients send: pings, options, goodbyes. Rare and small, read on a task of its own.

use std::io::Cursor;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The longest message taken.
const MESSAGE_BYTES_MAX: u64 = 10_000_000;

/// Something a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Ping(Vec<u8>),
    Message(Vec<u8>),
    /// A message over the limit: close 1009.
    TooLarge,
    Close,
}

/// Reads until the client is gone or has said goodbye; the channel closes with it.
pub(super) async fn listen(
    mut stream: impl AsyncRead + Unpin,
    already_read: Vec<u8>,
    heard: mpsc::Sender<Said>,
) {
    let mut bytes = already_read;
    loop {
        while let Some(said) = next(&mut bytes) {
            let last = matches!(said, Said::TooLarge | Said::Close);
            if heard.send(said).await.is_err() || last {
                return;
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Takes the next frame that means something from the front of `bytes`. Breaking the protocol is a goodbye.
fn next(bytes: &mut Vec<u8>) -> Option<Said> {
    loop {
        let mut cursor = Cursor::new(&bytes[..]);
        let Ok(parsed) = FrameHeader::parse(&mut cursor) else { return Some(Said::Close) };
        let (header, length) = parsed?;
        if length > MESSAGE_BYTES_MAX {
            return Some(Said::TooLarge);
        }
        let Some(mask) = header.mask else { return Some(Said::Close) };
        let body = usize::try_from(cursor.position()).ok()?;
        let end = body + usize::try_from(length).ok()?;
        let mut payload = bytes.get(body..end)?.to_vec();
        bytes.drain(..end);
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        match header.opcode {
            OpCode::Control(Control::Ping) => return Some(Said::Ping(payload)),
            OpCode::Control(Control::Pong) => {}
            OpCode::Data(Data::Text) if header.is_final => return Some(Said::Message(payload)),
            _ => return Some(Said::Close),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn masked_frames_are_read_however_they_are_cut() {
        let mask = [1, 2, 3, 4];
        let masked = |text: &[u8]| -> Vec<u8> {
            text.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
        };
        let mut wire = vec![0x89, 0x82, 1, 2, 3, 4];
        wire.extend(masked(b"hi"));
        wire.extend([0x8A, 0x80, 1, 2, 3, 4, 0x81, 0x83, 1, 2, 3, 4]);
        wire.extend(masked(b"you"));
        let (first, second) = wire.split_at(5);
        let (heard, mut said) = mpsc::channel(8);
        listen(second, first.to_vec(), heard).await;
        assert_eq!(said.recv().await, Some(Said::Ping(b"hi".to_vec())));
        assert_eq!(said.recv().await, Some(Said::Message(b"you".to_vec())));
        assert_eq!(said.recv().await, None);
    }

    #[test]
    fn unmasked_and_oversized_frames_end_it() {
        assert_eq!(next(&mut vec![0x81, 0x01, b'x']), Some(Said::Close));
        let oversized = [&[0x81, 0xFF][..], &(1u64 << 30).to_be_bytes(), &[0; 4]].concat();
        assert_eq!(next(&mut oversized.clone()), Some(Said::TooLarge));
    }
}

//! The start of a frame, read in the one form that Jetstream servers write.
//!
//! `{"did":"…","time_us":N,"kind":"commit","commit":{"rev":"…","operation":"…","collection":"…","rkey":"…"`
//! Any other spacing, order or escape is not an error: the glance is `Unfamiliar`, and the frame must be parsed.
//! With repeated keys the first counts, here and in `decode`.

use super::plain::plain_string;
use super::record::RecordRef;
use super::subject::repost_subject;
use crate::model::{PostRef, Timestamp};

/// What the start of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance<'a> {
    /// The acting account.
    pub actor: &'a [u8],
    /// Digits of the microseconds since the epoch: most heads are only glanced at, so they are not read yet.
    time_digits: &'a [u8],
    /// What the frame is.
    pub kind: GlanceKind<'a>,
}

/// What a frame is, as far as its head tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlanceKind<'a> {
    /// A post is made or replaced; its record starts at this offset.
    Post {
        /// Offset of the `{` that opens the record.
        record: usize,
        /// Replaced rather than made.
        is_update: bool,
    },
    /// A post is deleted.
    PostDeleted {
        /// Its record key.
        rkey: &'a [u8],
        /// The commit's revision.
        rev: &'a [u8],
    },
    /// A post is shared; its record starts at this offset.
    Repost {
        /// Offset of the `{` that opens the record.
        record: usize,
        /// Its record key.
        rkey: &'a [u8],
        /// The commit's revision.
        rev: &'a [u8],
    },
    /// Something is liked.
    Like,
    /// A commit that can never matter: another collection, or the end of a repost.
    Ignored,
    /// Not a commit, or not written as servers write it: parse.
    Unfamiliar,
}

impl Glance<'_> {
    /// Microseconds since the epoch.
    #[must_use]
    pub fn time_us(&self) -> u64 {
        number(self.time_digits).map_or(0, |(value, _)| value)
    }

    /// When it happened.
    #[must_use]
    pub fn event_at(&self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.time_us()).unwrap_or(i64::MAX))
    }

    /// The post that is deleted, if that is what it is, and its identity is sound.
    #[must_use]
    pub fn deletion(&self) -> Option<PostRef> {
        let GlanceKind::PostDeleted { rkey, rev } = self.kind else { return None };
        Some(RecordRef::from_bytes(self.actor, rkey, rev)?.deletion(self.event_at()))
    }

    /// The post that is shared in `frame`, if that is what it is, and the identities are sound.
    #[must_use]
    pub fn repost(&self, frame: &[u8]) -> Option<PostRef> {
        let GlanceKind::Repost { record, rkey, rev } = self.kind else { return None };
        let subject = std::str::from_utf8(repost_subject(&frame[record..])?).ok()?;
        RecordRef::from_bytes(self.actor, rkey, rev)?.repost(subject, self.event_at())
    }
}

/// Reads the start of `frame`; `None` when not even `did` and `time_us` stand where servers put them.
#[inline]
#[must_use]
pub fn glance(frame: &[u8]) -> Option<Glance<'_>> {
    let rest = frame.strip_prefix(b"{\"did\":\"")?;
    let (did, rest) = plain_string(rest)?;
    let rest = rest.strip_prefix(b",\"time_us\":")?;
    let (time_digits, rest) = digits(rest)?;
    let kind = match commit_start(rest) {
        Some(rest) => commit(frame, rest).unwrap_or(GlanceKind::Unfamiliar),
        None => GlanceKind::Unfamiliar,
    };
    Some(Glance { actor: did, time_digits, kind })
}

#[inline]
fn commit_start(rest: &[u8]) -> Option<&[u8]> {
    // Newer servers may put their own sequence number next.
    let rest = match rest.strip_prefix(b",\"cursor\":") {
        Some(rest) => digits(rest)?.1,
        None => rest,
    };
    rest.strip_prefix(b",\"kind\":\"commit\",\"commit\":{\"rev\":\"")
}

#[inline]
fn commit<'a>(frame: &'a [u8], rest: &'a [u8]) -> Option<GlanceKind<'a>> {
    let (rev, rest) = plain_string(rest)?;
    let rest = rest.strip_prefix(b",\"operation\":\"")?;
    let (operation, rest) = rest.split_at_checked(b"create\",\"collection\":\"".len())?;
    let is_post = rest.starts_with(b"app.bsky.feed.post\"");
    if !is_post && !rest.starts_with(b"app.bsky.feed.repost\"") {
        if operation == CREATE && rest.starts_with(b"app.bsky.feed.like\"") {
            return Some(GlanceKind::Like);
        }
        // Any other collection, if it is one: escapes could spell ours.
        return (is_operation(operation) && plain_string(rest).is_some()).then_some(GlanceKind::Ignored);
    }
    let (_, rest) = plain_string(rest)?;
    let (rkey, rest) = plain_string(rest.strip_prefix(b",\"rkey\":\"")?)?;
    let record = || rest.strip_prefix(b",\"record\":").map(|record| frame.len() - record.len());
    match operation {
        CREATE | UPDATE if is_post => {
            Some(GlanceKind::Post { record: record()?, is_update: operation == UPDATE })
        }
        CREATE => Some(GlanceKind::Repost { record: record()?, rkey, rev }),
        DELETE if is_post => Some(GlanceKind::PostDeleted { rkey, rev }),
        DELETE | UPDATE => Some(GlanceKind::Ignored),
        _ => None,
    }
}

const CREATE: &[u8] = b"create\",\"collection\":\"";
const UPDATE: &[u8] = b"update\",\"collection\":\"";
const DELETE: &[u8] = b"delete\",\"collection\":\"";

#[inline]
fn is_operation(bytes: &[u8]) -> bool {
    bytes == CREATE || bytes == DELETE || bytes == UPDATE
}

/// At least one digit, and what follows.
#[inline]
fn digits(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    // Sixteen digits until the year 2286; anything else is counted.
    if let Some((time, rest)) = bytes.split_at_checked(16)
        && rest.first() == Some(&b',')
        && time.iter().fold(true, |all, digit| all & digit.is_ascii_digit())
    {
        return Some((time, rest));
    }
    let len = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (len > 0).then(|| bytes.split_at(len))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = digits(bytes)?;
    if digits.len() > 19 {
        return None;
    }
    let value = digits
        .iter()
        .fold(0, |value: u64, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIKE: &[u8] = br#"{"did":"did:plc:a","time_us":1725911162329308,"kind":"commit","commit":{"rev":"3l","operation":"create","collection":"app.bsky.feed.like","rkey":"3k","record":{}}}"#;

    #[test]
    fn a_like_is_told_by_its_start_and_the_end_of_one_is_ignored() {
        let head = |frame: &'static [u8]| glance(frame).unwrap();
        let like = head(LIKE);
        assert_eq!(
            (like.actor, like.time_us(), like.kind),
            (&b"did:plc:a"[..], 1_725_911_162_329_308, GlanceKind::Like)
        );
        let unlike = br#"{"did":"did:plc:a","time_us":1,"kind":"commit","commit":{"rev":"3l","operation":"delete","collection":"app.bsky.feed.like","rkey":"3k"}}"#;
        assert_eq!(head(unlike).kind, GlanceKind::Ignored);
    }

    #[test]
    fn what_is_not_written_as_usual_is_unfamiliar() {
        for text in [
            r#"{"did":"d","time_us":1,"kind":"commit","commit":{"rev":"r","operation":"create","collection":"app.bsky.feed.p\u006fst","rkey":"k","record":{}}}"#,
            r#"{"did":"d","time_us":1,"kind":"identity","identity":{}}"#,
            r#"{"did":"d","time_us":1,"kind":"commit", "commit":{"rev":"r"}}"#,
            r#"{"did":"d","time_us":1,"kind":"commit","commit":{"rev":"r","operation":"resurrect","collection":"app.bsky.feed.post","rkey":"k"}}"#,
        ] {
            assert_eq!(
                glance(text.as_bytes()).map(|glance| glance.kind),
                Some(GlanceKind::Unfamiliar),
                "{text}"
            );
        }
        assert_eq!(glance(br#"{ "did":"d"}"#), None);
        assert_eq!(glance(b""), None);
    }
}

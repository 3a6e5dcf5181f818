//! Whose record a repost, a like or an answer is about, found without parsing.
//!
//! Records hold their keys in order, and nearly all identities have one length (`did:plc:` and 24 characters; a post's
//! URI 70; a CID 59). So the place is guessed from where the frame or the text stands, and checked; a search finds the
//! rest. What is not written as servers write it is not found: who counts engagements loses one, and nothing else.

use std::sync::LazyLock;

use memchr::memmem::{Finder, FinderRev};

use super::plain::plain_string;

const POST_URI: &[u8] = b"at://did:plc:012345678901234567890123/app.bsky.feed.post/0123456789012";
const CID: &[u8] = b"bafyrei0123456789012345678901234567890123456789012345678901";
const LIKED: &[u8] = b",\"subject\":{\"cid\":\"";
const ANSWERED: &[u8] = b"\"reply\":{\"parent\":{\"cid\":\"";
/// Made once: making one takes longer than the search.
static FIND_LIKED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(LIKED));
static FIND_ANSWERED: LazyLock<FinderRev<'_>> = LazyLock::new(|| FinderRev::new(ANSWERED));
const DID_BYTES: std::ops::RangeInclusive<usize> = 8..=256;

/// The URI of the post that a repost shares, if its record is written as servers write it.
#[must_use]
pub fn repost_subject(record: &[u8]) -> Option<&[u8]> {
    let rest = record.strip_prefix(b"{\"$type\":\"app.bsky.feed.repost\",\"createdAt\":\"")?;
    let (_, rest) = plain_string(rest)?;
    uri_after_cid(rest.strip_prefix(b",\"subject\":{\"cid\":\"")?)
}

/// The id of the account whose record is liked in `frame`, the whole frame of a like.
#[inline]
#[must_use]
pub fn liked(frame: &[u8]) -> Option<&[u8]> {
    const NEXT: &[u8] = b"\"}},\"cid\":\"";
    let whole = frame.strip_suffix(b"\"}}")?;
    let end = whole.len().checked_sub(NEXT.len() + CID.len());
    let guess =
        end.filter(|end| whole[*end..].starts_with(NEXT)).and_then(|end| author_at_end(&whole[..end]));
    guess.or_else(|| {
        let start = FIND_LIKED.find(whole)? + LIKED.len();
        author_after_cid(&whole[start..])
    })
}

/// The id of the account that a post answers, given the post's record up to where its text begins.
#[inline]
#[must_use]
pub fn answered(record_to_text: &[u8]) -> Option<&[u8]> {
    const ROOT: &[u8] = b"\"},\"root\":{\"cid\":\"";
    // An answer stands right before the text, unless tags come between.
    let reply = record_to_text.strip_suffix(b"\"}},\"text\":\"")?;
    let end = reply.len().checked_sub(ROOT.len() + CID.len() + b"\",\"uri\":\"".len() + POST_URI.len());
    let guess =
        end.filter(|end| reply[*end..].starts_with(ROOT)).and_then(|end| author_at_end(&reply[..end]));
    guess.or_else(|| {
        let start = FIND_ANSWERED.rfind(reply)? + ANSWERED.len();
        author_after_cid(&reply[start..])
    })
}

/// The account in a URI such as `at://did:plc:…/app.bsky.feed.post/…`.
#[must_use]
pub fn author_of(uri: &[u8]) -> Option<&[u8]> {
    let rest = uri.strip_prefix(b"at://")?;
    let did = rest.split(|byte| *byte == b'/').next()?;
    (DID_BYTES.contains(&did.len()) && did.starts_with(b"did:") && did.iter().all(|byte| is_plain(*byte)))
        .then_some(did)
}

/// The account in a post's URI, whatever it is called.
#[must_use]
pub fn account_of(uri: &str) -> Option<&str> {
    uri.strip_prefix("at://")?.split('/').next()
}

/// `bytes` begins with a CID: the account of the URI that follows it.
fn author_after_cid(bytes: &[u8]) -> Option<&[u8]> {
    let guess = bytes.get(..CID.len() + b"\",\"uri\":\"".len() + POST_URI.len()).and_then(author_at_end);
    guess.or_else(|| author_of(uri_after_cid(bytes)?))
}

/// `bytes` begins with a CID: the URI that follows it.
fn uri_after_cid(bytes: &[u8]) -> Option<&[u8]> {
    let (_, rest) = plain_string(bytes)?;
    Some(plain_string(rest.strip_prefix(b",\"uri\":\"")?)?.0)
}

/// The account of a post's URI of the usual length at the end of `bytes`.
#[inline]
fn author_at_end(bytes: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = b"\"uri\":\"";
    let (_, keyed) = bytes.split_at_checked(bytes.len().checked_sub(KEY.len() + POST_URI.len())?)?;
    let (did, rest) = keyed.strip_prefix(b"\"uri\":\"at://")?.split_first_chunk::<32>()?;
    let is_usual = did.starts_with(b"did:plc:") && rest.starts_with(b"/app.bsky.feed.post/");
    // No early end: all at once.
    (is_usual && did[8..].iter().fold(true, |all, byte| all & byte.is_ascii_alphanumeric())).then_some(did)
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'%' | b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANN: &str = "did:plc:annannannannannannannann";
    const BEN: &str = "did:plc:benbenbenbenbenbenbenben";

    fn cid() -> &'static str {
        std::str::from_utf8(CID).unwrap()
    }

    fn uri(did: &str) -> String {
        format!("at://{did}/app.bsky.feed.post/3l3qo2vutsw2b")
    }

    fn like(subject: &str, more: &str) -> String {
        format!(
            r#"{{"did":"{ANN}","time_us":1725911162329308,"kind":"commit","commit":{{"rev":"3l3qo2vutsw2b","operation":"create","collection":"app.bsky.feed.like","rkey":"3l3qo2vuowo2b","record":{{"$type":"app.bsky.feed.like","createdAt":"2024-09-09T19:46:02.102Z","subject":{{"cid":"{0}","uri":"{subject}"}}{more}}},"cid":"{0}"}}}}"#,
            cid()
        )
    }

    fn text(found: Option<&[u8]>) -> Option<&str> {
        found.map(|found| std::str::from_utf8(found).unwrap())
    }

    fn answer(parent: &str, root: &str) -> String {
        format!(
            r#"{{"$type":"app.bsky.feed.post","createdAt":"2024-09-09T19:46:02.102Z","langs":["en"],"reply":{{"parent":{{"cid":"{0}","uri":"{parent}"}},"root":{{"cid":"{0}","uri":"{root}"}}}},"text":""#,
            cid()
        )
    }

    #[test]
    fn a_like_names_the_account_it_is_about() {
        let via =
            format!(r#","via":{{"cid":"{}","uri":"at://{ANN}/app.bsky.feed.repost/3l3qo2vutsw2b"}}"#, cid());
        let feed = format!("at://{BEN}/app.bsky.feed.generator/whats-hot");
        let web = "did:web:ben.example";
        for (frame, author) in [
            (like(&uri(BEN), ""), BEN),
            (like(&uri(BEN), &via), BEN),
            (like(&feed, ""), BEN),
            (like(&uri(web), ""), web),
        ] {
            assert_eq!(text(liked(frame.as_bytes())), Some(author), "{frame}");
        }
    }

    #[test]
    fn an_answer_names_the_account_it_answers() {
        let web = "did:web:ben.example";
        for (parent, root) in [(BEN, ANN), (ANN, BEN), (web, ANN), (BEN, web), (web, web)] {
            let record = answer(&uri(parent), &uri(root));
            assert_eq!(text(answered(record.as_bytes())), Some(parent), "{record}");
        }
        let record = r#"{"$type":"app.bsky.feed.post","createdAt":"2024","langs":["en"],"text":""#;
        assert_eq!(answered(record.as_bytes()), None);
        let embed = r#"{"embed":{"record":{"cid":"c","uri":"at://did:plc:x/y/z"}},"text":""#;
        assert_eq!(answered(embed.as_bytes()), None);
    }

    #[test]
    fn a_repost_names_its_subject_and_who_wrote_it() {
        let record = br#"{"$type":"app.bsky.feed.repost","createdAt":"2024","subject":{"cid":"c","uri":"at://did:plc:b/app.bsky.feed.post/3"}}"#;
        let uri = repost_subject(record).unwrap();
        assert_eq!(
            (uri, author_of(uri)),
            (&b"at://did:plc:b/app.bsky.feed.post/3"[..], Some(&b"did:plc:b"[..]))
        );
        assert_eq!(repost_subject(br#"{"subject":{"cid":"c"},"via":{"uri":"at://x"}}"#), None);
    }

    #[test]
    fn what_names_no_account_is_not_found() {
        for frame in [
            like("https://example.org/", ""),
            like("at://ann.example/app.bsky.feed.post/3l3qo2vutsw2b", ""),
            like("at://did:/app.bsky.feed.post/3l3qo2vutsw2b", ""),
            like(r"at://did:plc:benbenbenben\u0062enbenbenben/app.bsky.feed.post/3l3qo2vutsw2b", ""),
            like(r#"at://did:plc:ben\"},\"uri\":\"benbenbenbe/app.bsky.feed.post/3l3qo2vutsw2b"#, ""),
            like(&uri(BEN), "").replace("\"subject\"", "\"object\"").replace(BEN, "did:web:ben"),
            like(&uri(BEN), "").trim_end_matches("\"}}").to_owned(),
            String::new(),
            "\"}}".to_owned(),
        ] {
            assert_eq!(text(liked(frame.as_bytes())), None, "{frame}");
        }
    }

    #[test]
    fn recorded_likes_and_answers_say_what_a_parser_reads_in_them() {
        let Ok(folder) = std::env::var("BIRDDOG_DATA") else { return };
        let Ok(lines) = std::fs::read_to_string(format!("{folder}/raw_bluesky_jetstream_jsonbench.jsonl"))
        else {
            return;
        };
        let mut found = 0;
        for line in lines.lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            let record = &event["commit"]["record"];
            let (uri, heard) = match record["$type"].as_str() {
                Some("app.bsky.feed.like") => (&record["subject"]["uri"], liked(line.as_bytes())),
                Some("app.bsky.feed.post") => {
                    let text = line.find("\"text\":\"").unwrap() + "\"text\":\"".len();
                    (&record["reply"]["parent"]["uri"], answered(&line.as_bytes()[..text]))
                }
                _ => continue,
            };
            let author = uri.as_str().and_then(|uri| uri.strip_prefix("at://")?.split('/').next());
            assert_eq!(text(heard), author, "{line}");
            found += usize::from(heard.is_some());
        }
        assert!(found > 200, "{found}");
    }

    proptest! {
        #[test]
        fn no_frame_however_damaged_is_misread_or_stops_the_reader(
            cut in any::<prop::sample::Index>(), byte in any::<u8>(), length in any::<prop::sample::Index>(),
            other in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            for whole in [like(&uri(BEN), ""), answer(&uri(BEN), &uri(ANN)), like("at://did:web:b.example/a/b", "")] {
                let mut frame = whole.clone().into_bytes();
                frame[cut.index(whole.len())] = byte;
                for bytes in [&frame[..], &frame[..length.index(whole.len())], &other] {
                    for did in [liked(bytes), answered(bytes)].into_iter().flatten() {
                        prop_assert!(did.starts_with(b"did:") && did.iter().all(|byte| is_plain(*byte)));
                    }
                    let _ = repost_subject(bytes);
                }
            }
        }
    }
}

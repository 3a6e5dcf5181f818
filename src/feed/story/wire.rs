//! Events as the real server writes them: Go's key order and escaping, TIDs and CIDs of the right shape.

use std::fmt::Write;

/// Seeded, deterministic on every platform for ever (SplitMix64, Steele et al. 2014): a story is a fixture.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `below` − 1.
    pub(super) fn below(&mut self, below: u64) -> u64 {
        self.roll() % below.max(1)
    }

    /// True `in_a_million` times in a million.
    pub(super) fn chance(&mut self, in_a_million: u64) -> bool {
        self.below(1_000_000) < in_a_million
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let index = self.below(of.len() as u64);
        of[usize::try_from(index).unwrap_or(0)]
    }

    fn letters(&mut self, count: usize, alphabet: &[u8; 32], out: &mut String) {
        for start in (0..count).step_by(12) {
            let mut bits = self.roll();
            for _ in start..count.min(start + 12) {
                out.push(char::from(alphabet[(bits & 31) as usize]));
                bits >>= 5;
            }
        }
    }
}

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const SORTABLE32: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// The DID of the account with this number.
pub(super) fn did(account: u64) -> String {
    let mut text = "did:plc:".to_owned();
    Dice::new(account ^ 0xD1D).letters(24, BASE32, &mut text);
    text
}

/// A content id of the right shape.
pub(super) fn cid(dice: &mut Dice) -> String {
    let mut text = "bafyrei".to_owned();
    dice.letters(52, BASE32, &mut text);
    text
}

/// A TID (atproto record key): 53 bits of microseconds and 10 of a clock, sortable.
pub(super) fn tid(time_us: u64, clock: u64) -> String {
    let bits = (time_us << 10) | (clock & 1023);
    (0..13).map(|place| char::from(SORTABLE32[((bits >> (60 - 5 * place)) & 31) as usize])).collect()
}

/// `2026-11-21T10:00:00.123Z`.
pub(super) fn iso(time_us: u64) -> String {
    let time = i64::try_from(time_us / 1000).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| format!("{time:.3}"))
}

/// A JSON string as Go's `encoding/json` writes it: `&`, `<`, `>`, U+2028 and U+2029 are escaped.
pub(super) fn json_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => escape(c, out),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn escape(c: char, out: &mut String) {
    write!(out, "\\u{:04x}", u32::from(c)).expect("writing to a String cannot fail");
}

/// A record that others may answer, share or like.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) did: String,
    pub(super) rkey: String,
    pub(super) cid: String,
    /// The conversation's first post, if this is not it.
    pub(super) root: Option<(String, String)>,
}

impl Target {
    pub(super) fn uri(&self) -> String {
        format!("at://{}/app.bsky.feed.post/{}", self.did, self.rkey)
    }

    fn root(&self) -> (String, String) {
        self.root.clone().unwrap_or_else(|| (self.uri(), self.cid.clone()))
    }
}

/// What a post consists of beside its text.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts<'p> {
    pub(super) lang: &'p str,
    pub(super) text: &'p str,
    pub(super) reply_to: Option<&'p Target>,
    pub(super) quotes: Option<&'p Target>,
    pub(super) photo: Option<&'p str>,
}

/// The record of a post. `known` are handles that have an account: `(handle, did)`.
pub(super) fn post_record(
    parts: &Parts<'_>,
    created_us: u64,
    known: &[(&str, &str)],
    dice: &mut Dice,
) -> String {
    let mut out = format!("{{\"$type\":\"app.bsky.feed.post\",\"createdAt\":\"{}\"", iso(created_us));
    if let Some(alt) = parts.photo {
        photo(alt, &mut out, dice);
    } else if let Some(quoted) = parts.quotes {
        let (cid, uri) = (&quoted.cid, quoted.uri());
        out += &format!(
            ",\"embed\":{{\"$type\":\"app.bsky.embed.record\",\"record\":{{\"cid\":\"{cid}\",\"uri\":\"{uri}\"}}}}"
        );
    }
    let facets = facets(parts.text, known);
    if !facets.is_empty() {
        out += &format!(",\"facets\":[{}]", facets.join(","));
    }
    out += &format!(",\"langs\":[\"{}\"]", parts.lang);
    if let Some(parent) = parts.reply_to {
        let (root_uri, root_cid) = parent.root();
        out += &format!(
            ",\"reply\":{{\"parent\":{{\"cid\":\"{}\",\"uri\":\"{}\"}},\"root\":{{\"cid\":\"{root_cid}\",\"uri\":\"{root_uri}\"}}}}",
            parent.cid,
            parent.uri()
        );
    }
    out.push_str(",\"text\":");
    json_string(parts.text, &mut out);
    out.push('}');
    out
}

fn photo(alt: &str, out: &mut String, dice: &mut Dice) {
    out.push_str(",\"embed\":{\"$type\":\"app.bsky.embed.images\",\"images\":[{\"alt\":");
    json_string(alt, out);
    let (height, width, size) =
        (400 + dice.below(1600), 400 + dice.below(1600), 20_000 + dice.below(900_000));
    let mut link = "bafkrei".to_owned();
    dice.letters(52, BASE32, &mut link);
    *out += &format!(
        ",\"aspectRatio\":{{\"height\":{height},\"width\":{width}}},\"image\":{{\"$type\":\"blob\",\"ref\":{{\"$link\":\"{link}\"}},\"mimeType\":\"image/jpeg\",\"size\":{size}}}}}]}}"
    );
}

/// Mentions of known handles, and hashtags, with their byte ranges.
fn facets(text: &str, known: &[(&str, &str)]) -> Vec<String> {
    let word_end = |rest: &str| {
        rest.char_indices().skip(1).find(|(_, c)| !c.is_alphanumeric()).map_or(rest.len(), |(at, _)| at)
    };
    let mut facets = Vec::new();
    for (start, sigil) in text.match_indices(['@', '#']) {
        let end = start + word_end(&text[start..]);
        let word = &text[start + 1..end];
        let feature = if sigil == "#" && !word.is_empty() {
            format!("{{\"$type\":\"app.bsky.richtext.facet#tag\",\"tag\":\"{word}\"}}")
        } else if let Some((_, did)) = known.iter().find(|(handle, _)| *handle == word) {
            format!("{{\"$type\":\"app.bsky.richtext.facet#mention\",\"did\":\"{did}\"}}")
        } else {
            continue;
        };
        facets.push(format!(
            "{{\"features\":[{feature}],\"index\":{{\"byteEnd\":{end},\"byteStart\":{start}}}}}"
        ));
    }
    facets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tid_has_thirteen_sortable_letters() {
        let (a, b) = (tid(1_725_911_162_329_308, 5), tid(1_725_911_162_329_309, 0));
        assert_eq!((a.len(), &a[..3]), (13, "3l3"));
        assert!(a < b);
    }

    #[test]
    fn strings_are_escaped_as_go_does_and_read_back() {
        let text = "a & b <3 \"q\" \\ \n\t\u{1}\u{2028} 日本 🎉";
        let mut json = String::new();
        json_string(text, &mut json);
        assert!(json.contains("\\u0026") && json.contains("\\u003c3") && json.contains("\\u2028"));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn facets_mark_the_bytes_they_name() {
        let text = "日本 @acmecloud and @nobody #acmedown!";
        let facets = facets(text, &[("acmecloud", "did:plc:x")]);
        assert_eq!(facets.len(), 2);
        let marked = |facet: &str| {
            let json: serde_json::Value = serde_json::from_str(facet).unwrap();
            let at = |key: &str| json["index"][key].as_u64().unwrap() as usize;
            text[at("byteStart")..at("byteEnd")].to_owned()
        };
        assert_eq!(facets.iter().map(|f| marked(f)).collect::<Vec<_>>(), ["@acmecloud", "#acmedown"]);
    }
}

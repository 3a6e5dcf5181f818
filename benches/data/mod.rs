//! Events and rules for benchmarks, made from a seed: the shapes and sizes of real Jetstream events, texts of made-up
//! words with the frequencies of real ones, and brand names of one to three words, some of which the texts name.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// How often posts occur among events, and how often a post names a brand.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) posts: f64,
    pub(crate) naming: f64,
}

/// A post-heavy feed (mean 565 bytes an event), 1% of whose posts match: the feed of the performance goals.
pub(crate) const GOAL: Mix = Mix { posts: 0.42, naming: 0.01 };
/// The same feed with 6% of all events matching.
pub(crate) const BUSY: Mix = Mix { posts: 0.42, naming: 0.145 };
/// The mix of the real network: 8.7% posts, 1% of them matching.
pub(crate) const REAL: Mix = Mix { posts: 0.087, naming: 0.01 };

/// What texts look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texts {
    /// Words of Latin letters, and little else.
    Plain,
    /// Hashtags, links, emoji, and five languages: English, Japanese, Portuguese, German and Russian, as made-up words of
    /// their letters, about as often as on the real network.
    Real,
}

/// Letters of the made-up words of a language, and how many of a hundred posts are in it.
const LANGUAGES: [(&str, &str, u32); 5] = [
    ("en", "etaoinshrdlucmfwygpbvk", 55),
    ("ja", "のにはをたがでてとしれさあいうえおかきくこの日本人大学生今月", 17),
    ("pt", "aeosrindmutclpvghãçéêíóõ", 12),
    ("de", "enisratdhulcgmobwfkzäöüß", 8),
    ("ru", "оеаинтсрвлкмдпуяызбгчй", 8),
];
const EMOJI: [&str; 6] = ["😂", "🔥", "❤️", "👩‍💻", "🇧🇷", "…"];

/// Brands that rules can be made of, and those among them that posts name.
const BRANDS: usize = 100_000;
const NAMED: usize = 10_000;

pub(crate) struct Data {
    random: SmallRng,
    texts: Texts,
    words: Vec<String>,
    /// Of each language.
    vocabulary: Vec<Vec<String>>,
    pub(crate) brands: Vec<String>,
    time_us: u64,
}

impl Data {
    pub(crate) fn new(seed: u64, texts: Texts) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let words: Vec<String> = (0..20_000).map(|_| word(&mut random, 2, 9)).collect();
        // Names begin with a letter run that no ordinary word has, so that only naming makes a match; their further
        // words are ordinary.
        let brands = (0..BRANDS)
            .map(|at| {
                let first = format!("{}x{}", word(&mut random, 2, 5), at);
                match random.random_range(0..10) {
                    0..6 => first,
                    6..9 => format!("{first} {}", words.choose(&mut random).expect("there are words")),
                    _ => format!("{} {first}", words.choose(&mut random).expect("there are words")),
                }
            })
            .collect();
        let of_letters = |random: &mut SmallRng, letters: &str| -> String {
            let letters: Vec<char> = letters.chars().collect();
            (0..random.random_range(2..9)).filter_map(|_| letters.choose(random)).collect()
        };
        let of_language = |(_, letters, _)| (0..8_000).map(|_| of_letters(&mut random, letters)).collect();
        let vocabulary = LANGUAGES.map(of_language).to_vec();
        Self { random, texts, words, vocabulary, brands, time_us: 1_725_911_162_000_000 }
    }

    /// A pack with one rule for each of the first `count` brands.
    pub(crate) fn write_rules(&self, folder: &Path, count: usize) {
        fs::create_dir_all(folder).expect("a folder");
        let mut pack = String::from("[pack]\nbrand = \"bench\"\nowner = \"bench@birddog.example\"\n");
        for (at, brand) in self.brands.iter().take(count).enumerate() {
            let _ =
                write!(pack, "\n[[rule]]\nid = \"brand-{at}\"\nquery = '\"{brand}\"'\nteam = \"support\"\n");
        }
        fs::write(folder.join("bench.toml"), pack).expect("a file");
    }

    /// Writes `count` events; the number of posts that name a brand.
    pub(crate) fn write_events(&mut self, path: &Path, count: usize, mix: Mix) -> u64 {
        let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(path).expect("a file"));
        let mut naming = 0;
        for _ in 0..count {
            self.time_us += self.random.random_range(100..2_000);
            let line = if self.random.random_bool(mix.posts) {
                let names = self.random.random_bool(mix.naming);
                naming += u64::from(names);
                self.post(names)
            } else {
                self.other()
            };
            writeln!(out, "{line}").expect("a line");
        }
        out.flush().expect("a file");
        naming
    }

    /// A text, and the language it is tagged with.
    fn text(&mut self, names: bool) -> (String, &'static str) {
        match self.texts {
            Texts::Plain => (self.plain_text(names), "en"),
            Texts::Real => self.real_text(names),
        }
    }

    fn real_text(&mut self, names: bool) -> (String, &'static str) {
        let mut share: u32 = self.random.random_range(0..100);
        let is_chosen = |&(_, (_, _, weight)): &(usize, &(&str, &str, u32))| match share.checked_sub(*weight)
        {
            Some(rest) => {
                share = rest;
                false
            }
            None => true,
        };
        let (language, &(tag, _, _)) =
            LANGUAGES.iter().enumerate().find(is_chosen).expect("the shares make a hundred");
        let count = self.random.random_range(4..28);
        let place = self.random.random_range(0..count);
        let mut text = String::new();
        for at in 0..count {
            // Japanese is written without spaces.
            let is_joined = tag == "ja" && !text.ends_with(|c: char| c.is_ascii_alphanumeric());
            if at > 0 && !(is_joined && !(names && at == place)) {
                text.push_str([" ", " ", " ", ", ", "! ", "\\n"][self.random.random_range(0..6)]);
            }
            if names && at == place {
                text.push_str(self.brands[..NAMED].choose(&mut self.random).expect("there are brands"));
                text.push(' ');
                continue;
            }
            let uniform: f64 = self.random.random();
            let words = &self.vocabulary[language];
            let word = &words[(uniform * uniform * words.len() as f64) as usize];
            match self.random.random_range(0..40) {
                0..2 => _ = write!(text, "#{word}"),
                2 => _ = write!(text, "@{word}.bsky.social"),
                3 => _ = write!(text, "https://example.org/{}", self.id(9)),
                4..7 => text.push_str(EMOJI.choose(&mut self.random).expect("there are some")),
                _ => text.push_str(word),
            }
        }
        (text, tag)
    }

    fn plain_text(&mut self, names: bool) -> String {
        let count = self.random.random_range(4..32);
        let place = self.random.random_range(0..count);
        let mut text = String::new();
        for at in 0..count {
            if at > 0 {
                text.push_str(["", " ", " ", " ", " ", ", ", "! ", "\\n"][self.random.random_range(1..8)]);
            }
            if names && at == place {
                text.push_str(self.brands[..NAMED].choose(&mut self.random).expect("there are brands"));
                continue;
            }
            // Zipf's law, about: the square of a uniform number favours the first words.
            let uniform: f64 = self.random.random();
            let rank = (uniform * uniform * self.words.len() as f64) as usize;
            match self.random.random_range(0..40) {
                0 => text.push_str("#News"),
                1 => text.push_str("naïve’s 🔥"),
                _ => text.push_str(&self.words[rank]),
            }
        }
        text
    }

    fn post(&mut self, names: bool) -> String {
        let (text, lang) = self.text(names);
        let (did, rkey) = (self.id(24), self.id(10));
        let reply = if self.random.random_bool(0.45) {
            let uri = format!("at://did:plc:{}/app.bsky.feed.post/3l3{}", self.id(24), self.id(10));
            let cid = self.id(52);
            format!(
                r#""reply":{{"parent":{{"cid":"bafyrei{cid}","uri":"{uri}"}},"root":{{"cid":"bafyrei{cid}","uri":"{uri}"}}}},"#
            )
        } else {
            String::new()
        };
        let embed = match self.random.random_range(0..10) {
            0..2 => format!(
                r#""embed":{{"$type":"app.bsky.embed.images","images":[{{"alt":"","image":{{"$type":"blob","ref":{{"$link":"bafkrei{}"}},"mimeType":"image/jpeg","size":523411}}}}]}},"#,
                self.id(52)
            ),
            _ => String::new(),
        };
        let (time, rev, cid) = (self.time_us, self.id(10), self.id(52));
        format!(
            r#"{{"did":"did:plc:{did}","time_us":{time},"kind":"commit","commit":{{"rev":"3l3{rev}","operation":"create","collection":"app.bsky.feed.post","rkey":"3l3{rkey}","record":{{"$type":"app.bsky.feed.post","createdAt":"2024-09-09T19:46:02.102Z",{embed}"langs":["{lang}"],{reply}"text":"{text}"}},"cid":"bafyrei{cid}"}}}}"#
        )
    }

    fn other(&mut self) -> String {
        let (did, rev, rkey, cid, time) = (self.id(24), self.id(10), self.id(10), self.id(52), self.time_us);
        let head = format!(
            r#"{{"did":"did:plc:{did}","time_us":{time},"kind":"commit","commit":{{"rev":"3l3{rev}","operation":"#
        );
        match self.random.random_range(0..100) {
            0..4 => format!(r#"{head}"delete","collection":"app.bsky.feed.like","rkey":"3l3{rkey}"}}}}"#),
            4..34 => format!(
                r#"{head}"create","collection":"app.bsky.graph.follow","rkey":"3l3{rkey}","record":{{"$type":"app.bsky.graph.follow","createdAt":"2024-09-09T19:46:02.102Z","subject":"did:plc:{}"}},"cid":"bafyrei{cid}"}}}}"#,
                self.id(24)
            ),
            kind => {
                let name = if kind < 44 { "repost" } else { "like" };
                let (subject, subject_cid) = (self.id(24), self.id(52));
                format!(
                    r#"{head}"create","collection":"app.bsky.feed.{name}","rkey":"3l3{rkey}","record":{{"$type":"app.bsky.feed.{name}","createdAt":"2024-09-09T19:46:02.102Z","subject":{{"cid":"bafyrei{subject_cid}","uri":"at://did:plc:{subject}/app.bsky.feed.post/3l3{rkey}"}}}},"cid":"bafyrei{cid}"}}}}"#
                )
            }
        }
    }

    fn id(&mut self, len: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
        (0..len).map(|_| char::from(LETTERS[self.random.random_range(0..32)])).collect()
    }
}

fn word(random: &mut SmallRng, min: usize, max: usize) -> String {
    let len = random.random_range(min..=max);
    (0..len).map(|_| char::from(b'a' + random.random_range(0..26))).collect()
}

/// A folder for one benchmark run, removed at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("birddog-bench-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

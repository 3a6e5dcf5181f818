//! Texts whose language is known: labelled posts, sentences, and names, which have none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use birddog::text::lang::letters::LANGUAGES;
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

/// What a text is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Learned,
    Kept,
}

/// A text of known language.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) lane: usize,
    pub(crate) set: &'static str,
    pub(crate) part: Part,
}

#[derive(Deserialize)]
struct Post {
    text: String,
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    src: String,
    #[serde(default)]
    split: String,
}

/// Of one source and language no more are taken.
const POSTS_MAX: u32 = 6000;
/// One in so many names is taken.
const NAMES_STEP: usize = 8;

/// All texts with Latin letters.
pub(crate) fn all(folder: &Path, sentences: &Path) -> anyhow::Result<Vec<Sample>> {
    let mut samples = labelled(folder)?;
    let kept: BTreeSet<String> = samples
        .iter()
        .filter(|sample| sample.part == Part::Kept)
        .map(|sample| letters_of(&sample.text))
        .collect();
    // Sets of posts share some: what is kept must not be learned by another name.
    let others = other_posts(folder)?.into_iter().filter(|sample| !kept.contains(&letters_of(&sample.text)));
    samples.extend(others);
    samples.extend(all_sentences(sentences)?);
    samples.extend(names(folder)?);
    samples.retain(|sample| is_latin(&sample.text));
    Ok(samples)
}

/// The language that a text in this lane should be given.
pub(crate) fn named(lane: usize) -> Option<&'static str> {
    Some(LANGUAGES[lane]).filter(|name| !["und", "other"].contains(name))
}

fn lane_of(language: &str) -> Option<usize> {
    let lane = match language {
        "english" => "en",
        "french" => "fr",
        "german" => "de",
        "hindi" => "hi",
        "italian" => "it",
        "portuguese" | "por" => "pt",
        "spanish" => "es",
        "hau" => "ha",
        "ibo" | "yor" | "kin" | "swa" | "twi" | "tso" | "orm" => "other",
        // Those of Nigeria is English to a scorer; the rest is Arabic, in either alphabet.
        "pcm" | "arq" | "ary" => return None,
        code => code,
    };
    LANGUAGES.iter().position(|known| *known == lane)
}

/// Half of the texts, always the same.
fn half(text: &str) -> Part {
    if xxh3_64(text.as_bytes()).is_multiple_of(2) { Part::Learned } else { Part::Kept }
}

fn labelled(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let posts = posts(folder, "umsab_8lang.jsonl.gz", "gzip")?;
    let sample = |post: Post| {
        let part = if post.split == "train" { Part::Learned } else { Part::Kept };
        // What stands for a link in this data would tell the data, not the language.
        let text = post.text.split_whitespace().filter(|word| *word != "http").collect::<Vec<_>>().join(" ");
        Some(Sample { text, lane: lane_of(&post.lang?)?, set: "umsab", part })
    };
    Ok(posts.into_iter().filter_map(sample).collect())
}

fn other_posts(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let mut taken = BTreeMap::<(String, usize), u32>::new();
    let mut sample = |post: Post| {
        let lane = lane_of(&post.lang?)?;
        let count = taken.entry((post.src.clone(), lane)).or_default();
        *count += 1;
        let is_wanted = post.src != "umsab_8lang" && *count <= POSTS_MAX;
        is_wanted.then(|| Sample { part: half(&post.text), text: post.text, lane, set: "posts" })
    };
    let posts = posts(folder, "load_posts.jsonl.zst", "zstd")?;
    Ok(posts.into_iter().filter_map(&mut sample).collect())
}

fn posts(folder: &Path, name: &str, program: &str) -> anyhow::Result<Vec<Post>> {
    let file = File::open(folder.join(name)).with_context(|| format!("cannot open {name}"))?;
    let mut packed = Command::new(program).arg("-dc").stdin(file).stdout(Stdio::piped()).spawn()?;
    let output = packed.stdout.take().context("no output")?;
    let parse = |line: std::io::Result<String>| serde_json::from_str(&line?).with_context(|| name.to_owned());
    let posts = BufReader::new(output).lines().map(parse).collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(packed.wait()?.success(), "{program} failed on {name}");
    Ok(posts)
}

fn all_sentences(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (lane, language) in LANGUAGES.iter().enumerate() {
        let Ok(text) = fs::read_to_string(folder.join(format!("{language}.txt"))) else { continue };
        let lines = text.lines().filter(|line| !line.is_empty());
        samples.extend(lines.map(|line| Sample {
            text: line.into(),
            lane,
            set: "sentences",
            part: half(line),
        }));
    }
    anyhow::ensure!(
        !samples.is_empty(),
        "no sentences in {}: see tests/languages/sentences",
        folder.display()
    );
    Ok(samples)
}

/// Names of brands and places: a text of names alone has no language.
fn names(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let names = fs::read_to_string(folder.join("keywords/all_names.txt"))?;
    let lane = LANGUAGES.iter().position(|name| *name == "und").context("a lane for names")?;
    let sample = |name: &str| Sample { text: name.into(), lane, set: "names", part: half(name) };
    Ok(names.lines().step_by(NAMES_STEP).map(sample).collect())
}

/// True where the script does not tell the language already.
fn is_latin(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (latin, other): (Vec<char>, Vec<char>) =
        letters.partition(|&c| c < '\u{250}' || ('\u{1E00}'..'\u{1F00}').contains(&c));
    latin.len() > other.len()
}

/// The letters of a text without handles and links, which sets write differently.
fn letters_of(text: &str) -> String {
    let words =
        text.split_whitespace().filter(|word| !word.starts_with(['@', '#']) && !word.starts_with("http"));
    words.flat_map(str::chars).filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

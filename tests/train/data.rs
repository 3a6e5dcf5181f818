//! Labelled posts, one JSON object a line, and their features.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use birddog::model::PostKind;
use birddog::score::grams::Grams;
use birddog::score::{Reader, ScoreInput};
use birddog::text::Folded;
use serde::Deserialize;

/// One labelled post.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Labelled {
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) split: String,
    #[serde(default)]
    pub(crate) lang: String,
}

/// All posts of a file; `.gz` is read through `gzip`.
pub(crate) fn read(folder: &Path, name: &str) -> anyhow::Result<Vec<Labelled>> {
    let path = folder.join(name);
    let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if !name.ends_with(".gz") {
        return parse(file, name);
    }
    let mut gzip = Command::new("gzip").arg("-dc").stdin(file).stdout(Stdio::piped()).spawn()?;
    let posts = parse(gzip.stdout.take().context("gzip has no output")?, name)?;
    anyhow::ensure!(gzip.wait()?.success(), "gzip failed on {name}");
    Ok(posts)
}

fn parse(input: impl Read, name: &str) -> anyhow::Result<Vec<Labelled>> {
    let parse = |line: std::io::Result<String>| {
        let mut post: Labelled = serde_json::from_str(&line?).with_context(|| name.to_owned())?;
        post.text = unescaped(&post.text);
        Ok(post)
    };
    BufReader::new(input).lines().map(parse).collect()
}

/// The SemEval files carry some characters as `\u2019`, spelled out.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                out.push_str(&part[4..]);
            }
            None => {
                out.push_str("\\u");
                out.push_str(part);
            }
        }
    }
    out
}

/// Features of posts, as the rows of a sparse matrix; each row has length 1.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f32>,
}

impl Matrix {
    /// The features of `posts`; `words` is called with the words of each.
    pub(crate) fn of(posts: &[Labelled], mut words: impl FnMut(&[u64])) -> Self {
        let (mut reader, mut folded) = (Reader::default(), Folded::default());
        let mut matrix = Self { starts: vec![0], ..Self::default() };
        for post in posts {
            folded.fold(&post.text);
            let tags: Vec<String> = tag_of(&post.lang).map(str::to_owned).into_iter().collect();
            let kind = PostKind::Post;
            let input =
                ScoreInput { text: &post.text, folded: &folded, lang_tags: &tags, kind, followers: None };
            let grams = reader.read(&input);
            words(grams.words());
            matrix.push(grams);
        }
        matrix
    }

    fn push(&mut self, grams: &Grams) {
        let mut rows = grams.rows().to_vec();
        rows.sort_unstable();
        for same in rows.chunk_by(|row, next| row == next) {
            self.rows.push(same[0]);
            self.values.push(same.len() as f32 * Grams::weight(same[0]) / grams.length());
        }
        self.starts.push(self.rows.len());
    }

    /// The same with each value times its row's scale.
    pub(crate) fn scaled(&self, scales: &[f32]) -> Self {
        let scaled = self.rows.iter().zip(&self.values).map(|(&row, value)| value * scales[row as usize]);
        Self { starts: self.starts.clone(), rows: self.rows.clone(), values: scaled.collect() }
    }

    /// The features of post `at`, with their values.
    pub(crate) fn row(&self, at: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = self.starts[at]..self.starts[at + 1];
        let rows = self.rows[range.clone()].iter().map(|&row| row as usize);
        rows.zip(self.values[range].iter().copied())
    }
}

/// The language tag of a file's name for a language.
fn tag_of(lang: &str) -> Option<&str> {
    match lang {
        "" => None,
        "arabic" => Some("ar"),
        "english" => Some("en"),
        "french" => Some("fr"),
        "german" => Some("de"),
        "hindi" => Some("hi"),
        "italian" => Some("it"),
        "portuguese" => Some("pt"),
        "spanish" => Some("es"),
        tag => Some(tag),
    }
}

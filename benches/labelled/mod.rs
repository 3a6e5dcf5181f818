//! Labelled posts, one JSON object a line: what `benches/score.rs` measures by, and `tests/train` learns from.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde::Deserialize;

/// One labelled post.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Labelled {
    pub(crate) text: String,
    pub(crate) label: String,
    /// The part of the data that it belongs to.
    #[allow(dead_code, reason = "training splits by it, the bench does not")]
    #[serde(default)]
    pub(crate) split: String,
    /// What the post is about, in data of disasters.
    #[allow(dead_code, reason = "training folds by it, the bench does not")]
    #[serde(default)]
    pub(crate) event: String,
    /// A language's name, as the files give it.
    #[serde(default)]
    pub(crate) lang: String,
}

impl Labelled {
    /// The language as sources tag it.
    pub(crate) fn tags(&self) -> Vec<String> {
        let tag = match self.lang.as_str() {
            "" => return Vec::new(),
            "arabic" => "ar",
            "english" => "en",
            "french" => "fr",
            "german" => "de",
            "hindi" => "hi",
            "italian" => "it",
            "portuguese" => "pt",
            "spanish" => "es",
            tag => tag,
        };
        vec![tag.to_owned()]
    }
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

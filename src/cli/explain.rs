//! `birddog explain`: why a rule matches a text, or why not.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::formats::json;
use crate::line::scores_of;
use crate::model::network::{self, NETWORKS};
use crate::model::{Author, Post, PostKind, RejectReason};
use crate::rules::ast::KINDS;
use crate::rules::explain::{Explanation, explain};
use crate::score::TrainedScorer;

use super::client::Format;
use super::exit::{FAILED, OK};
use super::rules::{RulesArgs, read_valid, refuse, rule};
use super::terminal;
use super::terminal::counted;

/// Largest file for `--post`, in bytes.
const POST_BYTES_MAX: u64 = 2 << 20;

const EXAMPLES: &str = "\
A post file is a JSON object, read as backtest reads the lines of its data: \"text\", and where rules ask for it \"lang\" or \"langs\",
\"kind\", \"source\", \"author\": {\"id\": \"…\", \"handle\": \"…\", \"followers\": 1200} or a name and \"followers\", \"parent\", \"root\", \"links\",
\"hashtags\", \"mentions\", \"captions\", \"has_media\". The `post` of a work item, or a whole work item, will do.

Examples:
  birddog explain --rule acme-outage --text 'Acme Clouds are down'
  birddog explain --text 'wann geht die acme cloud wieder?' --lang de
  birddog explain --rule acme-lead --text 'Looking for a cloud' --followers 25000 --source mastodon
  birddog queue show 5fe2a8… --format json | birddog explain --rule acme-outage --post -";

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    rules: RulesArgs,
    /// Only this rule; exit code 1 when it does not match
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    #[command(flatten)]
    input: Input,
    /// The text's language tag, for rules with lang:
    #[arg(long, value_name = "TAG", requires = "text")]
    lang: Option<String>,
    /// The author's handle or id, for rules with from:
    #[arg(long, value_name = "WHO", requires = "text")]
    from: Option<String>,
    /// Its kind, for rules with is:
    #[arg(long, value_name = "KIND", requires = "text", value_parser = kind)]
    kind: Option<PostKind>,
    /// The network it comes from, for rules with source:
    #[arg(long, value_name = "NETWORK", requires = "text", value_parser = NETWORKS)]
    source: Option<String>,
    /// The author's followers, for rules with followers:
    #[arg(long, value_name = "N", requires = "text")]
    followers: Option<u64>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Input {
    /// The post's text
    #[arg(long)]
    text: Option<String>,
    /// A file with a post as JSON, or - for stdin
    #[arg(long, value_name = "FILE")]
    post: Option<PathBuf>,
}

fn kind(name: &str) -> Result<PostKind, String> {
    let found = KINDS.iter().find(|(known, _)| *known == name);
    found.map(|(_, kind)| *kind).ok_or_else(|| "it is one of post, reply, repost, quote".to_owned())
}

#[derive(Serialize)]
struct Report {
    rules: Vec<Explanation>,
}

/// Exit code 1 when `--rule` is given and does not match.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let loaded = match read_valid(&args.rules)? {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let post = match args.post() {
        Ok(post) => post,
        Err(error) => return Ok(refuse(&format!("{error:#}"))),
    };
    let format = args.rules.format;
    let scores = scores_of(&TrainedScorer::new(), &post);
    match &args.rule {
        Some(id) => match rule(&loaded, id) {
            Ok(rule) => one(&explain(rule, &post, &scores), &post.text, format),
            Err(code) => Ok(code),
        },
        None => all(
            loaded.packs.rules.iter().map(|rule| explain(rule, &post, &scores)).collect(),
            &post.text,
            format,
        ),
    }
}

fn one(explanation: &Explanation, text: &str, format: Format) -> anyhow::Result<ExitCode> {
    terminal::print(&match format {
        Format::Json => terminal::json(explanation)?,
        Format::Text => shown(explanation, text),
    })?;
    Ok(ExitCode::from(if explanation.matched { OK } else { FAILED }))
}

/// Every rule as JSON; as text the matching ones, since the others' reasons would fill the screen.
fn all(rules: Vec<Explanation>, text: &str, format: Format) -> anyhow::Result<ExitCode> {
    terminal::print(&match format {
        Format::Json => terminal::json(&Report { rules })?,
        Format::Text => {
            let matched: Vec<&Explanation> = rules.iter().filter(|rule| rule.matched).collect();
            let explained: String = matched.iter().map(|rule| shown(rule, text) + "\n").collect();
            let counts = format!("{} of {} match", matched.len(), counted(rules.len(), "rule"));
            format!("{explained}{counts}; --rule ID says why one does not")
        }
    })?;
    Ok(ExitCode::from(OK))
}

/// The explanation as text, safe for the terminal.
pub(super) fn shown(explanation: &Explanation, text: &str) -> String {
    let colours = terminal::colours();
    explanation.render(text, terminal::sanitise_lines, |hit| terminal::marked(hit, colours))
}

impl Args {
    fn post(&self) -> anyhow::Result<Post> {
        if let Some(path) = &self.input.post {
            return read_post(path).with_context(|| format!("cannot use {} as a post", path.display()));
        }
        Ok(Post {
            text: self.input.text.clone().unwrap_or_default(),
            langs: self.lang.iter().cloned().collect(),
            kind: self.kind.unwrap_or_default(),
            network: self.source.as_deref().and_then(network::network).unwrap_or(network::JSON),
            author: Author {
                id: self.from.clone().unwrap_or_default(),
                followers: self.followers,
                ..Author::default()
            },
            ..Post::default()
        })
    }
}

fn read_post(path: &Path) -> anyhow::Result<Post> {
    let mut content = Vec::new();
    let limit = POST_BYTES_MAX + 1;
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(limit).read_to_end(&mut content)?,
        false => File::open(path)?.take(limit).read_to_end(&mut content)?,
    };
    if content.len() as u64 > POST_BYTES_MAX {
        bail!("it has more than {POST_BYTES_MAX} bytes");
    }
    post_from_json(&content)
}

fn post_from_json(content: &[u8]) -> anyhow::Result<Post> {
    json::read_leniently(content, &json::Fields::default()).or_else(|reason| {
        if reason != RejectReason::WrongShape {
            // Says where.
            serde_json::from_slice::<serde_json::Value>(content)?;
        }
        bail!("it is no object with a \"text\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_read_alone_and_inside_an_item() {
        let plain =
            r#"{"text": "hi", "kind": "reply", "langs": ["de"], "author": {"id": "x", "handle": null}}"#;
        for content in [
            plain.to_owned(),
            format!("{{\"schema\": 1, \"post\": {plain}}}"),
            format!("{{\"item\": {{\"post\": {plain}}}}}"),
        ] {
            let post = post_from_json(content.as_bytes()).unwrap();
            assert_eq!(
                (post.text.as_str(), post.kind, post.author.id.as_str()),
                ("hi", PostKind::Reply, "x")
            );
        }
        assert!(post_from_json(br#"{"txt": "hi"}"#).unwrap_err().to_string().contains("text"));
        assert!(post_from_json(b"hi").unwrap_err().to_string().contains("line 1"));
    }
}

//! `birddog score`: JSON lines in, the same lines with scores added out, in the same order.

use crate::model::Report;
use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::{Factors, Lane, PostKind, Priority, Scores};
use crate::rules::operators::code_meant_by;
use crate::score::{
    Explanation, ScoreInput, Scored, Scorer, Scratch, Target, TargetWhy, TrainedScorer, places_of, priority,
    towards,
};
use crate::text::Folded;

use super::exit::{FAILED, OK, USAGE};
use super::terminal::{complain, sanitise};

/// Longest line, in bytes; a longer one gives an error in its place.
const LINE_BYTES_MAX: usize = 1 << 20;
const BUFFER_BYTES: usize = 256 << 10;
/// What some editors put before the first line.
const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// What is added to a line; fields of these names in the input are replaced.
const ADDED: [&str; 9] =
    ["sentiment", "urgency", "urgency_label", "intent", "cues", "tones", "lang", "priority", "explanation"];

/// Arguments of `score`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Reads {\"text\": …, \"lang\": …?, \"target\": …?, \"followers\": …?} lines from standard input, and adds sentiment,
urgency, urgency_label, intent, cues, tones, lang and priority; what has these names is replaced, all other fields are kept.
followers is a whole number. Only --config brings weights of your own: ./birddog.toml is not looked for.
With a target (\"acme\", \"@acme\"), the sentiment and what the priority makes of it are those towards it; a target
that is not in the text gets those of the whole post.
A line that is no such object gives {\"error\": …, \"line\": N} in its place, and exit code 1 at the end.

Examples:
  echo '{\"text\":\"Acme is down again, I want my money back!\"}' | birddog score
  birddog score --explain < posts.jsonl | jq '.explanation.cues[].text'"
)]
pub(crate) struct Args {
    /// Add the words and cues that made the scores
    #[arg(long)]
    explain: bool,
    /// Configuration file, for the weights of the priority
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let priority = match &args.config {
        None => priority::Config::default(),
        Some(path) => match super::run::load(Some(path), None) {
            Ok(config) => match Report::of(|report| config.priority.validate(report)) {
                errors if errors.is_empty() => config.priority,
                errors => {
                    return Ok(super::exit::report(
                        &anyhow::anyhow!("{}: {}", path.display(), errors.join("; ")),
                        USAGE,
                    ));
                }
            },
            Err(error) => return Ok(super::exit::report(&error, USAGE)),
        },
    };
    let input = BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock());
    let output = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    let failed = Scoring::new(priority, args.explain).score_lines(input, output)?;
    Ok(ExitCode::from(if failed == 0 { OK } else { FAILED }))
}

/// The scorer and its buffers.
struct Scoring {
    scorer: TrainedScorer,
    priority: priority::Config,
    explain: bool,
    folded: Folded,
    scratch: Scratch,
    added: Vec<u8>,
}

impl Scoring {
    fn new(priority: priority::Config, explain: bool) -> Self {
        Self {
            scorer: TrainedScorer::new(),
            priority,
            explain,
            folded: Folded::default(),
            scratch: Scratch::default(),
            added: Vec::new(),
        }
    }

    /// Scores every line; the number of lines that could not be scored.
    fn score_lines<R: Read>(&mut self, mut input: BufReader<R>, mut output: impl Write) -> io::Result<u64> {
        let (mut line, mut number, mut failed) = (Vec::new(), 0, 0);
        while read_line(&mut input, &mut line)? {
            number += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            if let Err(error) = self.score_line(&line, &mut output)? {
                failed += 1;
                complain(&format!("line {number}: {}", sanitise(&error)));
                serde_json::to_writer(&mut output, &Refused { error: &error, line: number })?;
                output.write_all(b"\n")?;
            }
            // Whoever writes one line and waits for its answer gets it.
            if input.buffer().is_empty() {
                output.flush()?;
            }
        }
        output.flush()?;
        Ok(failed)
    }

    /// Writes the scored line, or says why there is none.
    fn score_line(&mut self, line: &[u8], output: &mut impl Write) -> io::Result<Result<(), String>> {
        let fields = match parse(line) {
            Ok(fields) => fields,
            Err(error) => return Ok(Err(error)),
        };
        let Some(text) = fields.string("text") else {
            return Ok(Err("there is no field \"text\" with a string".to_owned()));
        };
        let tags: Vec<String> =
            fields.string("lang").map(|lang| language_tag(lang.into_owned())).into_iter().collect();
        let post = Asked { text: &text, tags: &tags, followers: fields.number("followers") };
        self.score_text(&post, fields.string("target").as_deref())?;
        fields.write_kept(output)?;
        output.write_all(&self.added[1..])?;
        output.write_all(b"\n")?;
        Ok(Ok(()))
    }

    /// Leaves the fields to add in `added`, as a JSON object.
    fn score_text(&mut self, post: &Asked<'_>, target: Option<&str>) -> io::Result<()> {
        let Asked { text, tags: lang_tags, followers } = *post;
        self.folded.fold(text);
        let input = ScoreInput { text, folded: &self.folded, lang_tags, kind: PostKind::Post, followers };
        let (mut scored, mut explanation) = if self.explain {
            let (scored, explanation) = self.scorer.explain(&input, &mut self.scratch);
            (scored, Some(explanation))
        } else {
            (self.scorer.score(&input, &mut self.scratch), None)
        };
        let own = target.map(|target| places_of(target, &self.folded)).unwrap_or_default();
        let target = Target { own: &own, others: &[] };
        if let Some(aspect) = towards(&self.scorer, &input, &scored, target, &mut self.scratch) {
            if let Some(explanation) = &mut explanation {
                explanation.target = Some(TargetWhy::new(text, scored.scores.sentiment, &aspect));
            }
            scored.scores.sentiment = aspect.sentiment;
        }
        self.added.clear();
        serde_json::to_writer(&mut self.added, &Added::new(&scored, explanation, &self.priority))?;
        Ok(())
    }
}

/// The language as sources tag it; data made by hand has its English name.
pub(super) fn language_tag(lang: String) -> String {
    code_meant_by(&lang.to_lowercase()).map_or(lang, str::to_owned)
}

/// What a line says of its post.
struct Asked<'a> {
    text: &'a str,
    tags: &'a [String],
    followers: Option<u64>,
}

/// Reads one line without its end; false at the end of the input. What is over the limit is left out: the rest is then
/// no JSON, or an object cut short, and is refused.
pub(super) fn read_line<R: Read>(input: &mut BufReader<R>, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = input.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read > LINE_BYTES_MAX {
        input.skip_until(b'\n')?;
    }
    if line.starts_with(BYTE_ORDER_MARK) {
        line.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(read > 0)
}

fn parse(line: &[u8]) -> Result<Fields<'_>, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("the line is longer than {LINE_BYTES_MAX} bytes"));
    }
    let text = std::str::from_utf8(line).map_err(|error| format!("not UTF-8: {error}"))?;
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

/// The fields of a line in their order, values as they are written.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl Fields<'_> {
    /// The last value of field `name`, if that is a string.
    fn string(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self.0.iter().rev().find(|(key, _)| key == name)?.1.get();
        let inner = value.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            serde_json::from_str(value).ok().map(Cow::Owned)
        } else {
            Some(inner.into())
        }
    }

    /// The last value of field `name`, if that is a whole number from 0 on.
    fn number(&self, name: &str) -> Option<u64> {
        self.0.iter().rev().find(|(key, _)| key == name)?.1.get().parse().ok()
    }

    /// `{"a":1,"b":2,` of the fields that are kept, ready for more.
    fn write_kept(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(b"{")?;
        for (key, value) in self.0.iter().filter(|(key, _)| !ADDED.contains(&key.as_ref())) {
            serde_json::to_writer(&mut *output, key)?;
            output.write_all(b":")?;
            output.write_all(value.get().as_bytes())?;
            output.write_all(b",")?;
        }
        Ok(())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Fields)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a \"text\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some(Key(key)) = map.next_key()? {
            fields.push((key, map.next_value().map_err(A::Error::custom)?));
        }
        Ok(fields)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a str,
    line: u64,
}

#[derive(Serialize)]
struct Added<'a> {
    #[serde(flatten)]
    scores: Scores,
    lang: &'a str,
    priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

impl<'a> Added<'a> {
    fn new(scored: &'a Scored, explanation: Option<Explanation>, weights: &priority::Config) -> Self {
        // No rule and no cluster here: nothing amplifies, and no floor holds.
        let factors = Factors::new(&scored.scores, 0.0, Lane::Low);
        Self {
            scores: scored.scores,
            lang: scored.lang.as_str(),
            priority: weights.priority(factors),
            explanation,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn scored(input: &[u8], explain: bool) -> (Vec<Value>, u64, String) {
        let mut output = Vec::new();
        let mut scoring = Scoring::new(priority::Config::default(), explain);
        let failed = scoring.score_lines(BufReader::new(input), &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), failed, text)
    }

    #[test]
    fn fields_are_kept_as_written_and_scores_are_added() {
        let line = br#"{"id":12345678901234567890123,"z":{"b":1.50,"a":[]},"text":"I love it, caf\u00e9!","lang":"en-US","urgency":9}"#;
        let (lines, failed, text) = scored(line, false);
        assert_eq!(failed, 0);
        assert!(text.starts_with(r#"{"id":12345678901234567890123,"z":{"b":1.50,"a":[]},"text":"I love it, caf\u00e9!","sentiment":{"#), "{text}");
        assert_eq!(text.matches("\"urgency\":").count(), 2, "once as a score, once as a factor: {text}");
        assert_eq!(lines[0]["sentiment"]["label"], "positive");
        assert_eq!(lines[0]["lang"], "en");
        assert_eq!(lines[0]["urgency_label"], "low");
        assert_eq!(lines[0]["priority"]["lane"], "low");
        assert!(lines[0].get("explanation").is_none());
    }

    #[test]
    fn cues_tones_and_followers_stand_where_the_work_item_has_them() {
        let line = br#"{"text":"The app is down again, my lawyer will call you","followers":9999}"#;
        let (lines, _, _) = scored(line, false);
        let names = |field: &str| serde_json::to_string(&lines[0][field]).unwrap();
        assert!(names("cues").contains("\"outage\"") && names("cues").contains("\"legal\""), "{lines:?}");
        assert!(names("tones").contains("\"legal\""), "{lines:?}");
        assert_eq!(lines[0]["priority"]["factors"]["influence"], 0.571, "{lines:?}");
        assert_eq!(lines[0]["followers"], 9999);
    }

    #[test]
    fn a_bad_line_gives_an_error_in_its_place() {
        let long = format!("{{\"text\":\"{}\"}}", "a".repeat(LINE_BYTES_MAX));
        let input = format!("{{\"text\":\"a\"}}\nnope\n[1]\n{{\"text\":1}}\n{long}\n\n{{\"text\":\"b\"}}");
        let (lines, failed, _) = scored(input.as_bytes(), false);
        let errors: Vec<Option<u64>> = lines.iter().map(|line| line["line"].as_u64()).collect();
        assert_eq!(errors, [None, Some(2), Some(3), Some(4), Some(5), None]);
        assert_eq!((failed, &lines[5]["text"]), (4, &Value::from("b")));
        assert_eq!(
            scored("\u{FEFF}{\"text\":\"a\"}\n".as_bytes(), false).1,
            0,
            "a byte order mark is no mistake"
        );
        let (lines, failed, _) = scored(b"{\"text\":\"\xff\"}\n", false);
        assert!(failed == 1 && lines[0]["error"].as_str().unwrap().starts_with("not UTF-8"));
    }

    #[test]
    fn explain_names_the_words_and_cues() {
        let (lines, _, _) = scored(br#"{"text":"The app is down again. Not good!"}"#, true);
        let texts = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
        };
        assert!(texts(&lines[0]["explanation"]["cues"]).contains(&"is down".to_owned()));
        assert!(texts(&lines[0]["explanation"]["sentiment"]).contains(&"Not".to_owned()));
        assert_eq!(lines[0]["explanation"]["cues"][0]["why"], "outage");
    }
}

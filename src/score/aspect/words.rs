//! Words that set one part of a post against another, and those that put one thing above another.

use crate::model::Span;
use crate::text::{Folded, LangCode, Word};

/// Words behind which a comparison is no statement, looked for in so many words before it.
const DOUBT_WORDS: usize = 6;
/// A verb may stand so far from what it takes from one and gives to another.
const VERB_WORDS: usize = 6;

/// A clause that begins with this word, in folded form, is set against the one before.
pub(super) fn contrasts(word: &str, lang: LangCode) -> bool {
    match lang.as_str() {
        "en" | "und" => matches!(
            word,
            "but"
                | "while"
                | "whereas"
                | "although"
                | "though"
                | "however"
                | "yet"
                | "unlike"
                | "except"
                | "instead"
        ),
        "de" => matches!(
            word,
            "aber"
                | "wahrend"
                | "jedoch"
                | "allerdings"
                | "sondern"
                | "obwohl"
                | "hingegen"
                | "dagegen"
                | "statt"
        ),
        "es" => matches!(word, "pero" | "mientras" | "aunque" | "sino" | "excepto"),
        "fr" => matches!(word, "mais" | "tandis" | "alors" | "quoique" | "pourtant" | "cependant" | "sauf"),
        "it" => matches!(word, "ma" | "mentre" | "invece" | "pero" | "sebbene" | "eccetto"),
        "pt" => matches!(word, "mas" | "enquanto" | "porem" | "embora" | "exceto"),
        "nl" => matches!(word, "maar" | "terwijl" | "hoewel" | "echter"),
        _ => false,
    }
}

/// What stands before the lesser of two things.
struct Comparison {
    /// Directly before it, but for an article.
    link: &'static [&'static str],
    /// What must stand before the link.
    before: &'static [&'static str],
    /// Directly before, or somewhere in the [`VERB_WORDS`] before or after.
    is_close: bool,
}

const COMPARISONS: &[Comparison] = &[
    Comparison {
        link: &["than", "als", "que"],
        before: &[
            "better",
            "cheaper",
            "faster",
            "nicer",
            "easier",
            "safer",
            "besser",
            "billiger",
            "schneller",
            "lieber",
            "mejor",
            "mejores",
            "meilleur",
            "meilleure",
            "meilleurs",
            "meilleures",
            "mieux",
        ],
        is_close: true,
    },
    Comparison { link: &["to", "over"], before: &["prefer", "prefers", "preferred"], is_close: false },
    Comparison { link: &["from"], before: &["switch", "switched", "switching", "switches"], is_close: false },
    Comparison { link: &["von"], before: &["gewechselt", "wechsel", "wechsle"], is_close: false },
    Comparison { link: &["leaving", "ditched", "ditching", "dumped"], before: &["for"], is_close: false },
    Comparison { link: &["unlike"], before: &[], is_close: true },
];

/// Words that may stand between the link and the name.
const ARTICLES: &[&str] =
    &["the", "a", "an", "my", "our", "their", "der", "die", "das", "den", "el", "la", "le", "les"];

/// "No better phone than this", "could it be better than this?"
const DOUBTS: &[&str] = &[
    "no", "not", "t", "nothing", "nobody", "never", "can", "could", "may", "might", "would", "if", "kein",
    "nicht", "nichts", "niemand", "nie", "nada", "nadie", "nunca", "rien", "personne", "jamais", "pas",
];

/// Every place of `own` is that of the lesser in a comparison.
pub(super) fn is_outdone(folded: &Folded, own: &[Span]) -> bool {
    let mut has_any = false;
    for &span in own {
        let (start, _) = folded.folded_span(span.0, span.1);
        let at = folded.words.partition_point(|word| word.end <= start);
        if !is_lesser(folded, at) {
            return false;
        }
        has_any = true;
    }
    has_any
}

fn is_lesser(folded: &Folded, at: usize) -> bool {
    let Some(link) = at.checked_sub(1) else { return false };
    let is_article = ARTICLES.contains(&word(folded, link));
    let link = if is_article && link > 0 { link - 1 } else { link };
    let linked = word(folded, link);
    COMPARISONS.iter().filter(|one| one.link.contains(&linked)).any(|one| one.holds(folded, link))
}

impl Comparison {
    fn holds(&self, folded: &Folded, link: usize) -> bool {
        let words = &folded.words;
        let has = |word: &Word| self.before.contains(&folded.word(word));
        let place = if self.before.is_empty() {
            Some(link)
        } else if self.is_close {
            link.checked_sub(1).filter(|&at| has(&words[at]))
        } else {
            let start = link.saturating_sub(VERB_WORDS);
            let end = words.len().min(link + 1 + VERB_WORDS);
            (start..end).find(|&at| has(&words[at]))
        };
        place.is_some_and(|place| !is_doubted(folded, place))
    }
}

fn is_doubted(folded: &Folded, at: usize) -> bool {
    folded.words[at.saturating_sub(DOUBT_WORDS)..at].iter().any(|word| DOUBTS.contains(&folded.word(word)))
}

fn word(folded: &Folded, at: usize) -> &str {
    folded.word(&folded.words[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_outdone_in(text: &str) -> bool {
        let places = text.match_indices("Acme").map(|(at, hit)| (at as u32, (at + hit.len()) as u32));
        let own: Vec<Span> = places.collect();
        is_outdone(&Folded::new(text), &own)
    }

    #[test]
    fn the_lesser_of_two_is_known_by_the_words_before_it() {
        for text in [
            "Zenith is so much better than Acme",
            "Zenith is better than the Acme phone",
            "I prefer Zenith to Acme any day",
            "Finally switched from Acme to Zenith",
            "Leaving Acme for Zenith today, so happy",
            "Unlike Acme, Zenith answers",
            "Zenith ist viel besser als Acme",
            "Endlich von Acme zu Zenith gewechselt",
            "Zenith es mucho mejor que Acme",
            "Zenith est bien meilleur que Acme",
        ] {
            assert!(is_outdone_in(text), "{text}");
        }
    }

    #[test]
    fn other_words_before_a_name_and_doubts_make_no_lesser() {
        for text in [
            "Acme is better than Zenith",
            "nothing is better than Acme",
            "You can sing better than Acme",
            "No better phone than Acme",
            "switched from Zenith to Acme",
            "Acme is better than Acme was",
            "I left Acme at noon",
            "more than Acme",
            "Acme",
            "",
        ] {
            assert!(!is_outdone_in(text), "{text}");
        }
    }
}

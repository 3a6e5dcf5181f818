//! What a post feels towards one thing, on posts made up to set things against each other.

use serde::Deserialize;

use super::*;
use crate::score::{LexicalScorer, TrainedScorer};
use crate::text::LangCode;

/// What each brand of a post made up for this is felt to be like.
#[derive(Deserialize)]
struct Contrast {
    lang: String,
    text: String,
    towards: std::collections::BTreeMap<String, SentimentLabel>,
}

/// Right answers of the posts below, at least. 70 when this was written, where the whole posts' labels gave 42.
const RIGHT_MIN: usize = 62;

/// The sentiment of the whole, and towards `name`.
fn felt(scorer: &dyn Scorer, text: &str, lang: &str, name: &str) -> (Sentiment, Sentiment) {
    let (tags, folded, mut scratch) = (vec![lang.to_owned()], Folded::new(text), Scratch::default());
    let input = ScoreInput::of_text(text, &folded, &tags);
    let whole = scorer.score(&input, &mut scratch);
    let target = Target { own: &places_of(name, &folded), others: &[] };
    let sentiment = whole.scores.sentiment;
    (
        sentiment,
        towards(scorer, &input, &whole, target, &mut scratch).map_or(sentiment, |aspect| aspect.sentiment),
    )
}

#[test]
fn posts_that_set_brands_against_each_other_are_mostly_told_apart() {
    let scorer = TrainedScorer::new();
    let (mut whole_right, mut right, mut asked) = (0, 0, 0);
    for line in include_str!("../../../tests/fixtures/aspect.jsonl").lines() {
        let post: Contrast = serde_json::from_str(line).unwrap();
        for (name, label) in post.towards {
            let (whole, towards) = felt(&scorer, &post.text, &post.lang, &name);
            asked += 1;
            whole_right += usize::from(whole.label == label);
            right += usize::from(towards.label == label);
        }
    }
    assert!(
        asked >= 80 && right >= RIGHT_MIN && right > whole_right,
        "{right} of {asked}; whole {whole_right}"
    );
}

#[test]
fn what_speaks_of_one_thing_keeps_its_score_to_the_bit() {
    for scorer in [&TrainedScorer::new() as &dyn Scorer, &LexicalScorer::new()] {
        for text in
            ["Acme is terrible", "Acme? I love Acme!", "so slow, so bad, Acme", "", "nothing named. Great!"]
        {
            let (whole, towards) = felt(scorer, text, "en", "acme");
            assert_eq!(whole, towards, "{text}");
        }
    }
}

#[test]
fn languages_of_the_lexicon_are_told_apart_by_it() {
    let text = "Acme is geweldig, dank je wel. Zenith is waardeloos en schandalig.";
    let (whole, acme) = felt(&TrainedScorer::new(), text, "nl", "Acme");
    let (_, zenith) = felt(&TrainedScorer::new(), text, "nl", "Zenith");
    assert!(acme.score > whole.score && whole.score > zenith.score, "{acme:?} {whole:?} {zenith:?}");
}

#[test]
fn names_are_found_whatever_their_case_and_sign() {
    let places = |name: &str, text: &str| places_of(name, &Folded::new(text));
    assert_eq!(places("acme cloud", "The ACME Cloud! #AcmeCloud @acme cloud"), [(4, 14), (17, 26), (28, 38)]);
    assert_eq!(places("@acme", "acme @Acme acmes"), [(0, 4), (6, 10)]);
    assert_eq!(places("été", "Ete é ÉTÉ"), [(0, 3), (7, 12)]);
    assert_eq!(places("", "acme"), []);
}

#[test]
fn a_part_that_was_scored_in_another_language_is_not_mixed_in() {
    let scored = |lang, odds| Scored { scores: Default::default(), lang, odds: Some(Odds(odds)) };
    let whole = scored(LangCode::UND, [0.1, 0.2, 0.7]);
    assert_eq!(mixed(&whole, &scored(LangCode::of("de"), [0.7, 0.2, 0.1])), None);
    assert!(mixed(&whole, &scored(LangCode::UND, [0.7, 0.2, 0.1])).is_some());
}

#[test]
fn a_name_of_very_many_words_is_not_looked_for() {
    let folded = Folded::new(&"a ".repeat(40));
    assert_eq!(places_of(&"a ".repeat(16), &folded), [(0, 79)]);
    assert_eq!(places_of(&"a ".repeat(17), &folded), []);
}

proptest::proptest! {
    #[test]
    fn any_text_and_places_give_a_sentiment_in_range(
        text in "(\\PC{0,120}|([Aa]cme|#CaféNord|#AcmeDown|@é|but|ß|better than|[.,!:;|\n -]|😡){0,30})",
        own in proptest::collection::btree_set(0u32..140, 0..6),
        lang in "(en|de|nl|ja|)",
    ) {
        let own: Vec<Span> = own.into_iter().map(|at| (at, at + 1)).collect();
        let (own, folded, tags) = (merged(&own), Folded::new(&text), vec![lang]);
        let input = ScoreInput::of_text(&text, &folded, &tags);
        let (scorer, mut scratch) = (TrainedScorer::new(), Scratch::default());
        let whole = scorer.score(&input, &mut scratch);
        if let Some(aspect) = towards(&scorer, &input, &whole, Target { own: &own, others: &[] }, &mut scratch) {
            assert!((-1.0..=1.0).contains(&aspect.sentiment.score));
            assert!((0.0..=1.0).contains(&aspect.sentiment.confidence));
            assert!(aspect.clauses.iter().all(|&(start, end)| text.get(start as usize..end as usize).is_some()));
        }
    }
}

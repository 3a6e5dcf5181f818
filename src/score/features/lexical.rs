//! Scores by lexicon, cues and rules. No training, no state.

use crate::model::{Cue, Scores};
use crate::text::{LangCode, lang};

use super::cue::CueWeights;
use super::reading::Reading;
use super::tokens::{self, Token};
use super::typography::Typography;
use crate::score::explanation::{Explaining, Explanation, NoNotes, Notes, Why};
use crate::score::heads::intent::About;
use crate::score::heads::{intent, sentiment, tone, urgency};
use crate::score::lexicon::{LEXICON, Lexicon, Meaning, NO_PHRASE, SymbolHit};
use crate::score::scored::rounded;
use crate::score::{ScoreInput, Scored, Scorer, Scratch, influence, urgency_label};

/// What is left of a cue that is negated: "no fire".
const NEGATED_CUE_SHARE: f32 = 0.25;

/// What hashtags of protest begin with.
const PROTEST_TAG: &str = "boycott";
const PROTEST_TAG_WEIGHT: f32 = 0.7;

/// Scores by lexicon and cues; see the module docs of `sentiment`, `urgency` and `intent` for how.
#[derive(Debug)]
pub struct LexicalScorer {
    lexicon: &'static Lexicon,
}

impl LexicalScorer {
    /// The scorer over the lexicon of this binary. The first call in a process takes some milliseconds to load it.
    #[must_use]
    pub fn new() -> Self {
        Self { lexicon: &LEXICON }
    }

    fn run(&self, input: &ScoreInput<'_>, scratch: &mut Scratch, notes: &mut impl Notes) -> Scored {
        self.read(input, scratch, notes).scored
    }

    /// The scores and what they were made of; the tokens stay in `scratch`.
    pub(in crate::score) fn read(
        &self,
        input: &ScoreInput<'_>,
        scratch: &mut Scratch,
        notes: &mut impl Notes,
    ) -> Reading {
        let lang = lang::of_post(input.lang_tags, input.text, input.folded);
        let Scratch { tokens, symbols, .. } = scratch;
        tokens::read(input.folded, lang, self.lexicon, tokens);
        self.lexicon.symbols.find(input.folded, lang, symbols);
        let mut cues = CueWeights::default();
        for at in 0..tokens.len() {
            if tokens[at].root == NO_PHRASE {
                continue;
            }
            self.phrases_at(at, input, lang, tokens, &mut cues, notes);
        }
        add_symbol_cues(symbols, &mut cues, notes);
        add_tag_cues(input, &mut cues, notes);
        let typography = Typography::of(input.text);
        let sentiment = sentiment::sentiment(input.folded, tokens, symbols, typography, notes);
        // The label is that of the number that is shown.
        let urgency = rounded(urgency::urgency(&cues, sentiment.score));
        let urgency_label = urgency_label(urgency);
        let about = About {
            has_question_mark: typography.questions > 0,
            is_addressed: input.folded.words.iter().any(|word| word.sigil == b'@'),
        };
        let intent = intent::intent(&cues, &sentiment, about);
        let influence = influence(input.followers);
        let (seen, mut tones) = (cues.seen(), tone::by_cues(&cues, intent));
        tone::by_model(None, &mut tones);
        let scores = Scores { sentiment, urgency, urgency_label, intent, influence, cues: seen, tones };
        let scores = rounded_scores(scores);
        Reading { scored: Scored { scores, lang, odds: None }, cues, typography }
    }

    /// Finds the phrases that begin at token `at`: values are written to the tokens, cues to `cues`.
    fn phrases_at(
        &self,
        at: usize,
        input: &ScoreInput<'_>,
        lang: LangCode,
        tokens: &mut [Token],
        cues: &mut CueWeights,
        notes: &mut impl Notes,
    ) {
        let mut valued: Option<(f32, usize)> = None;
        let shared: &[Token] = tokens;
        let following = shared[at + 1..].iter().map(|token| token.term);
        self.lexicon.phrases(shared[at].root, following, |hit, words| {
            if !hit.counts_in(lang) {
                return;
            }
            match hit.meaning {
                Meaning::Value(value) if !shared[at].is_bound => valued = Some((value, words)),
                Meaning::Value(_) => {}
                Meaning::Cue(cue, weight) => {
                    let negated = sentiment::is_negated(shared, at);
                    let weight = if negated { weight * NEGATED_CUE_SHARE } else { weight };
                    cues.raise(cue, weight);
                    let last = &input.folded.words[at + words - 1];
                    notes.note(input.folded.words[at].start, last.end, Why::Cue(cue), weight, negated);
                }
            }
        });
        if let Some((value, words)) = valued {
            bind(&mut tokens[at..at + words], value);
        }
    }
}

impl Default for LexicalScorer {
    fn default() -> Self {
        Self::new()
    }
}

impl Scorer for LexicalScorer {
    fn score(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> Scored {
        self.run(input, scratch, &mut NoNotes)
    }

    fn explain(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> (Scored, Explanation) {
        let mut notes = Explaining::of(input);
        let scored = self.run(input, scratch, &mut notes);
        (scored, notes.explanation)
    }
}

fn add_symbol_cues(symbols: &[SymbolHit], cues: &mut CueWeights, notes: &mut impl Notes) {
    for hit in symbols {
        if let Some((cue, weight)) = hit.cue {
            cues.raise(cue, weight);
            notes.note(hit.start, hit.end, Why::Cue(cue), weight, false);
        }
    }
}

/// `#BoycottAcme`: a call that is mostly written as one word with the name.
fn add_tag_cues(input: &ScoreInput<'_>, cues: &mut CueWeights, notes: &mut impl Notes) {
    for word in input.folded.words.iter().filter(|word| word.sigil == b'#') {
        if input.folded.text[word.start as usize..].starts_with(PROTEST_TAG) {
            cues.raise(Cue::Protest, PROTEST_TAG_WEIGHT);
            notes.note(word.start, word.end, Why::Cue(Cue::Protest), PROTEST_TAG_WEIGHT, false);
        }
    }
}

/// The phrase's value goes to its first word; the others say nothing by themselves.
fn bind(tokens: &mut [Token], value: f32) {
    for (at, token) in tokens.iter_mut().enumerate() {
        token.value = if at == 0 { value } else { 0.0 };
        token.is_bound = true;
    }
}

fn rounded_scores(mut scores: Scores) -> Scores {
    scores.sentiment.score = rounded(scores.sentiment.score);
    scores.sentiment.confidence = rounded(scores.sentiment.confidence);
    scores.influence = rounded(scores.influence);
    scores
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::model::{Intent, PostKind, SentimentLabel, Tone, UrgencyLabel};
    use crate::text::Folded;

    use super::*;

    fn scored_as(text: &str, lang: &str) -> Scored {
        let tags = vec![lang.to_owned()];
        let folded = Folded::new(text);
        let input = ScoreInput::of_text(text, &folded, &tags);
        LexicalScorer::new().score(&input, &mut Scratch::default())
    }

    fn scored(text: &str) -> Scored {
        scored_as(text, "")
    }

    fn feeling(text: &str) -> f32 {
        scored(text).scores.sentiment.score
    }

    #[test]
    fn plain_feelings_are_read_in_many_languages() {
        for (label, texts) in [
            (
                SentimentLabel::Positive,
                [
                    "I love this, thank you so much!",
                    "Das ist wirklich toll, vielen Dank!",
                    "C'est génial, merci beaucoup",
                    "Me encanta, muchas gracias",
                    "Adorei, muito obrigado",
                    "Bellissimo, grazie mille",
                    "Heel blij mee, bedankt!",
                    "最高です、ありがとう",
                    "非常满意，谢谢",
                    "정말 감사합니다 최고예요",
                    "شكرا خدمة ممتازة",
                    "отлично, спасибо",
                    "😍😍",
                ],
            ),
            (
                SentimentLabel::Negative,
                [
                    "This is terrible, I hate it",
                    "Das ist eine Katastrophe und nicht gut",
                    "C'est nul, je suis très déçu",
                    "Pésimo servicio, qué vergüenza",
                    "Péssimo atendimento, que vergonha",
                    "Pessimo servizio, che schifo",
                    "Wat een waardeloze service, schandalig",
                    "最悪、ひどい",
                    "太差了，垃圾",
                    "정말 최악이에요 짜증나",
                    "خدمة سيئة للاسف",
                    "ужасно, ненавижу",
                    "😡",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(scored(text).scores.sentiment.label, label, "{text}");
            }
        }
    }

    #[test]
    fn negation_turns_and_intensity_strengthens() {
        assert!(feeling("the service is not good") < 0.0);
        assert!(feeling("the service isn't good") < 0.0);
        assert!(feeling("das gefällt mir nicht") < 0.0);
        assert!(feeling("not bad at all") > feeling("bad"));
        assert!(feeling("really great") > feeling("great"));
        assert!(feeling("GREAT stuff here") > feeling("great stuff here"));
        assert!(feeling("greaaaat") > feeling("great"));
        assert!(feeling("great!!!") > feeling("great"));
        assert!(feeling("The food was great, but the service was terrible") < 0.0);
    }

    #[test]
    fn cues_make_urgency_and_intent() {
        for (text, intent, label) in [
            (
                "my phone exploded in my pocket, my son is in the hospital",
                Intent::Safety,
                UrgencyLabel::Critical,
            ),
            (
                "Third time this week the app is down, still no reply, fix it",
                Intent::Complaint,
                UrgencyLabel::High,
            ),
            ("I'm done with you, closing my account today", Intent::Churn, UrgencyLabel::High),
            ("Where can I buy the new acme phone?", Intent::Lead, UrgencyLabel::Low),
            ("Does anyone know when the shop opens?", Intent::Question, UrgencyLabel::Low),
            ("Thank you for the amazing service, you rock", Intent::Praise, UrgencyLabel::Low),
            ("watching the game tonight", Intent::Other, UrgencyLabel::Low),
            (
                "das Internet geht nicht, keine Antwort seit Tagen, ich kündige",
                Intent::Churn,
                UrgencyLabel::High,
            ),
            ("no funciona la app y nadie responde, quiero mi dinero", Intent::Complaint, UrgencyLabel::High),
        ] {
            let scores = scored(text).scores;
            assert_eq!((scores.intent, scores.urgency_label), (intent, label), "{text}: {scores:?}");
        }
        let (bad, over) = (
            scored("the app is down").scores.urgency,
            scored("the app is down no more, all fixed now").scores.urgency,
        );
        assert!(over < bad * 0.6, "{over} {bad}");
        assert!(scored("no fire here").scores.urgency < scored("fire here").scores.urgency / 2.0);
    }

    #[test]
    fn tones_that_go_by_cue_are_heard_in_many_languages() {
        for (text, tone) in [
            ("my grandmother passed away and you keep sending her bills", Tone::Grief),
            ("rest in peace grandpa", Tone::Grief),
            ("mein Mann ist gestorben, bitte stellen Sie die Post ein", Tone::Grief),
            ("falleció mi padre y siguen cobrando", Tone::Grief),
            ("my lawyer will be in touch", Tone::Legal),
            ("voy a poner una denuncia con mi abogado", Tone::Legal),
            ("#BoycottAcme until they pay their workers", Tone::Protest),
            ("acme makes its shoes in sweatshops", Tone::Protest),
            ("appel au boycott de acme", Tone::Protest),
            ("my phone exploded in my pocket", Tone::Safety),
        ] {
            assert!(scored(text).scores.tones.has(tone), "{text}: {:?}", scored(text).scores);
        }
        let plain = scored("where is my order 12345?").scores;
        assert_eq!(plain.tones, [Tone::Unjudged].into_iter().collect(), "the lexicon knows no irony");
        assert!(plain.cues.has(Cue::Waiting), "{:?}", plain.cues);
    }

    #[test]
    fn nothing_known_is_neutral_with_low_confidence() {
        for text in [
            "",
            " ",
            "Acme",
            "1234 5678",
            "https://acme.com/great/love",
            "@lovely",
            "\u{200B}",
            "zażółć gęślą",
        ] {
            let scored = scored(text);
            let sentiment = scored.scores.sentiment;
            assert_eq!((sentiment.label, sentiment.score), (SentimentLabel::Neutral, 0.0), "{text}");
            assert!(sentiment.confidence < 0.5, "{text}");
            assert_eq!(scored.scores.urgency, 0.0, "{text}");
        }
        assert_eq!(scored("").scores.sentiment.confidence, 0.0);
    }

    #[test]
    fn the_tag_says_which_language_a_word_is_of() {
        assert!(scored_as("die", "en").scores.sentiment.score < 0.0);
        assert_eq!(scored_as("die", "de").scores.sentiment.score, 0.0);
        assert_eq!(scored_as("die", "de-AT").lang.as_str(), "de");
    }

    #[test]
    fn explaining_gives_the_same_scores_and_true_spans() {
        let text = "Été: the app ISN'T good, it is down AGAIN 😡";
        let folded = Folded::new(text);
        let input =
            ScoreInput { text, folded: &folded, lang_tags: &[], kind: PostKind::Post, followers: Some(9) };
        let (scorer, mut scratch) = (LexicalScorer::new(), Scratch::default());
        let (scored, explanation) = scorer.explain(&input, &mut scratch);
        assert_eq!(scored, scorer.score(&input, &mut scratch));
        assert!(
            explanation.sentiment.iter().any(|one| one.text == "good" && one.negated && one.weight < 0.0)
        );
        for one in explanation.sentiment.iter().chain(&explanation.cues) {
            assert_eq!(one.text, text[one.span.0 as usize..one.span.1 as usize]);
        }
    }

    fn assert_sane(text: &str) {
        let Scored { scores, lang, .. } = scored(text);
        let unit = |number: f32| (0.0..=1.0).contains(&number);
        assert!((-1.0..=1.0).contains(&scores.sentiment.score), "{text}");
        assert_eq!(urgency_label(scores.urgency), scores.urgency_label, "{text}");
        assert!(
            unit(scores.sentiment.confidence) && unit(scores.urgency) && unit(scores.influence),
            "{text}"
        );
        assert!((2..=3).contains(&lang.as_str().len()));
    }

    #[test]
    fn odd_texts_have_finite_scores_in_range() {
        for text in [
            "a".repeat(3000),
            "love ".repeat(600),
            "hate ".repeat(600),
            "not ".repeat(700),
            "!".repeat(3000),
            "😡".repeat(700),
            "Z\u{0351}\u{036b}a\u{0343}\u{036a}l\u{0302}g\u{0306}o\u{0319}".repeat(100),
            "שלום עולם مرحبا hello 你好 привет".to_owned(),
            "is is is is down down down".repeat(100),
        ] {
            assert_sane(&text);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_finite_scores_in_range(text in "\\PC{0,200}") {
            assert_sane(&text);
        }

        #[test]
        fn any_words_have_finite_scores_in_range(
            words in proptest::collection::vec(proptest::sample::select(vec![
                "not", "no", "very", "but", "great", "terrible", "down", "is", "again", "!", "?", ":)", "😡", "can't",
                "soooo", "HATE", "fire", "thanks", "https://x.y/z", "@a", "nicht", "kein", "最悪", ",", "t", "'",
            ]), 0..60)
        ) {
            assert_sane(&words.join(" "));
            assert_sane(&words.concat());
        }
    }
}

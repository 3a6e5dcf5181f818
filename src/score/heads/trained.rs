//! The scorer of the daemon: the trained model where it knows the language, the lexicon everywhere else, and for cues
//! and explanations. In English the model also says complaint, lead, tone, and how urgent a disaster is.

use std::sync::LazyLock;

use crate::model::{Intent, Scores, Sentiment, Tone};
use crate::text::{LangCode, lang};

use super::letters::LetterSums;
use super::model::{Head, LANES, Lanes, MODEL, Model};
use super::urgency::Heard;
use super::{tone, urgency};
use crate::score::explanation::{Explaining, Explanation, NoNotes, Notes};
use crate::score::features::grams::{Evidence, Grams};
use crate::score::features::lexical::LexicalScorer;
use crate::score::features::reading::Reading;
use crate::score::scored::rounded;
use crate::score::{Odds, ScoreInput, Scored, Scorer, Scratch, urgency_label};

/// Below this share of known words the model is not asked: it would answer all the same.
const KNOWN_MIN: f32 = 0.34;
/// What a probability is worth when the fewest words are known.
const LEAST_TRUST: f32 = 0.5;
/// From this probability on an English post is a complaint.
const COMPLAINT_FROM: f32 = 0.44;
/// Below this probability no weak cue makes one.
const COMPLAINT_MIN: f32 = 0.15;
/// From this probability on the author of an English post wants to buy.
const LEAD_FROM: f32 = 0.35;
/// Languages that [`Head::Languages`] was trained on.
const LANGUAGES: [LangCode; 7] = [
    LangCode::of("ar"),
    LangCode::of("de"),
    LangCode::of("es"),
    LangCode::of("fr"),
    LangCode::of("hi"),
    LangCode::of("it"),
    LangCode::of("pt"),
];

/// Scores by the trained model and by lexicon.
#[derive(Debug)]
pub struct TrainedScorer {
    lexical: LexicalScorer,
    model: &'static Model,
}

impl TrainedScorer {
    /// The scorer over the model and the lexicon of this binary. The first in a process takes some milliseconds.
    #[must_use]
    pub fn new() -> Self {
        Self::over(LazyLock::force(&MODEL))
    }

    /// The scorer over another model, to see what that is worth.
    #[must_use]
    pub fn over(model: &'static Model) -> Self {
        Self { lexical: LexicalScorer::new(), model }
    }

    fn run(&self, input: &ScoreInput<'_>, scratch: &mut Scratch, notes: &mut impl Notes) -> Scored {
        let mut evidence = Evidence::default();
        let reading = self.lexical.read(input, scratch, &mut (&mut evidence, notes));
        let Some(head) = head_for(reading.scored.lang) else { return reading.scored };
        let Scratch { grams, letters, tokens, .. } = scratch;
        grams.read(input.folded, tokens, &evidence, &reading);
        self.judge(input, head, &reading, (grams, letters))
    }

    /// What the model says, put over what the lexicon said.
    fn judge(
        &self,
        input: &ScoreInput<'_>,
        head: Head,
        reading: &Reading,
        (grams, letters): (&Grams, &mut LetterSums),
    ) -> Scored {
        let mut scored = reading.scored;
        let share = self.model.known_share(grams);
        if share < KNOWN_MIN {
            return scored;
        }
        let mut sums = [0; LANES];
        self.model.add(grams.rows(), &mut sums);
        let more = letters.add(self.model, grams, input.folded, &mut sums);
        let margins = self.model.margins(&sums, grams.length_with(more));
        let odds = Odds(self.model.probabilities(&margins, head));
        scored.scores.sentiment = sentiment(&odds, share);
        scored.odds = Some(odds);
        if head == Head::English {
            self.judge_english(input, reading, &margins, &mut scored.scores);
        }
        scored
    }

    /// What only the heads for English say.
    fn judge_english(&self, input: &ScoreInput<'_>, reading: &Reading, margins: &Lanes, scores: &mut Scores) {
        let says = |head: Head| self.model.probability(margins, head);
        scores.intent = intent_with(scores.intent, says(Head::Complaint), says(Head::Lead));
        scores.tones = tone::by_cues(&reading.cues, scores.intent);
        tone::by_model(Some((self.model, margins)), &mut scores.tones);
        let is_english = reading.scored.lang == LangCode::EN && !is_mistagged(input);
        scores.tones.add_if(Tone::Unjudged, !is_english);
        let feeling = reading.scored.scores.sentiment.score;
        let (disaster, acute) = (says(Head::Disaster), says(Head::Urgency));
        let heard = Heard { disaster, acute, is_personal: is_personal(input) };
        let urgency = urgency::judged(&reading.cues, feeling, heard);
        scores.urgency = rounded(urgency);
        scores.urgency_label = urgency_label(scores.urgency);
    }
}

impl Default for TrainedScorer {
    fn default() -> Self {
        Self::new()
    }
}

impl Scorer for TrainedScorer {
    fn score(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> Scored {
        self.run(input, scratch, &mut NoNotes)
    }

    fn explain(&self, input: &ScoreInput<'_>, scratch: &mut Scratch) -> (Scored, Explanation) {
        let mut notes = Explaining::of(input);
        let scored = self.run(input, scratch, &mut notes);
        (scored, notes.explanation)
    }
}

/// The likelier class, less sure where many words are unknown.
fn sentiment(odds: &Odds, share: f32) -> Sentiment {
    let (label, probability) = odds.likeliest();
    let trust = LEAST_TRUST + (1.0 - LEAST_TRUST) * (share - KNOWN_MIN) / (1.0 - KNOWN_MIN);
    Sentiment { score: rounded(odds.score()), label, confidence: rounded(probability * trust) }
}

/// The head that knows a language. What nobody could tell is most often a short English post.
fn head_for(lang: LangCode) -> Option<Head> {
    if lang == LangCode::EN || lang == LangCode::UND {
        Some(Head::English)
    } else {
        LANGUAGES.contains(&lang).then_some(Head::Languages)
    }
}

/// The text is in another language than its tag, which is English: many apps tag every post with their own. The scores
/// are as good as they can be, but nobody who knows English only could tell whether it mocks.
fn is_mistagged(input: &ScoreInput<'_>) -> bool {
    let is_other = |guess: &str| LangCode::of(guess) != LangCode::EN;
    !input.lang_tags.is_empty() && lang::guess(input.text, input.folded).is_some_and(is_other)
}

/// It speaks of what is mine, ours or yours.
fn is_personal(input: &ScoreInput<'_>) -> bool {
    let text = &input.folded.text;
    let mut words = input.folded.words.iter().map(|word| &text[word.start as usize..word.end as usize]);
    words.any(|word| matches!(word, "my" | "our" | "your"))
}

/// Safety and churn stand; the rest gives way to a complaint, then to a wish to buy, and a complaint by weak cues to a
/// clear no.
fn intent_with(lexical: Intent, complaint: f32, lead: f32) -> Intent {
    match lexical {
        Intent::Safety | Intent::Churn => lexical,
        _ if complaint >= COMPLAINT_FROM => Intent::Complaint,
        _ if lead >= LEAD_FROM => Intent::Lead,
        Intent::Complaint if complaint < COMPLAINT_MIN => Intent::Other,
        _ => lexical,
    }
}

/// Reads the features of posts as the trained scorer does, for training.
#[derive(Debug, Default)]
pub struct Reader {
    lexical: LexicalScorer,
    scratch: Scratch,
}

impl Reader {
    /// The features of one post.
    pub fn read(&mut self, input: &ScoreInput<'_>) -> &Grams {
        self.read_without_letters(input);
        self.scratch.grams.read_letters(input.folded);
        &self.scratch.grams
    }

    /// The features of one post but the letters inside words.
    pub(super) fn read_without_letters(&mut self, input: &ScoreInput<'_>) -> &Grams {
        let mut evidence = Evidence::default();
        let reading = self.lexical.read(input, &mut self.scratch, &mut evidence);
        let Scratch { grams, tokens, .. } = &mut self.scratch;
        grams.read(input.folded, tokens, &evidence, &reading);
        grams
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::SentimentLabel;
    use crate::text::Folded;

    fn scored(text: &str, lang: &str) -> Scored {
        let tags = vec![lang.to_owned()];
        let folded = Folded::new(text);
        let input = ScoreInput::of_text(text, &folded, &tags);
        let (scorer, mut scratch) = (TrainedScorer::new(), Scratch::default());
        let scored = scorer.score(&input, &mut scratch);
        assert_eq!(scored, scorer.explain(&input, &mut scratch).0, "{text}");
        scored
    }

    fn feeling(text: &str, lang: &str) -> SentimentLabel {
        scored(text, lang).scores.sentiment.label
    }

    #[test]
    fn plain_feelings_are_read_in_the_languages_of_the_model() {
        for (lang, good, bad) in [
            ("en", "I love this so much, thank you!", "This is terrible, I hate it"),
            ("de", "Das ist wirklich toll, vielen Dank!", "Das ist eine Katastrophe, so schlecht"),
            ("fr", "C'est génial, merci beaucoup", "C'est nul, je suis très déçu"),
            ("es", "Me encanta, muchas gracias", "Qué asco de servicio, lo odio"),
            ("it", "Bellissimo, grazie mille", "Che schifo, pessimo"),
            ("pt", "Adorei, muito obrigado", "Que ódio, péssimo atendimento"),
        ] {
            assert_eq!(feeling(good, lang), SentimentLabel::Positive, "{good}");
            assert_eq!(feeling(bad, lang), SentimentLabel::Negative, "{bad}");
        }
        assert_eq!(feeling("The council will meet on Thursday at noon", "en"), SentimentLabel::Neutral);
    }

    #[test]
    fn languages_that_the_model_does_not_know_are_left_to_the_lexicon() {
        for (text, lang) in
            [("最高です、ありがとう", "ja"), ("Heel blij mee, bedankt!", "nl"), ("ужасно, ненавижу", "ru")]
        {
            let tags = vec![lang.to_owned()];
            let folded = Folded::new(text);
            let input = ScoreInput::of_text(text, &folded, &tags);
            let lexical = LexicalScorer::new().score(&input, &mut Scratch::default());
            assert_eq!(scored(text, lang), lexical, "{text}");
        }
    }

    #[test]
    fn nothing_known_is_neutral_with_low_confidence() {
        for text in [
            "",
            " ",
            "Acmexyz",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "zqxwv kjhgf",
            "https://acme.com/great/love",
            "@lovely",
            "\u{200B}",
            "🪼",
        ] {
            let sentiment = scored(text, "en").scores.sentiment;
            assert_eq!(sentiment.label, SentimentLabel::Neutral, "{text}");
            assert!(sentiment.confidence < 0.5, "{text}: {sentiment:?}");
        }
    }

    #[test]
    fn complaints_are_known_without_a_cue_and_safety_stays_what_it_is() {
        let intent = |text: &str| scored(text, "en").scores.intent;
        assert_eq!(intent("@acme my order came two weeks late and half of it is missing"), Intent::Complaint);
        assert_eq!(intent("my phone exploded in my pocket, my son is in the hospital"), Intent::Safety);
        assert_ne!(intent("just had a lovely coffee with friends in the sun"), Intent::Complaint);
    }

    #[test]
    fn mockery_and_insults_are_heard_and_plain_questions_are_not_held() {
        let tones = |text: &str| scored(text, "en").scores.tones;
        for text in [
            "Oh great, another delay. Thanks Acme, love standing on a platform for two hours",
            "Wow, three hours on hold. Best customer service ever!",
        ] {
            assert!(tones(text).has(Tone::Sarcasm), "{text}");
        }
        let threats = [
            "acme you took my savings, I can't go on, I don't want to be here anymore",
            "your boss should be shot",
        ];
        assert!(threats.iter().all(|text| tones(text).has(Tone::Safety)), "{threats:?}");
        for text in ["@acme you useless bunch of idiots", "what a bitch that clerk was"] {
            assert!(tones(text).has(Tone::Insult), "{text}");
        }
        for text in [
            "@acme where is my order 12345?",
            "@acme hi, could you help me reset my password please?",
            "Where can I buy the new Acme phone?",
        ] {
            assert!(tones(text).is_empty(), "{text}: {:?}", tones(text));
        }
    }

    #[test]
    fn what_nobody_could_judge_says_so() {
        let tones = |text: &str, lang: &str| scored(text, lang).scores.tones;
        assert!(tones("Wo bleibt meine Bestellung?", "de").has(Tone::Unjudged));
        assert!(tones("zqxwv kjhgf", "en").has(Tone::Unjudged));
        assert!(
            tones("Danke Acme, super Service!", "").has(Tone::Unjudged),
            "too short to tell its language"
        );
        assert!(!tones("where is my parcel please", "en").has(Tone::Unjudged));
    }

    #[test]
    fn a_post_in_another_language_than_its_english_tag_is_not_judged() {
        for text in [
            "@acme toll gemacht, ihr Helden, ich habe wieder drei Stunden auf euch gewartet",
            "sois unos hijos de puta @acme",
            "vous êtes des gros connards",
            "@acme bilkul bekar service hai, aap log chor ho",
            "@acme 你们都是骗子 thanks",
            "wat een waardeloze bende is dit",
        ] {
            for lang in ["en", "en-US"] {
                assert!(scored(text, lang).scores.tones.has(Tone::Unjudged), "{text}");
            }
        }
    }

    #[test]
    fn news_of_a_disaster_are_less_urgent_than_a_call_for_rescue() {
        let urgency = |text: &str| scored(text, "en").scores.urgency;
        let rescue = urgency("People trapped under rubble at Acme mall, need rescue now");
        assert!(urgency("this sale is on fire!!") < 0.3 && urgency("No pending updates.") < 0.3);
        let own = urgency("@acme your charger caught fire and burned down our kitchen");
        assert!(own >= 0.85, "{own}");
        let donation = urgency("Acme just donated $1m to typhoon victims #RubyPH");
        assert!(rescue >= 0.85 && donation < 0.3, "{rescue} {donation}");
    }

    #[test]
    fn a_label_says_what_the_number_beside_it_says() {
        for text in [
            "@acme your charger caught fire and burned down our kitchen",
            "Acme battery exploded, house on fire, kids inside",
        ] {
            assert_sane(text, "en");
        }
    }

    fn assert_sane(text: &str, lang: &str) {
        let Scored { scores, .. } = scored(text, lang);
        let unit = |number: f32| (0.0..=1.0).contains(&number);
        assert!((-1.0..=1.0).contains(&scores.sentiment.score), "{text}");
        assert_eq!(urgency_label(scores.urgency), scores.urgency_label, "{text}");
        assert!(
            unit(scores.sentiment.confidence) && unit(scores.urgency) && unit(scores.influence),
            "{text}"
        );
    }

    #[test]
    fn odd_texts_have_finite_scores_in_range() {
        for text in [
            "a".repeat(3000),
            "love ".repeat(600),
            "!".repeat(3000),
            "😡".repeat(700),
            "Z\u{0351}\u{036b}a\u{0343}\u{036a}l\u{0302}g\u{0306}o\u{0319}".repeat(100),
            "שלום עולם مرحبا hello 你好 привет".to_owned(),
            "\u{202e}txet tfel ot thgir\u{202c} مرحبا".to_owned(),
        ] {
            for lang in ["", "en", "ar", "ja"] {
                assert_sane(&text, lang);
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_has_finite_scores_in_range(
            text in "(\\PC{0,300}|((fire|trapped|need rescue now|my lawyer|boycott|love|not|sooo|idiots|@acme|#acme|!!!|😡|https://a.example/b|[a-z]{1,9}|\\PC)[ .,\n]){0,40})",
            lang in "(en|ar|de|hi|xx|)",
        ) {
            assert_sane(&text, &lang);
        }
    }
}

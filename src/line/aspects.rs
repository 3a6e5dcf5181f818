//! How a post feels towards each brand that live rules found in it: for the daemon, `scan` and backtests alike.
//!
//! A rule in shadow changes nothing of what live ones send, so its matches do not count here.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::model::{Aspects, Match, RuleInfo, RuleStatus, Span, merged};
use crate::score::{ScoreInput, Scored, Scorer, Scratch, Target, towards};

/// Brands of a post that are looked at. One that names more is a list; it feels about the others as a whole.
const BRANDS_MAX: usize = 16;

/// The sentiments towards the brands of `matches`, as far as they are not that of the whole post, which is `whole`.
pub fn aspects(
    scorer: &dyn Scorer,
    input: &ScoreInput<'_>,
    whole: &Scored,
    (matches, rules): (&[Match], &[RuleInfo]),
    scratch: &mut Scratch,
) -> Aspects {
    let mut aspects = Aspects::default();
    for brand in brands(matches, rules) {
        let spans = |is_own: bool| spans_of(matches, rules, |rule| (rule.brand == *brand) == is_own);
        let (own, others) = apart(spans(true), spans(false));
        let target = Target { own: &merged(&own), others: &merged(&others) };
        if let Some(aspect) = towards(scorer, input, whole, target, scratch) {
            aspects.0.push((brand.clone(), aspect.sentiment));
        }
    }
    aspects
}

/// The first brands that the matches name, each once.
fn brands<'a>(matches: &[Match], rules: &'a [RuleInfo]) -> SmallVec<[&'a Arc<str>; 2]> {
    let mut brands = SmallVec::new();
    for (rule, _) in live(matches, rules) {
        if brands.len() < BRANDS_MAX && !brands.contains(&&rule.brand) {
            brands.push(&rule.brand);
        }
    }
    brands
}

/// The matches whose rules make work, with their rules.
pub fn live<'a, 'm>(
    matches: &'m [Match],
    rules: &'a [RuleInfo],
) -> impl Iterator<Item = (&'a RuleInfo, &'m Match)> {
    let named = matches.iter().filter_map(|found| Some((rules.get(found.rule as usize)?, found)));
    named.filter(|(rule, _)| rule.status == RuleStatus::Live)
}

/// Where the matches of some rules stand, in order, each once.
fn spans_of(matches: &[Match], rules: &[RuleInfo], is_wanted: impl Fn(&RuleInfo) -> bool) -> Vec<Span> {
    let wanted = live(matches, rules).filter(|(rule, _)| is_wanted(rule));
    let mut spans: Vec<Span> = wanted.flat_map(|(_, found)| found.spans.iter().copied()).collect();
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// What both found is no name of either ("down"), unless one of them found nothing else.
fn apart(own: Vec<Span>, others: Vec<Span>) -> (Vec<Span>, Vec<Span>) {
    let less = |these: &[Span], those: &[Span]| -> Vec<Span> {
        these.iter().filter(|span| those.binary_search(span).is_err()).copied().collect()
    };
    let (only_own, only_others) = (less(&own, &others), less(&others, &own));
    if only_own.is_empty() { (own, only_others) } else { (only_own, only_others) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Sentiment, SentimentLabel};
    use crate::score::TrainedScorer;
    use crate::text::Folded;

    fn rules() -> Vec<RuleInfo> {
        let rule =
            |id: &str, brand: &str, status| RuleInfo { brand: brand.into(), ..RuleInfo::of(id, status) };
        vec![
            rule("acme", "acme", RuleStatus::Live),
            rule("acme-app", "acme", RuleStatus::Live),
            rule("zenith", "zenith", RuleStatus::Live),
            rule("tried", "zenith", RuleStatus::Shadow),
        ]
    }

    /// The sentiment of the whole, and those towards brands; rule `n` matches where the words of `names[n]` stand.
    fn felt(text: &str, names: &[&str]) -> (Sentiment, Aspects) {
        felt_by(&rules(), text, names)
    }

    fn felt_by(rules: &[RuleInfo], text: &str, names: &[&str]) -> (Sentiment, Aspects) {
        let spans = |name: &str| {
            let words =
                name.split(' ').filter(|word| !word.is_empty()).flat_map(|word| text.match_indices(word));
            words.map(|(at, hit)| (at as u32, (at + hit.len()) as u32)).collect()
        };
        let matches: Vec<Match> = names
            .iter()
            .zip(0..)
            .map(|(name, rule)| Match { rule, spans: spans(name) })
            .filter(|found| !found.spans.is_empty())
            .collect();
        let folded = Folded::new(text);
        let input = ScoreInput::of_text(text, &folded, &[]);
        let (scorer, mut scratch) = (TrainedScorer::new(), Scratch::default());
        let whole = scorer.score(&input, &mut scratch);
        (whole.scores.sentiment, aspects(&scorer, &input, &whole, (&matches, rules), &mut scratch))
    }

    #[test]
    fn each_brand_has_its_own_sentiment() {
        let text = "I love Acme, such a great service, but Zenith is horrible and useless";
        let (_, Aspects(felt)) = felt(text, &["Acme", "service", "Zenith"]);
        let felt: Vec<(&str, SentimentLabel)> =
            felt.iter().map(|(brand, felt)| (&**brand, felt.label)).collect();
        assert_eq!(felt, [("acme", SentimentLabel::Positive), ("zenith", SentimentLabel::Negative)]);
    }

    #[test]
    fn a_post_that_lists_very_many_brands_costs_no_more_than_one_that_names_a_few() {
        let names: Vec<String> =
            ('a'..='z').flat_map(|one| ('a'..='z').map(move |other| format!("Brand{one}{other}"))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let rule = |name: &&str| RuleInfo { brand: (*name).into(), ..RuleInfo::of(name, RuleStatus::Live) };
        let rules: Vec<RuleInfo> = names.iter().map(rule).collect();
        let (_, Aspects(felt)) = felt_by(&rules, &(names.join(" is awful. ") + " is great!"), &names);
        assert!((1..=BRANDS_MAX).contains(&felt.len()), "{}", felt.len());
    }

    #[test]
    fn a_post_about_one_thing_feels_as_a_whole() {
        for text in ["Acme is great", "Acme is great. Acme is the best!", "great, great, great: Acme"] {
            assert_eq!(felt(text, &["Acme"]).1, Aspects::default(), "{text}");
        }
        assert_eq!(felt("no name here. Great!", &[]).1, Aspects::default());
    }

    #[test]
    fn words_that_two_brands_look_for_are_no_names_and_shadow_rules_change_nothing() {
        let text = "I love Acme, it works so well. Zenith is down, what a horrible company";
        let plain = felt(text, &["Acme", "", "Zenith"]);
        assert_eq!(felt(text, &["Acme down", "", "Zenith down"]), plain);
        assert_eq!(felt(text, &["Acme", "", "", "Zenith company"]), felt(text, &["Acme"]));
    }
}

//! Where terms are found, and what is no term.

use super::*;
use crate::text::Folded;

#[test]
fn a_camel_case_hashtag_is_found_whole_in_either_spelling() {
    let text = Folded::new("ugh #AcmeDown again");
    let finds = |source, exact| {
        !Pattern::new(source, if exact { Fold::Exact } else { Fold::Standard })
            .unwrap()
            .find_all(&text)
            .is_empty()
    };
    assert!(finds("#acmedown", false) && finds("acmedown", false) && finds("acme down", false));
    assert!(finds("#AcmeDown", true) && !finds("#acmedown", true));
}

#[test]
fn a_brand_is_found_in_a_longer_hashtag() {
    for (source, text) in [
        ("paypal", "#PayPalDown"),
        ("youtube", "#YouTubeDown"),
        ("tiktok", "#TikTokDown"),
        ("github", "#GitHubDown"),
        ("linkedin", "#LinkedInDown"),
        ("mcdonalds", "#McDonaldsFail"),
        ("ebay", "#eBayDown"),
        ("iphone", "#iPhoneDown"),
        ("iphone", "#iPhone15Pro"),
        ("ios", "#iOSUpdate"),
        ("acme", "#ACMEdown"),
        ("acme", "#ACMEs"),
        ("acme", "#Acme_Down"),
        ("acme", "#Acme2024"),
        ("acme down", "#ACMEdown"),
        ("youtube down", "#YouTubeDown"),
        ("paypal is down", "#PayPal is down"),
        ("is paypal down", "is #PayPalDown"),
        ("#paypal is down", "#PayPal is down"),
        ("#PayPal is down", "#paypal is down"),
    ] {
        assert_eq!(count(source, text), 1, "{source} in {text}");
    }
    assert_eq!(count("#paypal", "#PayPalDown"), 0);
    assert_eq!(count("phone", "#iPhoneDown"), 0);
}

#[test]
fn a_wildcard_may_stand_in_a_camel_case_hashtag() {
    for source in ["#AcmeDown*", "#acmedown*", "#AcmeD*n", "#Acme_Down*"] {
        let pattern = Pattern::new(source, Fold::Standard).unwrap();
        let text = Folded::new("#acmedown #Acme_Down");
        assert_eq!(pattern.find_all(&text).len(), 1, "{source}");
    }
    assert!(Pattern::word("#AcmeD?wn", Fold::Standard, &mut Folded::default()).is_ok());
    assert_eq!(Pattern::new("#AcmeDown x*", Fold::Standard), Err(PatternError::MisplacedWildcard));
}

fn count(source: &str, text: &str) -> usize {
    Pattern::new(source, Fold::Standard).unwrap().find_all(&Folded::new(text)).len()
}

#[test]
fn the_french_for_i_have_is_not_a_brand() {
    assert_eq!(count("AI", "j'ai vu J’AI partout, AI"), 1);
    assert_eq!(count("j'ai", "j'ai vu"), 1);
    assert_eq!(count("Oréal", "l'Oreal"), 1);
}

#[test]
fn a_gap_written_with_punctuation_is_kept_and_a_space_is_generous() {
    assert_eq!(count("H&M", "h&m H & M hm"), 1);
    assert_eq!(count("acme cloud", "Acme, cloud acme-cloud #AcmeCloud acmecloud acme的cloud"), 3);
    assert_eq!(count("co-op", "co-op co op co‐op coop"), 3);
}

#[test]
fn a_phrase_with_a_hashtag_keeps_its_other_words() {
    for source in ["#AcmeDown is bad", "#acmedown is bad", "#AcmeDown is bad 👍", "so #AcmeDown is"] {
        assert_eq!(count(source, "so #AcmeDown is bad 👍"), 1, "{source}");
        assert_eq!(count(source, "so #AcmeDown 👍 bad"), 0, "{source}");
    }
}

#[test]
fn a_token_goes_on_from_any_reading_of_a_hashtag() {
    assert_eq!(count("paypal東京", "#PayPal東京 #MyPayPal東京"), 2);
    assert_eq!(count("paypal 東京", "#PayPal東京 #MyPayPal 東京"), 2);
    assert_eq!(count("東京 acme edown", "東京 #ACMEdown"), 0);
    assert_eq!(count("東京 acme down", "東京 #ACMEdown"), 1);
    assert_eq!(count("acme東京", "#Acme_東京"), 0);
    assert_eq!(count("acme 東京", "#Acme_東京"), 1);
    assert_eq!(count("#status東京", "https://acme.example/?#status東京 #status東京"), 1);
}

#[test]
fn an_emoji_in_a_phrase_is_not_a_part_of_a_longer_one() {
    assert_eq!(count("acme 💻", "acme 👩\u{200D}💻"), 0);
    assert_eq!(count("acme 👩", "acme 👩\u{200D}💻 acme 👩"), 1);
    assert_eq!(count("🇩🇪 acme", "🇬🇩🇪🇸 acme"), 0);
    assert_eq!(count("東京👩", "東京👩\u{200D}💻"), 0);
}

#[test]
fn a_loose_phrase_goes_on_from_a_longer_reading() {
    let mut text = Folded::new("東京 #AcmeEEE 東京");
    text.loosen();
    for source in ["acme 東京", "東京 acme 東京"] {
        assert_eq!(Pattern::new(source, Fold::Loose).unwrap().find_all(&text).len(), 1, "{source}");
    }
}

#[test]
fn exact_terms_keep_their_case() {
    let pattern = Pattern::new("Apple", Fold::Exact).unwrap();
    assert_eq!(pattern.find_all(&Folded::new("Apple apple APPLE Ａpple Ap\u{AD}ple")).len(), 3);
    let pattern = Pattern::new("Café", Fold::Exact).unwrap();
    assert_eq!(pattern.find_all(&Folded::new("Café Cafe\u{301} Cafe CAFÉ")).len(), 2);
}

#[test]
fn a_phrase_with_emoji_or_unspaced_characters_keeps_its_words_whole() {
    for (source, text) in [
        ("acme 👍", "megaacme 👍"),
        ("acme 東京", "megaacme 東京"),
        ("東京 acme", "東京 acmeville"),
        ("acme東京", "megaacme東京"),
        ("東京acme", "東京acmeville"),
        ("acme東京", "acme 東京"),
        ("acme 東京", "acme in 東京"),
        ("acme 東京", "acme、大阪、東京"),
        ("acme 👍 cloud", "acme cloud 👍"),
        ("@acme 👍", "acme 👍"),
    ] {
        assert_eq!(count(source, text), 0, "{source} in {text}");
    }
    for (source, text) in [
        ("acme 👍", "acme! 👍"),
        ("acme 👍", "acme👍👍"),
        ("acme 👍", "acme 🔥👍"),
        ("Acme 東京", "acme, 東京"),
        ("Acme  東京", "acme　東京 acmes 東京"),
        ("acme - 東京", "acme東京都"),
        ("acme東京", "(Acme東京都)"),
        ("down東京", "#AcmeDown東京"),
        ("#acmedown 東京", "#AcmeDown 東京"),
        ("acme cloud 👍 down", "the Acme Cloud 👍... 👍 down"),
        ("東京 大阪", "東京・大阪"),
    ] {
        assert_eq!(count(source, text), 1, "{source} in {text}");
    }
}

#[test]
fn exact_terms_of_any_script_keep_their_case() {
    let finds = |source: &str, text: &str| {
        !Pattern::new(source, Fold::Exact).unwrap().find_all(&Folded::new(text)).is_empty()
    };
    for term in ["Acme東京", "Acme 東京", "Café-東京", "#Acme東京", "Acme 👍"] {
        assert!(finds(term, term) && !finds(term, &term.to_lowercase()), "{term}");
    }
    assert!(finds("Café-東京", "Cafe\u{301}\u{2010}東京") && !finds("Café-東京", "Cafe-東京"));
    assert!(finds("Acme 👍", "Ａcme 👍🏽"));
    let cased = Pattern::cased("Acme東京", &mut Folded::default()).unwrap();
    assert_eq!(cased.find_all(&Folded::new("acme東京 Acme東京")).len(), 1);
    assert_eq!(cased.to_string(), "{Acme東京}");
    let tag = Pattern::new("#Acme東京", Fold::Exact).unwrap();
    assert!(tag.is_hashtag("Acme東京") && !tag.is_hashtag("acme東京"));
}

#[test]
fn a_loose_phrase_takes_its_words_loosely() {
    let mut text = Folded::new("4cme 東京");
    text.loosen();
    assert_eq!(Pattern::new("acme 東京", Fold::Loose).unwrap().find_all(&text).len(), 1);
}

#[test]
fn an_account_is_not_a_longer_one() {
    assert_eq!(count("@acme.com", "@acme.com.br @acme.company @acme.com. @acme.com, @acme.comが"), 3);
    assert_eq!(count("@acmecloud", "@acmecloud.evil.com @acmecloud-x @acmecloud"), 1);
    assert_eq!(count("@acme cloud", "@acme.cloud @acme cloud.io"), 1);
}

#[test]
fn what_cannot_be_looked_for_is_refused() {
    for (source, wanted) in [
        ("?!", PatternError::Empty),
        ("ac*", PatternError::PrefixTooShort),
        ("*ac", PatternError::PrefixTooShort),
        ("a b*", PatternError::MisplacedWildcard),
    ] {
        assert_eq!(Pattern::new(source, Fold::Standard), Err(wanted), "{source}");
    }
}

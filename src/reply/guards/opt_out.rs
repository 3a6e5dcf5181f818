//! The wish not to be answered by a machine, as people write it.
//!
//! A message to us is such a wish when it holds one of the phrases that mean nothing else ("leave me alone", "don't
//! reply"), or when a word such as "stop" is all that it says besides names, politeness and small words: "@us acme stop
//! please" is a wish, "please stop the outage" is none. In doubt it counts: whoever is taken to have opted out is still
//! read and answered by people.

use crate::reply::accounts::Accounts;

/// Longer messages are not looked at: a wish is short.
const MESSAGE_BYTES_MAX: usize = 400;
/// Most words in a message that is a wish by its small words alone.
const WORDS_MAX: usize = 12;

/// Words that mean it when nothing else of substance is said.
const STOP_WORDS: &[&str] = &[
    // English
    "stop",
    "stopp",
    "stahp",
    "unsubscribe",
    "optout",
    "quit",
    "enough",
    "nobot",
    "nobots",
    // German
    "aufhören",
    "aufhoeren",
    "hört",
    "hoert",
    "hör",
    "schluss",
    "abmelden",
    "abbestellen",
    "genug",
    // French
    "arrêt",
    "arret",
    "arrête",
    "arrete",
    "arrêtez",
    "arretez",
    "stoppez",
    "désabonner",
    "desabonner",
    "désinscrire",
    // Spanish
    "basta",
    "para",
    "paren",
    "pare",
    "parad",
    "baja",
    "detener",
    "detente",
    "cancelar",
    // Portuguese
    "parem",
    "parar",
    "chega",
    "descadastrar",
    "sair",
    // Italian
    "smettila",
    "smettetela",
    "smettere",
    "ferma",
    "fermatevi",
    "disiscrivimi",
    "cancellami",
    // Dutch, Polish, Turkish, Russian
    "afmelden",
    "hou",
    "przestań",
    "przestańcie",
    "dość",
    "dur",
    "durun",
    "yeter",
    "стоп",
    "хватит",
    "отписаться",
    // Arabic
    "توقف",
    "توقفوا",
    "قف",
    "كفى",
    "أوقفوا",
    "إلغاء",
    // Hindi
    "रुको",
    "रुकिए",
    "बंद",
    "बस",
    // Chinese, Japanese, Korean
    "停止",
    "退订",
    "退訂",
    "やめて",
    "ストップ",
    "停止して",
    "配信停止",
    "그만",
    "중지",
    "수신거부",
];

/// Phrases that mean it wherever they stand.
const PHRASES: &[&str] = &[
    // English
    "stop replying",
    "stop answering",
    "stop messaging",
    "stop contacting",
    "stop tagging",
    "stop spamming",
    "stop writing to me",
    "stop sending me",
    "dont reply",
    "do not reply",
    "dont answer me",
    "do not answer me",
    "dont contact me",
    "do not contact me",
    "dont message me",
    "do not message me",
    "leave me alone",
    "opt out",
    "opt me out",
    "no more replies",
    "no more messages",
    "no bots",
    "no bot replies",
    "remove me from",
    // German
    "lass mich in ruhe",
    "lasst mich in ruhe",
    "lassen sie mich in ruhe",
    "nicht antworten",
    "nicht mehr antworten",
    "antwortet mir nicht",
    "keine antworten",
    "keine nachrichten mehr",
    "schreibt mir nicht",
    "hör auf mir zu",
    "hört auf mir zu",
    // French
    "laissez moi tranquille",
    "laisse moi tranquille",
    "ne me répondez pas",
    "ne me repondez pas",
    "ne me répondez plus",
    "ne me contactez plus",
    "ne plus me contacter",
    "plus de réponses",
    "arrêtez de me",
    "arretez de me",
    // Spanish
    "déjame en paz",
    "dejame en paz",
    "déjenme en paz",
    "dejenme en paz",
    "no me respondan",
    "no me contesten",
    "no me contacten",
    "dejen de responder",
    "dejen de escribirme",
    "darme de baja",
    "dame de baja",
    // Portuguese
    "me deixem em paz",
    "deixem me em paz",
    "me deixa em paz",
    "não me respondam",
    "nao me respondam",
    "não respondam",
    "parem de responder",
    "parem de me",
    "não me contatem",
    // Italian
    "lasciatemi in pace",
    "lasciami in pace",
    "non rispondetemi",
    "non rispondete",
    "non contattatemi",
    "smettetela di",
    "non scrivetemi",
    // Dutch, Polish, Turkish, Russian
    "laat me met rust",
    "niet antwoorden",
    "zostawcie mnie",
    "nie odpowiadajcie",
    "beni rahat bırak",
    "cevap vermeyin",
    "оставьте меня в покое",
    "не пишите мне",
    "не отвечайте мне",
    "отстаньте",
    // Arabic
    "اتركوني وشأني",
    "اتركني وشأني",
    "لا ترد علي",
    "لا تردوا علي",
    "لا ترسلوا",
    "إلغاء الاشتراك",
    // Hindi
    "जवाब मत दो",
    "जवाब मत दीजिए",
    "मत भेजो",
    "मुझे अकेला छोड़ दो",
    "बंद करो",
    "band karo",
];

/// Words that add nothing to a wish.
const SMALL_WORDS: &[&str] = &[
    // English
    "please",
    "pls",
    "plz",
    "thanks",
    "thank",
    "thx",
    "now",
    "just",
    "ok",
    "okay",
    "hey",
    "hi",
    "hello",
    "dear",
    "me",
    "my",
    "i",
    "we",
    "you",
    "u",
    "your",
    "it",
    "this",
    "that",
    "these",
    "all",
    "to",
    "the",
    "a",
    "of",
    "and",
    "with",
    "from",
    "for",
    "said",
    "say",
    "want",
    "can",
    "could",
    "would",
    "will",
    "already",
    "again",
    "really",
    "seriously",
    "bot",
    "bots",
    "messages",
    "replies",
    "out",
    "is",
    "im",
    "guys",
    "team",
    // German
    "bitte",
    "danke",
    "jetzt",
    "endlich",
    "mal",
    "doch",
    "sofort",
    "ich",
    "mich",
    "mir",
    "ihr",
    "das",
    "auf",
    "damit",
    "hallo",
    "einfach",
    // French
    "svp",
    "stp",
    "merci",
    "maintenant",
    "s",
    "il",
    "vous",
    "te",
    "plaît",
    "plait",
    "moi",
    "ça",
    "ca",
    "bonjour",
    "de",
    // Spanish, Portuguese, Italian
    "por",
    "favor",
    "ya",
    "gracias",
    "ahora",
    "me",
    "eso",
    "esto",
    "hola",
    "agora",
    "obrigado",
    "obrigada",
    "já",
    "com",
    "isso",
    "olá",
    "ola",
    "grazie",
    "adesso",
    "ora",
    "per",
    "favore",
    "ciao",
    "di",
    "con",
    // Dutch, Polish, Turkish, Russian
    "alsjeblieft",
    "graag",
    "nu",
    "op",
    "proszę",
    "już",
    "lütfen",
    "artık",
    "пожалуйста",
    "уже",
    "все",
    // Arabic, Hindi
    "من",
    "فضلك",
    "رجاء",
    "الآن",
    "شكرا",
    "कृपया",
    "करो",
    "करें",
    "अब",
    "प्लीज़",
    "please",
];

/// Recognises the wish.
#[derive(Debug)]
pub(super) struct OptOut {
    /// More words that mean it when nothing else is said, from the configuration.
    words: Vec<String>,
}

impl OptOut {
    pub(super) fn new(words: &[String]) -> Self {
        Self { words: words.iter().map(|word| plain(word)).collect() }
    }

    /// True when `text`, a message to us about `brand`, asks not to be answered.
    pub(super) fn is_wish(&self, text: &str, brand: &str, ours: &Accounts) -> bool {
        if text.len() > MESSAGE_BYTES_MAX {
            return false;
        }
        let text = plain(&without_names(text));
        let padded = format!(" {text} ");
        let holds = |phrase: &str| padded.contains(&format!(" {phrase} "));
        if text.is_empty() || PHRASES.iter().any(|phrase| holds(phrase)) {
            return !text.is_empty();
        }
        if self.words.contains(&text) {
            return true;
        }
        let brand = plain(brand);
        // `acme-cloud` is "acme" and "cloud".
        let is_name = |word: &str| brand.split(' ').any(|name| name == word) || ours.is_named(word);
        let is_stop = |word: &str| STOP_WORDS.contains(&word);
        let words: Vec<&str> = text.split(' ').collect();
        words.len() <= WORDS_MAX
            && words.iter().any(|word| is_stop(word))
            && words.iter().all(|word| is_stop(word) || SMALL_WORDS.contains(word) || is_name(word))
    }
}

/// Without the accounts that are named and without addresses.
fn without_names(text: &str) -> String {
    let is_said = |word: &&str| !word.starts_with('@') && !word.contains("://");
    text.split_whitespace().filter(is_said).collect::<Vec<_>>().join(" ")
}

/// Lower case, words parted by single spaces, nothing else; apostrophes go ("don't" is "dont").
fn plain(text: &str) -> String {
    let lower = text.to_lowercase().replace(['\'', '\u{2019}'], "");
    // Marks are parts of letters in Hindi and in what is written in decomposed form.
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{97f}');
    lower.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_wish(text: &str) -> bool {
        let ours = Accounts::new(&["did:plc:us".into(), "AcmeHelp.example".into()], &[]);
        OptOut::new(&["gone fishing".into()]).is_wish(text, "acme-cloud", &ours)
    }

    #[test]
    fn a_wish_is_heard_in_any_position_and_language() {
        for wish in [
            "stop",
            "@us STOP!",
            "@us stop",
            "@us acme stop please",
            "Acme Cloud, please STOP this now.",
            "hey @us can you stop it already? thanks",
            "stop @us",
            "I said stop",
            "acmehelp stop",
            "@us Unsubscribe",
            "@a @b opt out.",
            "please don’t reply to me @us",
            "Stop replying to my posts, I never asked you anything",
            "for the love of god leave me alone",
            "@us bitte aufhören",
            "@us lasst mich in Ruhe",
            "@us arrêtez svp",
            "@us ne me répondez plus",
            "@us basta ya por favor",
            "@us déjenme en paz",
            "@us parem com isso",
            "@us não me respondam",
            "@us smettetela",
            "@us lasciatemi in pace, grazie",
            "@us توقف من فضلك",
            "@us कृपया बंद करो",
            "@us やめて",
            "@us ストップ",
            "@us gone fishing",
        ] {
            assert!(is_wish(wish), "{wish}");
        }
    }

    #[test]
    fn a_complaint_that_says_more_is_none() {
        for other in [
            "",
            "@acme",
            "please stop the outage",
            "stop losing my parcels @acme",
            "when will this stop being down",
            "the bus stop near your shop is flooded",
            "para mi el router es lento",
            "acme cloud is down",
            "my parcel stopped in Leeds",
        ] {
            assert!(!is_wish(other), "{other}");
        }
        assert!(!is_wish(&format!("stop {}", "please ".repeat(80))), "too long to be a wish");
    }
}

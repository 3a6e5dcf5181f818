//! A cheap guess at the language of a short text, for posts whose author did not tag one.
//!
//! By script where the script says it; for the Latin alphabet by function words where they agree, which is quick, else
//! by the runs of letters in the words (`letters.rs`), which knows Hindi in Latin letters too. It must not guess without
//! evidence: `None` is an answer. Rules and scores ask it; nothing here allocates.

pub mod letters;

use std::fmt;
use std::sync::LazyLock;

use super::{Folded, word_hash};

/// A language: two or three lower-case ASCII letters (ISO 639), or `und`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LangCode {
    letters: [u8; 3],
    len: u8,
}

impl LangCode {
    /// Not determined.
    pub const UND: Self = Self { letters: *b"und", len: 3 };
    /// English.
    pub const EN: Self = Self::of("en");

    /// The code made of `letters`; meant for constants.
    ///
    /// # Panics
    /// When `letters` are fewer than two or more than three bytes.
    #[must_use]
    pub const fn of(letters: &str) -> Self {
        let bytes = letters.as_bytes();
        assert!(bytes.len() == 2 || bytes.len() == 3, "a language code has two or three letters");
        let third = if bytes.len() == 3 { bytes[2] } else { 0 };
        Self { letters: [bytes[0], bytes[1], third], len: bytes.len() as u8 }
    }

    /// The language of a BCP 47 tag as sources send it: `en`, `pt-BR`, `EN_us`. `None` when it is no such tag, or `und`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?.as_bytes();
        if !(2..=3).contains(&primary.len()) || !primary.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        let mut letters = [0; 3];
        letters[..primary.len()].copy_from_slice(primary);
        letters.make_ascii_lowercase();
        Some(Self { letters, len: primary.len() as u8 }).filter(|&code| code != Self::UND)
    }

    /// As in JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.letters[..self.len as usize]).unwrap_or("und")
    }
}

impl fmt::Display for LangCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for LangCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The language of a post: the first usable tag of its author, else a guess at the text.
#[must_use]
pub fn of_post(tags: &[String], text: &str, folded: &Folded) -> LangCode {
    let tagged = tags.iter().find_map(|tag| LangCode::from_tag(tag));
    tagged.or_else(|| guess(text, folded).map(LangCode::of)).unwrap_or(LangCode::UND)
}

/// Guesses the language of `text`, whose folded form is `folded`; ISO 639-1, `None` when there is no evidence.
#[must_use]
pub fn guess(text: &str, folded: &Folded) -> Option<&'static str> {
    let hints = if folded.has_non_ascii { Hints::of(text) } else { Hints::default() };
    hints
        .script(text)
        .or_else(|| guess_by_words(folded, &hints))
        .or_else(|| letters::LETTERS.language(text, folded))
}

/// Scripts that name a language by themselves, or nearly; in the order of [`Hints::scripts`].
const SCRIPTS: [(&str, u32, u32); 24] = [
    ("ja", 0x3041, 0x30FF),
    ("ko", 0xAC00, 0xD7A3),
    ("ko", 0x1100, 0x11FF),
    ("zh", 0x4E00, 0x9FFF),
    ("zh", 0x3400, 0x4DBF),
    ("ru", 0x0400, 0x052F),
    ("ar", 0x0600, 0x06FF),
    ("ar", 0x0750, 0x077F),
    ("el", 0x0370, 0x03FF),
    ("he", 0x0590, 0x05FF),
    ("th", 0x0E00, 0x0E7F),
    ("hi", 0x0900, 0x097F),
    ("bn", 0x0980, 0x09FF),
    ("pa", 0x0A00, 0x0A7F),
    ("gu", 0x0A80, 0x0AFF),
    ("ta", 0x0B80, 0x0BFF),
    ("te", 0x0C00, 0x0C7F),
    ("kn", 0x0C80, 0x0CFF),
    ("ml", 0x0D00, 0x0D7F),
    ("si", 0x0D80, 0x0DFF),
    ("my", 0x1000, 0x109F),
    ("ka", 0x10A0, 0x10FF),
    ("am", 0x1200, 0x137F),
    ("hy", 0x0530, 0x058F),
];
const JAPANESE: usize = 0;
const HAN: usize = 3;

/// Letters that few Latin-script languages have, and which languages they speak for.
const LETTERS: [(&str, &str); 16] = [
    ("ß", "de"),
    ("äöü", "de sv fi tr hu"),
    ("ñ¿¡", "es"),
    ("ãõ", "pt"),
    ("ç", "fr pt tr ca"),
    ("êôâîûœ", "fr pt ro"),
    ("èàù", "fr it ca"),
    ("ìò", "it"),
    ("åÅ", "sv da no"),
    ("øæ", "da no"),
    ("łńśźżąę", "pl"),
    ("řěůčž", "cs"),
    ("őű", "hu"),
    ("ğşı", "tr"),
    ("ățșţ", "ro"),
    ("ơưđạảấầậếềệốồộớờợứừựễ", "vi"),
];

/// What the characters beyond ASCII say.
#[derive(Default)]
struct Hints {
    scripts: [u32; SCRIPTS.len()],
    /// Bytes of letters beyond Latin, in characters.
    foreign: u32,
    /// Votes per Latin language from [`LETTERS`].
    votes: [u16; LATIN.len()],
}

impl Hints {
    fn of(text: &str) -> Self {
        let mut hints = Self::default();
        for c in text.chars().filter(|c| !c.is_ascii()) {
            hints.add(c);
        }
        hints
    }

    fn add(&mut self, c: char) {
        let code = u32::from(c);
        if code < 0x250 || (0x1EA0..0x1F00).contains(&code) {
            return self.add_latin(c);
        }
        if let Some(at) = SCRIPTS.iter().position(|&(_, first, last)| (first..=last).contains(&code)) {
            self.scripts[at] += 1;
            self.foreign += 1;
        }
    }

    fn add_latin(&mut self, c: char) {
        let lower = c.to_lowercase().next().unwrap_or(c);
        let Some(mask) = TABLES.letters.iter().find(|(letter, _)| *letter == lower).map(|&(_, mask)| mask)
        else {
            return;
        };
        vote(&mut self.votes, mask);
    }

    /// The language of the script that most letters are of, if that is not Latin.
    fn script(&self, text: &str) -> Option<&'static str> {
        let latin = text.bytes().filter(u8::is_ascii_alphabetic).count() as u32;
        // Names and links are Latin in any language.
        if self.foreign == 0 || self.foreign * 3 < latin {
            return None;
        }
        let most = (0..SCRIPTS.len()).max_by_key(|&at| (self.scripts[at], SCRIPTS.len() - at))?;
        if most == HAN && self.scripts[JAPANESE] > 0 {
            return Some("ja");
        }
        Some(match SCRIPTS[most].0 {
            "ru" if text.contains(['і', 'ї', 'є', 'ґ', 'І', 'Ї', 'Є']) => "uk",
            "ar" if text.contains(['ٹ', 'ڈ', 'ں', 'ے']) => "ur",
            "ar" if text.contains(['پ', 'چ', 'ژ', 'گ', 'ی']) => "fa",
            language => language,
        })
    }
}

/// Languages in Latin letters and their function words, Hindi as people write it there. Words of several languages
/// count less for each.
#[rustfmt::skip]
const LATIN: [(&str, &str); 21] = [
    ("en", "the and you that this with for have not are was but they what your from just like all will can my it is of to i be on at so we its do get out if about when who how there been would more has their an as or by up me now than our us too"),
    ("de", "und der die das ist nicht ich ein eine mit auf den es sich auch von zu im für dem wie noch nur aber bei wir ihr sie mich mir hat haben wird werden kann schon mal wenn oder doch dass sind sehr heute einen einem man war bin vom zum zur nach aus warum kein keine immer mein"),
    ("fr", "le la les et est pas que je un une des pour dans qui sur avec ce il elle vous nous mais du au aux ne plus tout sont ça c'est j'ai mon ma mes ton cette suis fait être ai bien comme ou où très quand même leur leurs votre vos avez sans faire merci encore"),
    ("es", "el la los las que de y en un una es por con no para se lo me mi tu su del al pero como más ya muy todo esta este está hay cuando si porque yo te le son nos hoy qué eso ser tiene fue sin bien a mis tus algo sobre gracias"),
    ("pt", "o a os as que de e do da em um uma para com não se no na mais por eu você meu minha mas como é ao já muito foi isso tem ser está pra dos das nos nas vou só seu sua ele ela esse essa quando hoje tudo vc até nem ou também bem à"),
    ("it", "il lo la gli le che di e un una per non è con si mi ma come del della dei delle al alla da nel nella sono ho hai ha anche più questo questa io tu se ci ti ne quando perché cosa tutto tutti molto solo mai bene oggi essere fatto sul dal anni grazie"),
    ("nl", "de het een en van ik is niet dat op te met voor zijn er je maar ook aan die als bij nog wel naar dan wat was heb hebben om uit we ze hij mijn deze dit kan geen over weer heeft door zo al jullie moet wij worden wordt hoe waar veel goed"),
    ("sv", "och att det är som en på för med jag inte av till den har de ett om men var så du kan nu när från han vi ska bara vad eller man min mig alla mycket där varför också sig hur här blir hade får"),
    ("da", "og at det er som en på for med jeg ikke af til den har de et om men var så du kan nu når fra han vi skal bare hvad eller man min mig alle meget der hvorfor også sig hvor her bliver havde får"),
    ("no", "og at det er som en på for med jeg ikke av til den har de et om men var så du kan nå når fra han vi skal bare hva eller man min meg alle mye der hvorfor også seg hvor her blir hadde får"),
    ("fi", "ja on ei se että en mutta niin kun olen mitä ole tämä oli nyt sen jos kuin vain minä hän me te ne myös kaikki joka mun ihan sitten tai onko mikä nämä olla aika"),
    ("pl", "i w nie na się z to do jest że jak o co a ale za po tak mnie tego już od dla czy ma ja mi są tym przez tylko będzie być jeszcze ten bo go sie jego jestem kiedy tu może bardzo dziś"),
    ("cs", "a se v na je že to s z do o jsem i ale jako za co by tak už po pro když jen nebo jak ve si od jsou být není má mi ho bylo které který tam dnes ještě mně"),
    ("tr", "bir ve bu da de için çok ne ben sen o ile mi var gibi ama daha kadar yok değil benim olarak her şey en diye sonra ya ki nasıl neden bana seni beni hiç şimdi olan bugün mu biz"),
    ("id", "yang di dan itu ini tidak ada aku saya kamu dengan untuk dari ke ya akan bisa juga sudah kalau apa lagi orang karena pada buat gak nggak banget sama tapi mau jadi udah aja mereka kita dia semua atau"),
    ("ca", "el la els les que de i en un una és per amb no es ho em al del però com més molt ja tot aquest aquesta quan si perquè jo li són ens avui què això ser té va sense ben"),
    ("ro", "și în nu că de la pe cu o un este mai se din pentru ce care sunt am fi dar ca au să a lui el ea noi sau după foarte când mi ai fost acum doar tot cum"),
    ("hu", "a az és hogy nem is egy ez de van meg csak már volt el ha mint vagy ki én te mi ő nagyon még itt most kell lesz azt ezt olyan vagyok minden"),
    ("vi", "và là của có không cho một những được trong các với này người thì mà khi đã tôi bạn rất như để đang cũng nhưng nó từ về ra vào làm gì sẽ"),
    ("tl", "ang ng mga sa na ako ko mo ka ay at hindi naman lang ba yung din rin kung may si ito niya pa nga para kasi po natin sila wala ano talaga"),
    ("hi", "hai hain h ka ki ke ko mein nahi nhi nahin kya bhi toh yaar ye yeh kar kr raha rahe rahi rha rhe aur bhai tha thi woh kuch tum aap hum mera meri mere tera apna apne koi bahut bohot kyu kyun gaya wala wale log baat"),
];

/// Votes of one word or letter, shared by the languages that have it.
const FULL_VOTE: u16 = 12;
/// Function words tell with at least so many votes: two words of one language, or more of several.
const CLEAR_VOTES: u16 = 24;
/// They tell when no other language is nearer than this.
const CLEAR_LEAD: u16 = 12;
/// They tell with at least so many votes in two words: what is mixed with another language has fewer, as Hindi with
/// English.
const CLEAR_VOTES_IN_TWO: u16 = 5;
const SLOTS: usize = 4096;

struct Tables {
    /// Open addressing by word hash. Words are not compared: a wrong hit costs one vote.
    slots: Box<[(u64, u32); SLOTS]>,
    letters: Vec<(char, u32)>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

impl Tables {
    fn new() -> Self {
        let mut tables = Self { slots: Box::new([(0, 0); SLOTS]), letters: Vec::new() };
        for (at, (_, words)) in LATIN.iter().enumerate() {
            for word in &Folded::new(words).words {
                tables.insert(word.hash, 1 << at);
            }
        }
        for (letters, languages) in LETTERS {
            let mask = languages.split(' ').filter_map(index_of).fold(0, |mask, at| mask | 1 << at);
            tables.letters.extend(letters.chars().map(|letter| (letter, mask)));
        }
        tables
    }

    fn insert(&mut self, hash: u64, mask: u32) {
        let mut at = hash as usize % SLOTS;
        while self.slots[at].1 != 0 && self.slots[at].0 != hash {
            at = (at + 1) % SLOTS;
        }
        self.slots[at].0 = hash;
        self.slots[at].1 |= mask;
    }

    #[inline]
    fn languages(&self, hash: u64) -> u32 {
        let mut at = hash as usize % SLOTS;
        loop {
            match self.slots[at] {
                (_, 0) => return 0,
                (found, mask) if found == hash => return mask,
                _ => at = (at + 1) % SLOTS,
            }
        }
    }
}

fn index_of(language: &str) -> Option<usize> {
    LATIN.iter().position(|(code, _)| *code == language)
}

#[inline]
fn vote(votes: &mut [u16; LATIN.len()], mut mask: u32) {
    let share = FULL_VOTE / (mask.count_ones() as u16).max(1);
    while mask != 0 {
        let vote = &mut votes[mask.trailing_zeros() as usize];
        *vote = vote.saturating_add(share);
        mask &= mask - 1;
    }
}

/// The language of the function words, where it is clear.
fn guess_by_words(folded: &Folded, hints: &Hints) -> Option<&'static str> {
    let (mut votes, mut words) = (hints.votes, 0_u16);
    for word in folded.words.iter().filter(|word| word.sigil == 0) {
        words = words.saturating_add(1);
        vote(&mut votes, TABLES.languages(word.hash));
    }
    let (mut best, mut second) = (0, 0);
    for at in 1..LATIN.len() {
        if votes[at] > votes[best] {
            (best, second) = (at, votes[best]);
        } else {
            second = second.max(votes[at]);
        }
    }
    let least = CLEAR_VOTES.max(words.saturating_mul(CLEAR_VOTES_IN_TWO) / 2);
    (votes[best] >= least && votes[best] - second >= CLEAR_LEAD).then_some(LATIN[best].0)
}

/// True when `word` is a function word of `language` that we know.
#[must_use]
pub fn is_function_word(word: &str, language: LangCode) -> bool {
    index_of(language.as_str())
        .is_some_and(|at| TABLES.languages(word_hash(word.as_bytes())) & (1 << at) != 0)
}

/// Languages whose function words are known here, with those words.
pub(crate) fn function_words() -> impl Iterator<Item = (&'static str, &'static str)> {
    LATIN.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(text: &str) -> Option<&'static str> {
        guess(text, &Folded::new(text))
    }

    #[test]
    fn scripts_and_function_words_tell_the_language() {
        for (language, text) in [
            ("en", "why is the app down again"),
            ("de", "Warum ist das schon wieder nicht erreichbar?"),
            ("fr", "Pourquoi est-ce que mon compte est bloqué ?"),
            ("es", "¿Por qué no funciona el servicio?"),
            ("pt", "Não consigo entrar na minha conta"),
            ("it", "Non riesco ad accedere, perché non funziona?"),
            ("nl", "Waarom doet het internet het niet?"),
            ("pl", "Dlaczego to nie jest naprawione?"),
            ("tr", "Bu uygulama neden çok yavaş?"),
            ("ja", "Acmeが落ちた、漢字とカナ"),
            ("zh", "服务器崩溃了"),
            ("ko", "서버가 다운됐어요"),
            ("ru", "почему ничего не работает"),
            ("uk", "чому нічого не працює, її"),
            ("ar", "لماذا لا يعمل التطبيق"),
            ("he", "למה זה לא עובד"),
            ("el", "γιατί δεν λειτουργεί"),
            ("th", "ทำไมใช้ไม่ได้"),
            ("hi", "यह काम क्यों नहीं कर रहा"),
            ("hi", "yaar ye kya hai"),
        ] {
            assert_eq!(guessed(text), Some(language), "{text}");
        }
    }

    #[test]
    fn short_posts_without_function_words_are_told_by_their_letters() {
        for (language, text) in [
            ("de", "Unverschämt, ständige Störungen gestern Abend"),
            ("fr", "Énorme coupure hier soir, aucune réponse"),
            ("es", "Pésimo servicio, estamos decepcionados"),
            ("it", "Bellissima giornata, grazie ragazzi"),
            ("pt", "Péssimo atendimento, cancelei ontem"),
            ("nl", "Vreselijke wachttijden, telefonisch onbereikbaar"),
            ("sv", "Fruktansvärt långsam kundtjänst"),
            ("en", "terrible customer service, cancelled yesterday"),
            ("hi", "bijli wapas chali gayi, bakwas company"),
        ] {
            assert_eq!(guessed(text), Some(language), "{text}");
        }
    }

    #[test]
    fn english_words_in_another_language_do_not_make_it_english() {
        for (language, text) in [
            ("hi", "acme ka customer service bilkul bekar hai, app crash ho raha hai"),
            ("de", "Das Update ist voll der Fail, the app keeps crashing, ich warte noch immer"),
            ("nl", "De update is weer traag, de helpdesk neemt niet op"),
        ] {
            assert_eq!(guessed(text), Some(language), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_known_language_or_none(text in "\\PC{0,300}") {
            let known = |code| letters::LANGUAGES.contains(&code) || SCRIPTS.iter().any(|script| script.0 == code);
            proptest::prop_assert!(guessed(&text).is_none_or(|code| known(code) || ["uk", "ur", "fa"].contains(&code)));
        }

        #[test]
        fn what_has_no_letters_has_no_language(text in "[0-9 .,!?#@$%&*()\\-_/:🔥😡🙏❤️]{0,300}") {
            proptest::prop_assert_eq!(guessed(&text), None);
        }
    }

    #[test]
    fn the_longest_odd_texts_are_read_to_a_bound() {
        for text in ["a".repeat(3000), "http://".repeat(400), "aaaaaaaaaaaaaaaaaaaaaaaaaa ".repeat(100)] {
            assert_eq!(guessed(&text), None, "{text}");
        }
        assert_eq!(guessed(&"Unverschämt ".repeat(250)), guessed(&"Unverschämt ".repeat(80)));
    }

    #[test]
    fn nothing_is_guessed_from_nothing() {
        for text in [
            "",
            "🔥",
            "Acme",
            "12345",
            "@acme #acme",
            "zzzzzz",
            "Acme Bank Ltd.",
            "https://acme.example/das/ist",
        ] {
            assert_eq!(guessed(text), None, "{text}");
        }
    }

    #[test]
    fn tags_come_first_and_odd_tags_are_passed_over() {
        let folded = Folded::new("das ist nicht gut");
        let tags = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let of = |list: &[&str]| of_post(&tags(list), "das ist nicht gut", &folded).as_str().to_owned();
        assert_eq!(of(&["EN-us"]), "en");
        assert_eq!(of(&["", "x", "und", "pt_BR"]), "pt");
        assert_eq!(of(&[]), "de");
        assert_eq!(of_post(&[], "", &Folded::default()), LangCode::UND);
    }
}

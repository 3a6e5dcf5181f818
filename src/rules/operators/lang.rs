//! `lang:`: the language that the author tagged.

use super::field::Field;
use crate::rules::engine::facts::Facts;
use crate::rules::query::ast::Term;
use crate::rules::query::errors::Problem;

pub(in crate::rules) const FIELD: Field = Field {
    name: "lang",
    example: "lang:en",
    meaning: "tagged with this language (ISO 639), all its regions included",
    is_weak: true,
    parse,
};

fn parse(value: &str) -> Result<Term, Problem> {
    let lower = value.to_lowercase();
    let is_code = |code: &str| (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase());
    if is_code(&lower) {
        return Ok(Term::Lang(lower));
    }
    let hint = match lower.split_once(['-', '_']) {
        Some((primary, _)) if is_code(primary) => format!("use lang:{primary}: it covers all its regions"),
        _ => code_meant_by(&lower).map_or_else(|| CODE_HINT.to_owned(), |code| format!("use lang:{code}")),
    };
    Err(FIELD.refuse(value, hint))
}

/// What to write where nobody can tell which language is meant.
pub(in crate::rules) const CODE_HINT: &str = "use an ISO 639 code, such as lang:en, lang:pt or lang:ja";

/// ISO 639-1, and the withdrawn codes that some programs still send.
const CODES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de \
    dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is \
    it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na \
    nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr \
    ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu in iw ji jw mo sh";

/// `(code, what else people write for it)`: English names, their own, countries, and longer codes.
const NAMES: [(&str, &str); 28] = [
    ("ar", "arabic ara"),
    ("bg", "bulgarian bul"),
    ("cs", "czech cz ces cze"),
    ("da", "danish dk dan"),
    ("de", "german deutsch deu ger"),
    ("el", "greek gr ell gre"),
    ("en", "english eng us gb"),
    ("es", "spanish espanol español spa mx"),
    ("fa", "persian farsi fas ir"),
    ("fi", "finnish suomi fin"),
    ("fr", "french francais français fra fre"),
    ("he", "hebrew heb il"),
    ("hi", "hindi hin"),
    ("hu", "hungarian magyar hun"),
    ("id", "indonesian ind"),
    ("it", "italian italiano ita"),
    ("ja", "japanese jpn jp"),
    ("ko", "korean kor"),
    ("nl", "dutch nederlands nld dut"),
    ("no", "norwegian norsk nor"),
    ("pl", "polish polski pol"),
    ("pt", "portuguese portugues português por pt_br"),
    ("ru", "russian rus"),
    ("sv", "swedish svenska swe"),
    ("tr", "turkish turkce türkçe tur"),
    ("uk", "ukrainian ukr ua"),
    ("vi", "vietnamese vie vn"),
    ("zh", "chinese mandarin zho chi cn"),
];

/// False for two letters that name no language, and for three where posts are tagged with two.
pub(in crate::rules) fn is_known_code(code: &str) -> bool {
    if code.len() == 2 {
        CODES.split_whitespace().any(|known| known == code)
    } else {
        code_meant_by(code).is_none()
    }
}

/// The code of the language that `word` (lower case) seems to mean.
pub(crate) fn code_meant_by(word: &str) -> Option<&'static str> {
    let (code, _) = NAMES.iter().find(|(_, names)| names.split_whitespace().any(|name| name == word))?;
    Some(code)
}

pub(in crate::rules) fn holds(lang: &str, facts: &Facts<'_>) -> bool {
    facts.post.langs.iter().any(|tag| primary_subtag(tag).eq_ignore_ascii_case(lang))
}

fn primary_subtag(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

//! The clauses of a post, and which of them name the target.
//!
//! A clause ends with a sentence, before a word that sets what follows against what came before ("but"), and at a comma
//! or colon that stands between the target and another name: other commas make lists and asides. Scripts without spaces
//! have no words here: a post in one is one clause.

use crate::model::Span;
use crate::text::{Folded, LangCode, Word};

use super::target::Target;
use super::words;
use crate::score::ScoreInput;

/// Whose name stands in a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    Other,
    Target,
}

/// A stretch of the post.
#[derive(Clone, Copy, Debug)]
pub(in crate::score) struct Piece {
    /// Where it begins, in the folded text.
    start: u32,
    owner: Owner,
    /// Only a comma stands before it.
    is_loose: bool,
}

/// What stands between two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    Close,
    /// A comma, a colon, a bracket.
    Loose,
    /// The end of a sentence.
    End,
}

/// Puts into `spans` the clauses of the text that name the target; none when all do, or none.
pub(super) fn find(
    input: &ScoreInput<'_>,
    lang: LangCode,
    target: Target<'_>,
    pieces: &mut Vec<Piece>,
    spans: &mut Vec<Span>,
) {
    spans.clear();
    cut(input, lang, target, pieces);
    join_loose(pieces);
    let named = pieces.iter().filter(|piece| piece.owner == Owner::Target).count();
    if named == 0 || named == pieces.len() {
        return;
    }
    let folded = input.folded;
    for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.owner == Owner::Target) {
        let end = pieces.get(at + 1).map_or(folded.text.len() as u32, |next| next.start);
        if piece.start >= end {
            continue;
        }
        let (start, end) = folded.original_span(piece.start, end);
        match spans.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => spans.push((start, end)),
        }
    }
}

/// Cuts the post at every place where a clause may end.
fn cut(input: &ScoreInput<'_>, lang: LangCode, target: Target<'_>, pieces: &mut Vec<Piece>) {
    let folded = input.folded;
    let has_lines = input.text.contains('\n');
    let mut names = Names::new(folded, lang, target);
    pieces.clear();
    pieces.push(Piece { start: 0, owner: Owner::Nobody, is_loose: false });
    let mut before: Option<&Word> = None;
    for word in &folded.words {
        let (gap, after_gap) = before.map_or((Gap::Close, 0), |before| gap(folded, before, word, has_lines));
        let contrasts = before.is_some() && words::contrasts(folded.word(word), lang);
        let start = if gap == Gap::Close { word.start } else { after_gap };
        if gap != Gap::Close || contrasts {
            let is_loose = gap == Gap::Loose && !contrasts;
            pieces.push(Piece { start, owner: Owner::Nobody, is_loose });
        }
        let owner = names.owner(word, before, gap);
        if let Some(piece) = pieces.last_mut()
            && owner != Owner::Nobody
            && piece.owner != Owner::Target
        {
            piece.owner = owner;
        }
        before = Some(word);
    }
}

/// A comma keeps pieces apart that name different things, and no others.
fn join_loose(pieces: &mut Vec<Piece>) {
    let mut kept = 0;
    for at in 0..pieces.len() {
        let piece = pieces[at];
        if piece.is_loose && kept > 0 {
            let last = &mut pieces[kept - 1];
            if piece.owner == Owner::Nobody || last.owner == Owner::Nobody || last.owner == piece.owner {
                last.owner = if last.owner == Owner::Nobody { piece.owner } else { last.owner };
                continue;
            }
        }
        pieces[kept] = piece;
        kept += 1;
    }
    pieces.truncate(kept);
}

/// What stands between two words, and where in the folded text what it ends has ended.
fn gap(folded: &Folded, before: &Word, after: &Word, has_lines: bool) -> (Gap, u32) {
    let text = folded.gap(before, after);
    if (text == " " && !has_lines) || !text.contains(' ') {
        return (Gap::Close, after.start);
    }
    let last = |found: fn(char) -> bool| {
        let (at, c) = text.char_indices().rfind(|&(_, c)| found(c))?;
        Some(before.end + (at + c.len_utf8()) as u32)
    };
    if let Some(end) = last(|c| matches!(c, '.' | '!' | '?' | '…' | ';' | '|')) {
        return (Gap::End, end);
    }
    let is_dash = matches!(text.trim(), "-" | "--" | "–" | "—" | "/");
    if is_dash || (has_lines && breaks_line(folded, before, after)) {
        return (Gap::End, last(|c| c == ' ').unwrap_or(after.start));
    }
    match last(|c| matches!(c, ',' | ':' | '(' | ')' | '،')) {
        Some(end) => (Gap::Loose, end),
        None => (Gap::Close, after.start),
    }
}

/// Folding makes spaces of line feeds.
fn breaks_line(folded: &Folded, before: &Word, after: &Word) -> bool {
    // The words of a hashtag touch, and nothing stands between them.
    before.end < after.start && folded.original_text(before.end, after.start).contains('\n')
}

/// Tells whose name a word is; to be asked in order.
struct Names<'a> {
    folded: &'a Folded,
    own: Walk<'a>,
    others: Walk<'a>,
    /// A name begins with a capital here, and other words do not.
    has_capitals: bool,
    /// Only mentions so far: those whom the post is addressed to.
    is_address: bool,
    is_after_small: bool,
}

impl<'a> Names<'a> {
    fn new(folded: &'a Folded, lang: LangCode, target: Target<'a>) -> Self {
        Self {
            folded,
            own: Walk(target.own),
            others: Walk(target.others),
            // German writes every noun so.
            has_capitals: lang != LangCode::of("de"),
            is_address: true,
            is_after_small: false,
        }
    }

    fn owner(&mut self, word: &Word, before: Option<&Word>, gap: Gap) -> Owner {
        let span = self.folded.original_span(word.start, word.end);
        let (is_own, is_other) = (self.own.touches(span), self.others.touches(span));
        let is_mention = word.sigil == b'@';
        self.is_address &= is_mention;
        let is_name =
            self.has_capitals && self.is_after_small && gap != Gap::End && self.is_name(word, before);
        self.is_after_small = self.folded.original(word).ends_with(|c: char| c.is_lowercase());
        if is_own {
            Owner::Target
        } else if is_other || is_name || word.sigil == b'$' || (is_mention && !self.is_address) {
            Owner::Other
        } else {
            Owner::Nobody
        }
    }

    /// A word of three letters and more, the first of them a capital, after a small one: "and Acme".
    fn is_name(&self, word: &Word, before: Option<&Word>) -> bool {
        let mut letters = self.folded.original(word).chars();
        let is_apart = before.is_some_and(|before| word.start > before.end);
        is_apart && letters.next().is_some_and(char::is_uppercase) && letters.nth(1).is_some()
    }
}

/// Goes along spans that are in order.
struct Walk<'a>(&'a [Span]);

impl Walk<'_> {
    fn touches(&mut self, (start, end): Span) -> bool {
        while let [first, rest @ ..] = self.0
            && first.1 <= start
        {
            self.0 = rest;
        }
        self.0.first().is_some_and(|first| first.0 < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clauses of `text` that name `target`, joined.
    fn of(target: &str, text: &str, lang: &'static str) -> String {
        let own: Vec<Span> =
            text.match_indices(target).map(|(at, hit)| (at as u32, (at + hit.len()) as u32)).collect();
        let folded = Folded::new(text);
        let input = ScoreInput::of_text(text, &folded, &[]);
        let (mut pieces, mut spans) = (Vec::new(), Vec::new());
        find(&input, LangCode::of(lang), Target { own: &own, others: &[] }, &mut pieces, &mut spans);
        let parts: Vec<&str> =
            spans.iter().map(|&(start, end)| text[start as usize..end as usize].trim()).collect();
        parts.join(" | ")
    }

    #[test]
    fn clauses_end_with_sentences_and_before_words_of_contrast() {
        for (text, clauses) in [
            ("I love Acme. My bus was late!", "I love Acme."),
            ("so late! 😡 Acme helped. Thanks", "😡 Acme helped."),
            ("my bus was late but Acme helped", "but Acme helped"),
            ("Acme helped\nmy bus was late", "Acme helped"),
            ("Acme fixed it - my bus was late", "Acme fixed it -"),
            ("Acme is good. The rest is bad. Acme!", "Acme is good. | Acme!"),
        ] {
            assert_eq!(of("Acme", text, "en"), clauses, "{text}");
        }
        assert_eq!(of("Acme", "Acme ist gut, während alles andere schlecht ist", "de"), "Acme ist gut,");
    }

    #[test]
    fn a_comma_ends_a_clause_only_between_two_names() {
        assert_eq!(of("@acme", "@acme is fine, @other is bad", "en"), "@acme is fine,");
        assert_eq!(
            of("Acme", "When it rains, Acme is bad, and so is Zenith", "en"),
            "When it rains, Acme is bad,"
        );
        assert_eq!(of("Acme", "I like Acme, a lot, and hate Zenith, too", "en"), "I like Acme, a lot,");
        assert_eq!(of("Acme", "Acme, slow, bad, and late", "en"), "");
        assert_eq!(of("Acme", "Ich mag Acme, leider nicht den Laden", "de"), "", "nouns are no names");
    }

    #[test]
    fn a_post_of_one_clause_or_all_about_the_target_is_whole() {
        for text in [
            "Acme is down",
            "Acme? Acme!",
            "nothing of it here. At all.",
            "",
            "v1.5 of acme.com/Acme?a=b;c",
            "@a @Acme you!",
        ] {
            assert_eq!(of("Acme", text, "en"), "", "{text}");
        }
    }

    #[test]
    fn spans_are_of_the_text_as_written() {
        assert_eq!(of("Acme", "Été ＡＢＣ… Acme é nul ! Voilà", "fr"), "Acme é nul !");
        assert_eq!(of("Acme", "Acme.down\n#CaféNord down ", "fr"), "Acme.down");
    }
}

//! Whether every post that one query matches is matched by another too, told from the trees alone.
//!
//! Sound and not complete: `true` is a proof, `false` means only that none was found. The rules of the proof are those
//! of AND, OR and NOT, and a few about terms: a phrase has its words, a word its prefixes, a post one kind. What is
//! not known here implies only its equal.

use crate::model::PostKind;

use super::ast::{Kind, Node, Term};
use super::term::{Form, Gap, Pattern};

/// Steps after which the search for a proof is given up.
pub const STEPS_MAX: u32 = 100_000;

/// True when every post that `query` matches is certain to be matched by `other`.
#[must_use]
pub fn implies(query: &Node, other: &Node) -> bool {
    let claim = |node| Claim { what: What::Node(node), negated: false };
    Search { steps_left: STEPS_MAX }.implies(claim(query), claim(other))
}

/// A part of a query, or its opposite.
#[derive(Clone, Copy)]
struct Claim<'q> {
    what: What<'q>,
    negated: bool,
}

#[derive(Clone, Copy)]
enum What<'q> {
    Node(&'q Node),
    Pattern(&'q Pattern),
}

/// A claim taken apart, with negations pushed down.
enum Shape<'q> {
    All(Vec<Claim<'q>>),
    Any(Vec<Claim<'q>>),
    Leaf,
}

impl<'q> Claim<'q> {
    fn shape(self) -> Shape<'q> {
        let What::Node(node) = self.what else { return Shape::Leaf };
        let of = |what| Self { what, negated: self.negated };
        match &node.kind {
            Kind::Not(inner) => Self { what: What::Node(inner), negated: !self.negated }.shape(),
            Kind::And(nodes) => {
                Shape::of(nodes.iter().map(|node| of(What::Node(node))).collect(), !self.negated)
            }
            Kind::Or(nodes) => {
                Shape::of(nodes.iter().map(|node| of(What::Node(node))).collect(), self.negated)
            }
            Kind::List { patterns, .. } => {
                Shape::of(patterns.iter().map(|one| of(What::Pattern(one))).collect(), self.negated)
            }
            _ => Shape::Leaf,
        }
    }

    /// The claim without its NOTs.
    fn leaf(mut self) -> Self {
        while let What::Node(Node { kind: Kind::Not(inner), .. }) = self.what {
            self = Self { what: What::Node(inner), negated: !self.negated };
        }
        self
    }

    fn pattern(self) -> Option<&'q Pattern> {
        match self.what {
            What::Pattern(pattern) => Some(pattern),
            What::Node(Node { kind: Kind::Term(Term::Text(pattern)), .. }) => Some(pattern),
            What::Node(_) => None,
        }
    }

    fn kind_of_post(self) -> Option<PostKind> {
        match self.what {
            What::Node(Node { kind: Kind::Term(Term::Is(kind)), .. }) => Some(*kind),
            _ => None,
        }
    }
}

impl<'q> Shape<'q> {
    fn of(parts: Vec<Claim<'q>>, all: bool) -> Self {
        if all { Self::All(parts) } else { Self::Any(parts) }
    }
}

struct Search {
    steps_left: u32,
}

impl Search {
    fn implies(&mut self, query: Claim<'_>, other: Claim<'_>) -> bool {
        let Some(left) = self.steps_left.checked_sub(1) else { return false };
        self.steps_left = left;
        if is_same(query, other) {
            return true;
        }
        match (query.shape(), other.shape()) {
            (_, Shape::All(parts)) => parts.into_iter().all(|part| self.implies(query, part)),
            (Shape::Any(cases), _) => cases.into_iter().all(|case| self.implies(case, other)),
            (Shape::All(parts), Shape::Any(cases)) => {
                cases.into_iter().any(|case| self.implies(query, case))
                    || parts.into_iter().any(|part| self.implies(part, other))
            }
            (Shape::All(parts), Shape::Leaf) => parts.into_iter().any(|part| self.implies(part, other)),
            (Shape::Leaf, Shape::Any(cases)) => cases.into_iter().any(|case| self.implies(query, case)),
            (Shape::Leaf, Shape::Leaf) => leaf_implies(query.leaf(), other.leaf()),
        }
    }
}

/// A short cut for parts written alike, and all that is said of nodes of a kind not known here.
fn is_same(query: Claim<'_>, other: Claim<'_>) -> bool {
    let (query, other) = (query.leaf(), other.leaf());
    let (What::Node(mine), What::Node(theirs)) = (query.what, other.what) else { return false };
    query.negated == other.negated
        && match (&mine.kind, &theirs.kind) {
            // Whatever name it goes by in its pack.
            (Kind::List { patterns: mine, .. }, Kind::List { patterns: theirs, .. }) => mine == theirs,
            (mine, theirs) => mine == theirs,
        }
}

fn leaf_implies(query: Claim<'_>, other: Claim<'_>) -> bool {
    match (query.negated, other.negated) {
        (false, false) => positive_implies(query, other),
        (true, true) => positive_implies(other, query),
        // A post has one kind.
        (false, true) => matches!((query.kind_of_post(), other.kind_of_post()), (Some(a), Some(b)) if a != b),
        (true, false) => false,
    }
}

fn positive_implies(query: Claim<'_>, other: Claim<'_>) -> bool {
    match (query.pattern(), other.pattern()) {
        (Some(query), Some(other)) => form_implies(&query.form, &other.form),
        _ => false,
    }
}

/// True when whatever holds `form` holds `other`. Every field is named, so that a new one must be thought about here.
fn form_implies(form: &Form, other: &Form) -> bool {
    if form == other {
        return true;
    }
    match (form, other) {
        // Characters of scripts without spaces are looked for anywhere.
        (Form::Substring(text), Form::Substring(part)) => text.contains(part.as_str()),
        (Form::Prefix { sigil, prefix }, Form::Prefix { sigil: wanted, prefix: shorter }) => {
            sigil_implies(*sigil, *wanted) && prefix.starts_with(shorter.as_str())
        }
        // The platform's own tags satisfy `#tag` without a word in the text.
        (Form::Words { sigil: b'#', words, gaps, exact: _ }, _) if words.len() == 1 => {
            let Form::Words { sigil, words: wanted, gaps: between, exact } = other else { return false };
            *sigil == b'#' && words == wanted && gaps == between && exact.is_none()
        }
        (Form::Words { sigil, words, gaps: _, exact: _ }, Form::Prefix { sigil: wanted, prefix }) => {
            let fits = |at: usize| sigil_implies(if at == 0 { *sigil } else { 0 }, *wanted);
            (0..words.len()).any(|at| fits(at) && words[at].starts_with(prefix.as_str()))
        }
        (Form::Words { .. }, Form::Words { words, .. }) => (0..words_in(form)).any(|at| {
            // "j'ai" is not the brand "AI" (see `term`).
            (at == 0 || words[0] != "ai") && words_imply(form, at, other)
        }),
        _ => false,
    }
}

fn words_in(form: &Form) -> usize {
    match form {
        Form::Words { words, .. } => words.len(),
        _ => 0,
    }
}

/// True when the words of `part` are those of `form` from `at` on.
fn words_imply(form: &Form, at: usize, part: &Form) -> bool {
    let (
        Form::Words { sigil, words, gaps, exact },
        Form::Words { sigil: wanted_sigil, words: wanted, gaps: wanted_gaps, exact: wanted_exact },
    ) = (form, part)
    else {
        return false;
    };
    let end = at + wanted.len();
    words.get(at..end) == Some(wanted)
        && sigil_implies(if at == 0 { *sigil } else { 0 }, *wanted_sigil)
        && gaps[at..end - 1].iter().zip(wanted_gaps).all(|(gap, wanted)| gap_implies(gap, wanted))
        && wanted_exact.as_ref().is_none_or(|wanted| {
            exact.as_ref().is_some_and(|exact| exact.get(at..end) == Some(wanted.as_slice()))
        })
}

fn sigil_implies(sigil: u8, wanted: u8) -> bool {
    wanted == 0 || wanted == sigil
}

fn gap_implies(gap: &Gap, wanted: &Gap) -> bool {
    gap == wanted
        || match (gap, wanted) {
            (Gap::Hyphen, Gap::Any) => true,
            (Gap::Exactly(written), Gap::Any) => wanted.fits(written),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn lists(name: &str) -> Option<Vec<Pattern>> {
        let terms: &[&str] = match name {
            "brands" => &["acme", "globex", "initech"],
            "ours" => &["globex", "acme"],
            _ => return None,
        };
        Some(terms.iter().map(|term| Pattern::new(term, false).unwrap()).collect())
    }

    fn query(text: &str) -> Node {
        parse(text, false, &lists).unwrap()
    }

    #[test]
    fn narrower_queries_imply_wider_ones_and_not_the_other_way_round() {
        for (narrow, wide) in [
            ("acme down", "acme"),
            ("acme down", "down acme OR outage"),
            ("acme", "acme OR globex"),
            ("\"acme cloud\"", "acme"),
            ("\"acme cloud\"", "cloud"),
            ("\"my acme cloud\"", "\"acme cloud\""),
            ("acme-cloud", "\"acme cloud\""),
            ("@acme", "acme"),
            ("acmecloud", "acme*"),
            ("acmecl*", "acme*"),
            ("東京都", "東京"),
            ("acme -(down OR outage)", "acme -down"),
            ("acme -acme*", "acme -acmecloud"),
            ("acme is:reply", "acme -is:repost"),
            ("list:ours", "list:brands"),
            ("globex", "list:brands"),
            ("(acme OR globex) down", "list:brands (down OR outage)"),
            ("(acme down) OR (acme outage)", "acme"),
        ] {
            assert!(implies(&query(narrow), &query(wide)), "{narrow} → {wide}");
            assert!(!implies(&query(wide), &query(narrow)), "{wide} → {narrow}");
        }
    }

    #[test]
    fn order_and_double_negation_make_no_difference() {
        let (one, other) = (query("acme (down OR outage) -spam"), query("-spam (outage OR down) --(acme)"));
        assert!(implies(&one, &other) && implies(&other, &one));
    }

    #[test]
    fn what_only_looks_narrower_is_not() {
        for (narrow, wide) in [
            // The platform may name a tag that the text does not show.
            ("#acme", "acme"),
            ("#acme", "acm*"),
            ("j'ai", "ai"),
            ("acme", "@acme"),
            ("acmecloud", "acme"),
            ("acme lang:en", "acme is:post"),
            ("acme -down", "acme -outage"),
        ] {
            assert!(!implies(&query(narrow), &query(wide)), "{narrow} → {wide}");
        }
        let exact = parse("Apple", true, &lists).unwrap();
        assert!(implies(&exact, &query("apple")) && !implies(&query("apple"), &exact));
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let clause = |letter: char| {
            let words: Vec<String> = (0..9).map(|n| format!("({letter}{n}x OR {letter}{n}y)")).collect();
            format!("({})", words.join(" "))
        };
        let all = |letters: &str| {
            let clauses: Vec<String> = letters.chars().map(clause).collect();
            query(&clauses.join(" OR "))
        };
        assert!(!implies(&all("abcdefgh"), &all("ijklmnop")));
    }
}

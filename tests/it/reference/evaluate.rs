//! A query on a post: AND, OR and NOT over everything else.

use std::cell::RefCell;

use birddog::model::{Post, Scores};
use birddog::rules::ast::{self, Kind, Node};

use super::terms::{Memory, Sense, Term, Vocabulary};
use super::words::Text;
use super::{distance, fields};

/// Queries, ready to be asked.
pub(crate) struct Reference {
    queries: Vec<Query>,
    vocabulary: Vocabulary,
}

enum Query {
    Term(Term),
    Field(ast::Term),
    AnyOf(Vec<Term>),
    Not(Box<Query>),
    And(Vec<Query>),
    Or(Vec<Query>),
    Near { left: Vec<Term>, right: Vec<Term>, distance: u8, ordered: bool },
    Window { terms: Vec<(Term, usize)>, slack: u8 },
}

impl Reference {
    pub(crate) fn new(queries: &[Node]) -> Self {
        let mut vocabulary = Vocabulary::default();
        let queries = queries.iter().map(|node| query(&mut vocabulary, node)).collect();
        Self { queries, vocabulary }
    }
}

fn query(vocabulary: &mut Vocabulary, node: &Node) -> Query {
    let mut all = |nodes: &[Node]| nodes.iter().map(|node| query(vocabulary, node)).collect();
    match &node.kind {
        Kind::And(nodes) => Query::And(all(nodes)),
        Kind::Or(nodes) => Query::Or(all(nodes)),
        Kind::Not(inner) => Query::Not(Box::new(query(vocabulary, inner))),
        Kind::Term(ast::Term::Text(pattern)) => Query::Term(vocabulary.term(pattern)),
        Kind::Term(field) => Query::Field(field.clone()),
        Kind::List { .. } => Query::AnyOf(terms(vocabulary, node)),
        Kind::Near { left, right, distance, ordered } => Query::Near {
            left: terms(vocabulary, left),
            right: terms(vocabulary, right),
            distance: *distance,
            ordered: *ordered,
        },
        Kind::Window { terms, slack, .. } => {
            let mut counted: Vec<(Term, usize)> = Vec::new();
            for term in terms.iter().map(|pattern| vocabulary.term(pattern)) {
                match counted.iter_mut().find(|(known, _)| *known == term) {
                    Some((_, count)) => *count += 1,
                    None => counted.push((term, 1)),
                }
            }
            Query::Window { terms: counted, slack: *slack }
        }
    }
}

/// The terms of a side of NEAR, or of a list.
fn terms(vocabulary: &mut Vocabulary, node: &Node) -> Vec<Term> {
    match &node.kind {
        Kind::Term(ast::Term::Text(pattern)) => vec![vocabulary.term(pattern)],
        Kind::List { patterns, .. } => patterns.iter().map(|pattern| vocabulary.term(pattern)).collect(),
        Kind::Or(nodes) => nodes.iter().flat_map(|node| terms(vocabulary, node)).collect(),
        other => panic!("{other:?} beside NEAR"),
    }
}

/// Asks all queries of one post after the other.
pub(crate) struct Reader<'r> {
    reference: &'r Reference,
    memory: Memory,
}

struct Asked<'a> {
    vocabulary: &'a Vocabulary,
    post: &'a Post,
    texts: &'a [Sense<'a>],
    scores: RefCell<&'a mut dyn FnMut() -> Scores>,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(reference: &'r Reference) -> Self {
        Self { reference, memory: Memory::default() }
    }

    /// Indexes of the queries that match.
    pub(crate) fn matches(&mut self, post: &Post, scores: &mut dyn FnMut() -> Scores) -> Vec<usize> {
        let texts: Vec<Text> =
            std::iter::once(&post.text).chain(&post.captions).map(|text| Text::read(text)).collect();
        let Reference { queries, vocabulary } = self.reference;
        let texts: Vec<Sense<'_>> = texts.iter().map(|text| self.memory.sense(vocabulary, text)).collect();
        let asked = Asked { vocabulary, post, texts: &texts, scores: RefCell::new(scores) };
        (0..queries.len()).filter(|&at| asked.holds(&queries[at])).collect()
    }
}

impl Asked<'_> {
    fn holds(&self, query: &Query) -> bool {
        match query {
            Query::Term(term) => self.finds(term),
            Query::AnyOf(terms) => terms.iter().any(|term| self.finds(term)),
            Query::Field(field) => {
                fields::holds(field, self.post, self.texts[0].text, || (self.scores.borrow_mut())())
            }
            Query::Not(inner) => !self.holds(inner),
            Query::And(queries) => queries.iter().all(|query| self.holds(query)),
            Query::Or(queries) => queries.iter().any(|query| self.holds(query)),
            Query::Near { left, right, distance, ordered } => self.texts.iter().any(|text| {
                let places =
                    |terms: &[Term]| terms.iter().flat_map(|term| term.places(text)).collect::<Vec<_>>();
                let left = places(left);
                !left.is_empty() && distance::near(text.text, &left, &places(right), *distance, *ordered)
            }),
            Query::Window { terms, slack } => self.texts.iter().any(|text| {
                let needs: Vec<_> = terms.iter().map(|(term, count)| (term.places(text), *count)).collect();
                distance::window(text.text, &needs, *slack)
            }),
        }
    }

    fn finds(&self, term: &Term) -> bool {
        self.texts.iter().any(|text| !term.places(text).is_empty())
            || self.post.hashtags.iter().any(|tag| term.is_hashtag(self.vocabulary, tag))
    }
}

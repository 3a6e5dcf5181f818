//! Which accounts are ours, and whether a post speaks to them.

use crate::model::{Author, Post};

/// Our accounts and those of the house, by id and handle, in lower case.
#[derive(Debug)]
pub(super) struct Accounts {
    own: Vec<String>,
    siblings: Vec<String>,
}

impl Accounts {
    pub(super) fn new(own: &[String], siblings: &[String]) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| bare(name).to_ascii_lowercase()).collect();
        Self { own: lower(own), siblings: lower(siblings) }
    }

    /// Ours, or of the house.
    pub(super) fn is_house(&self, author: &Author) -> bool {
        [Some(&author.id), author.handle.as_ref()]
            .into_iter()
            .flatten()
            .any(|name| has(&self.own, name) || has(&self.siblings, name))
    }

    /// The post mentions one of our own accounts by the platform's markup, or answers a post of ours.
    pub(super) fn is_addressed(&self, post: &Post) -> bool {
        if self.own.is_empty() {
            return false;
        }
        post.mentions.iter().any(|name| has(&self.own, name))
            || post.answered().is_some_and(|name| has(&self.own, name))
    }
}

impl Accounts {
    /// True when `word`, in lower case, is what one of our handles begins with: `acmehelp` of `acmehelp.example`.
    pub(super) fn is_named(&self, word: &str) -> bool {
        let handles = self.own.iter().filter(|name| !name.contains(':'));
        handles.filter_map(|name| name.split('.').next()).any(|name| name == word)
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(bare(name)))
}

fn bare(name: &str) -> &str {
    name.strip_prefix('@').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::new(&["did:plc:us".into(), "@Acme.example".into()], &["did:plc:news".into()])
    }

    #[test]
    fn a_mention_or_an_answer_addresses_us_and_words_do_not() {
        let post = Post { mentions: vec!["acme.EXAMPLE".into()], ..Post::default() };
        assert!(accounts().is_addressed(&post));
        let post = Post { parent_author: Some("did:plc:us".into()), ..Post::default() };
        assert!(accounts().is_addressed(&post));
        let post = Post {
            text: "@acme.example hello".into(),
            root: Some("at://did:plc:us/x/1".into()),
            ..Post::default()
        };
        assert!(!accounts().is_addressed(&post));
        let post = Post { mentions: vec!["did:plc:news".into()], ..Post::default() };
        assert!(!accounts().is_addressed(&post));
    }

    #[test]
    fn the_house_is_known_by_id_and_by_handle() {
        let author = |id: &str, handle: Option<&str>| Author {
            id: id.into(),
            handle: handle.map(Into::into),
            ..Author::default()
        };
        assert!(accounts().is_house(&author("did:plc:news", None)));
        assert!(accounts().is_house(&author("x", Some("acme.example"))));
        assert!(!accounts().is_house(&author("did:plc:other", Some("other.example"))));
    }
}

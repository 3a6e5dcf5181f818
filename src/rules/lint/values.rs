//! Values that no post has, and quotes that quote nothing: a query that was meant otherwise.

use super::linter::{Lint, Linter, children};
use crate::rules::operators::foreign::nearest;
use crate::rules::operators::lang::{CODE_HINT, code_meant_by, is_known_code};
use crate::rules::pack::keys::NETWORKS;
use crate::rules::query::ast::{Kind, Node, Term};

const BLUESKY: &str = NETWORKS[0].0;

pub(super) const UNLIKELY_VALUE: Lint = Lint::warning(
    "unlikely-value",
    "a language, network or account as no post has it: `lang:jp`, `source:x`, `from:acme`",
);
pub(super) const SINGLE_QUOTES: Lint =
    Lint::warning("single-quotes", "words between single quotes in a query: `'not working'` is no phrase");

pub(super) fn lint(linter: &mut Linter<'_, '_>) {
    node(linter, &linter.rule.query, false);
}

/// `is_elsewhere`: what stands around `part` wants posts of other networks than Bluesky, where any name is an account.
fn node(linter: &mut Linter<'_, '_>, part: &Node, is_elsewhere: bool) {
    match &part.kind {
        Kind::Term(term) if is_elsewhere && term.account().is_some() => {}
        Kind::Term(term) => {
            if let Some((message, hint)) = unlikely(term) {
                linter.report(&UNLIKELY_VALUE, part.span, message, hint);
            }
        }
        Kind::And(nodes) => single_quotes(linter, nodes),
        _ => {}
    }
    let is_elsewhere = is_elsewhere || wants_elsewhere(part);
    children(part).iter().for_each(|child| node(linter, child, is_elsewhere));
    if let Kind::Near { left, right, .. } = &part.kind {
        [left, right].into_iter().for_each(|side| node(linter, side, is_elsewhere));
    }
}

/// True when no post from Bluesky satisfies `part`, as its `source:` tell.
fn wants_elsewhere(part: &Node) -> bool {
    let is_bluesky = |node: &Node| matches!(&node.kind, Kind::Term(Term::Source(name)) if name == BLUESKY);
    match &part.kind {
        Kind::Term(Term::Source(_)) => !is_bluesky(part),
        Kind::Not(inner) => is_bluesky(inner),
        Kind::And(nodes) => nodes.iter().any(wants_elsewhere),
        Kind::Or(nodes) => nodes.iter().all(wants_elsewhere),
        _ => false,
    }
}

/// What is odd about the value of `term`, and what to write.
fn unlikely(term: &Term) -> Option<(String, String)> {
    match term {
        Term::Lang(code) if !is_known_code(code) => {
            let hint = match code_meant_by(code) {
                Some(meant) => format!("did you mean lang:{meant}?"),
                None => CODE_HINT.to_owned(),
            };
            Some((format!("`{code}` is no language code"), hint))
        }
        Term::Source(network) if NETWORKS.iter().all(|(known, _)| known != network) => {
            let names = || NETWORKS.iter().map(|(name, _)| *name);
            let hint = match nearest(network, names()) {
                Some(near) => format!("did you mean source:{near}?"),
                None => format!("networks are {}", names().collect::<Vec<_>>().join(", ")),
            };
            Some((format!("no post comes from `{network}`"), hint))
        }
        Term::From(who) | Term::To(who) | Term::Mentions(who) if !is_account(who) => {
            let hint = format!(
                "write the whole handle, such as {who}.bsky.social, or the id, such as did:plc:z72i7hdynmk6r22z27h6tvur"
            );
            Some((format!("`{who}` is no whole handle and no id, so this finds no account"), hint))
        }
        _ => None,
    }
}

/// Handles have a dot on Bluesky, and on Mastodon but for those of one's own server; ids are DIDs, and keys on Nostr.
fn is_account(who: &str) -> bool {
    let is_key = who.len() == 64 && who.bytes().all(|byte| byte.is_ascii_hexdigit());
    who.contains('.') || who.starts_with("did:") || who.starts_with("npub1") || is_key
}

/// `'not working'`: a word that begins with a quote, and a later one beside it that ends with one.
fn single_quotes(linter: &mut Linter<'_, '_>, nodes: &[Node]) {
    let opens = |node: &&Node| linter.written(node).starts_with('\'');
    let closes = |node: &&Node| linter.written(node).ends_with('\'');
    let Some(from) = nodes.iter().position(|node| opens(&node)) else { return };
    let Some(to) = nodes[from + 1..].iter().find(closes) else { return };
    let span = (nodes[from].span.0, to.span.1);
    let written = &linter.rule.source[span.0 as usize..span.1 as usize];
    let message = format!("`{written}` is looked for as separate words, in any order");
    let hint = format!("a phrase stands between double quotes: \"{}\"", written.trim_matches('\''));
    linter.report(&SINGLE_QUOTES, span, message, hint);
}

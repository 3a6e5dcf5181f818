//! The links of a post, for `url:` and `domain:`: those of the platform's markup, and those written in the text.

use crate::rules::engine::facts::Facts;

/// Every link, as it stands there.
pub(super) fn of<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a str> {
    facts.post.links.iter().map(String::as_str).chain(written(&facts.post.text))
}

/// `https://…` and `http://…` up to white space or a closing quote.
fn written(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("://").filter_map(|(at, _)| {
        let start = ["https", "http"].into_iter().find_map(|scheme| {
            let start = at.checked_sub(scheme.len())?;
            text.get(start..at)?.eq_ignore_ascii_case(scheme).then_some(start)
        })?;
        let len = text[start..].find(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '»' | '”'));
        Some(&text[start..len.map_or(text.len(), |len| start + len)])
    })
}

/// The host of a link, as written; empty when there is none. What cannot be part of a name ends it: a port, or the
/// bracket or comma of the sentence around the link.
pub(super) fn host(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    host.split(|c| !is_name(c)).next().unwrap_or("").trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_the_text_are_found() {
        let found: Vec<&str> =
            written("see HTTPS://a.example/x?y=1 and (http://b.example) ftp://c ://d é://e").collect();
        assert_eq!(found, ["HTTPS://a.example/x?y=1", "http://b.example)"]);
    }

    #[test]
    fn hosts_are_cut_out() {
        for (link, expected) in [
            ("https://a.example/x", "a.example"),
            ("https://user:pw@a.example:8080/x", "a.example"),
            ("a.example/x", "a.example"),
            ("https://a.example.", "a.example"),
            ("https://a.example?q", "a.example"),
            ("https://a.example),", "a.example"),
            ("https://a.example…", "a.example"),
            ("", ""),
        ] {
            assert_eq!(host(link), expected);
        }
    }
}

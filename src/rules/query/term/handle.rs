//! Where an account's name ends: `@acme.com` is not the account `@acme`.

use crate::text::{CharClass, char_class};

use super::pattern::Gap;

/// How many of the words after `@` are the account's name: `acme.com` is one.
pub(in crate::rules) fn handle_len(gaps: &[Gap]) -> usize {
    let joins = |gap: &&Gap| matches!(gap, Gap::Hyphen) || **gap == Gap::Exactly(".".to_owned());
    1 + gaps.iter().take_while(joins).count()
}

/// True when a handle does not go on with `after`, as `@acme` does in `@acme.example`, and does not before a full stop.
pub(in crate::rules) fn ends_handle(after: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| char_class(c) == CharClass::Word);
    !is_word(after.strip_prefix(['.', '-']).unwrap_or(after).chars().next())
}

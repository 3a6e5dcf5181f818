//! The bearer token: read from a file or a variable only, compared in constant time, never shown.

use std::fmt;
use std::path::Path;

use subtle::ConstantTimeEq;

use super::error::{Error, TOKEN_BYTES_MAX, TOKEN_BYTES_MIN};
use crate::secret;

/// Longest file that holds one, in bytes: white space around it is allowed.
const FILE_BYTES_MAX: u64 = TOKEN_BYTES_MAX as u64 + 64;

/// A secret shared with the API's clients.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Reads a token; white space around it is dropped.
    ///
    /// # Errors
    /// When the file cannot be read, is open to other accounts, or holds no usable token.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let refused = |source| Error::TokenFile { path: path.to_owned(), source };
        let text = secret::read(path, FILE_BYTES_MAX).map_err(refused)?;
        Self::parse(&text, &format!("the file {}", path.display()))
    }

    /// Checks that `text` can be a token; `origin` is named in the error, the text is not.
    ///
    /// # Errors
    /// When it is too short, too long, or has characters that a header cannot carry.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let text = text.trim();
        let fits = (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::Token(origin.to_owned()))
    }

    /// Compares in a time that tells nothing but the length.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(candidate).into()
    }

    /// The secret itself, for the header of an own request.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef-secret";

    #[test]
    fn a_token_file_that_others_can_read_or_write_is_refused() {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), format!("{SECRET}\n")).unwrap();
        for mode in [0o644, 0o602, 0o620] {
            fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            let error = Token::from_file(file.path()).unwrap_err();
            assert!(error.to_string().contains("chmod"), "{mode:o}: {error}");
        }
        fs::set_permissions(file.path(), Permissions::from_mode(0o600)).unwrap();
        assert!(Token::from_file(file.path()).unwrap().matches(SECRET.as_bytes()));
    }

    #[test]
    fn short_long_and_unprintable_tokens_are_refused_without_being_repeated() {
        for text in ["", "short-one", "has a space inside it", "tab\tinside-the-token", &"x".repeat(513)] {
            let error = Token::parse(text, "the test").unwrap_err().to_string();
            assert!(error.contains("the test") && (text.is_empty() || !error.contains(text)));
        }
    }

    #[test]
    fn only_the_very_token_matches_and_debug_does_not_show_it() {
        let token = Token::parse(SECRET, "the test").unwrap();
        assert!(token.matches(SECRET.as_bytes()));
        assert!(!token.matches(b"") && !token.matches(b"0123456789abcdef-secreT"));
        assert!(!format!("{token:?}").contains("0123"));
    }
}

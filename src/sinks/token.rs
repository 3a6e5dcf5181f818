//! Names that may become part of a subject or a label.

use super::errors::SinkError;

/// Names that may become part of a subject or a label: nothing that a protocol reads as syntax.
pub(super) fn is_token(name: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.len() <= 64 && name.bytes().all(is_fit)
}

pub(super) fn check_token(setting: &'static str, value: &str) -> Result<(), SinkError> {
    let wrong = || SinkError::Setting {
        setting,
        value: value.to_owned(),
        remedy: "use 1 to 64 letters, digits, - and _",
    };
    is_token(value).then_some(()).ok_or_else(wrong)
}

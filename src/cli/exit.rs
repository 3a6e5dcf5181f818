//! How a command ends: its exit code, and what is said of an error.

use std::io;
use std::process::ExitCode;

use super::terminal;

/// All went well.
pub(crate) const OK: u8 = 0;

/// A test failed, or a rule that was asked about does not match.
pub(crate) const FAILED: u8 = 1;

/// The daemon, the network or the disk said no.
pub(crate) const RUNTIME: u8 = 2;

/// The configuration, the rules or the command line are wrong.
pub(crate) const USAGE: u8 = 64;

/// The command line asks for what cannot be, in a way that only its command can tell: exit code [`USAGE`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

pub(super) fn report(error: &anyhow::Error, code: u8) -> ExitCode {
    terminal::complain(&format!("error: {}", terminal::sanitise_lines(&causes(error))));
    ExitCode::from(code)
}

/// The error and its causes; a cause that the message before it already tells is not told again.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(|cause| without_number(&cause.to_string())).fold(
        String::new(),
        |told, cause| match told {
            told if told.is_empty() => cause,
            told if told.contains(&cause) => told,
            told => format!("{told}: {cause}"),
        },
    )
}

/// Without the `(os error 2)` that the standard library puts behind what the system says.
fn without_number(cause: &str) -> String {
    let shorter = cause.split_once(" (os error ").and_then(|(said, rest)| {
        let (number, rest) = rest.split_once(')')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{said}{rest}"))
    });
    shorter.unwrap_or_else(|| cause.to_owned())
}

/// `birddog queue list | head` ends the reader first; that is no error.
pub(super) fn pipe_closed(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let disk =
            anyhow::Error::from(io::Error::other("disk")).context("cannot read: disk").context("loading");
        assert_eq!(causes(&disk), "loading: cannot read: disk");
    }

    #[test]
    fn what_the_system_says_is_told_without_its_number() {
        assert_eq!(without_number("no such file (os error 2): x"), "no such file: x");
        assert_eq!(without_number("a (os error x)"), "a (os error x)");
    }

    #[test]
    fn a_closed_pipe_is_told_from_other_errors() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert!(pipe_closed(&closed));
        assert!(!pipe_closed(&anyhow::anyhow!("broken pipe")));
    }
}

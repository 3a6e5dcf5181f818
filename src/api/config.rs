//! The API's settings, checked before anything is bound.
//!
//! ```toml
//! [api]
//! listen = "127.0.0.1:8642"               # loopback needs no token
//! token_file = "/run/secrets/birddog-api" # needed for any other address; mode 0600, or 0640 and root's
//! token_env = "BIRDDOG_API_TOKEN"         # the variable asked when there is no token_file
//! body_bytes_max = "64KiB"                # larger requests: 413
//! connections_max = 512                   # one more: the one idle for longest is closed
//! header_timeout = "10s"                  # slow or idle clients are cut off
//! request_timeout = "10s"                 # then 503
//! idle_timeout = "60s"                    # a connection without a request in work is closed
//! drain_timeout = "5s"                    # at shutdown
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{Error, Token};
use crate::model::{Report, setting};

/// Settings of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port; port 0 picks a free one.
    pub listen: SocketAddr,
    /// File that holds the token; open to its owner only, or a file of root to its group as well.
    pub token_file: Option<PathBuf>,
    /// Environment variable that holds the token, when it is set and there is no `token_file`.
    pub token_env: Option<String>,
    /// Bytes of a request's body, 1 KiB – 16 MiB.
    #[serde(with = "setting::size")]
    pub body_bytes_max: usize,
    /// Open connections, 1–100,000.
    pub connections_max: usize,
    /// For the whole head of a request to arrive.
    #[serde(with = "setting::duration")]
    pub header_timeout: Duration,
    /// For the body to arrive and the answer to be ready.
    #[serde(with = "setting::duration")]
    pub request_timeout: Duration,
    /// Without a request in work; also the time a client has to read an answer.
    #[serde(with = "setting::duration")]
    pub idle_timeout: Duration,
    /// For requests in work at shutdown.
    #[serde(with = "setting::duration")]
    pub drain_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8642)),
            token_file: None,
            token_env: Some("BIRDDOG_API_TOKEN".to_owned()),
            body_bytes_max: 64 << 10,
            connections_max: 512,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

impl Config {
    /// Everything that is wrong with the settings, the token's file included; empty when they will do.
    pub fn validate(&self, report: &mut Report) {
        report.extend(self.errors());
    }

    /// The same, one by one.
    pub(super) fn errors(&self) -> Vec<Error> {
        let mut errors = self.out_of_range();
        match self.token() {
            Err(error) => errors.push(error),
            Ok(None) if !self.listen.ip().is_loopback() => {
                errors.push(Error::PublicWithoutToken(self.listen))
            }
            Ok(_) => {}
        }
        errors
    }

    /// Reads the token from its file or variable.
    ///
    /// # Errors
    /// When the file cannot be read, is open to other accounts, or holds no usable token.
    pub fn token(&self) -> Result<Option<Token>, Error> {
        if let Some(path) = &self.token_file {
            return Token::from_file(path).map(Some);
        }
        let Some(name) = &self.token_env else { return Ok(None) };
        match std::env::var(name) {
            Ok(text) => Token::parse(&text, &format!("the variable {name}")).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn out_of_range(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        if !(1 << 10..=16 << 20).contains(&self.body_bytes_max) {
            errors.push(Error::OutOfRange { setting: "body_bytes_max", range: "1KiB to 16MiB" });
        }
        if !(1..=100_000).contains(&self.connections_max) {
            errors.push(Error::OutOfRange { setting: "connections_max", range: "1 to 100000" });
        }
        let times = [
            ("header_timeout", self.header_timeout),
            ("request_timeout", self.request_timeout),
            ("idle_timeout", self.idle_timeout),
            ("drain_timeout", self.drain_timeout),
        ];
        let range = Duration::from_millis(10)..=Duration::from_secs(3_600);
        let wrong = times.into_iter().filter(|(_, time)| !range.contains(time));
        errors.extend(wrong.map(|(setting, _)| Error::OutOfRange { setting, range: "10ms to 1h" }));
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_parses_to_the_defaults() {
        let doc = include_str!("config.rs");
        let example = doc.lines().skip_while(|line| *line != "//! ```toml").skip(1);
        let example = example.take_while(|line| *line != "//! ```");
        let toml: Vec<_> = example.filter_map(|line| line.strip_prefix("//! ")).collect();
        let mut table: toml::Table = toml.join("\n").parse().unwrap();
        let config: Config = table.remove("api").unwrap().try_into().unwrap();
        assert_eq!(Config { token_file: None, ..config }, Config::default());
    }

    #[test]
    fn a_public_address_without_a_token_is_refused_with_the_remedy() {
        let config = Config { listen: "0.0.0.0:8642".parse().unwrap(), token_env: None, ..Config::default() };
        let errors = config.errors();
        assert!(matches!(errors[..], [Error::PublicWithoutToken(_)]));
        assert!(errors[0].to_string().contains("token_file"));
        assert!(Config { token_env: None, ..Config::default() }.errors().is_empty());
    }

    #[test]
    fn every_setting_out_of_range_is_named_at_once() {
        let config = Config {
            token_env: None,
            body_bytes_max: 0,
            connections_max: 0,
            idle_timeout: Duration::ZERO,
            ..Config::default()
        };
        let said: Vec<_> = config.errors().iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[2].contains("idle_timeout"));
    }
}

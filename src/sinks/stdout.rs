//! Work items as JSON lines on standard output, for pipes and for looking.
//!
//! Characters that act instead of showing are escaped, so that a post cannot disguise a terminal line.
//!
//! ```toml
//! [[sink]]
//! type = "stdout"
//! name = "stdout"
//! ```

use std::io::Write as _;
use std::sync::Arc;

use serde::Deserialize;

use super::deliver::{Deliver, Outcome, Outgoing};
use crate::text::display::escaped;

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The sink's name.
    pub name: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { name: "stdout".to_owned() }
    }
}

/// The sink.
#[derive(Debug)]
pub struct Stdout {
    name: Arc<str>,
}

impl Stdout {
    /// Builds the sink.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { name: Arc::from(&*config.name) }
    }
}

impl Deliver for Stdout {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    async fn deliver(&mut self, batch: &[Outgoing]) -> Vec<Outcome> {
        let lines: String = batch.iter().map(line).collect();
        let write = move || {
            let mut out = std::io::stdout().lock();
            out.write_all(lines.as_bytes()).and_then(|()| out.flush())
        };
        let outcome = match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Outcome::Delivered,
            Ok(Err(error)) => Outcome::Unavailable(error.to_string()),
            Err(error) => Outcome::Unavailable(error.to_string()),
        };
        vec![outcome; batch.len()]
    }
}

fn line(outgoing: &Outgoing) -> String {
    let json = serde_json::to_string(&outgoing.item).expect("a work item has no failing parts");
    let mut line = escaped(&json).into_owned();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::super::testing::work_item;
    use super::*;
    use crate::model::ItemBody;
    use crate::text::display::is_acting;

    #[test]
    fn a_line_is_one_line_of_json_without_tricks() {
        let mut item = work_item(1);
        let ItemBody::Post(body) = &mut item.body else { panic!("it is about a post") };
        body.post.text = "one\ntwo \u{202e}desrever\u{1b}[2J\u{9b}31m\u{200b}".to_owned();
        let line = line(&Outgoing { item: item.clone(), revision: 1 });
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.trim_end().contains(is_acting), "{line:?}");
        let back: crate::model::WorkItem = serde_json::from_str(&line).unwrap();
        assert_eq!(back, item);
    }
}

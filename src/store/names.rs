//! Names from configuration (teams, brands) as small integers, so that a row holds two bytes instead of a word.
//!
//! Only labels come here, never content: the table is bounded by the configurations ever loaded.

use std::sync::Arc;

use hashbrown::HashMap;
use rusqlite::{Connection, params};

use super::StoreError;

/// Names and their numbers, as in the table `names`; numbers start at 1 and have no gaps.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, i64>,
    names: Vec<Arc<str>>,
}

impl Names {
    pub(super) fn load(db: &Connection) -> Result<Self, StoreError> {
        let mut names = Self::default();
        let mut rows = db.prepare_cached("SELECT name FROM names ORDER BY n")?;
        for name in rows.query_map([], |row| row.get::<_, String>(0))? {
            names.push(Arc::from(name?));
        }
        Ok(names)
    }

    /// The number of a name that is known.
    pub(super) fn get(&self, name: &str) -> Option<i64> {
        self.numbers.get(name).copied()
    }

    /// The name of a number; empty for a number that was never given.
    pub(super) fn name(&self, number: i64) -> Arc<str> {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        self.names.get(index).map_or_else(|| Arc::from(""), Arc::clone)
    }

    /// The number of a name, giving it one inside the running transaction when it has none.
    pub(super) fn intern(&mut self, db: &Connection, name: &Arc<str>) -> Result<i64, StoreError> {
        if let Some(number) = self.get(name) {
            return Ok(number);
        }
        let number = self.len() + 1;
        db.prepare_cached("INSERT INTO names VALUES (?1, ?2)")?.execute(params![number, name])?;
        self.push(Arc::clone(name));
        Ok(number)
    }

    pub(super) fn len(&self) -> i64 {
        self.names.len() as i64
    }

    /// Forgets every name after the first `len`, when the transaction that gave them was rolled back.
    pub(super) fn truncate(&mut self, len: i64) {
        while self.len() > len {
            if let Some(name) = self.names.pop() {
                self.numbers.remove(&name);
            }
        }
    }

    fn push(&mut self, name: Arc<str>) {
        self.numbers.insert(Arc::clone(&name), self.len() + 1);
        self.names.push(name);
    }
}

//! How far forgetting has got.

use rusqlite::Connection;

use super::StoreError;

/// What forgetting has to know from one commit to the next.
#[derive(Debug, Default)]
pub(super) struct Pruning {
    pub(super) open_items: i64,
    /// Items opened less items closed by the running transaction.
    pub(super) opened: i64,
    /// Text was deleted that may still stand in the log.
    pub(super) has_redacted: bool,
    /// The running transaction did.
    pub(super) redacts: bool,
    /// Before this row the ledger holds opt-outs only, which are kept for ever: no commit is to read them all again.
    pub(super) ledger_from: i64,
    /// The same as the running transaction found it.
    pub(super) ledger_from_next: i64,
}

impl Pruning {
    pub(super) fn load(db: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT count(*) FROM items WHERE state < 3";
        Ok(Self { open_items: db.query_row(sql, [], |row| row.get(0))?, ..Self::default() })
    }

    /// Items were opened, or closed when below zero, in the running transaction.
    pub(super) const fn opened(&mut self, items: i64) {
        self.opened += items;
    }

    /// Text was deleted in the running transaction.
    pub(super) const fn redacted(&mut self) {
        self.redacts = true;
    }

    pub(super) const fn commit(&mut self) {
        self.open_items += self.opened;
        self.has_redacted |= self.redacts;
        self.ledger_from = self.ledger_from_next;
        self.roll_back();
    }

    pub(super) const fn roll_back(&mut self) {
        (self.opened, self.redacts) = (0, false);
        // Row numbers are given again after a transaction that failed.
        self.ledger_from_next = self.ledger_from;
    }
}

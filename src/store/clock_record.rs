//! What the store knows of time: how much has certainly passed, and what the wall clock said meanwhile.
//!
//! Written with every commit. After a restart within one boot of the machine, the machine's own uptime says how long the
//! store was closed, whatever the wall clock says; after a reboot nothing does, and steady time goes on from where it
//! stood. So it may fall behind the wall clock, and never runs ahead of real time. Whether a difference is time that
//! passed or a clock that leapt, a person decides.

use rusqlite::{Connection, Row, params};

use super::StoreError;
use super::boot_line::BootLine;
use super::writer::Writer;
use crate::model::{Boot, ClockRecord, Moment, Steady};

/// The store's last word on time.
pub(super) fn read_clock(db: &Connection) -> Result<ClockRecord, StoreError> {
    let read = |row: &Row<'_>| {
        let boot = match (row.get(3)?, row.get(4)?) {
            (Some(id), Some(uptime_micros)) => Some(Boot { id, uptime_micros }),
            _ => None,
        };
        Ok(ClockRecord { steady: row.get(0)?, wall: row.get(1)?, offset: row.get(2)?, boot })
    };
    Ok(db.query_row("SELECT steady, wall, wall_offset, boot, uptime FROM meta", [], read)?)
}

impl Writer {
    /// Says how the machine's uptime goes with steady time, so that a restart within this boot knows how long it took.
    pub fn set_boot(&mut self, boot: Option<Boot>, now: Steady) {
        self.boot = boot.map(|boot| BootLine::new(boot, now));
    }

    /// Says where the clocks stand, without anything else to commit.
    ///
    /// # Errors
    /// Nothing was written; call again.
    pub fn save_clock(&mut self, now: Moment) -> Result<(), StoreError> {
        self.transact(|writer| writer.write_clock(now))
    }

    /// Takes over what a person has decided, or what the beginning found: the offset that counts as no leap.
    ///
    /// # Errors
    /// Nothing was written; call again.
    pub fn accept_clock(&mut self, now: Moment) -> Result<(), StoreError> {
        self.transact(|writer| {
            writer.db.prepare_cached("UPDATE meta SET wall_offset = ?1")?.execute([now.offset()])?;
            writer.write_clock(now)
        })
    }

    /// Inside the running transaction.
    pub(super) fn write_clock(&self, now: Moment) -> Result<(), StoreError> {
        let uptime = self.boot.as_ref().map(|boot| boot.uptime_at(now.steady));
        let sql = "UPDATE meta SET steady = ?1, wall = ?2, boot = ?3, uptime = ?4,
            wall_offset = coalesce(wall_offset, ?2 - ?1)";
        let boot = self.boot.as_ref().map(|boot| &boot.id);
        let row = params![now.steady.as_micros(), now.wall.as_micros(), boot, uptime];
        self.db.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }
}

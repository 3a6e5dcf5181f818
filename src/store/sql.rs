//! How our own types are read from a column. They are written as what they are made of.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};

use crate::model::{ItemId, Key, Steady, Timestamp};

impl FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        FromSql::column_result(value).map(Self::from_bytes)
    }
}

impl FromSql for ItemId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        FromSql::column_result(value).map(Self::from_bytes)
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        FromSql::column_result(value).map(Self::from_micros)
    }
}

impl FromSql for Steady {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        FromSql::column_result(value).map(Self::from_micros)
    }
}

/// The author's key in that column, which is empty for an alarm.
pub(super) fn author_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Key>> {
    let is_alarm = row.get_ref(column)?.as_blob().is_ok_and(<[u8]>::is_empty);
    if is_alarm { Ok(None) } else { row.get(column).map(Some) }
}

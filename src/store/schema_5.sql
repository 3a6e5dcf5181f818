-- Schema 5: the change feed, with sinks or without. Never changes once released.
ALTER TABLE meta ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;   -- number of the newest change
CREATE TABLE changes(
    first INTEGER PRIMARY KEY,      -- number of the first change in the row
    count INTEGER NOT NULL,
    at INTEGER NOT NULL, steady INTEGER NOT NULL,
    entries BLOB NOT NULL           -- see feed.rs
);

-- Schema 4: keys under the store's secret, steady time, releases of replies.
-- Made from schema 3 by migrate.rs; never changes once released.
CREATE TABLE meta_4(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    next_seq INTEGER NOT NULL,      -- the next item's; next_seq - 1 items were ever stored
    flushed_to INTEGER NOT NULL,    -- items up to this seq are in key_log
    announced_0 INTEGER NOT NULL, announced_1 INTEGER NOT NULL, announced_2 INTEGER NOT NULL,
    announced_3 INTEGER NOT NULL,   -- outbox rows ever written, per lane
    secret BLOB NOT NULL,           -- 16 bytes: of every key in this store
    steady INTEGER NOT NULL,        -- steady time at the last write
    wall INTEGER,                   -- the wall clock then; NULL before the first write
    wall_offset INTEGER,            -- wall time minus steady time, as last accepted
    boot TEXT, uptime INTEGER       -- the machine's boot, and how long it had run, at the last write
);
CREATE TABLE items_4(
    seq INTEGER PRIMARY KEY, id BLOB NOT NULL, team INTEGER NOT NULL, brand INTEGER NOT NULL,
    state INTEGER NOT NULL, lane INTEGER NOT NULL, score INTEGER NOT NULL,
    created_at INTEGER NOT NULL, created_steady INTEGER NOT NULL, due_at INTEGER NOT NULL,
    updated_at INTEGER,             -- NULL: never, since it was made
    post BLOB NOT NULL, author BLOB NOT NULL,
    size INTEGER NOT NULL, authors INTEGER NOT NULL, revision INTEGER NOT NULL,
    holder TEXT, lease_until INTEGER, lease_steady INTEGER, closed_steady INTEGER,
    packed BLOB NOT NULL,           -- cluster, factors and author history, see rows.rs
    body BLOB NOT NULL,             -- see model/body.rs
    reply TEXT
);
CREATE TABLE seen_4(n INTEGER PRIMARY KEY, steady INTEGER NOT NULL, keys BLOB NOT NULL);
CREATE TABLE joined_4(n INTEGER PRIMARY KEY, steady INTEGER NOT NULL, entries BLOB NOT NULL);
CREATE TABLE ledger_4(
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, steady INTEGER NOT NULL,
    post BLOB NOT NULL, author BLOB NOT NULL, conversation BLOB NOT NULL,
    rule TEXT NOT NULL, account TEXT NOT NULL, verdict INTEGER NOT NULL, guard TEXT
);
CREATE TABLE reply_switch_4(
    n INTEGER PRIMARY KEY, armed INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
    steady INTEGER NOT NULL
);
CREATE TABLE dead_letters_4(
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, steady INTEGER NOT NULL, sink TEXT NOT NULL, id BLOB NOT NULL,
    lane INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL
);

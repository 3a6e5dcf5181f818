-- Schema 3: the first whose stores are carried on. Never changes.
CREATE TABLE meta(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    next_seq INTEGER NOT NULL,      -- the next item's; next_seq - 1 items were ever stored
    flushed_to INTEGER NOT NULL,    -- items up to this seq are in key_log
    announced_0 INTEGER NOT NULL, announced_1 INTEGER NOT NULL, announced_2 INTEGER NOT NULL,
    announced_3 INTEGER NOT NULL    -- outbox rows ever written, per lane
);
INSERT INTO meta VALUES (1, 1, 0, 0, 0, 0, 0);
CREATE TABLE names(n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE items(
    seq INTEGER PRIMARY KEY, id INTEGER NOT NULL, team INTEGER NOT NULL, brand INTEGER NOT NULL,
    state INTEGER NOT NULL, lane INTEGER NOT NULL, score INTEGER NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
    updated_at INTEGER,             -- NULL: never, since it was made
    post INTEGER NOT NULL, author INTEGER NOT NULL,
    size INTEGER NOT NULL, authors INTEGER NOT NULL, revision INTEGER NOT NULL,
    holder TEXT, lease_until INTEGER, closed_at INTEGER,
    packed BLOB NOT NULL,           -- cluster, factors and author history, see rows.rs
    body BLOB NOT NULL,             -- see model/body.rs
    reply TEXT
);
CREATE INDEX items_open ON items(team, state, lane, created_at, due_at) WHERE state < 3;
CREATE INDEX items_lease ON items(lease_until) WHERE state = 1;
CREATE INDEX items_closed ON items(closed_at, state, team) WHERE state >= 3;
CREATE TABLE key_log(n INTEGER PRIMARY KEY, entries BLOB NOT NULL);
CREATE TABLE key_flushes(n INTEGER PRIMARY KEY, seq_min INTEGER NOT NULL, seq_max INTEGER NOT NULL);
CREATE TABLE history(
    n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL,
    agent TEXT NOT NULL, action TEXT NOT NULL, detail TEXT
);
CREATE INDEX history_seq ON history(seq);
CREATE TABLE handoffs(team INTEGER PRIMARY KEY, handed_in INTEGER NOT NULL, handed_out INTEGER NOT NULL);
CREATE TABLE positions(source TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE seen(n INTEGER PRIMARY KEY, at INTEGER NOT NULL, keys BLOB NOT NULL);
CREATE TABLE joined(n INTEGER PRIMARY KEY, at INTEGER NOT NULL, entries BLOB NOT NULL);
CREATE TABLE ledger(
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, post INTEGER NOT NULL, author INTEGER NOT NULL,
    conversation INTEGER NOT NULL, rule TEXT NOT NULL, account TEXT NOT NULL,
    verdict INTEGER NOT NULL, guard TEXT
);
CREATE TABLE reply_switch(
    n INTEGER PRIMARY KEY, armed INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE outbox(n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE sinks(
    name TEXT NOT NULL, lane INTEGER NOT NULL, start INTEGER NOT NULL, cursor INTEGER NOT NULL,
    dead INTEGER NOT NULL, PRIMARY KEY (name, lane)
) WITHOUT ROWID;
CREATE TABLE dead_letters(
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, sink TEXT NOT NULL, id INTEGER NOT NULL,
    lane INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL
);

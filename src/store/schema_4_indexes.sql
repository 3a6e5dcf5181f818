-- The end of the step to schema 4: the new tables take the places of the old ones.
DROP TABLE meta; ALTER TABLE meta_4 RENAME TO meta;
DROP TABLE items; ALTER TABLE items_4 RENAME TO items;
DROP TABLE seen; ALTER TABLE seen_4 RENAME TO seen;
DROP TABLE joined; ALTER TABLE joined_4 RENAME TO joined;
DROP TABLE ledger; ALTER TABLE ledger_4 RENAME TO ledger;
DROP TABLE reply_switch; ALTER TABLE reply_switch_4 RENAME TO reply_switch;
DROP TABLE dead_letters; ALTER TABLE dead_letters_4 RENAME TO dead_letters;
CREATE INDEX items_open ON items(team, state, lane, created_at, due_at) WHERE state < 3;
CREATE INDEX items_lease ON items(lease_steady) WHERE state = 1;
CREATE INDEX items_closed ON items(closed_steady, state, team) WHERE state >= 3;
CREATE INDEX ledger_opt_outs ON ledger(author) WHERE guard = 'opt_out';

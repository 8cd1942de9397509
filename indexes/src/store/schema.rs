//! The tables, and how a file of an earlier version becomes one of this version.
//!
//! `revised` and `tombstones` say what generations on disk do not know yet: memories that changed, and memories that are
//! gone. Both are cleared when a generation that knows it has been published; `settled` names that generation, so that
//! an older one, or one of another store, is not taken for it.

use super::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// The steps from each layout to the next. A step is never changed once it has been released; new ones are added.
const STEPS: [&str; 1] = ["
CREATE TABLE spaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL) STRICT;
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE memories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space INTEGER NOT NULL REFERENCES spaces (id), span INTEGER NOT NULL,
    trajectory INTEGER NOT NULL, step INTEGER NOT NULL, frame INTEGER NOT NULL, time_s INTEGER NOT NULL,
    dungeon INTEGER NOT NULL, floor INTEGER NOT NULL, layout INTEGER NOT NULL, picture INTEGER NOT NULL,
    foe INTEGER NOT NULL, keys INTEGER NOT NULL,
    skill INTEGER NOT NULL REFERENCES names (id), action INTEGER NOT NULL REFERENCES names (id),
    steps INTEGER NOT NULL, floors INTEGER NOT NULL, is_lost INTEGER NOT NULL, hp_lost INTEGER NOT NULL,
    hp_lost_share REAL NOT NULL, foes INTEGER NOT NULL, items INTEGER NOT NULL,
    seen INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX memories_by_silo ON memories (space, span, id);
CREATE INDEX memories_by_step ON memories (space, span, trajectory, step);
CREATE INDEX memories_by_layout ON memories (space, span, layout) WHERE layout <> 0 AND keys & 1;
CREATE TABLE vectors (
    memory INTEGER PRIMARY KEY REFERENCES memories (id) ON DELETE CASCADE, vector BLOB NOT NULL, detail BLOB
) STRICT;
CREATE TABLE revised (
    stamp INTEGER PRIMARY KEY AUTOINCREMENT,
    memory INTEGER NOT NULL UNIQUE REFERENCES memories (id) ON DELETE CASCADE
) STRICT;
CREATE TABLE tombstones (memory INTEGER PRIMARY KEY, space INTEGER NOT NULL, span INTEGER NOT NULL) STRICT;
CREATE INDEX tombstones_by_silo ON tombstones (space, span, memory);
CREATE TABLE settled (
    space INTEGER NOT NULL REFERENCES spaces (id), span INTEGER NOT NULL, generation INTEGER NOT NULL,
    PRIMARY KEY (space, span)
) STRICT, WITHOUT ROWID;
"];

/// The layout that this version writes.
pub(super) const LAYOUT: u32 = STEPS.len() as u32;

/// Makes the tables, or brings them up to date.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let unusable = |error| StoreError::Unusable { path: path.to_path_buf(), error };
    // Two processes may begin a store at the same moment.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unusable)?;
    let found = layout(&transaction).map_err(unusable)?;
    if found > LAYOUT {
        return Err(StoreError::OtherLayout { path: path.to_path_buf(), found, known: LAYOUT });
    }
    for step in STEPS.iter().skip(found as usize) {
        transaction.execute_batch(step).map_err(unusable)?;
    }
    transaction.pragma_update(None, "user_version", LAYOUT).map_err(unusable)?;
    transaction.commit().map_err(unusable)
}

/// Refuses a file that is no store of this layout.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = layout(connection).map_err(|error| StoreError::Unusable { path: path.to_path_buf(), error })?;
    match found == LAYOUT {
        true => Ok(()),
        // One of an earlier layout is brought up to date by whoever may write it.
        false => Err(StoreError::OtherLayout { path: path.to_path_buf(), found, known: LAYOUT }),
    }
}

fn layout(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

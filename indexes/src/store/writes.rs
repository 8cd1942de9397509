//! What changes the store. Each call is one transaction: all of it happens, or nothing.

use super::reads::SiloKey;
use super::rows::to_bytes;
use super::{Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use wire::recall::{Memory, NewMemory, Outcome, Space};

/// A change that a batch of memories brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A memory is new.
    Add {
        /// The memory, its id not yet known.
        memory: Memory,
        /// Its vector.
        vector: Vec<f32>,
        /// What else is kept of it.
        detail: Vec<u8>,
        /// How often it was seen.
        seen: u32,
    },
    /// A memory says no more than one that is known: that one was seen once more.
    Merge {
        /// The known one.
        id: u64,
        /// How often it was seen, this time included.
        seen: u32,
        /// When it was last seen, in seconds since 1970.
        time_s: u64,
        /// What came of it, over all the times.
        outcome: Outcome,
        /// What else is kept of it from now on; empty: what was kept.
        detail: Vec<u8>,
    },
}

/// What became of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is there under this id, and its names under these numbers.
    Added {
        /// Identity.
        id: u64,
        /// Number of the skill's name.
        skill: u32,
        /// Number of the action's name.
        action: u32,
    },
    /// It was counted; revisions are numbered in the order in which they were made.
    Merged {
        /// The revision's number.
        stamp: u64,
    },
    /// The one that it should have been merged with is gone.
    Gone,
}

/// What a generation that was published knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled<'a> {
    /// Its number.
    pub generation: u64,
    /// It knows all revisions up to this one.
    pub stamp: u64,
    /// Forgotten memories that it does not hold.
    pub tombs: &'a [u64],
}

impl Store {
    /// The number of a space, which is entered where it is new.
    pub fn enter_space(&self, space: &Space) -> Result<u32, StoreError> {
        let writer = self.writer()?;
        let sql = "INSERT OR IGNORE INTO spaces (name, dimensions) VALUES (?1, ?2)";
        self.slow.time("enter a space", || writer.execute(sql, params![space.name, space.dimensions]))?;
        super::reads::space_number(&writer, space)?.ok_or_else(|| rusqlite::Error::QueryReturnedNoRows.into())
    }

    /// Makes changes, and says what became of each.
    pub fn apply(&self, space: u32, changes: &[Change]) -> Result<Vec<Changed>, StoreError> {
        self.write("keep memories", |transaction| {
            changes.iter().map(|change| make(transaction, space, change)).collect()
        })
    }

    /// Forgets memories; a tombstone says so to the generations that still hold them.
    pub fn forget(&self, silo: SiloKey, ids: &[u64]) -> Result<(), StoreError> {
        self.write("forget memories", |transaction| {
            let mut bury = transaction
                .prepare_cached("INSERT OR IGNORE INTO tombstones (memory, space, span) VALUES (?1, ?2, ?3)")?;
            let mut remove = transaction.prepare_cached("DELETE FROM memories WHERE id = ?1")?;
            for id in ids {
                bury.execute(params![id.cast_signed(), silo.space, silo.span])?;
                remove.execute([id.cast_signed()])?;
            }
            Ok(())
        })
    }

    /// A generation of a silo was published.
    pub fn settle(&self, silo: SiloKey, settled: &Settled<'_>) -> Result<(), StoreError> {
        self.write("settle a silo", |transaction| {
            let sql = "DELETE FROM revised WHERE stamp <= ?1 \
                       AND memory IN (SELECT id FROM memories WHERE space = ?2 AND span = ?3)";
            transaction.execute(sql, params![settled.stamp.cast_signed(), silo.space, silo.span])?;
            let mut exhume = transaction.prepare_cached("DELETE FROM tombstones WHERE memory = ?1")?;
            for id in settled.tombs {
                exhume.execute([id.cast_signed()])?;
            }
            let sql = "INSERT OR REPLACE INTO settled (space, span, generation) VALUES (?1, ?2, ?3)";
            transaction.execute(sql, params![silo.space, silo.span, settled.generation.cast_signed()]).map(drop)
        })
    }

    /// Adds memories as they are, without those that are kept already: the same step of the same trajectory.
    pub fn import(&self, space: u32, memories: &[NewMemory]) -> Result<u64, StoreError> {
        self.write("import memories", |transaction| {
            let sql = "SELECT 1 FROM memories WHERE space = ?1 AND span = ?2 AND trajectory = ?3 AND step = ?4";
            let mut find = transaction.prepare_cached(sql)?;
            let mut added = 0;
            for NewMemory { memory, vector, detail } in memories {
                let place = params![space, memory.span, memory.trajectory.cast_signed(), memory.step.cast_signed()];
                if !find.exists(place)? {
                    keep(transaction, space, memory, 1, vector, detail)?;
                    added += 1;
                }
            }
            Ok(added)
        })
    }

    /// Gives the space of forgotten memories back to the disk and brings the file into order. Takes long.
    pub fn vacuum(&self) -> Result<(), StoreError> {
        Ok(self.writer()?.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;")?)
    }

    fn write<T>(
        &self,
        statement: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer()?;
        self.slow.time(statement, || {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }
}

fn make(connection: &Connection, space: u32, change: &Change) -> rusqlite::Result<Changed> {
    match change {
        Change::Add { memory, vector, detail, seen } => keep(connection, space, memory, *seen, vector, detail),
        Change::Merge { id, seen, time_s, outcome, detail } => {
            if !merge(connection, *id, *seen, *time_s, outcome)? {
                return Ok(Changed::Gone);
            }
            if !detail.is_empty() {
                let sql = "UPDATE vectors SET detail = ?2 WHERE memory = ?1";
                connection.prepare_cached(sql)?.execute(params![id.cast_signed(), detail])?;
            }
            let sql = "INSERT OR REPLACE INTO revised (memory) VALUES (?1)";
            connection.prepare_cached(sql)?.execute([id.cast_signed()])?;
            Ok(Changed::Merged { stamp: connection.last_insert_rowid().cast_unsigned() })
        }
    }
}

fn keep(
    connection: &Connection,
    space: u32,
    memory: &Memory,
    seen: u32,
    vector: &[f32],
    detail: &[u8],
) -> rusqlite::Result<Changed> {
    let (skill, action) = (name_number(connection, &memory.skill)?, name_number(connection, &memory.action)?);
    let id = add(connection, space, memory, seen, (skill, action))?;
    let detail = Some(detail).filter(|detail| !detail.is_empty());
    connection.prepare_cached("INSERT INTO vectors (memory, vector, detail) VALUES (?1, ?2, ?3)")?.execute(params![
        id,
        to_bytes(vector),
        detail
    ])?;
    Ok(Changed::Added { id: id.cast_unsigned(), skill, action })
}

fn add(connection: &Connection, space: u32, memory: &Memory, seen: u32, names: (u32, u32)) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO memories (space, span, trajectory, step, frame, time_s, dungeon, floor, layout, picture, foe, \
               keys, skill, action, steps, floors, is_lost, hp_lost, hp_lost_share, foes, items, seen) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";
    let outcome = &memory.outcome;
    connection.prepare_cached(sql)?.insert(params![
        space,
        memory.span,
        memory.trajectory.cast_signed(),
        memory.step.cast_signed(),
        memory.frame.cast_signed(),
        memory.time_s.cast_signed(),
        memory.dungeon,
        memory.floor,
        memory.layout.cast_signed(),
        memory.picture.cast_signed(),
        memory.foe,
        memory.keys.0,
        names.0,
        names.1,
        outcome.steps,
        outcome.floors,
        outcome.is_lost,
        outcome.hp_lost,
        outcome.hp_lost_share,
        outcome.foes,
        outcome.items,
        seen
    ])
}

fn merge(connection: &Connection, id: u64, seen: u32, time_s: u64, outcome: &Outcome) -> rusqlite::Result<bool> {
    let sql = "UPDATE memories SET seen = ?10, time_s = max(time_s, ?2), steps = ?3, floors = ?4, is_lost = ?5, \
               hp_lost = ?6, hp_lost_share = ?7, foes = ?8, items = ?9 WHERE id = ?1";
    let Outcome { steps, floors, is_lost, hp_lost, hp_lost_share, foes, items } = *outcome;
    let time_s = time_s.cast_signed();
    let values = params![id.cast_signed(), time_s, steps, floors, is_lost, hp_lost, hp_lost_share, foes, items, seen];
    Ok(connection.prepare_cached(sql)?.execute(values)? == 1)
}

fn name_number(connection: &Connection, name: &str) -> rusqlite::Result<u32> {
    let known = connection
        .prepare_cached("SELECT id FROM names WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    match known {
        Some(number) => Ok(number),
        None => connection
            .prepare_cached("INSERT INTO names (name) VALUES (?1) RETURNING id")?
            .query_row([name], |row| row.get(0)),
    }
}

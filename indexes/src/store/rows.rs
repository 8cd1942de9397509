//! A memory as the store keeps it.

use rusqlite::Row;
use wire::recall::{KeyMoments, Memory, Outcome};

/// The columns that [`Record::read`] reads, in its order.
pub(super) const COLUMNS: &str = "memories.id, span, trajectory, step, frame, time_s, dungeon, floor, layout, picture, foe, keys, \
     skill, action, steps, floors, is_lost, hp_lost, hp_lost_share, foes, items, seen";

/// A memory, its names as the numbers under which the store keeps them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The memory; its `skill` and `action` are empty.
    pub memory: Memory,
    /// Number of its skill's name.
    pub skill: u32,
    /// Number of its action's name.
    pub action: u32,
    /// How often it was seen.
    pub seen: u32,
}

impl Record {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
        let outcome = Outcome {
            steps: row.get(14)?,
            floors: row.get(15)?,
            is_lost: row.get(16)?,
            hp_lost: row.get(17)?,
            hp_lost_share: row.get(18)?,
            foes: row.get(19)?,
            items: row.get(20)?,
        };
        let memory = Memory {
            id: unsigned(row, 0)?,
            span: row.get(1)?,
            trajectory: unsigned(row, 2)?,
            step: unsigned(row, 3)?,
            frame: unsigned(row, 4)?,
            time_s: unsigned(row, 5)?,
            dungeon: row.get(6)?,
            floor: row.get(7)?,
            layout: unsigned(row, 8)?,
            picture: unsigned(row, 9)?,
            foe: row.get(10)?,
            keys: KeyMoments(row.get(11)?),
            skill: String::new(),
            action: String::new(),
            outcome,
        };
        Ok(Record { memory, skill: row.get(12)?, action: row.get(13)?, seen: row.get(21)? })
    }
}

/// SQLite's integers are signed; the bits are kept.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// A vector's bytes: 32-bit floats, least significant byte first.
pub(super) fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The reverse, onto the end of `rows`.
pub(super) fn extend_from_bytes(rows: &mut Vec<f32>, bytes: &[u8]) {
    rows.extend(bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)));
}

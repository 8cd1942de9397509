//! What is read from the store. A long look is cut into pages, so that it holds nobody up: a reader that stays open
//! keeps the write-ahead log from being emptied.

use super::rows::{COLUMNS, Record, extend_from_bytes, unsigned};
use super::{Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, params};
use wire::recall::Space;

/// Records that are read at once.
pub const PAGE: usize = 4_096;

/// The memories of one silo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiloKey {
    /// Number of the space.
    pub space: u32,
    /// Steps that a clip spans.
    pub span: u32,
}

/// Records with their vectors, row after row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// In the order of their ids.
    pub records: Vec<Record>,
    /// As many numbers for each as its space has dimensions.
    pub rows: Vec<f32>,
    /// The last id that was read, whether or not its memory is whole; `None`: there is no more.
    pub last_id: Option<u64>,
}

impl Store {
    /// The spaces, each with its number.
    pub fn spaces(&self) -> Result<Vec<(u32, Space)>, StoreError> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached("SELECT id, name, dimensions FROM spaces ORDER BY id")?;
        let space = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Space { name: row.get(1)?, dimensions: row.get(2)? }));
        let spaces = statement.query_map([], space)?.collect::<rusqlite::Result<_>>()?;
        Ok(spaces)
    }

    /// The number of a space, where it is known.
    pub fn space_number(&self, space: &Space) -> Result<Option<u32>, StoreError> {
        space_number(&*self.reader()?, space)
    }

    /// The names, each with its number, from the one after this on.
    pub fn names(&self, after: u32) -> Result<Vec<(u32, String)>, StoreError> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached("SELECT id, name FROM names WHERE id > ?1 ORDER BY id")?;
        let names = statement.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    /// A page of records after this id, up to and with that one.
    pub fn records(&self, silo: SiloKey, after: u64, through: u64) -> Result<Vec<Record>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM memories WHERE space = ?1 AND span = ?2 AND memories.id > ?3 AND memories.id <= ?4 \
             ORDER BY memories.id LIMIT {PAGE}"
        );
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(&sql)?;
        let values = params![silo.space, silo.span, after.cast_signed(), limited(through)];
        let records = statement.query_map(values, Record::read)?;
        Ok(records.collect::<rusqlite::Result<_>>()?)
    }

    /// The same with their vectors. A vector that is damaged is left out with its record.
    pub fn page(&self, silo: SiloKey, dimensions: usize, after: u64, through: u64) -> Result<Page, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, vector FROM memories JOIN vectors ON vectors.memory = memories.id \
             WHERE space = ?1 AND span = ?2 AND memories.id > ?3 AND memories.id <= ?4 ORDER BY memories.id LIMIT {PAGE}"
        );
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(&sql)?;
        let mut rows = statement.query(params![silo.space, silo.span, after.cast_signed(), limited(through)])?;
        let mut page = Page::default();
        while let Some(row) = rows.next()? {
            let vector = row.get_ref(22)?.as_blob().map_err(rusqlite::Error::from)?;
            let begin = page.rows.len();
            page.last_id = Some(unsigned(row, 0)?);
            extend_from_bytes(&mut page.rows, vector);
            match is_vector(vector.len(), dimensions, page.rows.get(begin..).unwrap_or_default()) {
                true => page.records.push(Record::read(row)?),
                false => page.rows.truncate(begin),
            }
        }
        Ok(page)
    }

    /// One memory's record and its vector; one whose vector is damaged is not found.
    pub fn whole(&self, id: u64, dimensions: usize) -> Result<Option<(Record, Vec<f32>)>, StoreError> {
        let Some(record) = self.record(id)? else { return Ok(None) };
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached("SELECT vector FROM vectors WHERE memory = ?1")?;
        let bytes = statement.query_row([id.cast_signed()], |row| row.get::<_, Vec<u8>>(0)).optional()?;
        let mut vector = Vec::new();
        extend_from_bytes(&mut vector, bytes.as_deref().unwrap_or_default());
        let is_whole = is_vector(bytes.map_or(0, |bytes| bytes.len()), dimensions, &vector);
        Ok(is_whole.then_some((record, vector)))
    }

    /// The space of a memory.
    pub fn space_of(&self, id: u64) -> Result<Option<Space>, StoreError> {
        let sql = "SELECT name, dimensions FROM spaces WHERE id = (SELECT space FROM memories WHERE id = ?1)";
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(sql)?;
        let space = |row: &rusqlite::Row<'_>| Ok(Space { name: row.get(0)?, dimensions: row.get(1)? });
        Ok(statement.query_row([id.cast_signed()], space).optional()?)
    }

    /// The generation that a silo's revisions and tombstones follow; `None`: none was made from this store.
    pub fn settled(&self, silo: SiloKey) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT generation FROM settled WHERE space = ?1 AND span = ?2";
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(sql)?;
        Ok(statement.query_row(params![silo.space, silo.span], |row| unsigned(row, 0)).optional()?)
    }

    /// One memory's record.
    pub fn record(&self, id: u64) -> Result<Option<Record>, StoreError> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(&format!("SELECT {COLUMNS} FROM memories WHERE id = ?1"))?;
        Ok(statement.query_row([id.cast_signed()], Record::read).optional()?)
    }

    /// The arrival on a floor that is laid out so, where one is kept.
    pub fn arrival(&self, silo: SiloKey, layout: u64) -> Result<Option<Record>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM memories WHERE space = ?1 AND span = ?2 AND layout = ?3 AND layout <> 0 AND keys & 1 \
             ORDER BY memories.id DESC LIMIT 1"
        );
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(&sql)?;
        Ok(statement.query_row(params![silo.space, silo.span, layout.cast_signed()], Record::read).optional()?)
    }

    /// What else is kept of a memory; `None`: there is no such memory.
    pub fn detail(&self, id: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let reader = self.reader()?;
        self.slow.time("fetch a detail", || {
            let mut statement = reader.prepare_cached("SELECT detail FROM vectors WHERE memory = ?1")?;
            let detail = statement.query_row([id.cast_signed()], |row| row.get::<_, Option<Vec<u8>>>(0)).optional()?;
            Ok(detail.map(Option::unwrap_or_default))
        })
    }

    /// How many memories of a silo come after this id.
    pub fn count(&self, silo: SiloKey, after: u64) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM memories WHERE space = ?1 AND span = ?2 AND id > ?3";
        let values = params![silo.space, silo.span, after.cast_signed()];
        Ok(self.reader()?.prepare_cached(sql)?.query_row(values, |row| unsigned(row, 0))?)
    }

    /// The highest id of a silo; 0 where it is empty.
    pub fn last_id(&self, silo: SiloKey) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(id), 0) FROM memories WHERE space = ?1 AND span = ?2";
        let values = params![silo.space, silo.span];
        Ok(self.reader()?.prepare_cached(sql)?.query_row(values, |row| unsigned(row, 0))?)
    }

    /// The memories of a silo that changed since its generation was made, each with its revision's number.
    pub fn revised(&self, silo: SiloKey) -> Result<Vec<(u64, Record)>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, stamp FROM revised JOIN memories ON memories.id = revised.memory \
             WHERE space = ?1 AND span = ?2 ORDER BY stamp"
        );
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(&sql)?;
        let revised =
            statement.query_map(params![silo.space, silo.span], |row| Ok((unsigned(row, 22)?, Record::read(row)?)))?;
        Ok(revised.collect::<rusqlite::Result<_>>()?)
    }

    /// The newest revision's number over all silos; 0 where there is none.
    pub fn last_stamp(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(stamp), 0) FROM revised";
        Ok(self.reader()?.prepare_cached(sql)?.query_row([], |row| unsigned(row, 0))?)
    }

    /// The forgotten memories of a silo that a generation may still hold.
    pub fn tombstones(&self, silo: SiloKey) -> Result<Vec<u64>, StoreError> {
        let reader = self.reader()?;
        let mut statement =
            reader.prepare_cached("SELECT memory FROM tombstones WHERE space = ?1 AND span = ?2 ORDER BY memory")?;
        let ids = statement.query_map(params![silo.space, silo.span], |row| unsigned(row, 0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// What SQLite finds wrong with the file; empty where it is whole. Reads all of it.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        let reader = self.reader()?;
        let mut statement = reader.prepare("PRAGMA integrity_check(16)")?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }
}

pub(super) fn space_number(connection: &Connection, space: &Space) -> Result<Option<u32>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, dimensions FROM spaces WHERE name = ?1")?;
    match statement.query_row([&space.name], |row| Ok((row.get(0)?, row.get(1)?))).optional()? {
        None => Ok(None),
        Some((number, known)) if known == space.dimensions => Ok(Some(number)),
        Some((_, known)) => {
            Err(StoreError::OtherDimensions { name: space.name.clone(), known, given: space.dimensions })
        }
    }
}

fn is_vector(bytes: usize, dimensions: usize, values: &[f32]) -> bool {
    bytes == dimensions * size_of::<f32>()
        && values.iter().all(|value| value.is_finite())
        && values.iter().any(|value| *value != 0.0)
}

fn limited(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

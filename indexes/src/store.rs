//! The experience store: every memory with its vector, in one SQLite file. It is the truth; silos are made from it.
//!
//! Invariants: one connection writes, and what a call has written is on the disk when it returns (WAL, synchronous
//! FULL); ids are never given twice; a reader never waits for the writer. A memory's record and its vector are kept in
//! tables of their own, so that a look through all records reads a tenth of the file.

use r2d2::{Pool, PooledConnection};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use slow::Stopwatch;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub mod reads;
pub mod rows;
mod schema;
pub mod slow;
pub mod writes;

/// The file's name within the folder of the silos.
pub const STORE_FILE: &str = "experience.sqlite";
/// Connections that read at once.
const READERS: u32 = 4;
/// A statement waits this long for another process that has the file locked.
const BUSY: Duration = Duration::from_secs(5);
/// A reader waits this long for a free connection.
const READER_WAIT: Duration = Duration::from_secs(5);
/// Statements that are kept prepared on each connection.
const PREPARED: usize = 64;

/// Why the experience store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened, or is no experience store.
    #[error("{}: {error}; move it away to begin a new one", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// Another version of PocketPilot wrote it.
    #[error("{} has layout {found}, and this version knows {known}; use the version that wrote it", path.display())]
    OtherLayout {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u32,
        /// The newest one that is known.
        known: u32,
    },
    /// A statement failed.
    #[error("experience store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// No connection became free.
    #[error("experience store: no connection became free: {0}")]
    Pool(#[from] r2d2::Error),
    /// It was opened for reading.
    #[error("the experience store is open for reading only")]
    ReadOnly,
    /// The space is known with another number of dimensions.
    #[error("space {name} has {known} dimensions, not {given}")]
    OtherDimensions {
        /// The space.
        name: String,
        /// As it is kept.
        known: u32,
        /// As it was asked for.
        given: u32,
    },
}

/// The open store.
#[derive(Debug)]
pub struct Store {
    writer: Option<Mutex<Connection>>,
    readers: Pool<SqliteConnectionManager>,
    slow: Stopwatch,
}

impl Store {
    /// Opens the file, or begins it where it may be written. A store that is not there and may not be written is empty.
    pub fn open(path: &Path, is_writable: bool) -> Result<Store, StoreError> {
        let unusable = |error| StoreError::Unusable { path: path.to_path_buf(), error };
        if !is_writable && !path.exists() {
            return Store::empty();
        }
        let writer = match is_writable {
            true => {
                let mut connection = Connection::open(path).map_err(unusable)?;
                configure(&connection).and_then(|()| durable(&connection)).map_err(unusable)?;
                schema::prepare(&mut connection, path)?;
                Some(Mutex::new(connection))
            }
            false => None,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // The pool would try again and again where this fails at once.
        schema::check(&Connection::open_with_flags(path, flags).map_err(unusable)?, path)?;
        let manager =
            SqliteConnectionManager::file(path).with_flags(flags).with_init(|connection| configure(connection));
        let store = Store { writer, readers: pool(manager)?, slow: Stopwatch::default() };
        Ok(store)
    }

    /// A store that holds nothing and takes nothing.
    fn empty() -> Result<Store, StoreError> {
        let readers = pool(SqliteConnectionManager::memory().with_init(|connection| configure(connection)))?;
        schema::prepare(&mut *readers.get()?, Path::new(STORE_FILE))?;
        Ok(Store { writer: None, readers, slow: Stopwatch::default() })
    }

    /// Whether memories can be added.
    pub fn is_writable(&self) -> bool {
        self.writer.is_some()
    }

    /// How long statements take.
    pub fn stopwatch(&self) -> &Stopwatch {
        &self.slow
    }

    fn reader(&self) -> Result<PooledConnection<SqliteConnectionManager>, StoreError> {
        Ok(self.readers.get()?)
    }

    fn writer(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        // A connection whose user panicked has no transaction left: those are rolled back when they are dropped.
        Ok(self.writer.as_ref().ok_or(StoreError::ReadOnly)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn pool(manager: SqliteConnectionManager) -> Result<Pool<SqliteConnectionManager>, StoreError> {
    let builder = Pool::builder().max_size(READERS).min_idle(Some(1)).connection_timeout(READER_WAIT);
    // A connection to a file does not go bad while it lies idle.
    Ok(builder.test_on_check_out(false).idle_timeout(None).max_lifetime(None).build(manager)?)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "cache_size", -8_192)
}

fn durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))
}

#[cfg(test)]
pub(crate) mod tests;

//! The registry's file: a SQLite database in WAL mode.
//!
//! Each change is one transaction, so a process that is killed in the midst of one leaves either
//! all of it or nothing, and the locks it had are given back by the kernel. With
//! `synchronous = NORMAL` a power cut may undo the last changes, and never damages the file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::{Error, Result, StateDir, damage};

/// The format of the tables below (`user_version`).
const FORMAT: i64 = 1;

/// How long a process waits for the others' transactions, each of which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// `address` is null for a lease on the two loopback addresses. A `WITHOUT ROWID` table keeps its
/// rows in the order of the key: to find one is to read one page.
const SCHEMA: &str = "
    CREATE TABLE leases (
        checkout BLOB NOT NULL,
        service TEXT NOT NULL,
        name TEXT NOT NULL,
        address TEXT,
        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
        created INTEGER NOT NULL,
        used INTEGER NOT NULL,
        holdable INTEGER NOT NULL DEFAULT 1,
        holder_pid INTEGER,
        holder_start INTEGER,
        holder_inode INTEGER,
        PRIMARY KEY (checkout, service, name)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX leases_by_port ON leases (port) WHERE address IS NULL;
    CREATE TABLE pids (
        port INTEGER PRIMARY KEY CHECK (port BETWEEN 1 AND 65535),
        pid INTEGER NOT NULL,
        start INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE stacks (
        identity BLOB NOT NULL,
        wanted TEXT NOT NULL,
        name TEXT NOT NULL UNIQUE,
        PRIMARY KEY (identity, wanted)
    ) STRICT, WITHOUT ROWID;
";

/// What a piece of work on the database may fail with.
pub(crate) enum Failure {
    /// SQLite refused.
    Sql(rusqlite::Error),
    /// The work itself has no result.
    Ours(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<wharf_host::Error> for Failure {
    fn from(error: wharf_host::Error) -> Self {
        Self::Ours(error.into())
    }
}

/// The open database.
#[derive(Debug)]
pub(crate) struct Database {
    files: Files,
    connection: Mutex<Connection>,
}

impl Database {
    /// Opens the database in `directory`, and makes it when there is none. A damaged one is set
    /// aside first.
    pub(crate) fn open(directory: &StateDir) -> Result<Self> {
        directory.create()?;
        let files = Files::in_dir(directory.path());
        let connection = match files.connect() {
            Ok(connection) => connection,
            Err(Failure::Sql(error)) if is_damage(&error) => files.replace()?,
            Err(failure) => return Err(files.explain("open the registry", failure)),
        };
        Ok(Self {
            files,
            connection: Mutex::new(connection),
        })
    }

    /// Reads, in no transaction: one statement sees one state.
    pub(crate) fn read<T>(
        &self,
        operation: &'static str,
        work: impl Fn(&Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        self.run(operation, |connection| work(connection))
    }

    /// Does `work` in one transaction that no other process writes during.
    ///
    /// `work` may be done twice, when the first time shows that the file is damaged.
    pub(crate) fn write<T>(
        &self,
        operation: &'static str,
        mut work: impl FnMut(&Transaction<'_>) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        self.run(operation, |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    fn run<T>(
        &self,
        operation: &'static str,
        mut work: impl FnMut(&mut Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let mut connection = self.connection();
        let mut result = work(&mut connection);
        if let Err(Failure::Sql(error)) = &result
            && is_damage(error)
        {
            *connection = self.files.replace()?;
            result = work(&mut connection);
        }
        result.map_err(|failure| self.files.explain(operation, failure))
    }

    /// A thread that panicked meanwhile has rolled its transaction back.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `error` says that the file is not what SQLite wrote.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// The database's file, and the one by whose lock it is made and replaced.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) database: PathBuf,
    lock: PathBuf,
}

impl Files {
    fn in_dir(directory: &Path) -> Self {
        Self {
            database: directory.join(StateDir::DATABASE),
            lock: directory.join("leases.lock"),
        }
    }

    /// Opens the file, and makes its tables when it has none.
    fn connect(&self) -> std::result::Result<Connection, Failure> {
        let mut connection = open(&self.database)?;
        if self.is_ready(&connection)? {
            return Ok(connection);
        }
        // Turning WAL on fails at once, without waiting, while another process is about it too.
        let _lock = self.lock()?;
        self.make_tables(&mut connection)?;
        Ok(connection)
    }

    /// Whether the tables are there.
    fn is_ready(&self, connection: &Connection) -> std::result::Result<bool, Failure> {
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > FORMAT {
            let path = self.database.clone();
            return Err(Error::Newer {
                path,
                found,
                known: FORMAT,
            }
            .into());
        }
        Ok(found == FORMAT)
    }

    fn make_tables(&self, connection: &mut Connection) -> std::result::Result<(), Failure> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !self.is_ready(&transaction)? {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Sets the damaged file aside and opens a new one, with all the rows that can be read from
    /// the old. When another process has done so already, opens what it made.
    fn replace(&self) -> Result<Connection> {
        let _lock = self.lock()?;
        let operation = "rebuild the registry";
        let explain = |failure| self.explain(operation, failure);
        if let Ok(connection) = open(&self.database)
            && damage::is_sound(&connection)
            && matches!(self.is_ready(&connection), Ok(true))
        {
            return Ok(connection);
        }
        let aside = damage::set_aside(&self.database)?;
        let mut connection = open(&self.database).map_err(|error| explain(error.into()))?;
        self.make_tables(&mut connection).map_err(explain)?;
        damage::salvage(&mut connection, &aside).map_err(|error| explain(error.into()))?;
        Ok(connection)
    }

    /// Waits for the lock; the kernel gives it back when its holder dies.
    fn lock(&self) -> Result<File> {
        let fail = |source| Error::StateDir {
            operation: "lock",
            path: self.lock.clone(),
            source,
        };
        let file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.lock)
            .map_err(fail)?;
        #[cfg(unix)]
        rustix::io::retry_on_intr(|| rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive))
            .map_err(|errno| fail(errno.into()))?;
        Ok(file)
    }

    /// SQLite's codes in words, with the path.
    fn explain(&self, operation: &'static str, failure: Failure) -> Error {
        let path = self.database.clone();
        match failure {
            Failure::Ours(error) => error,
            Failure::Sql(source) => match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Error::DiskFull { operation, path },
                Some(ErrorCode::ReadOnly) => Error::ReadOnly { operation, path },
                // These two also say "I cannot make the files beside it".
                Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => match room_beside(&path) {
                    Room::None => Error::DiskFull { operation, path },
                    Room::ReadOnly => Error::ReadOnly { operation, path },
                    Room::Some => Error::Database {
                        operation,
                        path,
                        source,
                    },
                },
                _ => Error::Database {
                    operation,
                    path,
                    source,
                },
            },
        }
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Whether files can be made beside the database.
enum Room {
    Some,
    None,
    ReadOnly,
}

#[cfg(unix)]
fn room_beside(path: &Path) -> Room {
    /// Less than SQLite needs beside a database: the index of its log has 32 KiB.
    const LEAST: u64 = 64 * 1024;
    let Some(directory) = path.parent() else {
        return Room::Some;
    };
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    let denied = rustix::fs::access(directory, access);
    if let Err(rustix::io::Errno::ROFS | rustix::io::Errno::ACCESS) = denied {
        return Room::ReadOnly;
    }
    match rustix::fs::statvfs(directory) {
        Ok(room) if room.f_bavail.saturating_mul(room.f_frsize) < LEAST => Room::None,
        _ => Room::Some,
    }
}

#[cfg(not(unix))]
fn room_beside(_: &Path) -> Room {
    Room::Some
}

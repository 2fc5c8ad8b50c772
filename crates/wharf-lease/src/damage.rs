//! A damaged database: set aside, never wiped, and rebuilt from what can be read of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{Error, Result};

/// So many damaged files may lie beside the database; a machine with more has another problem.
const MOST: u32 = 10_000;

/// The tables, and the columns that are worth taking over: all but who holds what.
const TABLES: [(&str, &str); 3] = [
    (
        "leases",
        "checkout, service, name, address, port, created, used, holdable",
    ),
    ("pids", "port, pid, start"),
    ("stacks", "identity, wanted, name"),
];

/// Whether SQLite finds nothing wrong with the whole file.
pub(crate) fn is_sound(connection: &Connection) -> bool {
    connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        .is_ok_and(|verdict| verdict == "ok")
}

/// Renames `database` to the first free of `leases.db.damaged-1`, `-2`, …; says to which.
///
/// The log goes first: were we killed in between, a new database would otherwise find the old
/// one's log beside it and take it for its own.
pub(crate) fn set_aside(database: &Path) -> Result<PathBuf> {
    let aside = (1..=MOST)
        .map(|number| with_suffix(database, &format!(".damaged-{number}")))
        .find(|aside| !["", "-wal"].iter().any(|end| with_suffix(aside, end).exists()))
        .ok_or_else(|| error(database, io::Error::other("too many damaged files beside it")))?;
    for end in ["-shm", "-wal", ""] {
        let from = with_suffix(database, end);
        match fs::rename(&from, with_suffix(&aside, end)) {
            Ok(()) => {}
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(error(&from, source)),
        }
    }
    Ok(aside)
}

/// Copies each row that can be read at `aside` and that does not contradict one that is there.
pub(crate) fn salvage(connection: &mut Connection, aside: &Path) -> rusqlite::Result<()> {
    // What cannot even be opened has no rows to give.
    let Ok(old) = Connection::open_with_flags(aside, OpenFlags::SQLITE_OPEN_READ_WRITE) else {
        return Ok(());
    };
    let transaction = connection.transaction()?;
    for (table, columns) in TABLES {
        copy(&old, &transaction, table, columns)?;
    }
    transaction.commit()
}

/// Copies one table as far as it can be read. Only the new database's errors are errors.
fn copy(old: &Connection, new: &Connection, table: &str, columns: &str) -> rusqlite::Result<()> {
    let count = columns.split(',').count();
    let marks = vec!["?"; count].join(", ");
    let mut write = new.prepare(&format!(
        "INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
    ))?;
    let Ok(mut read) = old.prepare(&format!("SELECT {columns} FROM {table}")) else {
        return Ok(());
    };
    let Ok(mut rows) = read.query([]) else {
        return Ok(());
    };
    while let Ok(Some(row)) = rows.next() {
        let values: rusqlite::Result<Vec<Value>> = (0..count).map(|n| row.get(n)).collect();
        let Ok(values) = values else { continue };
        match write.execute(rusqlite::params_from_iter(values)) {
            Ok(_) => {}
            // A value of the wrong type or out of bounds is damage too: that row alone is lost.
            Err(error) if is_refused_value(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_refused_value(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch)
    )
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn error(path: &Path, source: io::Error) -> Error {
    Error::StateDir {
        operation: "set aside the damaged registry",
        path: path.to_owned(),
        source,
    }
}

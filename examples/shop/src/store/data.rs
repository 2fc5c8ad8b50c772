//! The data, in SQLite, and what each request does to it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::LIST_MAX;

/// An open store.
#[derive(Debug)]
pub struct Data(Mutex<Connection>);

impl Data {
    /// Opens the store in a folder, and makes both where they are not there.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let file = folder.join("store.db");
        let named = |problem: String| io::Error::other(format!("open {}: {problem}", file.display()));
        fs::create_dir_all(folder).map_err(|error| named(error.to_string()))?;
        let connection = Connection::open(&file).map_err(|error| named(error.to_string()))?;
        let prepare = || {
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = NORMAL;
                 CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
            )
        };
        prepare().map_err(|error: rusqlite::Error| named(error.to_string()))?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Answers one line; the answer ends with a line break.
    pub fn answer(&self, line: &str) -> String {
        self.try_answer(line)
            .unwrap_or_else(|problem| format!("ERROR {problem}\n"))
    }

    fn try_answer(&self, line: &str) -> Result<String, String> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: rusqlite::Error| error.to_string().replace('\n', " ");
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "PING" => Ok("PONG\n".to_owned()),
            "NEXT" => {
                let sql = "INSERT INTO kv VALUES (?1, '1') ON CONFLICT (key)
                           DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value";
                let key = key(rest)?;
                let next: String = connection
                    .query_row(sql, [key], |row| row.get(0))
                    .map_err(failed)?;
                Ok(format!("VALUE {next}\n"))
            }
            "PUT" => {
                let (name, value) = rest.split_once(' ').ok_or("PUT takes a key and a value")?;
                let sql = "INSERT OR REPLACE INTO kv VALUES (?1, ?2)";
                connection
                    .execute(sql, params![key(name)?, value])
                    .map_err(failed)?;
                Ok("OK\n".to_owned())
            }
            "GET" => {
                let sql = "SELECT value FROM kv WHERE key = ?1";
                let value = connection.query_row(sql, [key(rest)?], |row| row.get::<_, String>(0));
                let value = value.optional().map_err(failed)?;
                Ok(value.map_or("NONE\n".to_owned(), |value| format!("VALUE {value}\n")))
            }
            "LIST" => {
                let (prefix, limit) = rest.split_once(' ').ok_or("LIST takes a prefix and a limit")?;
                let limit: u32 = limit.parse().map_err(|_| "LIST: the limit is no number")?;
                let sql = "SELECT key, value FROM kv WHERE substr(key, 1, length(?1)) = ?1
                           ORDER BY key DESC LIMIT ?2";
                let mut query = connection.prepare_cached(sql).map_err(failed)?;
                let row = |row: &rusqlite::Row<'_>| {
                    let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
                    Ok(format!("{key} {value}\n"))
                };
                let rows = query.query_map(params![key(prefix)?, limit.min(LIST_MAX)], row);
                let rows: Vec<String> = rows.and_then(Iterator::collect).map_err(failed)?;
                Ok(format!("VALUES {}\n{}", rows.len(), rows.concat()))
            }
            _ => Err("unknown request".to_owned()),
        }
    }
}

/// A key: something, and no blanks in it.
fn key(text: &str) -> Result<&str, &'static str> {
    match text {
        "" => Err("a key is missing"),
        _ if text.contains(char::is_whitespace) => Err("a key has no blanks"),
        _ => Ok(text),
    }
}

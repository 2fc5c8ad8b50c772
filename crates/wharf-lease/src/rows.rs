//! The rows of the registry, in SQL.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use crate::{Checkout, Key};

/// A lease as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is for.
    pub key: Key,
    /// The loopback address that is its alone; `None` when it is on both common ones.
    pub address: Option<Ipv4Addr>,
    /// The port.
    pub port: u16,
    /// When it was first given.
    pub created: SystemTime,
    /// When it was last asked for, to the hour.
    pub used: SystemTime,
    /// Whether its server can start while the port is held.
    pub holdable: bool,
}

/// A process and the socket by which it holds a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) start_time: u64,
    pub(crate) inode: u64,
}

/// `used` is written again only when it is older than this: most leases are only read.
const FRESH: Duration = Duration::from_secs(60 * 60);

const COLUMNS: &str = "checkout, service, name, address, port, created, used, holdable";

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let address: Option<String> = row.get(3)?;
    Ok(Row {
        key: Key {
            checkout: Checkout::recorded(path_of(row.get(0)?)),
            service: row.get(1)?,
            port: row.get(2)?,
        },
        address: address.and_then(|text| text.parse().ok()),
        port: row.get(4)?,
        created: time_of(row.get(5)?),
        used: time_of(row.get(6)?),
        holdable: row.get(7)?,
    })
}

pub(crate) fn find(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM leases WHERE checkout = ? AND service = ? AND name = ?"
        ))?
        .query_row(
            params![bytes_of(key.checkout.path()), key.service, key.port],
            read,
        )
        .optional()
}

pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    connection
        .prepare(&format!(
            "SELECT {COLUMNS} FROM leases ORDER BY checkout, service, name"
        ))?
        .query_map([], read)?
        .collect()
}

/// Puts a row in, in place of one that the key has.
pub(crate) fn insert(
    connection: &Connection,
    key: &Key,
    address: Option<Ipv4Addr>,
    port: u16,
) -> rusqlite::Result<Row> {
    let now = seconds(SystemTime::now());
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO leases ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 1)"
        ))?
        .execute(params![
            bytes_of(key.checkout.path()),
            key.service,
            key.port,
            address.map(|address| address.to_string()),
            port,
            now,
            now,
        ])?;
    Ok(Row {
        key: key.clone(),
        address,
        port,
        created: time_of(now),
        used: time_of(now),
        holdable: true,
    })
}

pub(crate) fn delete(connection: &Connection, key: &Key) -> rusqlite::Result<bool> {
    let deleted = connection.execute(
        "DELETE FROM leases WHERE checkout = ? AND service = ? AND name = ?",
        params![bytes_of(key.checkout.path()), key.service, key.port],
    )?;
    Ok(deleted > 0)
}

/// Whether `row` was asked for so long ago that it is worth writing that it is again.
pub(crate) fn is_stale(row: &Row) -> bool {
    row.used.elapsed().is_ok_and(|age| age > FRESH)
}

pub(crate) fn touch(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    update(connection, key, "used = ?4", seconds(SystemTime::now()))
}

pub(crate) fn set_unholdable(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    update(connection, key, "holdable = ?4", 0)
}

fn update(connection: &Connection, key: &Key, set: &str, value: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "UPDATE leases SET {set} WHERE checkout = ?1 AND service = ?2 AND name = ?3"
        ))?
        .execute(params![
            bytes_of(key.checkout.path()),
            key.service,
            key.port,
            value
        ])?;
    Ok(())
}

pub(crate) fn holder(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Holder>> {
    connection
        .prepare_cached(
            "SELECT holder_pid, holder_start, holder_inode FROM leases
             WHERE checkout = ? AND service = ? AND name = ? AND holder_pid IS NOT NULL",
        )?
        .query_row(
            params![bytes_of(key.checkout.path()), key.service, key.port],
            |row| {
                Ok(Holder {
                    pid: row.get(0)?,
                    start_time: row.get::<_, i64>(1)?.cast_unsigned(),
                    inode: row.get::<_, i64>(2)?.cast_unsigned(),
                })
            },
        )
        .optional()
}

pub(crate) fn set_holder(connection: &Connection, key: &Key, holder: Holder) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE leases SET holder_pid = ?4, holder_start = ?5, holder_inode = ?6
             WHERE checkout = ?1 AND service = ?2 AND name = ?3",
        )?
        .execute(params![
            bytes_of(key.checkout.path()),
            key.service,
            key.port,
            holder.pid,
            holder.start_time.cast_signed(),
            holder.inode.cast_signed(),
        ])?;
    Ok(())
}

/// The ports that are somebody's: leased on the common loopback addresses, or given to a pid.
pub(crate) fn taken_ports(connection: &Connection) -> rusqlite::Result<HashSet<u16>> {
    connection
        .prepare_cached("SELECT port FROM leases WHERE address IS NULL UNION SELECT port FROM pids")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Frees the leases of checkouts that are no more, to make room; says how many there were.
pub(crate) fn delete_of_vanished_checkouts(connection: &Connection) -> rusqlite::Result<usize> {
    let checkouts: Vec<Vec<u8>> = connection
        .prepare("SELECT DISTINCT checkout FROM leases")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut deleted = 0;
    for checkout in checkouts {
        // An error other than "not there" says nothing of the kind: the disk may be unplugged.
        if path_of(checkout.clone()).try_exists().is_ok_and(|exists| !exists) {
            deleted += connection.execute("DELETE FROM leases WHERE checkout = ?", [checkout])?;
        }
    }
    Ok(deleted)
}

#[cfg(unix)]
pub(crate) fn bytes_of(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
pub(crate) fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
pub(crate) fn bytes_of(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(not(unix))]
pub(crate) fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn time_of(seconds: i64) -> SystemTime {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH
        .checked_add(since)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

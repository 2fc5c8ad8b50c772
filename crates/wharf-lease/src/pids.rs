//! Ports that are given to a process for as long as it lives, for [`crate::portserver`].

use rusqlite::{Connection, params};
use wharf_host::process;

use crate::{Registry, Result};

/// A process, by what tells it from a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) pid: u32,
    pub(crate) start_time: u64,
}

/// Frees the ports of processes that are no more.
pub(crate) fn delete_dead(connection: &Connection) -> rusqlite::Result<()> {
    let given: Vec<(u16, Client)> = connection
        .prepare_cached("SELECT port, pid, start FROM pids")?
        .query_map([], |row| {
            let start_time = row.get::<_, i64>(2)?.cast_unsigned();
            Ok((
                row.get(0)?,
                Client {
                    pid: row.get(1)?,
                    start_time,
                },
            ))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (port, client) in given {
        if !process::is_alive(client.pid, client.start_time) {
            connection
                .prepare_cached("DELETE FROM pids WHERE port = ?")?
                .execute([port])?;
        }
    }
    Ok(())
}

impl Registry {
    /// A port for `client` that nobody has, TCP or UDP; tried from the `turn`-th on.
    pub(crate) fn lease_for_pid(&self, client: Client, turn: u64) -> Result<u16> {
        self.database()
            .write("lease a port for a process", |transaction| {
                delete_dead(transaction)?;
                // The client binds it itself, perhaps without SO_REUSEADDR: there is no hold.
                let (port, _) = self.choose(transaction, turn)?;
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO pids (port, pid, start) VALUES (?, ?, ?)")?
                    .execute(params![port, client.pid, client.start_time.cast_signed()])?;
                Ok(port)
            })
    }
}

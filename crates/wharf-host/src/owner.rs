//! Who has a socket open.

use std::collections::HashMap;

use wharf_facts::{Holder, Owner, Process, Socket};

use crate::{Result, platform, process};

/// Who has `socket` open: every process that does, not only the first one found.
///
/// # Errors
/// When the processes cannot be listed at all. Those that may not be looked into make an owner
/// [`Owner::Hidden`], which is no error.
pub fn of(socket: &Socket) -> Result<Owner> {
    let mut owners = of_each(std::slice::from_ref(socket))?;
    Ok(owners.pop().unwrap_or(Owner::Hidden { uid: socket.uid }))
}

/// Who has each of `sockets` open, in their order, by one walk through the processes.
///
/// # Errors
/// As [`of`].
pub fn of_each(sockets: &[Socket]) -> Result<Vec<Owner>> {
    let references: Vec<&Socket> = sockets.iter().collect();
    let found = platform::holders(&references, Search::All)?;
    let mut described: HashMap<u32, Option<Process>> = HashMap::new();
    let mut describe = |pid: u32| {
        let known = described.entry(pid).or_insert_with(|| process::describe(pid));
        known.clone()
    };
    let owner = |socket: &Socket| {
        let pids = found.pids.get(&socket.inode).map_or(&[][..], Vec::as_slice);
        let processes: Vec<Process> = pids.iter().filter_map(|&pid| describe(pid)).collect();
        match socket.inode {
            0 => Owner::Nobody,
            _ if processes.is_empty() => Owner::Hidden { uid: socket.uid },
            _ => Owner::Known(processes),
        }
    };
    Ok(sockets.iter().map(owner).collect())
}

/// How far to look for owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// Until each socket has an owner: enough for a list, and cheap. Others who share a socket are
    /// found only by chance.
    FirstOfEach,
    /// Into every process that may be looked into.
    All,
}

/// Who has each of `sockets` open, in their order, by pid alone.
///
/// # Errors
/// As [`of`].
pub fn holders(sockets: &[&Socket], search: Search) -> Result<Vec<Holder>> {
    let found = platform::holders(sockets, search)?;
    let holder = |socket: &&Socket| match found.pids.get(&socket.inode) {
        _ if socket.inode == 0 => Holder::Nobody,
        Some(pids) if found.is_whole => Holder::Pids(pids.clone()),
        Some(pids) => Holder::AtLeast(pids.clone()),
        None => Holder::Hidden,
    };
    Ok(sockets.iter().map(holder).collect())
}

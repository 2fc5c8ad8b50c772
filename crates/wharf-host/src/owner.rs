//! Who has a socket open.

use std::collections::HashMap;

use wharf_facts::{Owner, Process, Socket};

use crate::{Result, process};

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
    let mut found: HashMap<u64, Vec<Process>> = sockets
        .iter()
        .filter(|socket| socket.inode != 0)
        .map(|socket| (socket.inode, Vec::new()))
        .collect();
    if !found.is_empty() {
        for pid in process::all()? {
            // Not to be seen, or gone by now: it may be the owner, and then the owner is hidden.
            let Ok(inodes) = process::socket_inodes(pid) else {
                continue;
            };
            let mut description = None;
            for inode in inodes {
                let Some(owners) = found.get_mut(&inode) else {
                    continue;
                };
                if description.is_none() {
                    description = process::describe(pid);
                }
                owners.extend(description.clone());
            }
        }
    }
    Ok(sockets
        .iter()
        .map(|socket| match found.get(&socket.inode) {
            None => Owner::Nobody,
            Some(owners) if owners.is_empty() => Owner::Hidden { uid: socket.uid },
            Some(owners) => Owner::Known(owners.clone()),
        })
        .collect())
}

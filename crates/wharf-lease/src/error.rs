//! What can go wrong with a lease.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use wharf_facts::{Owner, PortRange};

use crate::Key;

/// The result of an operation on leases.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no lease, or no hold.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no place for the state: no variable says where, and the user has no home.
    #[error(
        "find the state directory: neither WHARF_STATE_DIR, XDG_STATE_HOME nor HOME is set, and /etc/passwd names no home"
    )]
    NoStateDir,
    /// The state directory, or a file in it, cannot be used.
    #[error("{operation} {}: {source}", path.display())]
    StateDir {
        /// What was tried.
        operation: &'static str,
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may enter the state directory, and it is not evidently ours to close.
    #[error("use {} as the state directory: {detail}; name a directory of your own with mode 0700", path.display())]
    NotPrivate {
        /// The directory.
        path: PathBuf,
        /// Who else may enter.
        detail: String,
    },
    /// The file system has no room.
    #[error("{operation} in {}: no space left on the device", path.display())]
    DiskFull {
        /// What was tried.
        operation: &'static str,
        /// The database.
        path: PathBuf,
    },
    /// The database, or its directory, may not be written.
    #[error("{operation} in {}: the file or its directory is read-only", path.display())]
    ReadOnly {
        /// What was tried.
        operation: &'static str,
        /// The database.
        path: PathBuf,
    },
    /// SQLite refused.
    #[error("{operation} in {}: {source}", path.display())]
    Database {
        /// What was tried.
        operation: &'static str,
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A later version of Wharf wrote the database.
    #[error("open {}: it was written by a newer Wharf (format {found}, this one knows {known})", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The format that this version writes.
        known: i64,
    },
    /// A path cannot be followed.
    #[error("find the checkout of {}: {source}", path.display())]
    Checkout {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else uses the leased port.
    #[error("lease {key}: {address}: address in use by {}", owner_phrase(owner.as_ref()))]
    InUse {
        /// The lease.
        key: Box<Key>,
        /// The address that is in use.
        address: SocketAddr,
        /// By whom, where the kernel says.
        owner: Option<Owner>,
    },
    /// Another process, or this one, holds the lease already.
    #[error("hold {key}: port {port} is held already by {}", owner_phrase(owner.as_ref()))]
    Held {
        /// The lease.
        key: Box<Key>,
        /// Its port.
        port: u16,
        /// By whom, where the kernel says.
        owner: Option<Owner>,
    },
    /// The lease was released meanwhile.
    #[error("hold {key}: the lease was released")]
    Released {
        /// The lease it was.
        key: Box<Key>,
    },
    /// A socket could not be bound, for another reason than that the address is in use.
    #[error("{operation} {address}: {source}")]
    Socket {
        /// What was tried.
        operation: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Every port of the range is leased, in use, or to be avoided.
    #[error(
        "choose a port: none of {range} is free ({leased} leased, {busy} in use, the rest are other programs' by custom); `wharf release` frees leases"
    )]
    Exhausted {
        /// The range.
        range: PortRange,
        /// How many of its ports are leased.
        leased: usize,
        /// How many were tried and found in use.
        busy: usize,
    },
    /// An inherited descriptor is not what it was said to be.
    #[error("take over descriptor {number}: {detail}")]
    Descriptor {
        /// Its number.
        number: i32,
        /// What is wrong.
        detail: String,
    },
    /// The machine could not be looked at.
    #[error(transparent)]
    Host(#[from] wharf_host::Error),
}

fn owner_phrase(owner: Option<&Owner>) -> String {
    owner.map_or_else(
        || "a process that this kernel does not tell of".to_owned(),
        ToString::to_string,
    )
}

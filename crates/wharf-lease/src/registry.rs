//! Who has which port: the registry of one user.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rusqlite::Connection;
use wharf_facts::PortRange;

use crate::avoid::{Avoid, NodePorts};
use crate::claim::{self, Claim, Manner, Outcome};
use crate::config::{HoldPolicy, LeaseRange, RegistryConfig};
use crate::database::{Database, Failure};
use crate::hold;
use crate::rows::{self, Row};
use crate::{Error, Hold, Key, Lease, Result, StateDir, choice, pids};

/// The registry of leases: a database that all of a user's processes share.
///
/// A clone is the same registry; threads may share one.
#[derive(Debug, Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Database,
    range: PortRange,
    avoid: Avoid,
    hold: HoldPolicy,
}

impl Registry {
    /// Opens the registry in `directory`, which is made if it is not there.
    ///
    /// # Errors
    /// When the directory or the database cannot be made, read or written.
    pub fn open(directory: &StateDir, config: RegistryConfig) -> Result<Self> {
        let RegistryConfig { range, hold } = config;
        // Where the system does not say, its usual range must do.
        let floor = wharf_host::ports::ephemeral_range().ok().map(PortRange::first);
        let node_ports = match range {
            LeaseRange::BelowEphemeral => NodePorts::Avoided,
            LeaseRange::Exactly(_) => NodePorts::Usable,
        };
        let reserved = wharf_host::ports::reserved().unwrap_or_default();
        Ok(Self {
            inner: Arc::new(Inner {
                database: Database::open(directory)?,
                range: range.resolve(floor),
                avoid: Avoid::new(reserved, node_ports),
                hold,
            }),
        })
    }

    /// The port of `key`: the one that it had before, or a new one.
    ///
    /// Nothing stands behind it but the row; see [`Lease::hold`] and [`Registry::lease_held`].
    ///
    /// # Errors
    /// When somebody who is not of `key`'s checkout uses the port ([`Error::InUse`] names them),
    /// when no port is left, or when the database cannot be used.
    pub fn lease(&self, key: &Key) -> Result<Lease> {
        if let Some(row) = self.existing(key)? {
            let lease = self.lease_of(row);
            lease.check_not_foreign()?;
            return Ok(lease);
        }
        let row = self.database().write("lease a port", |transaction| {
            match self.usable(transaction, key)? {
                Some(row) => Ok(row),
                None => Ok(self.make(transaction, key)?.0),
            }
        })?;
        Ok(self.lease_of(row))
    }

    /// The port of `key`, held. A port that is chosen is never free in between: the socket by
    /// which it was found to be free is the one that holds it.
    ///
    /// # Errors
    /// As [`Registry::lease`] and [`Lease::hold`]: also when the user's own program uses the port.
    pub fn lease_held(&self, key: &Key) -> Result<(Lease, Hold)> {
        let (row, taken) = hold::patiently(|| {
            self.database().write("lease a port", |transaction| {
                if let Some(row) = self.usable(transaction, key)? {
                    let taken = hold::take(transaction, &row, self.inner.hold)?;
                    return Ok((row, taken));
                }
                let (row, claim) = self.make(transaction, key)?;
                let taken = hold::record(transaction, &row, claim, self.inner.hold)?;
                Ok((row, taken))
            })
        })?;
        let lease = self.lease_of(row);
        let hold = taken.into_hold(&lease)?;
        Ok((lease, hold))
    }

    /// Every lease there is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn leases(&self) -> Result<Vec<Row>> {
        self.database()
            .read("list the leases", |connection| Ok(rows::all(connection)?))
    }

    /// Frees `key`'s port; says whether it had one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn release(&self, key: &Key) -> Result<bool> {
        self.database().write("release a lease", |transaction| {
            Ok(rows::delete(transaction, key)?)
        })
    }

    /// Remembers that `key`'s server cannot bind over a hold, because it does not set
    /// `SO_REUSEADDR`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember_no_hold(&self, key: &Key) -> Result<()> {
        self.database().write("note a lease", |transaction| {
            Ok(rows::set_unholdable(transaction, key)?)
        })
    }

    /// The ports that may be leased.
    #[must_use]
    pub fn range(&self) -> PortRange {
        self.inner.range
    }

    /// Why `port` is never leased; `None` when it may be.
    #[must_use]
    pub fn why_avoided(&self, port: u16) -> Option<&'static str> {
        self.inner.avoid.reason(port)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    pub(crate) fn hold_policy(&self) -> HoldPolicy {
        self.inner.hold
    }

    pub(crate) fn lease_of(&self, row: Row) -> Lease {
        Lease::new(self.clone(), row)
    }

    /// The usable row of `key`, without a transaction when it is fresh.
    fn existing(&self, key: &Key) -> Result<Option<Row>> {
        let row = self
            .database()
            .read("look up a lease", |connection| self.usable(connection, key))?;
        if row.as_ref().is_some_and(rows::is_stale) {
            self.database()
                .write("note a lease", |transaction| Ok(rows::touch(transaction, key)?))?;
        }
        Ok(row)
    }

    /// The row of `key`, if it is one of those that this registry would give today.
    fn usable(&self, connection: &Connection, key: &Key) -> std::result::Result<Option<Row>, Failure> {
        let row = rows::find(connection, key)?;
        Ok(row.filter(|row| row.address.is_none() && self.inner.range.contains(row.port)))
    }

    /// A row for `key` with a port that nobody has, and the claim to it.
    fn make(&self, connection: &Connection, key: &Key) -> std::result::Result<(Row, Claim), Failure> {
        let (port, claim) = self.choose(connection, key.stable_hash())?;
        Ok((rows::insert(connection, key, None, port)?, claim))
    }

    /// A port that nobody has, from where `hash` points; and the claim to it.
    pub(crate) fn choose(
        &self,
        connection: &Connection,
        hash: u64,
    ) -> std::result::Result<(u16, Claim), Failure> {
        let Inner { range, avoid, .. } = &*self.inner;
        let taken = rows::taken_ports(connection)?;
        match choice::choose(*range, hash, avoid, &taken, claim_if_free) {
            Err(Error::Exhausted { .. }) => {}
            other => return Ok(other?),
        }
        // Only now is it worth asking which of the leases are the dead's.
        pids::delete_dead(connection)?;
        rows::delete_of_vanished_checkouts(connection)?;
        let taken = rows::taken_ports(connection)?;
        Ok(choice::choose(*range, hash, avoid, &taken, claim_if_free)?)
    }
}

/// The two addresses of every machine that a server may be reached at without leaving it.
pub(crate) fn loopback(port: u16) -> [SocketAddr; 2] {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
        .map(|address| SocketAddr::new(address, port))
}

/// The claim to `port`, when no socket is bound to it on a loopback address, TCP or UDP.
fn claim_if_free(port: u16) -> Result<Option<Claim>> {
    let addresses = loopback(port);
    match claim::tcp(&addresses, Manner::Exclusive)? {
        Outcome::Claimed(claim) => Ok(claim::udp_is_free(&addresses)?.then_some(claim)),
        Outcome::Busy(_) => Ok(None),
    }
}

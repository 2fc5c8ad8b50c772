//! The right to a port.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use wharf_facts::{Owner, Socket};
use wharf_host::{owner, process, sockets};

use crate::fixed;
use crate::hold::{self, Hold};
use crate::registry::loopback;
use crate::rows::{self, Row};
use crate::{Error, Key, Registry, Result};

/// The right to a port: a row in the registry.
#[derive(Debug, Clone)]
pub struct Lease {
    registry: Registry,
    row: Row,
}

impl Lease {
    pub(crate) fn new(registry: Registry, row: Row) -> Self {
        Self { registry, row }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.row.port
    }

    /// What it is for.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.row.key
    }

    /// The address that its server should bind: 127.0.0.1, or its own.
    #[must_use]
    pub fn host(&self) -> IpAddr {
        self.row.address.unwrap_or(Ipv4Addr::LOCALHOST).into()
    }

    /// Every address that the lease covers: 127.0.0.1 and ::1, or its own.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.row)
    }

    /// Whether its server can start while the port is held. Learnt by experience: see
    /// [`Registry::remember_no_hold`].
    #[must_use]
    pub fn holdable(&self) -> bool {
        self.row.holdable
    }

    /// Holds the port: binds it, and does not listen.
    ///
    /// # Errors
    /// [`Error::InUse`] when a server listens on it, of whatever program, or when somebody else
    /// has bound it; [`Error::Held`] when another process holds this very lease, or this one does.
    /// Both name who.
    pub fn hold(&self) -> Result<Hold> {
        let policy = self.registry.hold_policy();
        let ((), taken) = hold::patiently(|| {
            self.registry.database().write("hold a lease", |transaction| {
                match rows::find(transaction, self.key())? {
                    Some(row) if row.port == self.row.port && row.address == self.row.address => {
                        Ok(((), hold::take(transaction, &row, policy)?))
                    }
                    _ => Err(Error::Released {
                        key: Box::new(self.key().clone()),
                    }
                    .into()),
                }
            })
        })?;
        taken.into_hold(self)
    }

    /// Whether somebody uses the port who has nothing to do with this checkout.
    pub(crate) fn check_not_foreign(&self) -> Result<()> {
        let users = match self.users() {
            Ok(users) => users,
            // A system that cannot be asked yet says nothing either way.
            Err(wharf_host::Error::Unsupported { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let owners = owner::of_each(&users)?;
        let foreign = users.iter().zip(owners).find(|(_, owner)| !self.is_ours(owner));
        match foreign {
            None => Ok(()),
            Some((socket, owner)) => Err(Error::InUse {
                key: Box::new(self.key().clone()),
                address: socket.local,
                owner: Some(owner),
            }),
        }
    }

    /// The TCP listeners and UDP sockets on the port.
    fn users(&self) -> wharf_host::Result<Vec<Socket>> {
        let addresses = self.addresses();
        let mut users = sockets::listeners()?;
        users.extend(sockets::udp()?);
        users.retain(|socket| addresses.iter().any(|&address| socket.covers(address)));
        Ok(users)
    }

    /// Whether a process of `owner` works in this checkout, or was told this port: then it is the
    /// very server that the lease is for.
    fn is_ours(&self, owner: &Owner) -> bool {
        let Owner::Known(processes) = owner else {
            return false;
        };
        processes.iter().any(|process| {
            let works_here = process
                .cwd
                .as_ref()
                .is_some_and(|cwd| cwd.starts_with(self.key().checkout.path()));
            works_here
                || process.pid == std::process::id()
                || process::environ_value(process.pid, "PORT")
                    .is_some_and(|told| told.to_str() == Some(&self.row.port.to_string()))
        })
    }
}

pub(crate) fn addresses(row: &Row) -> Vec<SocketAddr> {
    match row.address {
        Some(own) if own != fixed::CHOSEN => vec![SocketAddr::new(own.into(), row.port)],
        _ => loopback(row.port).to_vec(),
    }
}

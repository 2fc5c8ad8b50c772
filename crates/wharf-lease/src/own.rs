//! A loopback address of a service's own, so that it keeps its standard port.

use std::net::{Ipv4Addr, SocketAddr};

use rusqlite::{Connection, OptionalExtension, params};

use crate::claim::{self, Manner, Outcome};
use crate::database::Failure;
use crate::key::stable_hash;
use crate::rows::{self, bytes_of};
use crate::{Error, Key, Lease, Registry, Result};

/// How many addresses are tried before the port itself is thought to be in use everywhere: a
/// server on the wildcard address has it on all of them.
const ATTEMPTS: u64 = 64;

/// 127.x.y.z with x in 2–254, y in 0–255 and z in 1–254. All of 127/8 is this machine (RFC 1122,
/// section 3.2.1.3); 127.0 and 127.1 are where distributions and resolvers put things.
fn address(number: u64) -> Ipv4Addr {
    let (rest, last) = (number / 254, number % 254);
    let (rest, third) = (rest / 256, rest % 256);
    Ipv4Addr::new(127, 2 + (rest % 253) as u8, third as u8, 1 + last as u8)
}

impl Registry {
    /// A lease of `port` at a loopback address that no other service has; the same for all ports
    /// of one service, and the same again tomorrow. IPv4 only: `::1` has no such neighbours.
    ///
    /// # Errors
    /// [`Error::InUse`], with a name, when somebody has the port on every address; or when the
    /// database cannot be used.
    pub fn own_address(&self, key: &Key, port: u16) -> Result<Lease> {
        let row = self.database().write("lease an address", |transaction| {
            let address = match address_of_service(transaction, key)? {
                Some(address) => address,
                None => choose(transaction, key, port)?,
            };
            match rows::find(transaction, key)? {
                Some(row) if row.address == Some(address) && row.port == port => Ok(row),
                _ => Ok(rows::insert(transaction, key, Some(address), port)?),
            }
        })?;
        Ok(self.lease_of(row))
    }
}

/// The address that another port of the service has.
fn address_of_service(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Ipv4Addr>> {
    let text: Option<String> = connection
        .prepare_cached(
            "SELECT address FROM leases
             WHERE checkout = ? AND service = ? AND address <> '127.0.0.1' LIMIT 1",
        )?
        .query_row(params![bytes_of(key.checkout.path()), key.service], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn choose(connection: &Connection, key: &Key, port: u16) -> std::result::Result<Ipv4Addr, Failure> {
    let checkout = key.checkout.path().as_os_str().as_encoded_bytes();
    let hash = stable_hash(&[checkout, key.service.as_bytes()]) >> 8;
    let mut last = SocketAddr::new(address(hash).into(), port);
    for step in 0..ATTEMPTS {
        let candidate = address(hash + step);
        if is_taken(connection, candidate)? {
            continue;
        }
        last = SocketAddr::new(candidate.into(), port);
        if let Outcome::Claimed(_) = claim::tcp(&[last], Manner::Exclusive)? {
            return Ok(candidate);
        }
    }
    Err(in_use(key, last)?.into())
}

fn is_taken(connection: &Connection, address: Ipv4Addr) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM leases WHERE address = ?)")?
        .query_row([address.to_string()], |row| row.get(0))
}

/// The error that names who has `address`.
fn in_use(key: &Key, address: SocketAddr) -> Result<Error> {
    let mut users = wharf_host::sockets::tcp(wharf_host::sockets::States::ALL)?;
    users.retain(|socket| socket.covers(address));
    let owner = users.first().map(wharf_host::owner::of).transpose()?;
    Ok(Error::InUse {
        key: Box::new(key.clone()),
        address,
        owner,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_is_an_address_of_the_kind(number in 0..=u64::MAX >> 8) {
            let [first, second, _, last] = address(number).octets();
            prop_assert!(first == 127 && (2..=254).contains(&second) && (1..=254).contains(&last));
            prop_assert_ne!(address(number), address(number + 1));
        }
    }
}

//! A port of the user's choice: no choice of ours, but the same hold.

use std::net::Ipv4Addr;

use crate::{Key, Lease, Registry, Result, rows};

/// What stands for "both common loopback addresses, by the user's choice" where a row has the
/// address of its own. Rows with no address are ports of our choice, and no two have the same;
/// two checkouts may well want one fixed port, as long as they do not run at once.
pub(crate) const CHOSEN: Ipv4Addr = Ipv4Addr::LOCALHOST;

impl Registry {
    /// A lease of this very port, on both loopback addresses. Whether it can be had is found out by
    /// [`Lease::hold`].
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn fixed_port(&self, key: &Key, port: u16) -> Result<Lease> {
        let row = self.database().write("lease a fixed port", |transaction| {
            match rows::find(transaction, key)? {
                Some(row) if row.address == Some(CHOSEN) && row.port == port => Ok(row),
                _ => Ok(rows::insert(transaction, key, Some(CHOSEN), port)?),
            }
        })?;
        Ok(self.lease_of(row))
    }
}

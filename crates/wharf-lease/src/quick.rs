//! One call for a Rust program that wants a port.

use std::net::TcpListener;
use std::ops::Deref;
use std::path::Path;

use crate::{Checkout, Hold, Key, Lease, Registry, RegistryConfig, Result, StateDir};

/// A leased port that is held until this is dropped. It stands for its number: `*held`.
#[derive(Debug)]
pub struct Held {
    lease: Lease,
    hold: Hold,
    port: u16,
}

/// The port of `service` in the checkout that the current directory is in, held.
///
/// The state directory is the user's, as the environment says ([`StateDir::of_user`]).
///
/// # Errors
/// As [`Registry::open`] and [`Registry::lease_held`]: also when another process holds or uses the
/// port, which the error names.
pub fn lease(service: &str) -> Result<Held> {
    let directory = StateDir::of_user(|name| std::env::var_os(name))?;
    let registry = Registry::open(&directory, RegistryConfig::default())?;
    let key = Key::main(Checkout::of_dir(Path::new("."))?, service);
    let (lease, hold) = registry.lease_held(&key)?;
    let port = lease.port();
    Ok(Held { lease, hold, port })
}

impl Held {
    /// The lease.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Turns the hold into listeners, on 127.0.0.1 and `[::1]`.
    ///
    /// # Errors
    /// As [`Hold::listen`].
    pub fn listen(self) -> Result<Vec<TcpListener>> {
        self.hold.listen()
    }
}

impl Deref for Held {
    type Target = u16;

    fn deref(&self) -> &u16 {
        &self.port
    }
}

//! Connections to one server, a few of which are kept between calls.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::wire::{Wire, left};

/// So many idle connections are kept.
const IDLE_MAX: usize = 8;

/// Connections to one server.
#[derive(Debug)]
pub(crate) struct Pool {
    address: String,
    idle: Mutex<Vec<Wire>>,
}

impl Pool {
    /// Connections to `host:port`.
    pub(crate) fn new(address: String) -> Self {
        Self {
            address,
            idle: Mutex::default(),
        }
    }

    /// Where they go.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// One that was kept and is still open, else a new one.
    pub(crate) fn take(&self, deadline: Instant) -> io::Result<Wire> {
        loop {
            // The lock must not be held while a connection is looked at.
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match kept {
                Some(wire) if wire.is_idle() => return Ok(wire),
                Some(_) => {}
                None => return self.connect(deadline),
            }
        }
    }

    /// Keeps a connection whose answer was taken whole. One with an error is dropped instead, so
    /// that a late answer is never taken for that of the next call.
    pub(crate) fn keep(&self, wire: Wire) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(wire);
        }
    }

    fn connect(&self, deadline: Instant) -> io::Result<Wire> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(stream) => return Wire::new(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

//! The right to serve, and what to serve on.

use std::net::{SocketAddr, TcpListener};

use crate::handover::Handed;
use crate::lock::Lock;
use crate::sockets::{Holds, addresses};
use crate::{DoorError, Fallback, Lost, Role, WhoHas};

/// The lock, and the listeners that go with it.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) lock: Lock,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) lost: Vec<Lost>,
}

impl Seat {
    /// It is our turn: listen on the door's addresses, or on a lease if neither can be had.
    pub(crate) fn take(
        lock: Lock,
        holds: Holds,
        who_has: Option<&dyn WhoHas>,
        fallback: &mut Option<Fallback>,
    ) -> Result<Self, DoorError> {
        let (mut listeners, lost) = holds.listen(who_has);
        if listeners.is_empty() {
            let Some(fallback) = fallback.take() else {
                return Err(DoorError::NoAddress { lost });
            };
            listeners = fallback().map_err(DoorError::Fallback)?;
            if listeners.is_empty() {
                return Err(DoorError::NoAddress { lost });
            }
        }
        for listener in &listeners {
            listener.set_nonblocking(true).map_err(DoorError::Fallback)?;
        }
        Ok(Self {
            lock,
            listeners,
            lost,
        })
    }

    /// The seat that another process passed on.
    pub(crate) fn inherit(handed: Handed, port: u16) -> Self {
        let reasons = String::from_utf8_lossy(&handed.note).into_owned();
        let lost = addresses(port)
            .into_iter()
            .zip(reasons.split('\n'))
            .filter(|(_, why)| !why.is_empty())
            .map(|(address, why)| Lost {
                address,
                why: why.to_owned(),
            })
            .collect();
        Self {
            lock: handed.lock,
            listeners: handed.listeners,
            lost,
        }
    }

    /// What an heir should know: for each of the door's addresses a line, why it could not be had.
    pub(crate) fn note(&self, port: u16) -> String {
        let why = |address| {
            let lost = self.lost.iter().find(|lost| lost.address == address);
            lost.map_or_else(String::new, |lost| lost.why.replace('\n', " "))
        };
        addresses(port).map(why).join("\n")
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    }

    pub(crate) fn role(&self, port: u16) -> Role {
        let served = self.addresses();
        let lost = self.lost.clone();
        if served.iter().any(|at| addresses(port).contains(at)) {
            Role::Serving {
                addresses: served,
                lost,
            }
        } else {
            Role::Elsewhere {
                addresses: served,
                lost,
            }
        }
    }
}

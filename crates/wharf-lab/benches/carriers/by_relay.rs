//! A sample by relay.

use std::net::{SocketAddr, TcpListener};

use wharf_relay::{LinkSpec, ParkLimits, Provider, Relay};

use crate::work::{Outcome, Server, Work, fetch};
use crate::{Link, Result};

pub(crate) struct Ready {
    work: Work,
    relay: Relay,
    server: Server,
    address: SocketAddr,
}

impl Ready {
    pub(crate) fn prepare(link: &Link, work: Work) -> Result<Self> {
        let provider = TcpListener::bind("127.0.0.1:0")?;
        let front = TcpListener::bind("127.0.0.1:0")?;
        let address = front.local_addr()?;
        let relay = Relay::start()?;
        relay.add(LinkSpec {
            name: "client -> server".to_owned(),
            listeners: vec![front],
            provider: Provider::Ready(vec![provider.local_addr()?]),
            up: link.up.clone(),
            down: link.down.clone(),
            via: Vec::new(),
            seed: link.seed,
            park: ParkLimits::default(),
        })?;
        let server = Server::start(provider)?;
        Ok(Self {
            work,
            relay,
            server,
            address,
        })
    }

    pub(crate) fn take(self) -> Result<Outcome> {
        let outcome = fetch(self.work, self.address);
        drop(self.relay);
        self.server.end()?;
        outcome
    }
}

//! A sample by relay.

use std::net::TcpListener;

use wharf_relay::{LinkSpec, ParkLimits, Provider, Relay};

use crate::work::{Outcome, Work, fetch, serve};
use crate::{Link, Result};

pub(crate) fn take(link: &Link, work: Work) -> Result<Outcome> {
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
    let server = serve(provider);
    let outcome = fetch(work, address);
    drop(relay);
    server.join().map_err(|_| "the server panicked")?;
    outcome
}

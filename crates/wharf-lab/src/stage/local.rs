//! Ports of the command's own loopback that lead to the gateway's: for programs that know no other place than
//! localhost. The first hop of such a connection is a relay, so that connecting takes no time; what follows
//! meets the link as everything does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use wharf_link::{Conditions, Seed};
use wharf_relay::{LinkSpec, ParkLimits, Provider, Relay};

use super::Trouble;
use crate::message::FAR_V4;

/// Opens ports in the network of this process. They are open as long as what is returned lives.
pub(super) fn open(ports: &[u16]) -> Result<Option<Relay>, Trouble> {
    if ports.is_empty() {
        return Ok(None);
    }
    let relay = Relay::start().map_err(Trouble::of)?;
    for &port in ports {
        let spec = LinkSpec {
            name: format!("localhost:{port}"),
            listeners: listen(port)?,
            provider: Provider::Ready(vec![(FAR_V4, port).into()]),
            up: Conditions::CLEAR,
            down: Conditions::CLEAR,
            via: Vec::new(),
            seed: Seed::default(),
            park: ParkLimits::default(),
        };
        relay.add(spec).map_err(Trouble::of)?;
    }
    Ok(Some(relay))
}

fn listen(port: u16) -> Result<Vec<TcpListener>, Trouble> {
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let v4 = v4.map_err(|error| Trouble::of(format!("open 127.0.0.1:{port} in the lab: {error}")))?;
    // A kernel may have no IPv6.
    let v6 = TcpListener::bind((IpAddr::V6(Ipv6Addr::LOCALHOST), port)).ok();
    Ok([v4].into_iter().chain(v6).collect())
}

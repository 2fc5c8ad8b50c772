//! UDP: a question to a DNS server.

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use wharf_facts::{Connect, Probe, Seen, Spoken};

use super::visit::blank;
use crate::speech::dns;
use crate::{Plan, Target};

/// Asks `target` until then, if it is thought to speak DNS.
pub(super) async fn visit(target: &Target, plan: &Plan, until: Instant) -> Probe {
    let spoken = target.guess().and_then(|guess| guess.spoken.known());
    if spoken != Some(&Spoken::Dns) {
        return blank(
            target,
            Connect::NotTried("a datagram to a server that is not known may do anything".to_owned()),
        );
    }
    let begun = Instant::now();
    let until = until.min(begun + plan.budget());
    let asked = timeout_at(until, ask(target.address())).await;
    let took = begun.elapsed();
    let mut probe = blank(target, Connect::Accepted);
    match asked {
        Ok(Ok(())) => {
            probe.connect_us = Seen::Known(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            probe.protocol = Seen::Known(Spoken::Dns);
        }
        // ICMP said that nobody is there.
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            probe.connect = Connect::Refused
        }
        Ok(Err(error)) => probe.connect = Connect::Failed(error.to_string()),
        Err(_) => probe.connect = Connect::TimedOut(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
    }
    probe
}

async fn ask(address: SocketAddr) -> io::Result<()> {
    let here: SocketAddr = match address {
        SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(here).await?;
    socket.connect(address).await?;
    socket.send(&dns::QUERY[dns::LENGTH..]).await?;
    let mut datagram = [0; 512];
    // Others than the answer are passed over; the deadline is around this.
    loop {
        let count = socket.recv(&mut datagram).await?;
        if dns::is_answer(&datagram[..count]) {
            return Ok(());
        }
    }
}

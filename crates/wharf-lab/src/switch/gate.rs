//! What stands before a gateway: the first packet to a port waits until it is known whether it is there.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde::{Deserialize, Serialize};
use wharf_packet::{Packet, TcpFlags, Transport, VnetHeader};

/// So many wait; more are lost, as connections are that no backlog takes.
const WAITING: usize = 1024;

/// A port of the gateway, as a packet asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Knock {
    /// A connection.
    Tcp(u16),
    /// Datagrams.
    Udp(u16),
}

/// A packet that waits.
#[derive(Debug)]
pub(crate) struct Held {
    /// Which device it waits before, where there are several.
    pub(crate) device: usize,
    pub(crate) knock: Knock,
    pub(crate) header: VnetHeader,
    pub(crate) bytes: Box<[u8]>,
}

/// The switch's side.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Whose ports are asked for.
    addresses: Vec<IpAddr>,
    open: Arc<Open>,
    to: SyncSender<Held>,
}

/// What becomes of a packet at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is for the switch to write.
    Passes,
    /// It was taken.
    Waits,
    /// Too many wait.
    Lost,
}

/// The UDP ports to which datagrams pass unasked, unless others wait that would be overtaken.
#[derive(Debug)]
pub(crate) struct Open {
    ports: [AtomicU64; 1024],
    waiting: AtomicU32,
}

/// Where packets wait.
pub(crate) fn queue() -> (SyncSender<Held>, Receiver<Held>) {
    sync_channel(WAITING)
}

impl Gate {
    /// A gate before these addresses.
    pub(crate) fn new(addresses: Vec<IpAddr>, to: SyncSender<Held>) -> Self {
        let open = Arc::new(Open {
            ports: [const { AtomicU64::new(0) }; 1024],
            waiting: AtomicU32::new(0),
        });
        Self { addresses, open, to }
    }

    /// What it lets pass unasked.
    pub(crate) fn open(&self) -> Arc<Open> {
        Arc::clone(&self.open)
    }

    /// Lets a packet pass, or takes it: then it is written by whoever opens its port.
    pub(crate) fn admit(&self, device: usize, header: &VnetHeader, bytes: &[u8]) -> Admission {
        let Some(knock) = knock(bytes, &self.addresses).filter(|knock| !self.open.is(*knock)) else {
            return Admission::Passes;
        };
        let held = Held {
            device,
            knock,
            header: *header,
            bytes: bytes.into(),
        };
        self.open.waiting.fetch_add(1, Ordering::AcqRel);
        match self.to.try_send(held) {
            Ok(()) => Admission::Waits,
            Err(_) => {
                self.open.written();
                Admission::Lost
            }
        }
    }
}

impl Open {
    fn is(&self, knock: Knock) -> bool {
        match knock {
            Knock::Tcp(_) => false,
            Knock::Udp(port) => self.has(port) && self.waiting.load(Ordering::Acquire) == 0,
        }
    }

    fn has(&self, port: u16) -> bool {
        let bits = self.ports[usize::from(port / 64)].load(Ordering::Acquire);
        bits & 1 << (port % 64) != 0
    }

    /// Datagrams to this port pass unasked from now on.
    pub(crate) fn set(&self, port: u16) {
        self.ports[usize::from(port / 64)].fetch_or(1 << (port % 64), Ordering::AcqRel);
    }

    /// All have to ask again.
    pub(crate) fn clear(&self) {
        self.ports
            .iter()
            .for_each(|bits| bits.store(0, Ordering::Release));
    }

    /// A packet that has waited waits no longer.
    pub(crate) fn written(&self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a packet asks for, if it is to one of these addresses and asks for anything.
fn knock(bytes: &[u8], addresses: &[IpAddr]) -> Option<Knock> {
    let packet = Packet::parse(bytes).ok()?;
    match packet.transport() {
        _ if !addresses.contains(&packet.destination()) => None,
        Transport::Tcp(tcp) => {
            let flags = tcp.flags();
            let asks = flags.contains(TcpFlags::SYN) && !flags.contains(TcpFlags::ACK);
            asks.then(|| Knock::Tcp(tcp.destination_port()))
        }
        Transport::Udp(udp) => Some(Knock::Udp(udp.destination_port())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{FAR_V4, NEAR_V4};

    fn gate() -> (Gate, Receiver<Held>, Arc<Open>) {
        let (to, from) = queue();
        let gate = Gate::new(vec![FAR_V4.into()], to);
        let open = gate.open();
        (gate, from, open)
    }

    /// An IPv4 packet to the gateway with this protocol and transport.
    fn packet(protocol: u8, transport: &[u8]) -> Vec<u8> {
        let length = u8::try_from(20 + transport.len()).expect("short");
        let mut bytes = vec![0x45, 0, 0, length, 0, 0, 0x40, 0, 64, protocol, 0, 0];
        bytes.extend(NEAR_V4.octets());
        bytes.extend(FAR_V4.octets());
        bytes.extend(transport);
        bytes
    }

    fn tcp(flags: u8) -> Vec<u8> {
        packet(
            6,
            &[
                0x80, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0,
            ],
        )
    }

    #[test]
    fn only_what_asks_for_a_port_waits() {
        let (gate, held, open) = gate();
        let header = VnetHeader::default();
        let check = |bytes: &[u8], expected: Option<Knock>| {
            let waits = gate.admit(0, &header, bytes) == Admission::Waits;
            assert_eq!(waits, expected.is_some());
            assert_eq!(held.try_recv().ok().map(|held| held.knock), expected);
            if waits {
                open.written();
            }
        };
        check(&tcp(0x02), Some(Knock::Tcp(80)));
        check(&tcp(0x12), None);
        check(&tcp(0x10), None);
        let datagram = packet(17, &[0x80, 0, 0, 53, 0, 8, 0, 0]);
        check(&datagram, Some(Knock::Udp(53)));
        open.set(53);
        check(&datagram, None);
        assert_eq!(gate.admit(0, &header, &tcp(0x02)), Admission::Waits);
        assert_eq!(
            gate.admit(0, &header, &datagram),
            Admission::Waits,
            "it must not overtake"
        );
        for _ in 0..2 {
            held.try_recv().expect("held");
            open.written();
        }
        check(&datagram, None);
        open.clear();
        check(&datagram, Some(Knock::Udp(53)));
        check(&packet(1, &[8, 0, 0, 0, 0, 0, 0, 0]), None);
        check(&[], None);
        let mut elsewhere = tcp(0x02);
        elsewhere[16] = 10;
        check(&elsewhere, None);
    }

    #[test]
    fn of_too_many_the_last_are_lost() {
        let (gate, held, _) = gate();
        let admit = || gate.admit(0, &VnetHeader::default(), &tcp(0x02));
        for _ in 0..WAITING {
            assert_eq!(admit(), Admission::Waits);
        }
        assert_eq!(admit(), Admission::Lost);
        assert_eq!(held.try_iter().count(), WAITING);
    }
}

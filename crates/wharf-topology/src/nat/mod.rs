//! A translator of IPv4 addresses, as a machine without a clock.
//!
//! ```text
//!   inside                    │ translator │                    outside
//!  10.1.2.3:4000 ─▶ 9.9.9.9   │            │  198.18.7.1:4000 ─▶ 9.9.9.9
//!                   mapping: (UDP, 10.1.2.3:4000) ↔ 198.18.7.1:4000
//!                   session: with 9.9.9.9:53, until …
//! ```
//!
//! A **mapping** gives an inside end an outside one; a **session** is one conversation over it. A mapping
//! ends with its last session, so that a full-cone port stays open just as long as it is used from inside.
//! TCP is tracked by its flags (RFC 5382), pings by their identifier, and errors by what they quote (RFC 5508).
//! IPv6 passes as it is.

mod behaviour;
mod ports;
mod table;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

pub use behaviour::{Behaviour, Dependence, Hairpinning, NatSpec, NatTable, PortAssignment, Preset, Time};
use wharf_packet::{Checksum, End, FiveTuple, IcmpKind, PacketMut, Protocol, Transport, Verdict, Version};

use crate::fragments::{Firsts, Whole};
use crate::topology::Side;
use table::Table;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum NatOutcome {
    /// It was rewritten, and goes on to this side.
    Forward(Side),
    /// It is for the translator itself: a ping, say.
    Own,
    /// It ends here.
    Drop(NatDrop),
}

/// Why a translator drops a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NatDrop {
    /// Nobody inside has that port. Nothing is said to the sender (RFC 5382, section 4.3, REQ-4).
    Unsolicited,
    /// Somebody has, but has not sent to who sends now.
    Filtered,
    /// An inside end to an outside one, where that is not supported.
    Hairpin,
    /// It is neither TCP, UDP nor a ping, nor an error about these.
    Protocol,
    /// A fragment whose first was not seen.
    Fragment,
    /// An ICMP error whose checksum is wrong.
    Checksum,
    /// There are as many conversations as are remembered.
    Full,
    /// The inside address has as many ports as it may.
    HostLimit,
    /// Every port is taken.
    NoPort,
}

/// What was done to the first fragment of a packet.
#[derive(Debug, Clone, Copy)]
struct Done {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    to: Side,
}

/// A translator at work.
#[derive(Debug, Clone)]
pub struct Nat {
    behaviour: Behaviour,
    table: Table,
    firsts: Firsts<Done>,
}

impl Nat {
    /// A translator with these outside addresses.
    #[must_use]
    pub fn new(behaviour: Behaviour, outside: Vec<Ipv4Addr>) -> Self {
        Self {
            behaviour,
            table: Table::new(behaviour, outside),
            firsts: Firsts::new(),
        }
    }

    /// How many conversations are remembered.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.table.sessions()
    }

    /// How many outside ports are taken.
    #[must_use]
    pub fn mappings(&self) -> usize {
        self.table.mappings()
    }

    /// Translates a packet that came from this side and is not for the same side: in place. `checksum` is
    /// that of its [`VnetHeader`](wharf_packet::VnetHeader). One that is dropped, or for the translator itself, is as it was.
    ///
    /// `now` is the time since the translator began.
    pub fn translate(
        &mut self,
        now: Duration,
        from: Side,
        packet: &mut PacketMut<'_>,
        checksum: Checksum,
    ) -> NatOutcome {
        if packet.as_packet().version() == Version::V6 {
            return NatOutcome::Forward(other(from));
        }
        self.table.expire(now);
        let outcome = self.decide(now, from, packet, checksum);
        outcome.unwrap_or_else(NatOutcome::Drop)
    }

    fn decide(
        &mut self,
        now: Duration,
        from: Side,
        packet: &mut PacketMut<'_>,
        checksum: Checksum,
    ) -> Result<NatOutcome, NatDrop> {
        let before = packet.as_packet();
        let whole = Whole::of(&before);
        if let Some(part) = before.fragment()
            && part.offset > 0
        {
            let done = whole
                .and_then(|whole| self.firsts.find(now, whole))
                .ok_or(NatDrop::Fragment)?;
            rewrite(packet, End::Source, SocketAddrV4::new(done.source, 0), checksum);
            rewrite(
                packet,
                End::Destination,
                SocketAddrV4::new(done.destination, 0),
                checksum,
            );
            return Ok(NatOutcome::Forward(done.to));
        }
        if let Transport::Icmp(icmp) = before.transport()
            && icmp.kind() == IcmpKind::Error
        {
            // Whatever a damaged one quotes, it may be another's (RFC 5508, section 4.1, REQ-3a).
            if before.transport_checksum() == Verdict::Wrong {
                return Err(NatDrop::Checksum);
            }
            return match from {
                Side::Inside => self.error_out(packet),
                Side::Outside => self.error_in(packet),
            };
        }
        let tuple = before.five_tuple().and_then(ends).ok_or(NatDrop::Protocol)?;
        let outcome = match from {
            Side::Inside => self.out(now, tuple, packet, checksum),
            Side::Outside => self.into(now, tuple, packet, checksum),
        }?;
        if let (NatOutcome::Forward(to), Some(whole)) = (outcome, whole)
            && let (IpAddr::V4(source), IpAddr::V4(destination)) =
                (packet.as_packet().source(), packet.as_packet().destination())
        {
            let done = Done {
                source,
                destination,
                to,
            };
            self.firsts.remember(now, whole, done);
        }
        Ok(outcome)
    }

    /// From inside.
    fn out(
        &mut self,
        now: Duration,
        (protocol, inside, remote): Ends,
        packet: &mut PacketMut<'_>,
        checksum: Checksum,
    ) -> Result<NatOutcome, NatDrop> {
        let is_hairpin = self.table.is_own(*remote.ip());
        if is_hairpin {
            match self.behaviour.hairpinning {
                _ if is_ping(packet) => return Ok(NatOutcome::Own),
                Hairpinning::Dropped => return Err(NatDrop::Hairpin),
                Hairpinning::Supported => {}
            }
        }
        let outside = self
            .table
            .outbound(now, (protocol, inside, remote), &packet.as_packet())?;
        if !is_hairpin {
            rewrite(packet, End::Source, outside, checksum);
            return Ok(NatOutcome::Forward(Side::Outside));
        }
        // To the one who is called it comes from outside (RFC 4787, section 6, REQ-9a).
        let called = self
            .table
            .inbound(now, (protocol, outside, remote), &packet.as_packet())?;
        let called = called.ok_or(NatDrop::Unsolicited)?;
        rewrite(packet, End::Source, outside, checksum);
        rewrite(packet, End::Destination, called, checksum);
        Ok(NatOutcome::Forward(Side::Inside))
    }

    /// From outside.
    fn into(
        &mut self,
        now: Duration,
        (protocol, remote, outside): Ends,
        packet: &mut PacketMut<'_>,
        checksum: Checksum,
    ) -> Result<NatOutcome, NatDrop> {
        let inside = self
            .table
            .inbound(now, (protocol, remote, outside), &packet.as_packet())?;
        let Some(inside) = inside else {
            let is_own = self.table.is_own(*outside.ip()) && is_ping(packet);
            return if is_own {
                Ok(NatOutcome::Own)
            } else {
                Err(NatDrop::Unsolicited)
            };
        };
        rewrite(packet, End::Destination, inside, checksum);
        Ok(NatOutcome::Forward(Side::Inside))
    }

    /// An error from outside, about what an inside end has sent: it quotes the outside end as source
    /// (RFC 5508, section 4.2). It neither opens, refreshes nor ends anything (section 4).
    fn error_in(&self, packet: &mut PacketMut<'_>) -> Result<NatOutcome, NatDrop> {
        let (protocol, outside, remote) = quoted(packet).ok_or(NatDrop::Protocol)?;
        let inside = self
            .table
            .inside_of(protocol, outside, remote)
            .ok_or(NatDrop::Unsolicited)?;
        let quoted = packet.rewrite_quoted(End::Source, SocketAddr::V4(inside));
        quoted.map_err(|_| NatDrop::Protocol)?;
        rewrite(packet, End::Destination, inside, Checksum::Complete);
        Ok(NatOutcome::Forward(Side::Inside))
    }

    /// An error from inside, about what came from outside: it quotes the inside end as destination. Whoever
    /// inside sends it, outside it comes from the translator (RFC 5508, section 4.2, REQ-5).
    fn error_out(&self, packet: &mut PacketMut<'_>) -> Result<NatOutcome, NatDrop> {
        let (protocol, remote, inside) = quoted(packet).ok_or(NatDrop::Protocol)?;
        let outside = self
            .table
            .outside_of(protocol, inside, remote)
            .ok_or(NatDrop::Unsolicited)?;
        let quoted = packet.rewrite_quoted(End::Destination, SocketAddr::V4(outside));
        quoted.map_err(|_| NatDrop::Protocol)?;
        rewrite(packet, End::Source, outside, Checksum::Complete);
        Ok(NatOutcome::Forward(Side::Outside))
    }
}

/// Protocol, source, destination.
type Ends = (Protocol, SocketAddrV4, SocketAddrV4);

fn ends(tuple: FiveTuple) -> Option<Ends> {
    let is_translated = matches!(tuple.protocol, Protocol::TCP | Protocol::UDP | Protocol::ICMP);
    match (tuple.source, tuple.destination) {
        (SocketAddr::V4(source), SocketAddr::V4(destination)) if is_translated => {
            Some((tuple.protocol, source, destination))
        }
        _ => None,
    }
}

/// The ends of the packet that an error quotes.
fn quoted(packet: &PacketMut<'_>) -> Option<Ends> {
    let Transport::Icmp(icmp) = packet.as_packet().transport() else {
        return None;
    };
    let quoted = icmp.quoted()?.ok()?;
    quoted.five_tuple().and_then(ends)
}

fn is_ping(packet: &PacketMut<'_>) -> bool {
    matches!(packet.as_packet().transport(),
        Transport::Icmp(icmp) if matches!(icmp.kind(), IcmpKind::EchoRequest(_)))
}

fn rewrite(packet: &mut PacketMut<'_>, end: End, to: SocketAddrV4, checksum: Checksum) {
    // Both are IPv4: that is what came in.
    let _ = packet.rewrite(end, SocketAddr::V4(to), checksum);
}

fn other(side: Side) -> Side {
    match side {
        Side::Inside => Side::Outside,
        Side::Outside => Side::Inside,
    }
}

//! How long a conversation is remembered, by what was seen of it.

use std::time::Duration;

use wharf_packet::{Packet, Protocol, TcpFlags, Transport};

use crate::topology::Side;

/// How long conversations are remembered after their last packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Of UDP: at least two minutes, five are recommended (RFC 4787, section 4.3, REQ-5).
    pub udp: Duration,
    /// Of established TCP: at least 2 hours 4 minutes (RFC 5382, section 5, REQ-5).
    pub tcp_established: Duration,
    /// Of TCP that is being opened or was closed: at least 4 minutes (the same).
    pub tcp_transitory: Duration,
    /// Of pings: at least a minute (RFC 5508, section 3.2, REQ-2).
    pub icmp: Duration,
}

impl Timeouts {
    /// What the RFCs ask for.
    pub const DEFAULT: Self = Self {
        udp: Duration::from_secs(300),
        tcp_established: Duration::from_secs(2 * 3600 + 4 * 60),
        tcp_transitory: Duration::from_secs(4 * 60),
        icmp: Duration::from_secs(60),
    };
}

/// What was seen of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Track {
    /// Whether each side has sent something.
    sent: [bool; 2],
    /// Whether each side has sent all.
    finished: [bool; 2],
    phase: Phase,
}

/// The phases of RFC 5382, section 5, as far as they have time-outs of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Opening,
    Established,
    /// Both have sent FIN, or one RST. It stays known, so that stray packets find it (RFC 7857, section 2.1 and 2.2).
    Closing,
}

impl Track {
    /// Notes a packet that comes from this side.
    pub(crate) fn note(&mut self, from: Side, packet: &Packet<'_>) {
        self.sent[from as usize] = true;
        let Transport::Tcp(tcp) = packet.transport() else {
            return;
        };
        let flags = tcp.flags();
        if flags.contains(TcpFlags::FIN) {
            self.finished[from as usize] = true;
        }
        self.phase = match self.phase {
            _ if flags.contains(TcpFlags::RST) || self.finished == [true; 2] => Phase::Closing,
            // The ports are used anew.
            Phase::Closing if flags.contains(TcpFlags::SYN) => {
                *self = Self::default();
                self.sent[from as usize] = true;
                Phase::Opening
            }
            Phase::Opening if self.sent == [true; 2] && !flags.contains(TcpFlags::SYN) => Phase::Established,
            phase => phase,
        };
    }

    /// For how long it is remembered from now on.
    pub(crate) fn timeout(&self, protocol: Protocol, timeouts: &Timeouts) -> Duration {
        match (protocol, self.phase) {
            (Protocol::TCP, Phase::Established) => timeouts.tcp_established,
            (Protocol::TCP, Phase::Opening | Phase::Closing) => timeouts.tcp_transitory,
            (protocol, _) if protocol.is_icmp() => timeouts.icmp,
            _ => timeouts.udp,
        }
    }
}

//! A capture under way: packets, gathered for a round of the event loop and handed to the writer.

use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;

use wharf_capture::pcapng::{Interface, InterfaceId, LinkType, Packet, Section, Statistics};
use wharf_capture::synth::{Datagrams, Synthetic};
use wharf_capture::{Direction, Protocol, Timestamp};

use super::now;
use super::spec::{CaptureFigures, CaptureSpec, ShownPort};
use super::writer::Writer;
use crate::error::Error;

/// How much may wait for the file. Beyond it packets are dropped.
const BACKLOG: usize = 16 << 20;

/// How much is handed over at once, if there is as much before a round ends.
const FULL: usize = 1 << 20;

/// What a packet takes in the file beside its own bytes, at most: the block's frame and the flags.
const FRAME: u64 = 32 + 3 + 12 + 8;

/// Whether the protocol is to be found out, for its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WantsUsual {
    Yes,
    No,
}

#[derive(Debug)]
pub(crate) struct Capture {
    section: Section,
    interface: InterfaceId,
    /// What has been gathered in this round.
    buffer: Vec<u8>,
    writer: Option<Writer>,
    limit: u64,
    /// The port that stands for the link's, as far as it is known.
    port: Option<u16>,
    wants_usual: WantsUsual,
    started: Timestamp,
    figures: CaptureFigures,
    /// The last two who exchanged datagrams.
    datagrams: Option<((SocketAddr, SocketAddr), Datagrams)>,
}

impl Capture {
    pub(crate) fn begin(link: &str, spec: CaptureSpec) -> io::Result<Self> {
        let mut buffer = Vec::new();
        let mut section = Section::begin(&mut buffer, concat!("Wharf ", env!("CARGO_PKG_VERSION")));
        let interface = Interface {
            name: link,
            description: &spec.description,
            comment: "A link of Wharf, as its consumer sees it. Packets are made up of the bytes that passed.",
            link_type: LinkType::Ip,
        };
        let interface = section.interface(&mut buffer, &interface);
        let (port, wants_usual) = match spec.port {
            ShownPort::Usual => (None, WantsUsual::Yes),
            ShownPort::Own => (None, WantsUsual::No),
            ShownPort::Is(port) => (Some(port), WantsUsual::No),
        };
        Ok(Self {
            section,
            interface,
            figures: CaptureFigures {
                bytes: buffer.len() as u64,
                ..CaptureFigures::default()
            },
            buffer,
            writer: Some(Writer::start(spec.file)?),
            limit: spec.limit.bytes(),
            port,
            wants_usual,
            started: now(),
            datagrams: None,
        })
    }

    /// Whether the first bytes of a connection would tell the port that stands for the link's.
    pub(super) fn wants_to_know(&self) -> bool {
        self.wants_usual == WantsUsual::Yes && self.port.is_none()
    }

    /// The protocol of the link has been found.
    pub(super) fn knows(&mut self, protocol: Protocol) {
        if self.wants_to_know() {
            self.port = Some(protocol.usual_port());
        }
    }

    /// The link's address as it stands in the file.
    pub(super) fn shown(&self, mut listener: SocketAddr) -> SocketAddr {
        listener.set_port(self.port.unwrap_or(listener.port()));
        listener
    }

    pub(super) fn packet(&mut self, time: Timestamp, comment: &str, packet: Synthetic<'_>) {
        let figures = &mut self.figures;
        figures.packets += 1;
        let most = (packet.header.len() + packet.payload.len() + comment.len()) as u64 + FRAME;
        if figures.bytes + most > self.limit {
            figures.beyond_limit += 1;
            return;
        }
        let waiting = self.writer.as_ref().map_or(usize::MAX, Writer::waiting);
        if waiting.saturating_add(self.buffer.len()) > BACKLOG {
            figures.dropped += 1;
            return;
        }
        let before = self.buffer.len();
        let block = Packet {
            time,
            direction: Some(packet.direction),
            comment,
            data: &[packet.header, packet.payload],
        };
        self.section.packet(&mut self.buffer, self.interface, &block);
        figures.bytes += (self.buffer.len() - before) as u64;
        if self.buffer.len() >= FULL {
            self.flush();
        }
    }

    pub(super) fn datagram(
        &mut self,
        time: Timestamp,
        direction: Direction,
        ends: (SocketAddr, SocketAddr),
        bytes: &[u8],
    ) {
        let (_, mut datagrams) = self
            .datagrams
            .take()
            .filter(|(last, _)| *last == ends)
            .unwrap_or_else(|| (ends, Datagrams::new(ends.0, ends.1)));
        datagrams.datagram(direction, bytes, |packet| self.packet(time, "", packet));
        self.datagrams = Some((ends, datagrams));
    }

    /// Hands over what has been gathered.
    pub(super) fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if let Some(writer) = &self.writer {
            let next = writer.spare();
            writer.write(std::mem::replace(&mut self.buffer, next));
        }
    }

    pub(crate) fn figures(&self) -> CaptureFigures {
        self.figures
    }

    /// Ends it: what is left is written by the thread that is handed back.
    pub(super) fn conclude(&mut self) -> Option<JoinHandle<io::Result<()>>> {
        let writer = self.writer.take()?;
        let CaptureFigures {
            packets,
            dropped,
            beyond_limit,
            ..
        } = self.figures;
        let comment = match (dropped, beyond_limit) {
            (0, 0) => String::new(),
            (0, beyond) => format!("{beyond} packets came after the file had reached its limit"),
            (dropped, 0) => format!("{dropped} packets came faster than they could be written"),
            (dropped, beyond) => format!(
                "{dropped} packets came faster than they could be written, {beyond} after the file had reached its limit"
            ),
        };
        let now = now();
        let statistics = Statistics {
            time: now,
            started: self.started,
            ended: Some(now),
            received: packets,
            dropped: dropped + beyond_limit,
            comment: &comment,
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        self.section.statistics(&mut buffer, self.interface, &statistics);
        writer.write(buffer);
        Some(writer.end())
    }
}

/// A capture that has ended, but for what is still to be written.
#[derive(Debug)]
pub(crate) struct Stopped {
    link: String,
    figures: CaptureFigures,
    writer: Option<JoinHandle<io::Result<()>>>,
}

impl Stopped {
    pub(crate) fn new(link: String, mut capture: Capture) -> Self {
        Self {
            link,
            figures: capture.figures(),
            writer: capture.conclude(),
        }
    }

    /// Waits until all is written.
    pub(crate) fn wait(self) -> Result<CaptureFigures, Error> {
        match self.writer.map(JoinHandle::join) {
            Some(Ok(Err(source))) => Err(Error::Capture {
                link: self.link,
                source,
            }),
            Some(Err(_)) => Err(Error::Stopped),
            Some(Ok(Ok(()))) | None => Ok(self.figures),
        }
    }
}

impl Drop for Capture {
    /// The link is gone, or the relay: the file is still made whole.
    fn drop(&mut self) {
        drop(self.conclude());
    }
}

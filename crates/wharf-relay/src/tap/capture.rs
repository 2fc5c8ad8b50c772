//! A capture of a link under way: what is seen becomes packets of a file.

use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;

use wharf_capture::pcapng::{Interface, InterfaceId, LinkType, Packet};
use wharf_capture::synth::{Datagrams, Synthetic};
use wharf_capture::{Direction, Protocol, Timestamp};

use super::file::CaptureFile;
use super::spec::{CaptureFigures, CaptureSpec, ShownPort};
use crate::error::Error;

/// Whether the protocol is to be found out, for its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WantsUsual {
    Yes,
    No,
}

#[derive(Debug)]
pub(crate) struct Capture {
    file: CaptureFile,
    interface: InterfaceId,
    /// The port that stands for the link's, as far as it is known.
    port: Option<u16>,
    wants_usual: WantsUsual,
    /// The last two who exchanged datagrams.
    datagrams: Option<((SocketAddr, SocketAddr), Datagrams)>,
}

impl Capture {
    pub(crate) fn begin(link: &str, spec: CaptureSpec) -> io::Result<Self> {
        let mut file = CaptureFile::begin(spec.file, spec.limit)?;
        let interface = Interface {
            name: link,
            description: &spec.description,
            comment: "A link of Wharf, as its consumer sees it. Packets are made up of the bytes that passed.",
            link_type: LinkType::Ip,
        };
        let interface = file.interface(&interface);
        let (port, wants_usual) = match spec.port {
            ShownPort::Usual => (None, WantsUsual::Yes),
            ShownPort::Own => (None, WantsUsual::No),
            ShownPort::Is(port) => (Some(port), WantsUsual::No),
        };
        Ok(Self {
            file,
            interface,
            port,
            wants_usual,
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
        let block = Packet {
            time,
            direction: Some(packet.direction),
            comment,
            data: &[packet.header, packet.payload],
        };
        self.file.packet(self.interface, &block);
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
        self.file.flush();
    }

    pub(crate) fn figures(&self) -> CaptureFigures {
        self.file.figures()
    }

    /// Ends it: what is left is written by the thread that is handed back.
    pub(super) fn conclude(&mut self) -> Option<JoinHandle<io::Result<()>>> {
        self.file.conclude().map(|(_, thread)| thread)
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

//! One end of a link: packets out of a network namespace, and into it.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::{Errno, readv, writev};
use wharf_packet::{Checksum, VnetHeader};

use crate::message::Carrier;

/// An Ethernet header: two addresses and the protocol.
const ETHERNET: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// A device of a network namespace. Clones are the same one; any thread may write.
#[derive(Debug, Clone)]
pub(crate) struct Port {
    fd: Arc<OwnedFd>,
    carrier: Carrier,
}

/// A packet that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) header: VnetHeader,
    pub(crate) len: usize,
}

/// What came of reading.
#[derive(Debug)]
pub(crate) enum Read {
    Packet(Arrival),
    /// Something that is no packet. It is gone.
    Nothing,
    /// There is nothing more for now.
    Empty,
}

impl Port {
    pub(crate) fn new(fd: OwnedFd, carrier: Carrier) -> Self {
        Self {
            fd: Arc::new(fd),
            carrier,
        }
    }

    /// Reads a packet into `buffer`, and what does not fit there into `overflow`.
    pub(crate) fn read(&self, buffer: &mut [u8], overflow: &mut [u8]) -> io::Result<Read> {
        let mut head = [0; VnetHeader::LEN + ETHERNET];
        let head_len = self.head_len();
        let room = buffer.len() + overflow.len();
        let mut parts = [
            IoSliceMut::new(&mut head[..head_len]),
            IoSliceMut::new(buffer),
            IoSliceMut::new(overflow),
        ];
        let read = loop {
            match readv(&*self.fd, &mut parts) {
                Err(Errno::INTR) => {}
                // A veth device that goes down says so once.
                Err(Errno::AGAIN | Errno::NETDOWN) => return Ok(Read::Empty),
                // A train of a kind that the header can't name (`virtio_net_hdr_from_skb`). It is gone.
                Err(Errno::INVAL) => return Ok(Read::Nothing),
                other => break other?,
            }
        };
        let Some(len) = read.checked_sub(head_len).filter(|len| (1..=room).contains(len)) else {
            return Ok(Read::Nothing);
        };
        let Ok(mut header) = VnetHeader::parse(&head) else {
            return Ok(Read::Nothing);
        };
        if let (Carrier::Veth, Checksum::Partial { start, .. }) = (self.carrier, &mut header.checksum) {
            *start = start.saturating_sub(ETHERNET as u16);
        }
        Ok(Read::Packet(Arrival { header, len }))
    }

    /// Writes a packet. Nothing waits: a device takes it or not.
    pub(crate) fn write(&self, header: &VnetHeader, packet: &[u8]) -> io::Result<()> {
        let mut header = *header;
        if let (Carrier::Veth, Checksum::Partial { start, .. }) = (self.carrier, &mut header.checksum) {
            *start += ETHERNET as u16;
        }
        let header = header.to_bytes();
        let ethernet = ethernet(packet);
        let ethernet: &[u8] = match self.carrier {
            Carrier::Tun => &[],
            Carrier::Veth => &ethernet,
        };
        let parts = [
            IoSlice::new(&header),
            IoSlice::new(ethernet),
            IoSlice::new(packet),
        ];
        loop {
            match writev(&*self.fd, &parts) {
                Err(Errno::INTR) => {}
                other => return Ok(other.map(drop)?),
            }
        }
    }

    fn head_len(&self) -> usize {
        match self.carrier {
            Carrier::Tun => VnetHeader::LEN,
            Carrier::Veth => VnetHeader::LEN + ETHERNET,
        }
    }
}

/// The header before a packet on veth. All devices of a lab have one address: there are two at each wire.
fn ethernet(packet: &[u8]) -> [u8; ETHERNET] {
    let mut header = [0; ETHERNET];
    header[..6].copy_from_slice(&crate::message::DEVICE_ADDRESS);
    header[6..12].copy_from_slice(&crate::message::DEVICE_ADDRESS);
    let is_v6 = packet.first().is_some_and(|byte| byte >> 4 == 6);
    header[12..].copy_from_slice(if is_v6 { &IPV6 } else { &IPV4 });
    header
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

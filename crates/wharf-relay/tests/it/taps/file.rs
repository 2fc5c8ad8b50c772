//! Capture files, read back by a reader that is not ours.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;

use pcap_parser::PcapNGOption;
use pcap_parser::pcapng::{Block, parse_block_le};
use wharf_link::Size;
use wharf_relay::{CaptureSpec, LinkId, Relay, ShownPort};

/// A capture that is written into a file without a name.
pub(crate) struct Capture {
    file: tempfile::NamedTempFile,
}

impl Capture {
    pub(crate) fn begin(relay: &Relay, link: LinkId) -> Self {
        Self::limited(relay, link, "1GiB")
    }

    pub(crate) fn limited(relay: &Relay, link: LinkId, limit: &str) -> Self {
        Self::made(relay, link, |file| spec(file, limit))
    }

    pub(crate) fn made(relay: &Relay, link: LinkId, spec: impl FnOnce(File) -> CaptureSpec) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let spec = spec(file.reopen().expect("the file"));
        relay.capture(link, spec).expect("a capture");
        Self { file }
    }

    pub(crate) fn read(&self) -> Seen {
        Seen::read(&std::fs::read(self.file.path()).expect("the file"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn size(&self) -> u64 {
        self.file.path().metadata().expect("the file").len()
    }
}

pub(crate) fn spec(file: File, limit: &str) -> CaptureSpec {
    CaptureSpec {
        file,
        limit: limit.parse::<Size>().expect("a size"),
        description: "latency 3ms".to_owned(),
        port: ShownPort::Usual,
    }
}

/// What is in a capture file.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) packets: Vec<Packet>,
    /// Comments of interface statistics.
    pub(crate) remarks: Vec<String>,
    pub(crate) interfaces: usize,
}

#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) time: u64,
    pub(crate) from: u16,
    pub(crate) to: u16,
    pub(crate) number: u32,
    pub(crate) flags: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) comment: String,
}

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;

impl Seen {
    fn read(mut rest: &[u8]) -> Self {
        let mut seen = Self::default();
        while !rest.is_empty() {
            let (behind, block) = parse_block_le(rest).expect("a whole block");
            rest = behind;
            match block {
                Block::EnhancedPacket(block) => {
                    let time = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
                    let data = &block.data[..block.caplen as usize];
                    let comment = text(&block.options);
                    seen.packets.push(Packet {
                        comment,
                        ..Packet::read(time, data)
                    });
                }
                Block::InterfaceStatistics(block) => {
                    seen.remarks.push(text(&block.options));
                }
                Block::InterfaceDescription(_) => seen.interfaces += 1,
                Block::SectionHeader(_) => {}
                other => panic!("{other:?}"),
            }
        }
        seen
    }

    /// What went from this port, put together; a gap is an error.
    #[track_caller]
    pub(crate) fn stream_from(&self, address: SocketAddr) -> Vec<u8> {
        let mut stream = Vec::new();
        let mut next = None;
        for packet in self.packets.iter().filter(|packet| packet.from == address.port()) {
            let expected = *next.get_or_insert(packet.number);
            assert_eq!(packet.number, expected, "no gap");
            let takes = packet.payload.len() as u32 + u32::from(packet.flags & (SYN | FIN) != 0);
            next = Some(expected.wrapping_add(takes));
            stream.extend_from_slice(&packet.payload);
        }
        stream
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.packets.iter().any(|packet| packet.flags & flag != 0)
    }
}

/// The comment among a block's options.
fn text(options: &[PcapNGOption<'_>]) -> String {
    let comment = options.iter().find(|option| option.code.0 == 1);
    let text = comment.map_or(&[][..], |option| &option.value[..option.len as usize]);
    String::from_utf8_lossy(text).into_owned()
}

impl Packet {
    /// IPv4 with TCP or UDP: lengths and checksums are tested where packets are made.
    fn read(time: u64, data: &[u8]) -> Self {
        assert_eq!(data[0], 0x45);
        let segment = &data[20..];
        let ports = [0, 2].map(|at| u16::from_be_bytes([segment[at], segment[at + 1]]));
        let (number, flags, payload) = match data[9] {
            17 => (0, 0, &segment[8..]),
            _ => {
                let number = u32::from_be_bytes(segment[4..8].try_into().expect("four bytes"));
                (number, segment[13], &segment[usize::from(segment[12] >> 4) * 4..])
            }
        };
        Self {
            time,
            from: ports[0],
            to: ports[1],
            number,
            flags,
            payload: payload.to_vec(),
            comment: String::new(),
        }
    }
}

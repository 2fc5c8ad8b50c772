//! A capture file, read back by a reader that is not ours.

use pcap_parser::PcapNGOption;
use pcap_parser::pcapng::{Block, parse_block_le};
use wharf_packet::{Ecn, Packet, Verdict};

/// Which way a packet went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// A packet as it stands in the file.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The interface's name.
    pub(crate) at: String,
    pub(crate) way: Way,
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
    pub(crate) comment: String,
    pub(crate) bytes: Vec<u8>,
}

/// What an interface's statistics say.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) received: u64,
    pub(crate) dropped: u64,
    pub(crate) comment: String,
}

/// What is in a file.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) interfaces: Vec<String>,
    pub(crate) packets: Vec<Seen>,
    /// One an interface, in their order.
    pub(crate) counted: Vec<Counted>,
}

impl Contents {
    pub(crate) fn read(mut rest: &[u8]) -> Self {
        let mut contents = Self::default();
        while !rest.is_empty() {
            let (behind, block) = parse_block_le(rest).expect("a whole block");
            rest = behind;
            match block {
                Block::SectionHeader(_) => {}
                Block::InterfaceDescription(block) => {
                    assert_eq!(block.linktype.0, 101, "LINKTYPE_RAW");
                    assert_eq!(block.if_tsresol, 9, "nanoseconds");
                    contents.interfaces.push(text(&block.options, 2));
                }
                Block::EnhancedPacket(block) => {
                    let flags = number(&block.options, 2, 4);
                    contents.packets.push(Seen {
                        at: contents.interfaces[block.if_id as usize].clone(),
                        way: match flags {
                            1 => Way::Down,
                            2 => Way::Up,
                            other => panic!("flags {other}"),
                        },
                        time: u64::from(block.ts_high) << 32 | u64::from(block.ts_low),
                        comment: text(&block.options, 1),
                        bytes: block.data[..block.caplen as usize].to_vec(),
                    });
                }
                Block::InterfaceStatistics(block) => {
                    assert_eq!(block.if_id as usize, contents.counted.len());
                    contents.counted.push(Counted {
                        received: number(&block.options, 4, 8),
                        dropped: number(&block.options, 5, 8),
                        comment: text(&block.options, 1),
                    });
                }
                other => panic!("{other:?}"),
            }
        }
        contents
    }

    pub(crate) fn at<'a>(&'a self, at: &'a str, way: Way) -> impl Iterator<Item = &'a Seen> {
        self.packets
            .iter()
            .filter(move |seen| seen.at == at && seen.way == way)
    }
}

impl Seen {
    fn packet(&self) -> Packet<'_> {
        Packet::parse(&self.bytes).expect("a packet of IP")
    }

    pub(crate) fn ttl(&self) -> u8 {
        self.packet().ttl()
    }

    pub(crate) fn ecn(&self) -> Ecn {
        self.packet().ecn()
    }

    /// Whether the transport's checksum holds.
    pub(crate) fn holds(&self) -> bool {
        self.packet().transport_checksum() == Verdict::Right
    }
}

fn option<'a>(options: &'a [PcapNGOption<'_>], code: u16) -> Option<&'a [u8]> {
    let option = options.iter().find(|option| option.code.0 == code)?;
    Some(&option.value[..option.len as usize])
}

fn text(options: &[PcapNGOption<'_>], code: u16) -> String {
    String::from_utf8_lossy(option(options, code).unwrap_or_default()).into_owned()
}

fn number(options: &[PcapNGOption<'_>], code: u16, len: usize) -> u64 {
    let value = option(options, code).expect("it is there");
    assert_eq!(value.len(), len);
    let mut bytes = [0; 8];
    bytes[..len].copy_from_slice(value);
    u64::from_le_bytes(bytes)
}

//! Capture files, read back by a reader that is not ours.

use std::net::SocketAddr;

use pcap_parser::PcapNGOption;
use pcap_parser::pcapng::{Block, parse_block_le};
use wharf_capture::pcapng::{Interface, LinkType, Packet, Section, Statistics};
use wharf_capture::synth::{Conversation, Datagrams, LARGEST_SEGMENT, Synthetic};
use wharf_capture::{Direction, Timestamp};

use crate::recording::{Recording, read};

/// A capture file under way.
pub(crate) struct Capture {
    pub(crate) out: Vec<u8>,
    section: Section,
    interface: wharf_capture::pcapng::InterfaceId,
}

impl Capture {
    pub(crate) fn new() -> Self {
        let mut out = Vec::new();
        let mut section = Section::begin(&mut out, "wharf");
        let interface = Interface {
            name: "web -> api",
            description: "a link",
            comment: "as the consumer sees it",
            link_type: LinkType::Ip,
        };
        let interface = section.interface(&mut out, &interface);
        Self {
            out,
            section,
            interface,
        }
    }

    pub(crate) fn packet(&mut self, time: Timestamp, comment: &str, packet: Synthetic<'_>) {
        let packet = Packet {
            time,
            direction: Some(packet.direction),
            comment,
            data: &[packet.header, packet.payload],
        };
        self.section.packet(&mut self.out, self.interface, &packet);
    }

    /// A whole connection between these two.
    pub(crate) fn conversation(&mut self, recording: &Recording, client: &str, listener: &str) {
        let (client, listener) = (address(client), address(listener));
        let mut conversation = Conversation::new(client, listener, recording.number);
        let first = recording.pieces.first().expect("a piece").time;
        conversation.open(|packet| self.packet(first, "", packet));
        let mut last = first;
        for piece in &recording.pieces {
            last = piece.time;
            conversation.data(piece.direction, &piece.bytes, |packet| {
                self.packet(last, "", packet)
            });
        }
        conversation.finish(Direction::Up, |packet| self.packet(last, "", packet));
        conversation.finish(Direction::Down, |packet| self.packet(last, "", packet));
        conversation.finish(Direction::Down, |_| panic!("it has finished"));
    }
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A packet as it was read back.
#[derive(Debug)]
struct Seen {
    time: u64,
    data: Vec<u8>,
    comment: String,
    outbound: bool,
}

/// Reads a capture file block by block.
fn read_back(mut rest: &[u8]) -> (Vec<Seen>, Vec<String>) {
    let (mut packets, mut others) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let (behind, block) = parse_block_le(rest).expect("a block");
        rest = behind;
        match block {
            Block::EnhancedPacket(packet) => packets.push(Seen {
                time: u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low),
                data: packet.data[..packet.caplen as usize].to_vec(),
                comment: texts(&packet.options, 1),
                outbound: packet
                    .options
                    .iter()
                    .any(|option| option.code.0 == 2 && option.value[0] == 2),
            }),
            Block::SectionHeader(header) => others.push(format!("section by {}", texts(&header.options, 4))),
            Block::InterfaceDescription(interface) => others.push(format!(
                "interface {} ({}; {}), link type {}, 10^-{} s",
                texts(&interface.options, 2),
                texts(&interface.options, 3),
                texts(&interface.options, 1),
                interface.linktype.0,
                interface.if_tsresol,
            )),
            Block::InterfaceStatistics(statistics) => {
                let number = |code| {
                    let option = statistics.options.iter().find(|option| option.code.0 == code);
                    u64::from_le_bytes(
                        option.expect("a count").value[..8]
                            .try_into()
                            .expect("eight bytes"),
                    )
                };
                let comment = texts(&statistics.options, 1);
                others.push(format!(
                    "{} received, {} dropped: {comment}",
                    number(4),
                    number(5)
                ));
            }
            other => panic!("{other:?}"),
        }
    }
    (packets, others)
}

fn texts(options: &[PcapNGOption<'_>], code: u16) -> String {
    let option = options.iter().find(|option| option.code.0 == code);
    option.map_or(String::new(), |option| {
        let value = &option.value[..option.len as usize];
        String::from_utf8_lossy(value).into_owned()
    })
}

/// The Internet checksum, word by word.
fn sum(pieces: &[&[u8]]) -> u16 {
    let bytes: Vec<u8> = pieces.concat();
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

/// A packet taken apart, its checksums and lengths looked at.
#[derive(Debug)]
struct Taken<'a> {
    from: u16,
    number: u32,
    acknowledged: u32,
    flags: u8,
    payload: &'a [u8],
}

fn take_apart(data: &[u8]) -> Taken<'_> {
    let (addresses, protocol, segment) = match data[0] >> 4 {
        4 => {
            assert_eq!(usize::from(u16::from_be_bytes([data[2], data[3]])), data.len());
            assert_eq!(sum(&[&data[..20]]), 0, "the header's checksum");
            (&data[12..20], data[9], &data[20..])
        }
        6 => {
            assert_eq!(
                usize::from(u16::from_be_bytes([data[4], data[5]])),
                data.len() - 40
            );
            (&data[8..40], data[6], &data[40..])
        }
        other => panic!("version {other}"),
    };
    let length = (segment.len() as u16).to_be_bytes();
    let pseudo = [addresses, &[0, protocol], &length].concat();
    assert_eq!(sum(&[&pseudo, segment]), 0, "the segment's checksum");
    let word = |at: usize| u32::from_be_bytes(segment[at..at + 4].try_into().expect("four bytes"));
    let from = u16::from_be_bytes([segment[0], segment[1]]);
    match protocol {
        17 => Taken {
            from,
            number: 0,
            acknowledged: 0,
            flags: 0,
            payload: &segment[8..],
        },
        _ => Taken {
            from,
            number: word(4),
            acknowledged: word(8),
            flags: segment[13],
            payload: &segment[usize::from(segment[12] >> 4) * 4..],
        },
    }
}

#[test]
fn conversations_are_put_together_again() {
    for (client, listener) in [
        ("127.0.0.1:40000", "127.0.0.1:6379"),
        ("[::1]:40000", "[::1]:6379"),
    ] {
        for recording in read("redis") {
            let mut capture = Capture::new();
            capture.conversation(&recording, client, listener);
            let (packets, others) = read_back(&capture.out);
            assert_eq!(others.len(), 2);
            let mut streams = [Vec::new(), Vec::new()];
            // The next sequence number of each side, as it follows from its SYN.
            let mut next: [Option<u32>; 2] = [None, None];
            for packet in &packets {
                let taken = take_apart(&packet.data);
                let side = usize::from(taken.from == 6379);
                assert_eq!(packet.outbound, side == 0);
                let expected = *next[side].get_or_insert(taken.number);
                assert_eq!(taken.number, expected, "nothing is missing or twice");
                if taken.flags & 0x10 != 0 {
                    assert_eq!(
                        Some(taken.acknowledged),
                        next[1 - side],
                        "all is acknowledged at once"
                    );
                }
                let takes = taken.payload.len() as u32 + u32::from(taken.flags & 3 != 0);
                next[side] = Some(expected.wrapping_add(takes));
                streams[side].extend_from_slice(taken.payload);
            }
            for (side, direction) in [Direction::Up, Direction::Down].into_iter().enumerate() {
                let pieces = recording
                    .pieces
                    .iter()
                    .filter(|piece| piece.direction == direction);
                let whole: Vec<u8> = pieces.flat_map(|piece| piece.bytes.clone()).collect();
                assert_eq!(streams[side], whole);
            }
            let times: Vec<u64> = recording.pieces.iter().map(|piece| piece.time.nanos()).collect();
            let seen: Vec<u64> = packets
                .iter()
                .filter(|packet| !take_apart(&packet.data).payload.is_empty())
                .map(|packet| packet.time)
                .collect();
            assert_eq!(seen, times, "to the nanosecond");
        }
    }
}

#[test]
fn blocks_say_what_they_should() {
    let mut capture = Capture::new();
    let now = Timestamp::from_nanos(1_700_000_000_123_456_789);
    let mut conversation = Conversation::new(address("127.0.0.1:1"), address("127.0.0.1:2"), 7);
    let comment = "dropped: queue full";
    conversation.data(Direction::Up, b"odd", |packet| {
        capture.packet(now, comment, packet)
    });
    let statistics = Statistics {
        time: now,
        started: now,
        ended: Some(now),
        received: 12,
        dropped: 3,
        comment: "the disk was slow",
    };
    capture
        .section
        .statistics(&mut capture.out, capture.interface, &statistics);
    let (packets, others) = read_back(&capture.out);
    assert_eq!(
        (packets[0].time, packets[0].comment.as_str()),
        (now.nanos(), comment)
    );
    insta::assert_snapshot!(others.join("\n"), @r"
    section by wharf
    interface web -> api (a link; as the consumer sees it), link type 101, 10^-9 s
    12 received, 3 dropped: the disk was slow
    ");
}

#[test]
fn bulk_gaps_and_ends() {
    let mut capture = Capture::new();
    let now = Timestamp::default();
    let mut conversation = Conversation::new(address("127.0.0.1:1"), address("127.0.0.1:2"), 7);
    let bulk = vec![7; 3 * LARGEST_SEGMENT + 5];
    conversation.data(Direction::Down, &bulk, |packet| capture.packet(now, "", packet));
    conversation.skip(Direction::Down, 5_000_000_000);
    conversation.data(Direction::Down, b"after", |packet| {
        capture.packet(now, "", packet)
    });
    conversation.reset(Direction::Up, |packet| capture.packet(now, "", packet));
    let (packets, _) = read_back(&capture.out);
    let taken: Vec<Taken<'_>> = packets.iter().map(|packet| take_apart(&packet.data)).collect();
    let lengths: Vec<usize> = taken.iter().map(|taken| taken.payload.len()).collect();
    assert_eq!(
        lengths,
        [
            LARGEST_SEGMENT,
            0,
            LARGEST_SEGMENT,
            0,
            LARGEST_SEGMENT,
            0,
            5,
            0,
            5,
            0,
            0
        ]
    );
    // PSH on the last of each call alone.
    let pushes: Vec<bool> = taken.iter().map(|taken| taken.flags & 8 != 0).collect();
    assert_eq!(pushes.iter().filter(|&&push| push).count(), 2);
    assert!(pushes[6] && pushes[8]);
    let gap = taken[8].number.wrapping_sub(taken[6].number.wrapping_add(5));
    assert_eq!(u64::from(gap), 5_000_000_000 % (1 << 32));
    assert_eq!(taken[10].flags, 0x14, "RST, ACK");
    assert_eq!(taken[10].acknowledged, taken[8].number.wrapping_add(5));
}

#[test]
fn datagrams() {
    for (client, listener) in [("127.0.0.1:40000", "127.0.0.1:53"), ("[::1]:40000", "[::1]:53")] {
        let mut capture = Capture::new();
        let mut datagrams = Datagrams::new(address(client), address(listener));
        let now = Timestamp::default();
        for (direction, payload) in [
            (Direction::Up, &b"question"[..]),
            (Direction::Down, b""),
            (Direction::Down, b"abc"),
        ] {
            datagrams.datagram(direction, payload, |packet| capture.packet(now, "", packet));
        }
        let (packets, _) = read_back(&capture.out);
        let seen: Vec<(u16, &[u8])> = packets
            .iter()
            .map(|packet| take_apart(&packet.data))
            .map(|taken| (taken.from, taken.payload))
            .collect();
        assert_eq!(seen, [(40_000, &b"question"[..]), (53, b""), (53, b"abc")]);
    }
}

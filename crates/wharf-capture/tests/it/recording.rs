//! Recordings of real programs (`recordings/record.py` makes them), and observers that are told of them.

use wharf_capture::observe::{End, Observer, Options};
use wharf_capture::{Direction, Exchange, Timestamp};

/// One connection: pieces as they were read.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) number: u64,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) direction: Direction,
    pub(crate) time: Timestamp,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) const ALL: [(&str, &str); 6] = [
    ("http1", include_str!("recordings/http1.txt")),
    ("http2", include_str!("recordings/http2.txt")),
    ("mysql", include_str!("recordings/mysql.txt")),
    ("postgres", include_str!("recordings/postgres.txt")),
    ("redis", include_str!("recordings/redis.txt")),
    ("tls", include_str!("recordings/tls.txt")),
];

/// The connections of a recording.
pub(crate) fn read(name: &str) -> Vec<Recording> {
    let (_, text) = ALL.iter().find(|(known, _)| *known == name).expect("a recording");
    let mut all: Vec<Recording> = Vec::new();
    for line in text.lines() {
        let (sign, rest) = line.split_once(' ').expect("a sign");
        let direction = match sign {
            ">" => Direction::Up,
            "<" => Direction::Down,
            _ => {
                all.push(Recording {
                    number: rest.parse().expect("a number"),
                    pieces: Vec::new(),
                });
                continue;
            }
        };
        let (micros, bytes) = rest.split_once(' ').expect("a time");
        let micros: u64 = micros.parse().expect("a number");
        // It starts at noon UTC of some day.
        let time = Timestamp::from_nanos(1_700_000_000_000_000_000 + micros * 1_000);
        let bytes = plain(bytes);
        let piece = Piece {
            direction,
            time,
            bytes,
        };
        all.last_mut().expect("a connection").pieces.push(piece);
    }
    all
}

fn plain(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        bytes.push(match c {
            '\\' => match characters.next().expect("an escape") {
                'n' => b'\n',
                'r' => b'\r',
                _ => {
                    let digits: String = characters.by_ref().take(2).collect();
                    u8::from_str_radix(&digits, 16).expect("two digits")
                }
            },
            c => u8::try_from(c).expect("ASCII"),
        });
    }
    bytes
}

/// How an observer is told of a recording.
pub(crate) enum Telling<'a> {
    /// Piece by piece.
    Whole,
    /// In pieces of at most so many bytes.
    Cut(usize),
    /// In pieces that end behind these bytes of each direction's stream.
    CutAt(&'a [usize]),
    /// Without the bytes that it says it need not see.
    Skipping,
}

/// What an observer makes of a connection.
pub(crate) fn observe(recording: &Recording, telling: &Telling<'_>, options: Options) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let mut sink = |exchange| exchanges.push(exchange);
    let mut observer = Observer::new(recording.number, options);
    let mut told = [0, 0];
    for piece in &recording.pieces {
        let Piece { direction, time, .. } = *piece;
        let told = &mut told[usize::from(direction == Direction::Down)];
        let mut rest = &piece.bytes[..];
        while !rest.is_empty() {
            let next = match telling {
                Telling::Whole | Telling::Skipping => rest.len(),
                Telling::Cut(most) => rest.len().min(*most),
                Telling::CutAt(places) => {
                    let ahead = places.iter().filter_map(|place| place.checked_sub(*told));
                    ahead
                        .filter(|&place| place > 0)
                        .min()
                        .unwrap_or(rest.len())
                        .min(rest.len())
                }
            };
            let skip = match telling {
                Telling::Skipping => usize::try_from(observer.skip(direction)).unwrap_or(usize::MAX),
                _ => 0,
            };
            let count = if skip > 0 { skip.min(next) } else { next };
            let (bytes, behind) = rest.split_at(count);
            match skip {
                0 => observer.saw(direction, time, bytes, &mut sink),
                _ => observer.passed(direction, time, count as u64, &mut sink),
            }
            assert!(observer.held() <= 2 * wharf_capture::observe::MOST_HELD);
            *told += count;
            rest = behind;
        }
    }
    let end = recording
        .pieces
        .last()
        .map_or(Timestamp::default(), |piece| piece.time);
    for direction in [Direction::Up, Direction::Down] {
        observer.ended(direction, end, End::Finished, &mut sink);
    }
    assert!(observer.is_done());
    exchanges
}

//! Bytes that no program of good will has sent.

use proptest::prelude::*;
use wharf_capture::observe::{Bodies, End, MOST_HELD, Observer, Options};
use wharf_capture::{Direction, Timestamp};

use crate::recording::{ALL, Telling, observe, read};

/// Shows an observer pieces and sees that it keeps its bounds.
fn show(mut observer: Observer, pieces: &[(bool, Vec<u8>)]) {
    let mut exchanges = Vec::new();
    for (time, (up, bytes)) in (0..).zip(pieces) {
        let direction = if *up { Direction::Up } else { Direction::Down };
        let now = Timestamp::from_nanos(time);
        let skip = usize::try_from(observer.skip(direction))
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let (skipped, seen) = bytes.split_at(skip);
        observer.passed(direction, now, skipped.len() as u64, &mut |exchange| {
            exchanges.push(exchange)
        });
        observer.saw(direction, now, seen, &mut |exchange| exchanges.push(exchange));
        assert!(observer.held() <= 2 * MOST_HELD);
    }
    observer.ended(
        Direction::Down,
        Timestamp::default(),
        End::Reset,
        &mut |exchange| exchanges.push(exchange),
    );
    assert!(observer.is_done());
    for exchange in exchanges {
        assert!(
            exchange.subject.len() <= 4_096,
            "{} bytes",
            exchange.subject.len()
        );
        assert!(exchange.request.fields.len() <= 64);
        let _ = exchange.to_string();
    }
}

/// Beginnings that make an observer believe that it knows the protocol.
fn beginnings() -> Vec<&'static [u8]> {
    vec![
        b"",
        b"GET /",
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x10\x01\x05\x00\x00\x00\x01",
        b"*1\r\n$4\r\nPING\r\n",
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        b"\x00\x00\x00\x0e\x00\x03\x00\x00user\x00\x00",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
}

fn pieces() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        // What protocols are made of.
        prop::collection::vec(
            prop::sample::select(b"\r\n\0 *$:%|>~Q+-0123456789HTP/".to_vec()),
            0..300
        ),
    ];
    prop::collection::vec((any::<bool>(), bytes), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn noise(place in 0_usize..9, mut rest in pieces(), bodies in any::<bool>()) {
        let bodies = if bodies { Bodies::UpTo(50) } else { Bodies::Off };
        let options = Options { bodies, ..Options::default() };
        rest.insert(0, (true, beginnings()[place].to_vec()));
        show(Observer::new(1, options), &rest);
        show(Observer::midway(1, options), &rest);
    }

    #[test]
    fn noise_behind_a_greeting_of_mysql(rest in pieces()) {
        let greeting = b"\x0a\x00\x00\x00\x0a8.0.1\x00xxxx".to_vec();
        let login = [&b"\x24\x00\x00\x01\x05\xa2\x00\x00"[..], &[0; 32]].concat();
        let done = b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00".to_vec();
        let query = b"\x09\x00\x00\x00\x03SELECT 1".to_vec();
        let mut pieces = vec![(false, greeting), (true, login), (false, done), (true, query)];
        pieces.extend(rest);
        show(Observer::new(1, Options::default()), &pieces);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Recordings with bytes changed, left out and doubled.
    #[test]
    fn recordings_that_were_tampered_with(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6),
    ) {
        for (name, _) in ALL {
            for mut recording in read(name) {
                for (piece, place, byte, kind) in &changes {
                    let bytes = &mut piece.get_mut(&mut recording.pieces).bytes;
                    if bytes.is_empty() {
                        continue;
                    }
                    let place = place.index(bytes.len());
                    match kind {
                        0 => bytes[place] = *byte,
                        1 => drop(bytes.remove(place)),
                        _ => bytes.insert(place, *byte),
                    }
                }
                for telling in [Telling::Whole, Telling::Cut(7), Telling::Skipping] {
                    observe(&recording, &telling, Options::default());
                }
            }
        }
    }
}

#[test]
fn what_never_ends_is_not_held() {
    let mut observer = Observer::new(1, Options::default());
    let now = Timestamp::default();
    observer.saw(Direction::Up, now, b"GET /", &mut |_| {});
    let mut most = 0;
    for _ in 0..10_000 {
        observer.saw(Direction::Up, now, &[b'a'; 100], &mut |_| {});
        most = most.max(observer.held());
    }
    assert!(observer.is_done(), "a line of a megabyte is no request line");
    assert!((1_000..=MOST_HELD).contains(&most), "{most}");
    assert_eq!(observer.held(), 0, "and nothing of it is kept");
}

#[test]
fn what_is_not_known_is_given_up_at_once() {
    for (direction, bytes) in [
        (Direction::Up, &b"EHLO shop.test\r\n and some more to come"[..]),
        (Direction::Down, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
        (Direction::Up, &[0x80; 64]),
    ] {
        let mut observer = Observer::new(1, Options::default());
        observer.saw(direction, Timestamp::default(), bytes, &mut |_| {});
        assert!(observer.is_done());
        assert_eq!(
            (observer.skip(Direction::Up), observer.skip(Direction::Down)),
            (u64::MAX, u64::MAX)
        );
    }
}

#[test]
fn pipelines_are_bounded_and_keep_in_step() {
    let mut exchanges = Vec::new();
    let mut observer = Observer::new(1, Options::default());
    let now = Timestamp::default();
    let total = 3_000;
    for number in 0..total {
        let command = format!("*2\r\n$3\r\nGET\r\n$4\r\n{number:04}\r\n");
        observer.saw(Direction::Up, now, command.as_bytes(), &mut |_| {});
    }
    for number in 0..total {
        let answer = format!("+{number:04}\r\n");
        observer.saw(Direction::Down, now, answer.as_bytes(), &mut |exchange| {
            exchanges.push(exchange)
        });
    }
    assert!((100..1_000).contains(&exchanges.len()), "{}", exchanges.len());
    observer.saw(Direction::Up, now, b"*1\r\n$4\r\nPING\r\n", &mut |_| {});
    observer.saw(Direction::Down, now, b"+PONG\r\n", &mut |exchange| {
        exchanges.push(exchange)
    });
    assert_eq!(exchanges.last().unwrap().to_string(), "PING → PONG");
    for exchange in &exchanges[..exchanges.len() - 1] {
        let answered = exchange.to_string();
        assert_eq!(
            answered,
            format!("GET {} → {}", exchange.subject, exchange.subject)
        );
    }
}

#[test]
fn met_midway() {
    let now = Timestamp::default();
    for (up, down, seen) in [
        (
            &b"GET /a HTTP/1.1\r\n\r\n"[..],
            &b"HTTP/1.1 204 No Content\r\n\r\n"[..],
            "GET /a → 204",
        ),
        (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n", "PING → PONG"),
        (
            b"Q\0\0\0\x0dSELECT 1\0",
            b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I",
            "Query SELECT 1 → SELECT 1",
        ),
    ] {
        let mut exchanges = Vec::new();
        let mut observer = Observer::midway(1, Options::default());
        let mut sink = |exchange| exchanges.push(exchange);
        observer.saw(Direction::Down, now, b"the end of some answer", &mut sink);
        observer.saw(Direction::Up, now, up, &mut sink);
        observer.saw(Direction::Down, now, down, &mut sink);
        let lines: Vec<String> = exchanges.iter().map(ToString::to_string).collect();
        assert_eq!(lines, [seen]);
    }
}

/// Found by fuzzing: a server that announces 2⁶⁴ − 1 columns. The story is as `fuzz/` tells it: a piece
/// has its direction and its length in the two bytes before it.
#[test]
fn a_result_of_more_columns_than_can_be_counted() {
    let story = include_bytes!("../../../../fuzz/seeds/observer/mysql-columns");
    let mut pieces = Vec::new();
    let mut rest = &story[1..];
    while let [high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([high & 0x7f, *low])).min(behind.len());
        let (bytes, behind) = behind.split_at(length);
        pieces.push((high & 0x80 == 0, bytes.to_vec()));
        rest = behind;
    }
    show(Observer::new(1, Options::default()), &pieces);
}

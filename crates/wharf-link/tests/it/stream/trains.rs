//! Segments that are sent as one: it costs less, and nothing else is different.

use std::time::Duration;

use wharf_link::Size;
use wharf_link::stream::{Cargo, Congestion, Fate, Handshake, LONGEST_TRAIN, MSS, Settings, Stream, Supply};

use super::world::of;
use crate::ms;

/// What a greedy sender has under way after each round trip of 100 ms, in bytes, and how many times it
/// was asked.
fn rounds(settings: Settings, longest: u32) -> (Vec<u64>, usize) {
    let mut stream = Stream::new(settings, ms(100), Handshake::default());
    stream.set_longest(longest);
    let mut asked = 0;
    let mut under_way = Vec::new();
    for round in 0..14 {
        let now = ms(100) * round;
        let mut sent = Vec::new();
        while let Some(turn) = stream.turn(now, Supply::Waiting) {
            let Cargo::New(most) = turn.cargo else {
                panic!("nothing is lost");
            };
            assert!((1..=longest).contains(&most), "{most}");
            sent.push(stream.sent(turn, now, most));
            asked += 1;
        }
        under_way.push(stream.unacknowledged());
        for segment in sent {
            stream.arrived(now + ms(50), segment, Fate::Delivered, ms(50));
        }
    }
    assert_eq!(stream.counters().again, 0);
    (under_way, asked)
}

#[test]
fn windows_grow_as_those_of_single_segments() {
    for congestion in [Congestion::Reno, Congestion::Cubic] {
        for window in [
            None,
            Some(Size::from_bytes(3 << 20)),
            Some(Size::from_bytes(64 << 20)),
        ] {
            let settings = Settings {
                window,
                ..of(congestion)
            };
            let (single, often) = rounds(settings, MSS);
            let (trains, seldom) = rounds(settings, LONGEST_TRAIN);
            assert_eq!(single, trains, "{settings:?}");
            assert_eq!(single[0], 10 * u64::from(MSS));
            assert!(seldom * 20 < often, "{seldom} {often}");
        }
    }
}

/// Of a train that is lost after all, since the link has begun to lose meanwhile, all is sent again.
#[test]
fn a_train_that_is_lost_is_sent_again() {
    let mut stream = Stream::new(Settings::default(), ms(100), Handshake::default());
    stream.set_longest(LONGEST_TRAIN);
    let turn = stream.turn(ms(0), Supply::Waiting).expect("it may send");
    let train = stream.sent(turn, ms(0), 8 * MSS);
    let mut behind = Vec::new();
    stream.set_longest(MSS);
    while let Some(turn) = stream.turn(ms(0), Supply::Waiting) {
        behind.push(stream.sent(turn, ms(0), MSS));
    }
    assert_eq!(behind.len(), 2, "ten segments are the first window");
    let back = ms(50);
    assert_eq!(stream.arrived(ms(50), train, Fate::Lost, back), 0);
    for (index, segment) in (0u32..).zip(behind) {
        let at = ms(51) + Duration::from_micros(index.into());
        assert_eq!(stream.arrived(at, segment, Fate::Delivered, back), 0);
    }
    let again = stream.turn(ms(500), Supply::Empty).expect("the sender knows");
    assert_eq!(again.cargo, Cargo::Again(8 * MSS));
    let again = stream.sent(again, ms(500), 8 * MSS);
    assert_eq!(
        stream.arrived(ms(550), again, Fate::Delivered, back),
        u64::from(10 * MSS)
    );
    assert_eq!(stream.turn(ms(600), Supply::Empty), None);
    assert!(stream.is_idle());
}

//! What two programs say to each other, in whatever pieces, to an observer: `cargo fuzz run observer`.
//!
//! A piece is two bytes, which say its direction and its length, and the bytes. So a story can be made of
//! a recording, and begins with its protocol.
#![no_main]

use wharf_capture::observe::{Bodies, End, MOST_HELD, Observer, Options};
use wharf_capture::{Direction, Exchange, Timestamp};

libfuzzer_sys::fuzz_target!(|story: &[u8]| {
    let Some((first, mut rest)) = story.split_first() else {
        return;
    };
    let mut options = Options::default();
    if first & 1 == 1 {
        options.bodies = Bodies::UpTo(512);
    }
    let mut observer = match first & 2 {
        0 => Observer::new(1, options),
        _ => Observer::midway(1, options),
    };
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut time = 0;
    while let [high, low, behind @ ..] = rest {
        time += 1;
        let now = Timestamp::from_nanos(time);
        let direction = if high & 0x80 == 0 {
            Direction::Up
        } else {
            Direction::Down
        };
        let length = usize::from(u16::from_be_bytes([high & 0x7f, *low])).min(behind.len());
        let (bytes, behind) = behind.split_at(length);
        rest = behind;
        let mut sink = |exchange| exchanges.push(exchange);
        // As a relay does it: what need not be seen passes unseen.
        let skip = usize::try_from(observer.skip(direction))
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let (unseen, seen) = bytes.split_at(skip);
        observer.passed(direction, now, unseen.len() as u64, &mut sink);
        observer.saw(direction, now, seen, &mut sink);
        assert!(
            observer.held() <= 2 * MOST_HELD,
            "it holds {} bytes",
            observer.held()
        );
        if bytes.is_empty() {
            observer.ended(direction, now, End::Finished, &mut sink);
        }
    }
    observer.finish(Timestamp::from_nanos(time + 1), &mut |exchange| {
        exchanges.push(exchange)
    });
    for exchange in exchanges {
        assert!(
            exchange.subject.len() <= 4_096,
            "a subject of {} bytes",
            exchange.subject.len()
        );
        assert!(exchange.request.fields.len() <= 64);
        let _ = exchange.to_string();
    }
});

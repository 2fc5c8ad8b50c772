//! Where the bytes of a connection are cut makes no difference.

use proptest::prelude::*;
use wharf_capture::observe::{Bodies, Options};
use wharf_capture::{Direction, Exchange};

use crate::recording::{ALL, Recording, Telling, observe, read};

fn options() -> [Options; 2] {
    let bodies = Options {
        bodies: Bodies::UpTo(100),
        ..Options::default()
    };
    [Options::default(), bodies]
}

fn bytes(recording: &Recording, direction: Direction) -> usize {
    let pieces = recording
        .pieces
        .iter()
        .filter(|piece| piece.direction == direction);
    pieces.map(|piece| piece.bytes.len()).sum()
}

#[track_caller]
fn same(name: &str, recording: &Recording, telling: &Telling<'_>, options: Options, whole: &[Exchange]) {
    let cut = observe(recording, telling, options);
    assert_eq!(cut, whole, "{name}, connection {}", recording.number);
}

#[test]
fn one_cut_anywhere() {
    for (name, _) in ALL {
        for recording in read(name) {
            let whole = observe(&recording, &Telling::Whole, Options::default());
            let length = bytes(&recording, Direction::Up).max(bytes(&recording, Direction::Down));
            for place in 1..length.min(4_000) {
                same(
                    name,
                    &recording,
                    &Telling::CutAt(&[place]),
                    Options::default(),
                    &whole,
                );
            }
        }
    }
}

#[test]
fn every_byte_alone_and_other_sizes() {
    for (name, _) in ALL {
        for recording in read(name) {
            for options in options() {
                let whole = observe(&recording, &Telling::Whole, options);
                for size in [1, 2, 3, 5, 7, 64, 1_000] {
                    same(name, &recording, &Telling::Cut(size), options, &whole);
                }
            }
        }
    }
}

#[test]
fn what_need_not_be_seen_is_not_missed() {
    for (name, _) in ALL {
        for recording in read(name) {
            for options in options() {
                let whole = observe(&recording, &Telling::Whole, options);
                same(name, &recording, &Telling::Skipping, options, &whole);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn many_cuts(places in prop::collection::vec(1_usize..9_000, 0..40)) {
        for (name, _) in ALL {
            for recording in read(name) {
                for options in options() {
                    let whole = observe(&recording, &Telling::Whole, options);
                    same(name, &recording, &Telling::CutAt(&places), options, &whole);
                }
            }
        }
    }
}

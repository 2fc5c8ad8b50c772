//! Drop-tail and drop-head: who goes when there is no room.

use wharf_link::queue::{Load, Setup};
use wharf_link::{Cause, Discipline, Overflow, QueueLimit, Size};

use super::{Fate, Item, Log, Subject, queue, setup};
use crate::ms;

/// Pushes packets of these lengths while the line is busy with 1000 bytes, and then takes all out.
fn check(discipline: Discipline, limit: QueueLimit, lens: &[usize]) -> (Vec<(u64, Fate)>, Vec<u64>) {
    let mut queue = queue(
        Setup {
            limit,
            ..setup(discipline)
        },
        Overflow::Drop,
    );
    let mut log = Log::new();
    let line = Load {
        packets: 1,
        bytes: 1_000,
    };
    for (id, len) in (0..).zip(lens) {
        Subject::push(&mut queue, ms(id), Item::plain(id, *len), line, &mut log);
    }
    let drops = log.iter().map(|entry| (entry.item.id, entry.fate)).collect();
    let mut sent = Vec::new();
    while let Some(item) = Subject::pop(&mut queue, ms(100), &mut log) {
        sent.push(item.id);
    }
    (drops, sent)
}

const REFUSED: Fate = Fate::Refused(Cause::Queue);
const LOST: Fate = Fate::Lost(Cause::Queue);

#[test]
fn drop_tail_refuses_the_newest() {
    let (drops, sent) = check(Discipline::DropTail, QueueLimit::Packets(4), &[500; 6]);
    assert_eq!(drops, [(3, REFUSED), (4, REFUSED), (5, REFUSED)]);
    assert_eq!(sent, [0, 1, 2]);
}

#[test]
fn drop_head_drops_the_oldest() {
    let (drops, sent) = check(Discipline::DropHead, QueueLimit::Packets(4), &[500; 6]);
    assert_eq!(drops, [(0, LOST), (1, LOST), (2, LOST)]);
    assert_eq!(sent, [3, 4, 5]);
}

#[test]
fn drop_head_drops_as_many_as_it_must() {
    let limit = QueueLimit::Bytes(Size::from_bytes(3_000));
    let (drops, sent) = check(Discipline::DropHead, limit, &[500, 500, 500, 1_200, 300]);
    assert_eq!(drops, [(0, LOST), (1, LOST)]);
    assert_eq!(sent, [2, 3, 4]);
}

#[test]
fn drop_head_drops_none_for_one_that_would_not_fit_anyway() {
    let limit = QueueLimit::Bytes(Size::from_bytes(3_000));
    let (drops, sent) = check(Discipline::DropHead, limit, &[500, 2_001, 500]);
    assert_eq!(drops, [(1, REFUSED)]);
    assert_eq!(sent, [0, 2]);
}

#[test]
fn the_line_counts_and_is_out_of_reach() {
    for discipline in [Discipline::DropTail, Discipline::DropHead] {
        let (drops, sent) = check(discipline, QueueLimit::Packets(1), &[500, 500]);
        assert_eq!(drops, [(0, REFUSED), (1, REFUSED)]);
        assert_eq!(sent, [0u64; 0]);
    }
}

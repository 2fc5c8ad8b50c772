//! Each discipline against a transcription of its specification, line by line and as slow as it
//! comes: on the same arrivals, each packet must have the same fate at the same time.

mod codel;
mod fq_codel;
mod pie;
mod red;

use std::fmt::Write as _;

use wharf_link::queue::{Load, Queue, Setup, Verdict};
use wharf_link::{Cause, Discipline, Overflow, QueueLimit, Size};

use super::{Fate, Item, Log, Subject, play, queue, recordings, setup};

/// Plays every recording through both, under a wide limit and narrow ones, and returns a table of
/// what became of the packets.
#[track_caller]
fn check<S: Subject>(discipline: Discipline, transcription: impl Fn(&Setup) -> S) -> String {
    let limits = [
        QueueLimit::Packets(10_000),
        QueueLimit::Packets(250),
        QueueLimit::Bytes(Size::from_bytes(40_000)),
    ];
    let mut table = String::new();
    for limit in limits {
        let setup = Setup {
            limit,
            ..setup(discipline)
        };
        let _ = writeln!(table, "limit {limit}");
        for name in recordings::names() {
            let arrivals = recordings::arrivals(name);
            let mut queue: Queue<Item> = queue(setup, Overflow::Drop);
            let ours = play(&arrivals, setup.rate, &mut queue);
            let theirs = play(&arrivals, setup.rate, &mut transcription(&setup));
            let differs = ours.iter().zip(&theirs).position(|(our, their)| our != their);
            if let Some(at) = differs {
                panic!(
                    "{discipline:?}, {limit}, {name}: decision {at} is {:?}, by the book {:?}",
                    ours[at], theirs[at]
                );
            }
            assert_eq!(ours.len(), theirs.len(), "{discipline:?}, {limit}, {name}");
            let _ = writeln!(table, "  {name}: {}", summary(&ours));
        }
    }
    table
}

fn summary(log: &Log) -> String {
    let count = |fates: &[Fate]| log.iter().filter(|entry| fates.contains(&entry.fate)).count();
    let [forward, mark] = [Verdict::Forward, Verdict::Mark].map(|verdict| count(&[Fate::Sent(verdict)]));
    let [early, full] =
        [Cause::Aqm, Cause::Queue].map(|cause| count(&[Fate::Refused(cause), Fate::Lost(cause)]));
    format!("{forward} sent, {mark} sent with a mark, {early} dropped early, {full} found no room")
}

/// The limit, with what is on the line; an idle link takes any one packet.
fn is_full(setup: &Setup, waiting: Load, line: Load, len: usize) -> bool {
    let packets = waiting.packets + line.packets;
    let full = match setup.limit {
        QueueLimit::Packets(most) => packets + 1 > most as usize,
        QueueLimit::Bytes(most) => waiting.bytes + line.bytes + len as u64 > most.bytes(),
    };
    full && packets > 0
}

//! FQ-CoDel: flows share alike, and a flow that sends little hardly waits.

use std::time::Duration;

use wharf_link::queue::Setup;
use wharf_link::{Discipline, FqCoDel, Overflow, QueueLimit, Rate, Size};

use super::recordings::Arrival;
use super::senders::{self, Sender};
use super::{Fate, Item, Log, play, queue, setup};
use crate::ms;

const FQ: Discipline = Discipline::FqCoDel(FqCoDel::DEFAULT);

/// Jain's index (Jain, Chiu and Hawe, 1984): 1 when all have the same, 1/n when one has all.
fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    sum * sum / (shares.len() as f64 * squares)
}

/// Flows that send 2, 3, … Mbit/s whatever happens, the greater their number the more, in packets
/// the smaller the greater their number, for ten seconds.
fn greedy(flows: u64) -> Vec<Arrival> {
    let mut arrivals: Vec<Arrival> = (0..flows)
        .flat_map(|flow| {
            let len = 1_400 - 100 * flow;
            let every = Duration::from_nanos(len * 8_000 / (flow + 2));
            let count = (10_000_000_000 / every.as_nanos()) as u32;
            (0..count).map(move |index| Arrival {
                time: every * index,
                item: Item::of_flow(0, len as usize, flow),
            })
        })
        .collect();
    arrivals.sort_by_key(|arrival| arrival.time);
    for (id, arrival) in (0..).zip(&mut arrivals) {
        arrival.item.id = id;
    }
    arrivals
}

/// How much each flow got through while all were sending.
fn shares(log: &Log, flows: u64) -> Vec<f64> {
    let sent = |flow| {
        let of_flow = log.iter().filter(|entry| {
            let sent = matches!(entry.fate, Fate::Sent(_));
            sent && entry.item.flow == flow && entry.time < ms(10_000)
        });
        of_flow.map(|entry| entry.item.len as f64).sum()
    };
    (0..flows).map(sent).collect()
}

fn before(discipline: Discipline) -> Setup {
    Setup {
        limit: QueueLimit::Bytes(Size::from_bytes(250_000)),
        ..setup(discipline)
    }
}

#[test]
fn flows_that_do_not_yield_get_the_same() {
    let arrivals = greedy(8);
    let index = |discipline| {
        let setup = before(discipline);
        let log = play(&arrivals, setup.rate, &mut queue(setup, Overflow::Drop));
        jain(&shares(&log, 8))
    };
    let (fair, first_come) = (index(FQ), index(Discipline::DropTail));
    assert!(fair > 0.999, "{fair}");
    assert!(first_come < 0.9, "{first_come}");
}

#[test]
fn senders_near_and_far_get_about_the_same() {
    let until = Duration::from_secs(45);
    let rate = Rate::kbit(10_000);
    let rtts = [10, 20, 40, 80, 120];
    let index = |discipline| {
        let senders = rtts.map(|rtt| Sender {
            rtt: ms(rtt),
            ecn: false,
        });
        let log = senders::run(
            &senders,
            rate,
            until,
            &mut queue(before(discipline), Overflow::Drop),
        );
        jain(&senders::steady(&log, rtts.len(), rate, until).bytes)
    };
    let fair = index(FQ);
    assert!(fair > 0.97, "{fair}");
}

#[test]
fn a_sparse_flow_goes_first() {
    let mut arrivals = greedy(8);
    let calls = (0..200).map(|index| Arrival {
        // Not before the others have had their first turn.
        time: ms(500) + Duration::from_micros(50_333) * index,
        item: Item::of_flow(1_000_000 + u64::from(index), 160, 99),
    });
    arrivals.extend(calls);
    arrivals.sort_by_key(|arrival| arrival.time);
    let longest = |discipline| {
        let setup = before(discipline);
        let log = play(&arrivals, setup.rate, &mut queue(setup, Overflow::Drop));
        let calls: Vec<_> = log.iter().filter(|entry| entry.item.flow == 99).collect();
        let waits = calls
            .iter()
            .map(|entry| entry.wait)
            .max()
            .expect("there are calls");
        let lost = calls
            .iter()
            .filter(|entry| !matches!(entry.fate, Fate::Sent(_)))
            .count();
        (waits, lost)
    };
    // It waits for what is on the line, and for no other: 1400 bytes take 1.12 ms.
    let (wait, lost) = longest(FQ);
    assert!(wait <= Duration::from_micros(1_120), "{wait:?}");
    assert_eq!(lost, 0);
    let (wait, _) = longest(Discipline::DropTail);
    assert!(wait > ms(100), "{wait:?}");
}

#[test]
fn the_longest_queue_pays_when_there_is_no_room() {
    let setup = Setup {
        limit: QueueLimit::Packets(40),
        ..setup(FQ)
    };
    // 39 of one flow, then one each of others: it gives up half, and they lose nothing.
    let flows = (0..39).map(|id| Item::of_flow(id, 1_000, 0));
    let others = (39..45).map(|id| Item::of_flow(id, 1_000, id));
    let arrivals: Vec<Arrival> = flows
        .chain(others)
        .map(|item| Arrival { time: ms(0), item })
        .collect();
    let log = play(&arrivals, setup.rate, &mut queue(setup, Overflow::Drop));
    let lost: Vec<u64> = log
        .iter()
        .filter(|entry| !matches!(entry.fate, Fate::Sent(_)))
        .map(|entry| entry.item.id)
        .collect();
    // The first is on the line, so 38 wait when the 41st comes.
    assert_eq!(lost, (1..20).collect::<Vec<u64>>());
}

/// Packets of no bytes make no queue longer in bytes, and must be found all the same.
#[test]
fn a_queue_of_packets_without_bytes_gives_them_up() {
    let setup = Setup {
        limit: QueueLimit::Packets(10),
        ..setup(FQ)
    };
    let mut queue = queue(setup, Overflow::Drop);
    let mut lost = 0;
    for id in 0..100 {
        let item = Item::of_flow(id, 0, id % 7);
        let _ = queue.push(ms(id), item, wharf_link::queue::Load::NONE, &mut |_| lost += 1);
        // Queues that have been emptied stay in the round for a while.
        if id % 3 == 0 && queue.pop(ms(id), &mut |_| lost += 1).is_some() {
            lost += 1;
        }
    }
    assert!(queue.load().packets <= 10, "{:?}", queue.load());
    assert_eq!(lost + queue.load().packets, 100);
}

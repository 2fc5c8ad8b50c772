//! The fate of each datagram is known before it is sent: the same machine with the same seed, in
//! virtual time, tells it. A single sender's datagrams come in the order in which they were sent.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use wharf_link::{Conditions, Machine, Offer, Overflow, Packet, Seed};
use wharf_relay::DatagramCounts;

use super::bed::{Bed, NAME, conditions, listen, on_v4, on_v6};

/// The headers of IPv4 and UDP.
const HEADERS: usize = 28;

/// A datagram in virtual time.
struct Twin {
    index: u32,
    len: usize,
}

impl Packet for Twin {
    fn len(&self) -> usize {
        self.len
    }
}

/// Datagram number `index`, of a length of its own.
fn message(index: u32) -> Vec<u8> {
    let mut message = vec![0x5a; 4 + (index as usize * 37) % 1_200];
    message[..4].copy_from_slice(&index.to_be_bytes());
    message
}

/// What arrives, in order, and what is counted.
fn foretell(conditions: &Conditions, way: &str, count: u32) -> (Vec<Vec<u8>>, DatagramCounts) {
    let seed = Seed(1).derive(NAME).derive(way);
    let mut machine = Machine::new(conditions.clone(), seed, Overflow::Drop);
    let mut counts = DatagramCounts::default();
    let mut lost = 0;
    for index in 0..count {
        let len = message(index).len() + HEADERS;
        let offer = machine.offer(Duration::from_micros(index.into()), Twin { index, len });
        lost += u64::from(offer_is_loss(&offer));
    }
    counts.accepted = count.into();
    counts.lost = lost;
    let mut arrive = Vec::new();
    let mut highest = 0;
    while let Some(delivery) = machine.poll(Duration::from_secs(3_600)) {
        let index = delivery.packet.index;
        let mut message = message(index);
        if let Some(bit) = delivery.corrupt {
            let bit = bit % (message.len() as u64 * 8);
            message[(bit / 8) as usize] ^= 1 << (bit % 8);
            counts.corrupted += 1;
        }
        if delivery.duplicate {
            arrive.push(message.clone());
            counts.duplicated += 1;
        }
        counts.reordered += u64::from(index < highest);
        highest = highest.max(index);
        arrive.push(message);
    }
    counts.delivered = arrive.len() as u64;
    (arrive, counts)
}

fn offer_is_loss(offer: &Offer<Twin>) -> bool {
    match offer {
        Offer::Accepted => false,
        Offer::Dropped(_, cause) => {
            assert_eq!(*cause, wharf_link::Cause::Loss);
            true
        }
        _ => panic!("nothing is too long and nothing is full"),
    }
}

/// Sends numbered datagrams both ways, and compares what arrives, byte for byte, with what was
/// foretold. The counts, and how many were sent each way.
#[track_caller]
fn check(settings: &[(&str, &str)], count: u32) -> [DatagramCounts; 2] {
    let conditions = conditions(settings);
    let bed = Bed::new();
    let client = bed.client();
    // Without conditions nothing comes to the machine, so its numbers begin at zero.
    client.send(b"hello").expect("it can be sent");
    let (_, source) = bed.hear();
    bed.set(conditions.clone());
    for way in ["up", "down"] {
        let (arrive, foretold) = foretell(&conditions, way, count);
        let receiver = if way == "up" { &bed.provider } else { &client };
        for index in 0..count {
            let sent = match way {
                "up" => client.send(&message(index)),
                _ => bed.provider.send_to(&message(index), source),
            };
            sent.expect("it can be sent");
        }
        for (place, expected) in arrive.iter().enumerate() {
            let heard = listen(receiver);
            assert!(
                heard == *expected,
                "{way}, arrival {place} of {settings:?}: {:?}",
                &heard[..4]
            );
        }
        let stats = bed.datagrams();
        // The greeting that was carried up before.
        let greeting = u64::from(way == "up");
        let counts = if way == "up" { stats.up } else { stats.down };
        assert_eq!(counts.accepted, foretold.accepted + greeting);
        assert_eq!(counts.delivered, foretold.delivered + greeting);
        let causes =
            |counts: DatagramCounts| [counts.lost, counts.duplicated, counts.corrupted, counts.reordered];
        assert_eq!(causes(counts), causes(foretold), "{way}, {settings:?}");
        assert_eq!(
            [counts.too_big, counts.queue_dropped, counts.undeliverable],
            [0; 3]
        );
    }
    // Nothing is left behind what was foretold.
    bed.set(Conditions::CLEAR);
    bed.converses(&client, "and nothing else");
    let stats = bed.datagrams();
    [stats.up, stats.down]
}

/// Sees that a count is what chance of that probability gives in 999 of 1000 cases.
#[track_caller]
fn is_likely(count: u64, of: u32, probability: f64) {
    let mean = f64::from(of) * probability;
    let spread = (mean * (1.0 - probability)).sqrt();
    let distance = (count as f64 - mean).abs();
    assert!(distance <= 3.29 * spread, "{count} of {of} at {probability}");
}

#[test]
fn what_is_lost_is_lost() {
    for counts in check(&[("loss", "5%")], 1_000) {
        is_likely(counts.lost, 1_000, 0.05);
    }
}

#[test]
fn bursts_of_losses_are_the_machines() {
    for counts in check(&[("loss", "10% burst 4"), ("latency", "2ms")], 1_000) {
        assert!(counts.lost > 0);
    }
}

#[test]
fn what_is_duplicated_comes_twice() {
    for counts in check(&[("duplicate", "10%")], 1_000) {
        is_likely(counts.duplicated, 1_000, 0.1);
    }
}

#[test]
fn what_is_corrupted_has_that_bit_flipped() {
    for counts in check(&[("corrupt", "10%"), ("latency", "1ms")], 1_000) {
        is_likely(counts.corrupted, 1_000, 0.1);
    }
}

#[test]
fn what_overtakes_comes_first() {
    // Longer than it takes to send them all: what does not overtake comes behind all that does.
    for counts in check(&[("reorder", "20%"), ("latency", "2s")], 200) {
        assert!(counts.reordered > 100, "{counts:?}");
    }
}

#[test]
fn all_of_it_together() {
    let settings = [
        ("loss", "3%"),
        ("duplicate", "3%"),
        ("corrupt", "3%"),
        ("latency", "5ms"),
        ("jitter", "2ms"),
        ("rate", "1gbit"),
    ];
    for counts in check(&settings, 1_000) {
        assert!(
            counts.lost > 0 && counts.duplicated > 0 && counts.corrupted > 0,
            "{counts:?}"
        );
    }
}

#[test]
fn what_is_longer_than_the_mtu_does_not_pass() {
    let fronts: [(fn() -> UdpSocket, usize); 2] = [(on_v4, 28), (on_v6, 48)];
    for (front, headers) in fronts {
        let bed = Bed::between(front(), on_v4(), |spec| spec.up = conditions(&[("mtu", "1000")]));
        let client = bed.client();
        client.send(&vec![1; 1_001 - headers]).expect("it can be sent");
        client.send(&vec![2; 1_000 - headers]).expect("it can be sent");
        client.send(&[]).expect("it can be sent");
        assert_eq!(bed.hear().0, vec![2; 1_000 - headers]);
        assert_eq!(bed.hear().0, []);
        let counts = bed.datagrams().up;
        assert_eq!((counts.accepted, counts.too_big, counts.delivered), (3, 1, 2));
    }
}

#[test]
fn a_full_queue_drops_what_comes_last() {
    // A datagram takes over a second, so none leaves while they are sent.
    let bed = Bed::made(|spec| spec.up = conditions(&[("rate", "1kbit"), ("queue", "10packets")]));
    let client = bed.client();
    for index in 0..50u8 {
        client.send(&[index; 100]).expect("it can be sent");
    }
    let stats = bed.await_stats(|_, datagrams| datagrams.up.accepted == 50);
    assert_eq!(stats.datagrams.expect("datagrams").up.queue_dropped, 40);
    bed.set(Conditions::CLEAR);
    for index in 0..10 {
        assert_eq!(bed.hear().0, [index; 100]);
    }
}

#[test]
fn conditions_change_while_datagrams_are_under_way() {
    let bed = Bed::made(|spec| spec.up = conditions(&[("latency", "300ms")]));
    let client = bed.client();
    client.send(b"first").expect("it can be sent");
    bed.await_stats(|_, datagrams| datagrams.up.accepted == 1);
    bed.set(Conditions::CLEAR);
    client.send(b"second").expect("it can be sent");
    // What is under way keeps its time, and what comes later does not overtake it.
    assert_eq!(bed.hear().0, b"first");
    assert_eq!(bed.hear().0, b"second");
    bed.set(conditions(&[("loss", "100%")]));
    client.send(b"lost").expect("it can be sent");
    bed.await_stats(|_, datagrams| datagrams.up.lost == 1);
    bed.set(Conditions::CLEAR);
    bed.converses(&client, "and clear again");
}

#[test]
fn nothing_is_early() {
    let bed = Bed::made(|spec| {
        spec.up = conditions(&[("latency", "20ms")]);
        spec.down = conditions(&[("latency", "5ms")]);
    });
    let client = bed.client();
    for _ in 0..5 {
        let begin = std::time::Instant::now();
        client.send(b"ping").expect("it can be sent");
        let (_, from): (_, SocketAddr) = bed.hear();
        assert!(begin.elapsed() >= Duration::from_millis(20));
        bed.provider.send_to(b"pong", from).expect("it can be sent");
        listen(&client);
        assert!(begin.elapsed() >= Duration::from_millis(25));
    }
}

//! Flows are kept apart, end when nothing passes, and are bounded.

use std::collections::HashMap;
use std::time::Duration;

use wharf_link::Size;
use wharf_relay::{DatagramLimits, Provider};

use super::bed::{Bed, listen, on_v4, own};
use crate::bed::latency;

#[test]
fn each_client_gets_its_own_answers() {
    let bed = Bed::new();
    bed.set(latency(2));
    let clients: Vec<_> = (0..40).map(|_| bed.client()).collect();
    for (number, client) in clients.iter().enumerate() {
        for part in 0..5 {
            client
                .send(format!("{number}.{part}").as_bytes())
                .expect("it can be sent");
        }
    }
    let mut sources = HashMap::new();
    for _ in 0..40 * 5 {
        let (heard, from) = bed.hear();
        let text = String::from_utf8(heard).expect("text");
        let (number, _) = text.split_once('.').expect("two parts");
        let known = sources.entry(number.to_owned()).or_insert(from);
        assert_eq!(*known, from, "a flow has one source");
        bed.provider
            .send_to(format!("to {text}").as_bytes(), from)
            .expect("it can be sent");
    }
    for (number, client) in clients.iter().enumerate() {
        for part in 0..5 {
            assert_eq!(
                String::from_utf8_lossy(&listen(client)),
                format!("to {number}.{part}")
            );
        }
    }
    assert_eq!((bed.stats().connections, sources.len()), (40, 40));
}

fn limits(change: impl FnOnce(&mut DatagramLimits)) -> DatagramLimits {
    let mut limits = DatagramLimits::default();
    change(&mut limits);
    limits
}

#[test]
fn a_flow_that_is_quiet_ends_and_one_that_speaks_again_is_new() {
    let bed = Bed::made(|spec| spec.limits = limits(|limits| limits.idle = Duration::from_millis(40)));
    let client = bed.client();
    for round in 1..=3 {
        client.send(b"hello").expect("it can be sent");
        assert_eq!(bed.hear().0, b"hello");
        bed.await_stats(|stats, datagrams| stats.connections == 0 && datagrams.expired == round);
    }
    assert_eq!(bed.stats().total_connections, 3);
}

#[test]
fn a_single_question_is_forgotten_before_a_conversation() {
    let idle = Duration::from_secs(3);
    let bed = Bed::made(|spec| spec.limits = limits(|limits| limits.idle = idle));
    let (talker, asker) = (bed.client(), bed.client());
    bed.converses(&asker, "a question");
    for _ in 0..2 {
        bed.converses(&talker, "a conversation");
    }
    bed.await_stats(|_, datagrams| datagrams.expired == 1);
    bed.converses(&talker, "goes on");
    let stats = bed.stats();
    assert_eq!((stats.connections, stats.total_connections), (1, 2));
}

#[test]
fn a_flow_that_speaks_stays() {
    let idle = Duration::from_secs(600);
    let bed = Bed::made(|spec| spec.limits = limits(|limits| limits.idle = idle));
    let client = bed.client();
    client.send(b"hello").expect("it can be sent");
    let (_, first) = bed.hear();
    for _ in 0..10 {
        client.send(b"hello").expect("it can be sent");
        assert_eq!(bed.hear().1, first);
    }
    assert_eq!((bed.stats().total_connections, bed.datagrams().expired), (1, 0));
}

#[test]
fn the_flow_that_was_quiet_for_longest_gives_way() {
    let bed = Bed::made(|spec| spec.limits = limits(|limits| limits.flows = 3));
    let clients: Vec<_> = (0..4).map(|_| bed.client()).collect();
    for round in ["once", "twice"] {
        for client in &clients[..3] {
            bed.converses(client, round);
        }
    }
    bed.converses(&clients[0], "the first has spoken last");
    bed.converses(&clients[3], "a fourth");
    let stats = bed.stats();
    assert_eq!(
        (
            stats.connections,
            stats.total_connections,
            bed.datagrams().evicted
        ),
        (3, 4, 1)
    );
    bed.converses(&clients[0], "the first stays");
    assert_eq!(bed.stats().total_connections, 4);
    bed.converses(&clients[1], "the second is new");
    assert_eq!(bed.stats().total_connections, 5);
}

#[test]
fn single_questions_give_way_to_each_other_before_a_conversation_does() {
    let bed = Bed::made(|spec| spec.limits = limits(|limits| limits.flows = 8));
    let talker = bed.client();
    for _ in 0..2 {
        bed.converses(&talker, "a conversation");
    }
    // They stay open, or the kernel would give one's port to another.
    let askers: Vec<_> = (0..50).map(|_| bed.client()).collect();
    for asker in &askers {
        bed.converses(asker, "a question");
    }
    let total = bed.stats().total_connections;
    bed.converses(&talker, "goes on");
    assert_eq!((total, bed.stats().total_connections), (51, 51));
    assert_eq!(bed.datagrams().evicted, 43);
}

#[test]
fn what_waits_is_bounded_in_memory() {
    // A buffer for a datagram of that length takes 2 KiB.
    let memory = Size::from_bytes(20 * 2048);
    let bed = Bed::made(|spec| {
        spec.limits = limits(|limits| limits.memory = memory);
        spec.up = latency(60_000);
    });
    let client = bed.client();
    for _ in 0..30 {
        client.send(&[1; 1_400]).expect("it can be sent");
    }
    let stats = bed.await_stats(|_, datagrams| datagrams.up.accepted == 30);
    let counts = stats.datagrams.expect("datagrams").up;
    assert_eq!((counts.queue_dropped, counts.delivered), (10, 0));
}

#[test]
fn what_waits_for_a_provider_is_bounded_and_then_carried() {
    let provider = on_v4();
    let address = own(&provider);
    let bed = Bed::between(on_v4(), provider, |spec| {
        spec.provider = Provider::Starting;
        spec.limits = limits(|limits| limits.parked = 5);
    });
    let clients = [bed.client(), bed.client()];
    for client in &clients {
        for index in 0..8u8 {
            client.send(&[index]).expect("it can be sent");
        }
    }
    let stats = bed.await_stats(|_, datagrams| datagrams.up.accepted == 16);
    assert_eq!((stats.parked, stats.park_overflows), (10, 6));
    bed.set_provider(Provider::Ready(vec![address]));
    let mut heard: HashMap<_, Vec<u8>> = HashMap::new();
    for _ in 0..10 {
        let (datagram, from) = bed.hear();
        heard.entry(from).or_default().extend(datagram);
    }
    assert!(
        heard.values().all(|heard| heard[..] == [0, 1, 2, 3, 4]),
        "{heard:?}"
    );
    assert_eq!((heard.len(), bed.stats().parked), (2, 0));
    bed.converses(&clients[0], "and on");
}

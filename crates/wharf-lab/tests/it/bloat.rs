//! Bufferbloat: how long packets wait behind a stream that takes all it can get.

use std::io::Write;

use wharf_lab::{LabSpec, SegmentFigures};

use crate::lab::{alone, each_way, listener, quantile, spec, start};

/// A download of Reno's over 10 Mbit/s, and echo requests beside it: how long each was under way beyond the 10 ms of
/// the link, in µs, and what became of the packets.
#[track_caller]
fn waits(queue: &str) -> (Vec<u64>, SegmentFigures) {
    let _alone = alone();
    let (listener, port) = listener();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        // Until the other side has seen enough.
        while stream.write_all(&[1; 16 * 1024]).is_ok() {}
    });
    let down = format!("latency=5ms rate=10mbit {queue}");
    let spec = LabSpec {
        congestion: Some("reno".to_owned()),
        // From when the first flood is over: it fills any queue.
        ..spec(
            each_way("latency=5ms", &down),
            &["beside", &port, "1000000", "200", "10000"],
        )
    };
    let mut ran = start(&spec).finish();
    let trips = ran.numbers();
    server.join().expect("served");
    let waits: Vec<u64> = trips
        .iter()
        .flatten()
        .map(|nanos| nanos.checked_sub(10_000_000).expect("no faster than the link") / 1_000)
        .collect();
    assert!(waits.len() >= 150, "{ran:?}");
    (waits, ran.figures.down.segments.remove(0))
}

/// 60 KiB at 10 Mbit/s are 49.152 ms, and Reno fills whatever there is, again and again.
#[test]
fn a_full_queue_costs_its_length_by_the_rate() {
    let (waits, figures) = waits("queue=60KiB");
    assert!(figures.queue > 0, "{figures:?}");
    // The upper part of the saw, but for what a machine that is elsewhere adds to some.
    let full = quantile(&waits, 0.8);
    assert!((39_000..52_000).contains(&full), "{full} µs: {waits:?}");
    // Half of it and of what is under way is left after each loss.
    let least = quantile(&waits, 0.05);
    assert!(least > 10_000, "{least} µs: {waits:?}");
}

/// RFC 8289, 4.3: what stands of a queue, the least of it that is there all the while, is near the target of 5 ms,
/// however much room there is. A sender swings above that by what it halves.
#[test]
fn codel_keeps_what_stands_of_a_queue_near_its_target() {
    let (waits, figures) = waits("queue=1000packets discipline=codel");
    assert!(figures.aqm > 0 && figures.queue == 0, "{figures:?}");
    let stands = quantile(&waits, 0.25);
    assert!((1_000..12_500).contains(&stands), "{stands} µs: {waits:?}");
}

/// RFC 8290, 4.1 and 1.3: a flow that has nothing waiting goes before those that have. It waits for the packet that is
/// being sent, 1.2 ms at most.
#[test]
fn fq_codel_lets_a_sparse_flow_pass() {
    let (waits, figures) = waits("queue=1000packets discipline=fq-codel");
    assert!(figures.aqm > 0 && figures.queue == 0, "{figures:?}");
    let median = quantile(&waits, 0.5);
    assert!(median < 2_500, "{median} µs: {waits:?}");
}

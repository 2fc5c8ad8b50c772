//! What becomes of single packets: loss, copies, flipped bits, overtaking.

use std::time::Duration;

use crate::lab::{alone, both, datagrams, each_way, run};
use wharf_lab::Figures;

/// What arrived, in its order, and the figures.
fn send(up: &str, count: u64, rate: u64) -> (Vec<u64>, Figures) {
    let _alone = alone();
    let (socket, port) = datagrams();
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("set");
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        let mut buffer = [0; 2048];
        while let Ok(length) = socket.recv(&mut buffer) {
            let number = buffer[..length].first_chunk::<8>().expect("a number");
            got.push(u64::from_be_bytes(*number));
        }
        got
    });
    let path = each_way(up, "");
    let ran = run(
        path,
        &["datagrams", &port, &count.to_string(), "200", &rate.to_string()],
    );
    assert_eq!(ran.numbers()[1], Some(0), "some could not be sent: {ran:?}");
    (reader.join().expect("the reader"), ran.figures)
}

/// Of `trials` with probability p, a count that is within five standard deviations: outside once in two
/// million runs, and never for a seed that was inside once.
#[track_caller]
fn assert_binomial(count: u64, trials: u64, p: f64) {
    let mean = trials as f64 * p;
    let deviation = (mean * (1.0 - p)).sqrt();
    let off = (count as f64 - mean).abs();
    assert!(off <= 5.0 * deviation, "{count} of {trials} with {p}");
}

#[test]
fn losses_are_as_many_as_they_should_be() {
    for (text, p) in [("loss=1%", 0.01), ("loss=10%", 0.1)] {
        let (got, figures) = send(text, 10_000, 5_000);
        let lost = figures.up.segments[0].loss;
        assert_binomial(lost, 10_000, p);
        assert_eq!(got.len() as u64, 10_000 - lost, "{figures:?}");
        assert!(got.is_sorted(), "order is kept");
    }
}

#[test]
fn copies_arrive_twice() {
    let (got, figures) = send("duplicate=10%", 2_000, 5_000);
    let copies = figures.up.segments[0].duplicated;
    assert_binomial(copies, 2_000, 0.1);
    assert_eq!(got.len() as u64, 2_000 + copies);
}

#[test]
fn a_flipped_bit_is_found_by_the_receivers_checksum() {
    let (got, figures) = send("corrupt=10%", 2_000, 5_000);
    let corrupted = figures.up.segments[0].corrupted;
    assert_binomial(corrupted, 2_000, 0.1);
    // A bit that no checksum covers, or a field of IP that changes nothing, is rare: no header of IPv4 and
    // no byte of UDP is uncovered.
    assert_eq!(got.len() as u64, 2_000 - corrupted);
    let mut numbers = got.clone();
    numbers.dedup();
    assert_eq!(numbers, got, "nothing arrives that was never sent");
    assert!(got.iter().all(|number| *number < 2_000));
}

#[test]
fn packets_overtake() {
    let (got, figures) = send("latency=10ms reorder=20%", 2_000, 5_000);
    assert_binomial(figures.up.segments[0].reordered, 2_000, 0.2);
    assert_eq!(got.len(), 2_000);
    assert!(!got.is_sorted(), "some have overtaken");
}

#[test]
fn the_same_seed_loses_the_same_packets() {
    let (first, _) = send("loss=20%", 1_000, 5_000);
    let (second, _) = send("loss=20%", 1_000, 5_000);
    assert_eq!(first, second);
}

#[test]
fn nothing_passes_a_link_that_is_off() {
    let _alone = alone();
    let ran = run(vec![both("link", "loss=100%")], &["ping", "5", "1000", "4"]);
    assert_eq!(ran.numbers(), [None; 5]);
    assert!(ran.figures.up.segments[0].loss >= 5, "{ran:?}");
    assert_eq!(ran.figures.up.written, 0);
}

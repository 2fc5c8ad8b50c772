//! When packets arrive.

use crate::lab::{Ran, alone, both, conditions, each_way, listener, quantile, read_all, run, serve};
use wharf_lab::Segment;

fn round_trips(ran: &Ran) -> Vec<u64> {
    let trips = ran.numbers();
    let got: Vec<u64> = trips.iter().flatten().copied().collect();
    assert_eq!(got.len(), trips.len(), "some were lost: {ran:?}");
    got
}

/// The round trip of echo requests is the sum of both ways, never less, and at the median little more.
#[track_caller]
fn check(path: Vec<Segment>, family: &str, expected_ms: u64) {
    let _alone = alone();
    let ran = run(path, &["ping", "60", "10000", family]);
    let trips = round_trips(&ran);
    let expected = expected_ms * 1_000_000;
    let least = *trips.iter().min().expect("some");
    let median = quantile(&trips, 0.5);
    assert!(least >= expected, "{least} ns is faster than {expected_ms} ms");
    // A loaded machine wakes late; a tick of a coarse timer would be 1 ms a way and more.
    assert!(
        median < expected + 2_000_000,
        "the median is {median} ns: {ran:?}"
    );
}

#[test]
fn a_round_trip_is_both_latencies() {
    check(vec![both("link", "latency=20ms")], "4", 40);
}

#[test]
fn a_round_trip_is_both_latencies_over_ipv6() {
    check(vec![both("link", "latency=20ms")], "6", 40);
}

#[test]
fn each_way_has_its_own() {
    check(each_way("latency=30ms", "latency=1ms"), "4", 31);
}

/// The sender's kernel measures the time from a packet to its acknowledgement, and the receiver's that from a timestamp
/// to its echo, in whole milliseconds (RFC 6298, RFC 7323): both find what a ping finds.
#[test]
fn tcp_measures_the_same_round_trip_at_both_ends() {
    let _alone = alone();
    let path = || vec![both("link", "latency=20ms")];
    let ping = round_trips(&run(path(), &["ping", "30", "10000", "4"]));
    let ping = *ping.iter().min().expect("some") / 1_000;

    let (sink, port) = listener();
    let server = read_all(sink);
    let sent = run(path(), &["upload", &port, "300000"]).numbers();
    server.join().expect("served");
    let (smoothed, least) = (sent[1].expect("µs"), sent[2].expect("µs"));

    let (source, port) = listener();
    let server = serve(source, 1_000_000);
    let received = run(path(), &["download", &port]).numbers()[2].expect("µs");
    server.join().expect("served");

    let seen = format!("ping {ping}, least {least}, smoothed {smoothed}, receiver's {received} µs");
    assert!(least >= 40_000 && least.abs_diff(ping) < 2_000, "{seen}");
    // A mean has in it whatever kept the machine elsewhere.
    assert!(smoothed >= least, "{seen}");
    assert!((39_000..100_000).contains(&received), "{seen}");
}

#[test]
fn segments_add_up() {
    let path = vec![
        both("a", "latency=3ms"),
        both("b", "latency=5ms"),
        both("c", "latency=7ms"),
    ];
    check(path, "4", 30);
}

#[test]
fn without_conditions_packets_pass_at_once() {
    check(vec![both("link", "")], "4", 0);
}

#[test]
fn jitter_is_within_its_bounds() {
    let _alone = alone();
    let path = each_way("latency=20ms jitter=10ms", "");
    let trips = round_trips(&run(path, &["ping", "200", "5000", "4"]));
    let least = *trips.iter().min().expect("some");
    // Uniform from 10 to 30 ms: of 200 some are in the first and some in the last quarter of that,
    // but for once in 10^24 times.
    assert!((10_000_000..15_000_000).contains(&least), "{least}");
    assert!(quantile(&trips, 1.0) >= 25_000_000, "{trips:?}");
}

#[test]
fn conditions_change_while_packets_are_under_way() {
    let _alone = alone();
    let spec = crate::lab::spec(vec![both("link", "latency=10ms")], &["ping", "100", "10000", "4"]);
    let running = crate::lab::start(&spec);
    // Once some have come back.
    while running.lab.figures().expect("the switch runs").down.written < 20 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    running
        .lab
        .set_conditions(0, conditions("latency=30ms"), conditions("latency=30ms"));
    let trips = round_trips(&running.finish());
    assert!(trips[..10].iter().all(|trip| *trip >= 20_000_000), "{trips:?}");
    assert!(quantile(&trips[..10], 0.5) < 30_000_000, "{trips:?}");
    assert!(trips[90..].iter().all(|trip| *trip >= 60_000_000), "{trips:?}");
}

#[test]
fn no_packet_passes_that_the_command_has_not_sent() {
    let _alone = alone();
    // Long enough for reports of multicast groups and for router solicitations.
    let spec = {
        let mut spec = crate::lab::spec(vec![both("link", "")], &[]);
        spec.command = ["sleep".into(), "3".into()].into();
        spec
    };
    let figures = crate::lab::start(&spec).finish().figures;
    assert_eq!((figures.up.read, figures.down.read), (0, 0), "{figures:?}");
}

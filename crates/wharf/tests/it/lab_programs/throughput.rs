//! iperf3 on both sides: what TCP and UDP get of a rate, and what a loss costs.

use serde_json::Value;

use super::{Needed, Seen, Server, in_lab, programs};
use crate::world::World;

const NEEDS: [Needed; 1] = [("iperf3", "iperf3")];

/// Runs the client with these words against a server of its own.
#[track_caller]
fn iperf3(test: &str, conditions: &str, arguments: &str) -> Option<(Seen, Value)> {
    let world = World::new();
    let [iperf3] = programs(test, NEEDS)?;
    let server = Server::start(&world, &format!("{iperf3} -s -B 127.0.0.1 -p PORT"));
    let line = format!("{iperf3} -J -c gateway -p {} {arguments}", server.port);
    let seen = in_lab(&world, conditions, &line);
    let report = seen.json();
    assert!(report["error"].is_null(), "{report}");
    Some((seen, report))
}

fn figure(report: &Value, sum: &str, name: &str) -> f64 {
    report["end"][sum][name]
        .as_f64()
        .unwrap_or_else(|| panic!("no {sum}.{name} in {report}"))
}

/// What the receiver got each second is at most the rate, and not much less.
#[track_caller]
fn check(test: &str, arguments: &str, way: &str) {
    // A queue that half of a window keeps filled: Reno leaves the link no moment of rest, and a machine that
    // is busy for one does not show.
    let conditions = "--latency 5ms --rate 20mbit --queue 500packets --congestion reno";
    let Some((seen, report)) = iperf3(test, conditions, arguments) else {
        return;
    };
    let rate = figure(&report, "sum_received", "bits_per_second");
    assert!((16e6..=20e6).contains(&rate), "{rate}");
    let bytes = figure(&report, "sum_received", "bytes") as u64;
    assert!(seen.counted(way, "written_bytes") > bytes, "{:?}", seen.figures);
}

#[test]
fn an_upload_gets_its_rate() {
    check("an_upload_gets_its_rate", "-t 2", "up");
}

#[test]
fn a_download_gets_its_rate() {
    check("a_download_gets_its_rate", "-t 2 -R", "down");
}

#[test]
fn what_a_link_loses_is_sent_again() {
    let conditions = "--latency 5ms --loss 1% --congestion reno";
    let Some((seen, report)) = iperf3("what_a_link_loses_is_sent_again", conditions, "-t 2") else {
        return;
    };
    // Mathis: 1.22 segments by the round trip of 10 ms and the root of 1 % are 14 Mbit/s, so of 2,400
    // segments 24 are lost.
    let lost = seen.up("loss");
    assert!(lost >= 5, "{:?}", seen.figures);
    // All are sent again, but for the last window, and the few of the connection that controls.
    let again = figure(&report, "sum_sent", "retransmits") as u64;
    assert!(again + 5 >= lost, "{again} of {lost}");
}

#[test]
fn datagrams_beyond_the_rate_are_dropped_and_both_ends_count_the_same() {
    let test = "datagrams_beyond_the_rate_are_dropped_and_both_ends_count_the_same";
    let conditions = "--latency 5ms --rate 5mbit --queue 20packets";
    let Some((seen, report)) = iperf3(test, conditions, "-u -b 10M -l 1200 -t 2") else {
        return;
    };
    let lost = figure(&report, "sum", "lost_packets");
    let percent = figure(&report, "sum", "lost_percent");
    assert!((40.0..=60.0).contains(&percent), "{report}");
    let dropped = seen.up("queue") as f64;
    // The end of the test is told by TCP, through the same queue: some of its packets are dropped too.
    // What the receiver did not wait for it does not count as lost.
    assert!((lost - dropped).abs() <= 30.0, "{lost} lost, {dropped} dropped");
}

//! QUIC between two programs by quinn, over the lab's UDP.

use std::fs;
use std::process::Command;

use super::in_lab;
use crate::server::Beside;
use crate::world::{World, eventually, example};

/// A megabyte there and back, by both of the gateway's addresses.
#[track_caller]
fn check(address: &str) {
    let world = World::new();
    let quic = example("quic");
    let mut command = Command::new(&quic);
    let said = world.project().join("port");
    command
        .args(["serve", "certificate"])
        .stdout(fs::File::create(&said).expect("a file"));
    let _server = Beside::start(&world, command);
    let mut port = String::new();
    eventually("the server says its port", || {
        port = fs::read_to_string(&said).expect("readable");
        port.ends_with('\n')
    });
    let line = format!("{quic} converse {address}:{} certificate 1048576", port.trim());
    let seen = in_lab(&world, "--latency 10ms --loss 1%", &line);
    let report = seen.json();
    assert_eq!(report["intact"], true, "{report}");
    let figure = |name: &str| report[name].as_f64().expect("a number");
    assert!(figure("handshake_ms") >= 20.0, "{report}");
    assert!(figure("rtt_ms") >= 20.0, "{report}");
    assert!(figure("total_ms") >= 40.0, "{report}");
    // A packet of QUIC has 1,452 bytes at the most: 722 and more each way. That none of them is lost has a
    // chance of 10⁻⁶.
    assert!(
        seen.up("delivered") >= 722 && seen.down("delivered") >= 722,
        "{seen:?}"
    );
    let lost = seen.up("loss");
    assert!(lost + seen.down("loss") > 0, "{seen:?}");
    // The client's own count is the link's, but for a few: packets of a handshake share datagrams; and those
    // that say that it closes are sent after it has counted.
    let sent = figure("sent_packets");
    let offered = seen.up("offered") as f64;
    assert!((sent - offered).abs() <= 10.0, "{report}: {seen:?}");
    // Nor does it hear of those that were lost last.
    assert!(figure("lost_packets") + 3.0 >= lost as f64, "{report}: {seen:?}");
}

#[test]
fn a_megabyte_comes_back_whole_over_ipv4_and_loss() {
    check("198.18.0.1");
}

#[test]
fn a_megabyte_comes_back_whole_over_ipv6_and_loss() {
    check("[fd77:6861:7266::1]");
}

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
    // A packet of QUIC has 1,452 bytes at the most: 722 and more each way. That none is lost has a
    // chance of 10⁻³ one way, and of 10⁻⁶ both.
    assert!(
        seen.up("delivered") >= 722 && seen.down("delivered") >= 722,
        "{seen:?}"
    );
    let lost = seen.up("loss") + seen.down("loss");
    assert!(lost > 0, "{seen:?}");
    // What the link has dropped on the way up is what the client holds for lost, or more: quinn counts
    // packets whose acknowledgement was late as well.
    let packets = figure("sent_packets");
    assert!(seen.up("offered") as f64 >= packets * 0.9, "{report}: {seen:?}");
    assert!(
        figure("lost_packets") > 0.0 || seen.up("loss") == 0,
        "{report}: {seen:?}"
    );
}

#[test]
fn a_megabyte_comes_back_whole_over_ipv4_and_loss() {
    check("198.18.0.1");
}

#[test]
fn a_megabyte_comes_back_whole_over_ipv6_and_loss() {
    check("[fd77:6861:7266::1]");
}

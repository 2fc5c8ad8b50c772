//! Wireshark's command line reads what a lab captured.

use std::path::Path;
use std::process::Command;

use wharf_lab::{Figures, Point};

use super::capture;
use crate::lab::{alone, both, listener, serve, skip};

/// What it prints, line by line.
fn tshark(file: &Path, arguments: &[&str]) -> Option<Vec<String>> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(arguments)
        .output()
        .ok()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    Some(
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn tshark_follows_tcp_and_finds_what_was_dropped() {
    const BYTES: usize = 400_000;
    let _alone = alone();
    let (listener, port) = listener();
    let server = serve(listener, BYTES);
    let path = vec![
        both("air", "latency=2ms loss=2%"),
        both("wire", "rate=20mbit queue=20packets"),
    ];
    let script = format!("\"$0\" download {port}");
    let captured = capture(path, &script, vec![Point::Command], "1GiB");
    server.join().expect("served");
    let file = captured.file.path();
    let comments = [
        "-Y",
        "frame.comment",
        "-T",
        "fields",
        "-e",
        "frame.interface_name",
        "-e",
        "frame.comment",
    ];
    let Some(lines) = tshark(file, &comments) else {
        return skip(
            "tshark_follows_tcp_and_finds_what_was_dropped",
            "tshark is not installed",
        );
    };
    for (name, [up, down]) in [("air", [0, 1]), ("wire", [1, 0])] {
        let said = lines.iter().filter(|line| {
            line.starts_with(&format!("dropped by {name}\tdropped: "))
                && line.contains(&format!(" of {name}"))
        });
        let said = said.count() as u64;
        let counted =
            |figures: &Figures| figures.up.segments[up].dropped() + figures.down.segments[down].dropped();
        let range = counted(&captured.figures)..=counted(&captured.after);
        assert!(range.contains(&said), "{name}: {said} of {range:?}: {lines:?}");
    }
    assert!(lines.len() > 1, "{:?}", captured.figures);
    // At the command's end a connection is followed: whatever came in order, with sequence numbers that go as far
    // as there were bytes, and acknowledgements up to there.
    let filter = "frame.interface_name == \"command\" && tcp";
    let fields = [
        "ip.src",
        "tcp.seq",
        "tcp.len",
        "tcp.ack",
        "tcp.flags.syn",
        "tcp.flags.fin",
        "tcp.checksum.status",
    ];
    let mut arguments = vec!["-o", "tcp.check_checksum:TRUE", "-Y", filter, "-T", "fields"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", *field]));
    let lines = tshark(file, &arguments).expect("tshark ran before");
    let (mut received, mut acknowledged) = (0, 0);
    for line in &lines {
        let values: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| {
            values[at]
                .parse::<usize>()
                .unwrap_or_else(|_| panic!("{fields:?}: {line}"))
        };
        assert_eq!(number(6), 1, "its checksum is good: {line}");
        match values[0] {
            // What follows the end of the stream has its number.
            "198.18.0.1" if number(2) == 0 => {}
            "198.18.0.1" => received = received.max(number(1) + number(2)),
            "198.18.0.2" => acknowledged = acknowledged.max(number(3)),
            other => panic!("{other}"),
        }
    }
    // The first byte is number 1; the end of the stream has a number too.
    assert_eq!(received, BYTES + 1, "{}", lines.len());
    assert_eq!(acknowledged, BYTES + 2, "{}", lines.len());
    let synthesised = lines
        .iter()
        .filter(|line| line.split('\t').nth(4) == Some("1"))
        .count();
    assert_eq!(synthesised, 2, "SYN and SYN-ACK");
}

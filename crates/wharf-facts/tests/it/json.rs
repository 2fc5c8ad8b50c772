//! A snapshot's form in JSON.

use wharf_facts::{Holder, Reason, Seen, Snapshot};

fn read(json: &str) -> Snapshot {
    serde_json::from_str(json).expect("a snapshot")
}

#[test]
fn nothing_is_a_snapshot_of_which_all_is_unknown() {
    let snapshot = read("{}");
    assert_eq!(snapshot, Snapshot::default());
    assert_eq!(snapshot.tcp.why_unknown(), Some("not looked at"));
    assert!(snapshot.is_readable());
    assert!(!read(r#"{"version": 2}"#).is_readable());
}

#[test]
fn what_a_later_program_adds_is_passed_over() {
    let snapshot = read(
        r#"{
            "version": 1, "weather": "fine",
            "tcp": [{
                "protocol": "tcp", "state": "listen", "local": "127.0.0.1:3000", "uid": 1000,
                "inode": 7, "owner": {"pids": [12]}, "colour": "red"
            }, {
                "protocol": "tcp", "state": "listen", "local": "[::1]:3000", "uid": 0, "inode": 8,
                "owner": "hidden", "timer": {"kind": "later", "expires_ms": 1}
            }],
            "udp": {"unknown": "permission denied"},
            "processes": [
                {"pid": 12, "parent": 11, "name": "node", "state": "dreaming",
                 "reason": {"kind": "astrology", "sign": "lion"}},
                {"pid": 11, "parent": 12, "name": "sh", "cwd": "/src", "checkout": null}
            ],
            "system": {"os": "linux", "inside": {"wsl": null}},
            "probes": [{"address": "127.0.0.1:3000", "connect": "accepted", "protocol": "gopher"}]
        }"#,
    );
    let [first, second] = snapshot.tcp.items() else {
        panic!("two sockets, not {:?}", snapshot.tcp)
    };
    assert_eq!(first.owner, Holder::Pids(vec![12]));
    assert_eq!(second.owner, Holder::Hidden);
    assert_eq!(snapshot.udp, Seen::unknown("permission denied"));
    let owners: Vec<&str> = snapshot.owners(first).map(|owner| owner.name.as_str()).collect();
    assert_eq!(owners, ["node"]);
    // The two name each other as parents: the walk ends all the same.
    let line: Vec<u32> = snapshot.ancestry(12).iter().map(|process| process.pid).collect();
    assert_eq!(line, [12, 11]);
    let node = snapshot.process(12).expect("node");
    assert_eq!(node.reason, Seen::Known(Reason::Other));
    let shell = snapshot.process(11).expect("sh");
    assert_eq!(shell.checkout, Seen::Known(None));
    assert_eq!(shell.exe, Seen::default());
}

#[test]
fn a_snapshot_reads_back_as_written() {
    let snapshot = full();
    let json = serde_json::to_string_pretty(&snapshot).expect("json");
    assert_eq!(read(&json), snapshot);
    insta::assert_snapshot!("full", json);
}

/// One of each kind of fact.
fn full() -> Snapshot {
    read(include_str!("full.json"))
}

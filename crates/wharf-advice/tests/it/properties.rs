//! What holds of every machine: nothing panics, and the order of rows does not matter.

use proptest::prelude::*;
use serde_json::{Value, json};
use wharf_advice::{Question, Target, doctor, explain, map};
use wharf_facts::Snapshot;

use crate::scenarios::machines;

/// The machine with each of its lists in another order, but those whose order is a fact.
fn shuffled(snapshot: &Snapshot, turn: usize) -> Snapshot {
    let mut facts = serde_json::to_value(snapshot).expect("json");
    for list in [
        "tcp",
        "udp",
        "processes",
        "interfaces",
        "containers",
        "namespaces",
        "probes",
    ] {
        turned(&mut facts[list], turn);
    }
    for list in ["stacks", "leases"] {
        turned(&mut facts["ours"][list], turn);
    }
    turned(&mut facts["names"]["hosts"], turn);
    turned(&mut facts["names"]["resolutions"], turn);
    serde_json::from_value(facts).expect("a snapshot")
}

fn turned(list: &mut Value, turn: usize) {
    if let Some(rows) = list.as_array_mut().filter(|rows| rows.len() > 1) {
        let by = turn % rows.len();
        rows.rotate_left(by);
        if turn % 2 == 1 {
            rows.reverse();
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for machine in machines() {
        let snapshot = machine.snapshot();
        for turn in 1..4 {
            let other = shuffled(&snapshot, turn);
            assert_eq!(doctor(&other), doctor(&snapshot));
            assert_eq!(map(&other), map(&snapshot));
            if let Some(question) = machine.question() {
                assert_eq!(explain(&other, &question), explain(&snapshot, &question));
            }
        }
    }
}

const ADDRESSES: &[&str] = &[
    "127.0.0.1:3000",
    "[::1]:3000",
    "0.0.0.0:3000",
    "[::]:3000",
    "[::ffff:127.0.0.1]:3000",
    "192.168.1.5:3000",
    "127.0.0.2:65535",
    "10.0.0.1:40000",
    "0.0.0.0:0",
    "[fe80::1]:3001",
];
const STATES: &[&str] = &[
    "established",
    "syn-sent",
    "syn-received",
    "fin-wait1",
    "time-wait",
    "close",
    "close-wait",
    "listen",
    "bound-inactive",
    "new-syn-received",
];

fn row() -> impl Strategy<Value = Value> {
    let address = || prop::sample::select(ADDRESSES);
    let owner = prop_oneof![
        Just(json!("hidden")),
        Just(json!("nobody")),
        Just(json!("not-asked")),
        prop::collection::vec(1..6u32, 0..3).prop_map(|pids| json!({"pids": pids})),
        prop::collection::vec(1..6u32, 0..3).prop_map(|pids| json!({"at-least": pids})),
    ];
    let numbers = (any::<u32>(), any::<u32>(), any::<u8>(), any::<u64>());
    (address(), address(), prop::sample::select(STATES), owner, numbers).prop_map(
        |(local, remote, state, owner, (uid, queue, repeats, inode))| {
            json!({"protocol": "tcp", "state": state, "local": local, "remote": remote, "uid": uid, "inode": inode,
                "owner": owner, "receive_queue": queue, "send_queue": queue / 2, "v6only": inode % 3 == 0,
                "timer": {"kind": "retransmit", "expires_ms": queue, "retransmits": repeats}})
        },
    )
}

fn process() -> impl Strategy<Value = Value> {
    let text = || any::<String>();
    (1..6u32, 0..6u32, text(), text(), any::<u64>(), 0..6usize).prop_map(|(pid, parent, name, path, at, which)| {
        let reason = [
            json!({"kind": "orphan", "dead_session": 3}),
            json!({"kind": "package-script", "tool": name, "script": path, "by": 1, "within": null}),
            json!({"kind": "ssh-forward", "host": name, "forwards": []}),
            json!({"kind": "container-forward", "program": name, "target": null}),
            json!({"kind": "shell", "shell": name, "by": 1, "terminal": path, "within": null}),
            json!({"kind": "astrology"}),
        ];
        json!({"pid": pid, "parent": parent, "name": name, "command": [path, "--port", "3000", name], "cwd": path,
            "start_time": at, "started_at": at, "state": "stopped", "descriptors": {"used": at, "limit": at},
            "checkout": {"root": path, "head": {"branch": name}}, "reason": reason[which],
            "uid": 1000})
    })
}

fn probe() -> impl Strategy<Value = Value> {
    let spoken = prop::sample::select(&["http", "tls", "redis", "silent", "", "docker", "\u{1b}"]);
    (prop::sample::select(ADDRESSES), spoken, any::<u16>(), any::<String>(), any::<i64>()).prop_map(
        |(address, spoken, status, text, at)| {
            json!({"address": address, "name": text, "connect": "accepted", "protocol": spoken, "silence": "closed",
                "http": {"path": "/", "status": status, "location": text, "hsts": text, "cookies": [text], "title": text},
                "certificate": {"subject": text, "issuer": text, "names": [text], "not_after": at, "not_before": at,
                    "trusted": {"refused": text}}})
        },
    )
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let rows = prop::collection::vec(row(), 0..12);
    let processes = prop::collection::vec(process(), 0..5);
    let probes = prop::collection::vec(probe(), 0..4);
    let system = prop::sample::select(&["linux", "macos", "windows", "plan9"]);
    let range = prop::sample::select(&["1-65535", "32768-60999", "3000"]);
    (rows, processes, probes, system, range, any::<String>(), any::<u64>()).prop_map(
        |(rows, processes, probes, os, range, text, at)| {
            let mut udp = rows.clone();
            for row in &mut udp {
                row["protocol"] = json!("udp");
            }
            serde_json::from_value(json!({
                "taken_at": at, "system": {"os": os, "inside": {"container": text, "wsl": {"version": 2, "networking": "mirrored"}}},
                "tcp": rows, "udp": udp, "processes": processes, "probes": probes,
                "settings": {"ephemeral": range, "reserved": [], "ipv6_disabled_on": ["lo"], "unprivileged_start": 65535},
                "proxies": {"http": text, "all": "socks5h://localhost", "exceptions": [text, "::/999", "1.2.3.4/77"]},
                "interfaces": [{"name": text, "loopback": true, "up": false}],
                "names": {"hosts": [{"line": 1, "address": "10.0.0.1", "names": [text]}], "nsswitch": [text], "nameservers": [],
                    "resolutions": [{"name": "localhost", "answer": {"addresses": ["::1", "10.0.0.1"]}, "took_us": at}]},
                "containers": [{"id": text, "engine": "docker", "ports": [{"inside": 1, "protocol": "tcp", "published": 3000}]}],
                "namespaces": [{"inode": at, "listeners": []}],
                "limits": {"files": {"used": at, "limit": at}, "inotify_watches": at},
                "ours": {"leases": [{"port": 3000, "checkout": text, "service": text, "holder": 1}],
                    "stacks": [{"name": text, "services": [{"name": text, "told": ["127.0.0.1:3000"], "listens": ["127.0.0.1:1"], "url": text}],
                        "links": [{"name": text, "address": "127.0.0.1:3000", "conditions": text}]}]}
            }))
            .expect("a snapshot")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_snapshot_panics(snapshot in snapshot(), text in any::<String>(), failure in 0..12usize) {
        let targets = ["3000", "127.0.0.1:3000", "[::1]:3000", "localhost:3000", "http://localhost:3000/", "pid:3", "node", &text];
        let failures = [
            "address-in-use", "address-not-available", "access-denied", "refused", "reset", "timed-out", "unreachable",
            "too-many-files", "no-space", "name-unknown", "tls", "refused",
        ];
        for target in targets.iter().filter_map(|target| target.parse::<Target>().ok()) {
            let symptom = json!({"failure": failures[failure], "address": "127.0.0.1:3000", "text": text});
            let question = Question { target, symptom: serde_json::from_value(symptom).ok() };
            let explanation = explain(&snapshot, &question);
            let json = serde_json::to_string(&explanation).expect("json");
            prop_assert!(!json.contains("\\u001b"), "{json}");
            let _ = (explanation.verdict(), explanation.short());
            prop_assert!(explanation.findings.is_sorted_by(|a, b| a.likelihood >= b.likelihood));
            prop_assert_eq!(explain(&snapshot, &question), explanation);
        }
        let _ = (doctor(&snapshot), map(&snapshot));
    }

    #[test]
    fn no_text_panics_as_a_target(text in any::<String>()) {
        if let Ok(target) = text.parse::<Target>() {
            prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
        }
    }

    #[test]
    fn what_looks_like_a_target_reads_back(text in "(pid:|http://|redis://|:|\\[::1\\]|localhost|127.0.0.1|a@b)?[a-z0-9:/.@?#-]{0,12}") {
        if let Ok(target) = text.parse::<Target>() {
            prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
        }
    }
}

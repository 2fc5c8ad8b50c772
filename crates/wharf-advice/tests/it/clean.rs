//! Machines as they are shipped, by what their distributions document: nothing is found on them.

use wharf_advice::{CheckOutcome, Question, Severity, Target, doctor, explain, map};
use wharf_facts::Snapshot;

use crate::machine::Machine;

const MACHINES: &[(&str, &str)] = &[
    ("debian", include_str!("machines/debian.txt")),
    ("ubuntu", include_str!("machines/ubuntu.txt")),
    ("fedora", include_str!("machines/fedora.txt")),
    ("macos", include_str!("machines/macos.txt")),
];

fn machine(facts: &str) -> Machine {
    let mut machine = Machine::quiet();
    for line in facts.lines().filter(|line| !line.starts_with('#')) {
        assert!(machine.take(line), "no fact: {line}");
    }
    machine
}

/// Every way to ask about a listener: its port, its address, and localhost.
fn targets(snapshot: &Snapshot) -> Vec<Target> {
    let sockets = snapshot.tcp.items().iter().chain(snapshot.udp.items());
    let sockets = sockets.filter(|row| row.socket.remote.port() == 0);
    let mut targets = Vec::new();
    for socket in sockets {
        targets.push(Target::Port(socket.port()));
        if !socket.socket.local.ip().is_unspecified() {
            targets.push(Target::Address(socket.socket.local));
        }
        for &pid in socket.owner.pids() {
            targets.push(Target::Pid(pid));
        }
    }
    targets
}

#[test]
fn nothing_is_found_on_a_machine_as_it_is_shipped() {
    for (name, facts) in MACHINES {
        let snapshot = machine(facts).snapshot();
        for row in doctor(&snapshot) {
            assert!(
                !matches!(row.outcome, CheckOutcome::Finding(_)),
                "{name}: {row:#?}"
            );
        }
        let targets = targets(&snapshot);
        assert!(targets.len() > 8, "{name}: only {targets:?}");
        for target in targets {
            let explanation = explain(&snapshot, &Question::about(target.clone()));
            for finding in &explanation.findings {
                // Who asks about AirPlay's port is told that it is AirPlay's.
                let is_airplay =
                    finding.rule.as_str() == "airplay-receiver" && finding.severity == Severity::Note;
                assert!(is_airplay, "{name}: {target}: {finding:#?}");
            }
            assert!(!explanation.listeners.is_empty(), "{name}: {target}");
        }
    }
}

#[test]
fn doctor_says_what_it_saw() {
    for (name, facts) in MACHINES {
        let rows = doctor(&machine(facts).snapshot());
        let shown: Vec<String> = rows
            .iter()
            .map(|row| match &row.outcome {
                CheckOutcome::Ok { said } => format!("ok      {}: {said}", row.title),
                CheckOutcome::Finding(finding) => format!("finding {}: {}", row.title, finding.says),
                CheckOutcome::Unknown { why } => format!("unknown {}: {why}", row.title),
            })
            .collect();
        insta::assert_snapshot!(format!("doctor_{name}"), shown.join("\n"));
    }
}

#[test]
fn the_map_shows_each_port_once_an_owner() {
    let mut machine = machine(MACHINES[0].1);
    for line in [
        "listen 0.0.0.0:3000 pid=812",
        "process 812 node cmd=\"node /src/shop/node_modules/.bin/vite\" because=npm:dev checkout=/src/shop branch=cart",
        "listen 127.0.0.1:5432 pid=813",
        "listen [::1]:5432 pid=813",
        "process 813 postgres because=shell checkout=/src/shop",
        "listen 127.0.0.1:8000 pid=814",
        "process 814 python3 cmd=\"python3 manage.py runserver\" because=shell checkout=/src/blog-fix of=/src/blog",
    ] {
        assert!(machine.take(line), "{line}");
    }
    let shown: Vec<String> = map(&machine.snapshot())
        .iter()
        .map(|row| {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            format!(
                "{:>5}/{} {:<14} {:<6} {:<6} {:<12} {:?} {:?} {} {}",
                row.port,
                row.protocol,
                text(&row.name),
                text(&row.project),
                text(&row.branch),
                text(&row.owner),
                row.families,
                row.exposure,
                text(&row.url),
                text(&row.reason),
            )
        })
        .collect();
    insta::assert_snapshot!("map", shown.join("\n"));
}

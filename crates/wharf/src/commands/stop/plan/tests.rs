//! How things want to be stopped, on snapshots.

use serde_json::{Value, json};

use super::{Found, Snapshot, of, said};

/// A machine on which a process listens on port 3000: `process` is what is peculiar to it.
fn machine(process: Value, rest: Value) -> Snapshot {
    let mut owner = json!({ "pid": 812, "parent": 700, "start_time": 5, "name": "node" });
    merge(&mut owner, process);
    let mut machine = json!({
        "version": 1,
        "viewer": { "uid": 1000, "pid": 900 },
        "tcp": [{
            "protocol": "tcp", "state": "listen", "local": "127.0.0.1:3000", "uid": 1000, "inode": 7,
            "owner": { "pids": [812] },
        }],
        "udp": [],
        "processes": [
            { "pid": 700, "parent": 1, "start_time": 2, "name": "zsh" },
            owner,
            { "pid": 900, "parent": 700, "start_time": 9, "name": "wharf", "unit": { "name": "tmux.service", "manager": "user" } },
        ],
        "containers": [{
            "id": "c0ffee", "name": "db", "engine": "docker", "state": "running",
            "ports": [{ "inside": 80, "protocol": "tcp", "published": 8080 }],
        }],
    });
    merge(&mut machine, rest);
    serde_json::from_value(machine).expect("a snapshot")
}

fn merge(into: &mut Value, from: Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else {
        return;
    };
    into.extend(from);
}

#[track_caller]
fn check(target: &str, machine: &Snapshot, expected: &str) {
    let target = target.parse().expect("a target");
    let plan = match of(machine, &target) {
        Found::Ways(ways) => {
            let said: Vec<String> = ways.iter().map(|way| said(machine, way)).collect();
            said.join("; ")
        }
        other => format!("{other:?}"),
    };
    assert_eq!(plan, expected);
}

fn unit(name: &str, manager: &str) -> Value {
    json!({ "reason": { "kind": "unit", "unit": name, "manager": manager } })
}

#[test]
fn each_is_stopped_by_what_runs_it() {
    let plain = machine(json!({}), json!({}));
    check("3000", &plain, "send SIGTERM to node (pid 812)");
    check("127.0.0.1:3000", &plain, "send SIGTERM to node (pid 812)");
    check("[::1]:3000", &plain, "Nobody");
    check("node", &plain, "send SIGTERM to node (pid 812)");
    check("pid:812", &plain, "send SIGTERM to node (pid 812)");
    check("pid:813", &plain, "Nobody");
    let system = machine(unit("nginx.service", "system"), json!({}));
    check(
        "3000",
        &system,
        "stop the unit nginx.service: systemctl stop nginx.service",
    );
    let user = machine(unit("dev.service", "user"), json!({}));
    check(
        "3000",
        &user,
        "stop the unit dev.service: systemctl --user stop dev.service",
    );
    let mut anothers = unit("dev.service", "user");
    merge(&mut anothers, json!({ "uid": 1001, "user": "ada" }));
    check(
        "3000",
        &machine(anothers, json!({})),
        "stop the unit dev.service: systemctl --user --machine=ada@.host stop dev.service",
    );
    let contained = machine(
        json!({ "reason": { "kind": "container", "id": "c0ffee" } }),
        json!({}),
    );
    check("3000", &contained, "stop the container db: docker stop db");
    let forwarded = machine(
        json!({ "name": "docker-proxy", "reason": { "kind": "container-forward", "program": "docker-proxy" } }),
        json!({ "containers": [{ "id": "c0ffee", "name": "db", "engine": "podman",
            "ports": [{ "inside": 80, "protocol": "tcp", "published": 3000 }] }] }),
    );
    check("3000", &forwarded, "stop the container db: podman stop db");
    check("8080", &plain, "stop the container db: docker stop db");
    let stack = machine(
        json!({ "reason": { "kind": "stack", "stack": "shop", "part": "web" } }),
        json!({}),
    );
    check("3000", &stack, "stop the service web of the stack shop");
}

#[test]
fn no_more_is_stopped_than_was_meant() {
    // A scope holds a terminal, and a unit that holds this command would end it, too.
    let scope = machine(unit("vte-spawn-1.scope", "user"), json!({}));
    check("3000", &scope, "send SIGTERM to node (pid 812)");
    let own_unit = machine(unit("tmux.service", "user"), json!({}));
    check("3000", &own_unit, "send SIGTERM to node (pid 812)");
    let connected = json!({ "tcp": [{
        "protocol": "tcp", "state": "established", "local": "127.0.0.1:40000", "remote": "127.0.0.1:3000",
        "uid": 1000, "inode": 8, "owner": { "pids": [812] },
    }] });
    check("3000", &machine(json!({}), connected), "Nobody");
    let workers = json!({
        "tcp": [{ "protocol": "tcp", "state": "listen", "local": "127.0.0.1:3000", "uid": 1000, "inode": 7,
            "owner": { "pids": [812, 813, 814] } }],
        "processes": [
            { "pid": 812, "parent": 700, "start_time": 5, "name": "master" },
            { "pid": 813, "parent": 812, "start_time": 6, "name": "worker" },
            { "pid": 814, "parent": 812, "start_time": 6, "name": "worker" },
        ],
    });
    check(
        "3000",
        &machine(json!({}), workers),
        "send SIGTERM to master (pid 812)",
    );
    let shell = json!({ "tcp": [{ "protocol": "tcp", "state": "listen", "local": "127.0.0.1:3000", "uid": 1000,
        "inode": 7, "owner": { "pids": [700] } }] });
    check(
        "3000",
        &machine(json!({}), shell),
        "send SIGTERM to zsh (pid 700), in which this command itself runs",
    );
}

#[test]
fn what_is_not_seen_is_not_nothing() {
    let hidden = json!({ "tcp": [{ "protocol": "tcp", "state": "listen", "local": "127.0.0.1:3000", "uid": 0,
        "inode": 7, "owner": "hidden" }] });
    check("3000", &machine(json!({}), hidden), "Hidden { user: \"root\" }");
    let blind = json!({ "tcp": { "unknown": "permission denied" } });
    check(
        "3000",
        &machine(json!({}), blind),
        "NotSeen(\"permission denied\")",
    );
}

#[test]
fn another_machines_port_stops_nothing_here() {
    let plain = machine(json!({}), json!({}));
    for here in [
        "localhost:3000",
        "http://127.0.0.1:3000/x",
        "http://web.localhost:3000/",
    ] {
        check(here, &plain, "send SIGTERM to node (pid 812)");
    }
    for elsewhere in [
        "db.example.invalid:3000",
        "http://192.0.2.7:3000/",
        "http://[::1]:3000/",
        "db.example.invalid:8080",
    ] {
        check(elsewhere, &plain, "Nobody");
    }
}

#[test]
fn of_a_forwarder_for_many_only_the_container_that_is_meant_is_stopped() {
    let listens = |port: u16| {
        json!({ "protocol": "tcp", "state": "listen", "local": format!("127.0.0.1:{port}"), "uid": 1000,
            "inode": port, "owner": { "pids": [812] } })
    };
    let container = |name: &str, port: u16| {
        json!({ "id": name, "name": name, "engine": "docker", "state": "running",
            "ports": [{ "inside": 80, "protocol": "tcp", "published": port }] })
    };
    let process =
        json!({ "name": "rootlesskit", "reason": { "kind": "container-forward", "program": "rootlesskit" } });
    let tcp = json!([listens(5432), listens(8080)]);
    let both = json!([container("db", 5432), container("web", 8080)]);
    let known = machine(process.clone(), json!({ "tcp": tcp, "containers": both }));
    check("8080", &known, "stop the container web: docker stop web");
    check("5432", &known, "stop the container db: docker stop db");
    let never = "not stop pid 812: it forwards for several containers, and which one is meant cannot be told; \
                 name the container";
    check("pid:812", &known, never);
    let unseen = machine(process, json!({ "tcp": tcp, "containers": [] }));
    check("8080", &unseen, never);
}

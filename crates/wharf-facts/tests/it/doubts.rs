//! Who may own a socket besides those that were seen.

use wharf_facts::{Holder, ProcessFacts, Seen, Snapshot, Socket, SocketFacts};

/// Whether the environment of a process could be read, as a sign of whether its descriptors can.
#[derive(Clone, Copy)]
enum Sight {
    Open,
    Closed,
}
use Sight::{Closed, Open};

fn process(pid: u32, parent: u32, session: u32, sight: Sight) -> ProcessFacts {
    ProcessFacts {
        pid,
        parent,
        session,
        environment: match sight {
            Open => Seen::Known(Vec::new()),
            Closed => Seen::Unknown("Permission denied".to_owned()),
        },
        ..ProcessFacts::default()
    }
}

/// The last of `line` was seen to own a socket: `expected` is whether others may, too.
#[track_caller]
fn check(line: &[(u32, u32, u32, Sight)], expected: fn(Vec<u32>) -> Holder) {
    let owner = line.last().expect("somebody").0;
    let listener: Socket = serde_json::from_value(serde_json::json!({
        "protocol": "tcp", "state": "listen", "local": "127.0.0.1:8080", "uid": 0, "inode": 1,
    }))
    .expect("a socket");
    let mut socket = SocketFacts::new(listener);
    socket.owner = Holder::Pids(vec![owner]);
    let processes = line
        .iter()
        .map(|&(pid, parent, session, sight)| process(pid, parent, session, sight));
    let mut snapshot = Snapshot {
        tcp: Seen::Known(vec![socket]),
        processes: Seen::Known(processes.collect()),
        ..Snapshot::default()
    };
    snapshot.doubt_owners();
    assert_eq!(snapshot.tcp.items()[0].owner, expected(vec![owner]));
}

#[test]
fn a_master_that_may_not_be_looked_into_may_own_it_too() {
    check(
        &[(1, 0, 1, Closed), (10, 1, 10, Open), (11, 10, 10, Open)],
        Holder::Pids,
    );
    check(
        &[(1, 0, 1, Closed), (10, 1, 10, Closed), (11, 10, 10, Open)],
        Holder::AtLeast,
    );
    // In a container the master is the first process, and leads a session.
    check(&[(1, 0, 1, Closed), (7, 1, 1, Open)], Holder::AtLeast);
    // Below a supervisor that makes no sessions a master is still one.
    check(
        &[(1, 0, 0, Closed), (6, 1, 0, Closed), (7, 6, 0, Open)],
        Holder::AtLeast,
    );
}

#[test]
fn who_only_began_all_of_it_shares_nothing() {
    // A login.
    check(
        &[
            (1, 0, 1, Closed),
            (9, 1, 9, Closed),
            (10, 9, 10, Open),
            (11, 10, 10, Open),
        ],
        Holder::Pids,
    );
    // A first process without a session.
    check(
        &[(1, 0, 0, Closed), (6, 1, 0, Open), (7, 6, 0, Open)],
        Holder::Pids,
    );
}

//! Which listener a connection ends at.

use wharf_facts::{Answer, Meeting, Resolution, Seen, Snapshot, Socket, SocketFacts};

/// A listener for each of `sockets`: an address, and `only` behind it for an IPv6 socket that
/// refuses IPv4.
fn machine(sockets: &[&str]) -> Snapshot {
    let listener = |text: &&str| {
        let (local, option) = text.split_once(' ').unwrap_or((text, ""));
        let socket: Socket = serde_json::from_value(serde_json::json!({
            "protocol": "tcp", "state": "listen", "local": local, "uid": 1000, "inode": 1,
            "v6only": option == "only",
        }))
        .expect("a socket");
        SocketFacts::new(socket)
    };
    let mut snapshot = Snapshot {
        tcp: Seen::Known(sockets.iter().map(listener).collect()),
        ..Snapshot::default()
    };
    snapshot.names.resolutions.push(Resolution {
        name: "localhost".to_owned(),
        answer: Seen::Known(Answer::Addresses(vec![
            "::1".parse().expect("an address"),
            "127.0.0.1".parse().expect("an address"),
        ])),
        took_us: 0,
    });
    snapshot
}

fn shown(meeting: &Meeting<'_>) -> String {
    match meeting {
        Meeting::Listeners(listeners) => listeners
            .iter()
            .map(|listener| listener.socket.local.to_string())
            .collect::<Vec<_>>()
            .join(" and "),
        Meeting::Nobody => "nobody".to_owned(),
        Meeting::Unknown(why) => format!("unknown: {why}"),
    }
}

#[test]
fn the_most_specific_listener_wins() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "127.0.0.1:80", "nobody"),
        (&["0.0.0.0:80", "127.0.0.1:80"], "127.0.0.1:80", "127.0.0.1:80"),
        (&["127.0.0.1:80", "0.0.0.0:80"], "127.0.0.1:80", "127.0.0.1:80"),
        (&["0.0.0.0:80", "127.0.0.1:80"], "127.0.0.2:80", "0.0.0.0:80"),
        (&["[::]:80", "127.0.0.1:80"], "127.0.0.1:80", "127.0.0.1:80"),
        (&["[::]:80"], "127.0.0.1:80", "[::]:80"),
        (&["[::]:80 only"], "127.0.0.1:80", "nobody"),
        (&["[::]:80 only", "0.0.0.0:80"], "127.0.0.1:80", "0.0.0.0:80"),
        (&["[::]:80", "0.0.0.0:80"], "127.0.0.1:80", "0.0.0.0:80"),
        (&["[::]:80", "[::1]:80"], "[::1]:80", "[::1]:80"),
        (&["[::1]:80"], "127.0.0.1:80", "nobody"),
        (&["127.0.0.1:80"], "[::1]:80", "nobody"),
        (&["127.0.0.1:80"], "127.0.0.1:81", "nobody"),
        (
            &["0.0.0.0:80", "0.0.0.0:80"],
            "127.0.0.1:80",
            "0.0.0.0:80 and 0.0.0.0:80",
        ),
    ];
    for (sockets, target, expected) in cases {
        let machine = machine(sockets);
        let met = machine.meets(target.parse().expect("an address"));
        assert_eq!(shown(&met), *expected, "{sockets:?} {target}");
    }
    let nothing = Snapshot::default();
    let met = nothing.meets("127.0.0.1:80".parse().expect("an address"));
    assert_eq!(shown(&met), "unknown: not looked at");
}

#[test]
fn a_name_meets_one_after_another() {
    let machine = machine(&["127.0.0.1:80"]);
    let routes = |name, family| {
        machine.routes(name, family, 80).map(|routes| {
            let each = routes
                .iter()
                .map(|route| format!("{} {}", route.address, shown(&route.meeting)));
            each.collect::<Vec<_>>()
        })
    };
    assert_eq!(
        routes("LOCALHOST", None),
        Seen::Known(vec![
            "[::1]:80 nobody".to_owned(),
            "127.0.0.1:80 127.0.0.1:80".to_owned()
        ])
    );
    assert_eq!(
        routes("localhost", Some(wharf_facts::Family::V6)),
        Seen::Known(vec!["[::1]:80 nobody".to_owned()])
    );
    assert_eq!(
        routes("[::1]", None),
        Seen::Known(vec!["[::1]:80 nobody".to_owned()])
    );
    assert_eq!(routes("other", None), Seen::unknown("`other` was not resolved"));
}

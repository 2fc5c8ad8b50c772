use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use wharf_lease::fd::{Passed, adopt, pass};

use crate::worker::{self, Worker, command};

/// Passes sockets to a shell that it becomes, which tells what it got.
pub(crate) fn worker() {
    let named = |fd: i32, name: &str| Passed {
        number: fd,
        name: name.to_owned(),
    };
    let open = || TcpListener::bind("127.0.0.1:0").expect("a socket");
    let (one, two) = (open(), open());
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    let expected = (port(&one), port(&two));
    pass(&[named(one.as_raw_fd(), "one"), named(two.as_raw_fd(), "two")]).expect("passed");
    // From the very places to the very places, the other way round.
    let variables = pass(&[named(4, "two"), named(3, "one")]).expect("passed again");
    worker::say(format_args!("{} {}", expected.1, expected.0));
    let script = r#"echo "@@ $LISTEN_FDS $LISTEN_FDNAMES $LISTEN_PID $$"
        for fd in /proc/$$/fd/*; do echo "@@ ${fd##*/} $(readlink $fd)"; done; echo "@@ end"; read x"#;
    let error = Command::new("sh").args(["-c", script]).envs(variables).exec();
    panic!("exec: {error}");
}

#[test]
fn sockets_are_passed_in_their_order_and_nothing_else() {
    let mut worker = Worker::start(command("pass")).expect("a worker");
    let ports = worker.next().expect("the ports");
    let pid = worker.pid();
    worker.expect(&format!("2 two:one {pid} {pid}"));
    let fds: Vec<(i32, String)> = std::iter::from_fn(|| worker.next().filter(|line| line != "end"))
        .map(|line| {
            let (number, target) = line.split_once(' ').expect("a number and a target");
            (number.parse().expect("a number"), target.to_owned())
        })
        .collect();
    let sockets: Vec<_> = fds
        .iter()
        .filter(|(_, target)| target.starts_with("socket:"))
        .collect();
    assert_eq!(
        sockets.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [3, 4],
        "{fds:?}"
    );
    let all = wharf_host::sockets::listeners().expect("listeners");
    let port_of = |target: &str| {
        let inode = target.trim_start_matches("socket:[").trim_end_matches(']');
        let found = all.iter().find(|socket| socket.inode.to_string() == inode);
        found.expect("it listens").local.port()
    };
    assert_eq!(
        format!("{} {}", port_of(&sockets[0].1), port_of(&sockets[1].1)),
        ports
    );
}

#[test]
fn what_cannot_be_passed_is_refused_before_anything_is_moved() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let number = socket.as_raw_fd();
    let check = |numbers: &[(i32, &str)], expected: &str| {
        let passed: Vec<Passed> = numbers
            .iter()
            .map(|(number, name)| Passed {
                number: *number,
                name: (*name).to_owned(),
            })
            .collect();
        let error = pass(&passed).expect_err("it cannot be passed").to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&[(-1, "a")], "it is no descriptor");
    check(
        &[(1_000_000, "a")],
        "take over descriptor 1000000: it is not open",
    );
    check(&[(number, "a"), (number, "b")], "it is to be passed twice");
    for name in ["a:b", "", "a b", "a\n"] {
        check(&[(number, name)], "is no name for it");
    }
    socket.local_addr().expect("it is still there");
}

#[test]
fn an_inherited_descriptor_is_adopted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let number = std::os::fd::IntoRawFd::into_raw_fd(OwnedFd::from(listener));
    let adopted = TcpListener::from(adopt(number).expect("adopted"));
    assert_eq!(adopted.local_addr().expect("an address"), address);
    for bad in [-1, 0, 2, 1_000_000] {
        assert!(adopt(bad).is_err(), "{bad}");
    }
}

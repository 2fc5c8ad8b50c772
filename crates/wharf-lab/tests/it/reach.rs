//! What is reached at the gateway, and what is not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use wharf_lab::{Allow, Exit};

use crate::lab::{alone, both, datagrams, listener, run, serve, spec, start};

#[test]
fn a_server_on_the_hosts_loopback_is_reached() {
    let (listener, port) = listener();
    let server = serve(listener, 3_000_000);
    let ran = run(vec![both("link", "latency=2ms")], &["download", &port]);
    assert_eq!(ran.number(), 3_000_000);
    server.join().expect("served");
}

#[test]
fn a_closed_port_is_refused_after_a_round_trip() {
    let _alone = alone();
    let (listener, port) = listener();
    drop(listener);
    let ran = run(vec![both("link", "latency=2ms")], &["connect", &port]);
    assert_eq!(ran.exit, Exit::Code(1));
    assert!(ran.err.contains("refused"), "{ran:?}");
}

/// How many sockets this process holds: the lab's switch and gateway are in it.
fn sockets_held() -> usize {
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("/proc").flatten();
    let links = descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links
        .filter(|link| link.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Each port that was ever asked for had a listener of each family at the gateway until the lab's end.
#[test]
fn ports_that_are_gone_leave_nothing_at_the_gateway() {
    let _alone = alone();
    let (input, mut to) = std::io::pipe().expect("a pipe");
    let mut spec = spec(vec![both("link", "")], &[]);
    let traveller = spec.command[0].clone();
    let script = "while read port; do \"$0\" connect \"$port\" >/dev/null && echo open || echo refused; done";
    spec.command = ["sh".into(), "-c".into(), script.into(), traveller].into();
    let (mut out, out_end) = std::io::pipe().expect("a pipe");
    let nowhere = std::fs::File::open("/dev/null").expect("/dev/null");
    let streams = [&input as &dyn std::os::fd::AsFd, &out_end, &nowhere].map(std::os::fd::AsFd::as_fd);
    let lab = wharf_lab::Lab::start(&spec, streams).expect("a lab");
    drop((out_end, input));
    let mut connect = |port: &str| {
        writeln!(to, "{port}").expect("written");
        let mut said = String::new();
        while !said.ends_with('\n') {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).expect("read"), 1, "it ended: {said}");
            said.push(char::from(byte[0]));
        }
        said
    };
    let before = sockets_held();
    // Asked for when nothing is connected any more, it goes at once.
    let (server, port) = listener();
    assert_eq!(connect(&port), "open\n");
    assert!(sockets_held() > before);
    drop(server);
    let gone = (0..100).any(|_| {
        assert_eq!(connect(&port), "refused\n");
        sockets_held() <= before
    });
    assert!(gone, "{before}: {}", sockets_held());
    // Not asked for again, they go when there are many.
    for _ in 0..200 {
        let (server, port) = listener();
        assert_eq!(connect(&port), "open\n");
        drop(server);
    }
    // Of the last 64 none need have gone: two listeners each, and a connection that is still closing.
    assert!(
        sockets_held() <= before + 2 * 64 + 4,
        "{before}: {}",
        sockets_held()
    );
    drop(to);
    assert_eq!(lab.wait().expect("ended"), Exit::Code(0));
}

#[test]
fn a_port_that_opens_later_is_reached_and_refused_again_when_it_closes() {
    let (first, port) = listener();
    let address: SocketAddr = first.local_addr().expect("an address");
    drop(first);
    let script = "\"$0\" connect \"$1\"; echo asked; read _; \"$0\" connect \"$1\" && echo open; read _; \"$0\" connect \"$1\"; true";
    let (input, mut to) = std::io::pipe().expect("a pipe");
    let (mut out, out_end) = std::io::pipe().expect("a pipe");
    let (mut err, err_end) = std::io::pipe().expect("a pipe");
    let mut spec = spec(vec![both("link", "")], &[]);
    let traveller = spec.command[0].clone();
    spec.command = ["sh".into(), "-c".into(), script.into(), traveller, port.into()].into();
    let streams = [&input as &dyn std::os::fd::AsFd, &out_end, &err_end].map(std::os::fd::AsFd::as_fd);
    let lab = wharf_lab::Lab::start(&spec, streams).expect("a lab");
    drop((out_end, err_end));
    let mut await_word = |word: &str| {
        let mut said = String::new();
        while !said.contains(word) {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).expect("read"), 1, "it ended: {said}");
            said.push(char::from(byte[0]));
        }
    };
    await_word("asked");
    let server = TcpListener::bind(address).expect("the port is free");
    to.write_all(b"\n").expect("written");
    await_word("open");
    drop(server);
    to.write_all(b"\n").expect("written");
    assert_eq!(lab.wait().expect("ended"), Exit::Code(0));
    drop(lab);
    let mut complaints = String::new();
    err.read_to_string(&mut complaints).expect("read");
    assert_eq!(complaints.matches("refused").count(), 2, "{complaints}");
}

#[test]
fn only_what_is_allowed_is_reached() {
    let (allowed, allowed_port) = listener();
    let (other, other_port) = listener();
    for (port, expected) in [(&allowed_port, Exit::Code(0)), (&other_port, Exit::Code(1))] {
        let mut spec = spec(vec![both("link", "")], &["connect", port]);
        spec.allow = Allow::Only(vec![allowed_port.parse().expect("a port")]);
        assert_eq!(start(&spec).finish().exit, expected, "{port}");
    }
    drop((allowed, other));
}

#[test]
fn datagrams_are_reached_from_the_first_on() {
    let (socket, port) = datagrams();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("set");
    let ran = run(
        vec![both("link", "latency=1ms")],
        &["datagrams", &port, "100", "64", "2000"],
    );
    assert_eq!(ran.exit, Exit::Code(0), "{ran:?}");
    let mut buffer = [0; 64];
    for expected in 0_u64..100 {
        assert_eq!(socket.recv(&mut buffer).expect("a datagram"), 64);
        assert_eq!(
            buffer[..8],
            expected.to_be_bytes(),
            "in order, and none is missing"
        );
    }
}

/// Also when it is asked again whether the host has the port: an answer holds for a second.
#[test]
fn a_server_that_connects_its_only_socket_to_its_client_stays_reached() {
    let (socket, port) = datagrams();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("set");
    let server = std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let (_, client) = socket.recv_from(&mut buffer).expect("a datagram");
        socket.connect(client).expect("connected");
        for _ in 1..150 {
            socket.recv(&mut buffer).expect("a datagram");
        }
        buffer
    });
    let ran = run(
        vec![both("link", "latency=1ms")],
        &["datagrams", &port, "150", "64", "100"],
    );
    assert_eq!(ran.numbers()[1], Some(0), "some were refused: {ran:?}");
    let last = server.join().expect("served");
    assert_eq!(last[..8], 149_u64.to_be_bytes());
}

#[test]
fn nothing_else_is_reached() {
    let mut spec = spec(vec![both("link", "")], &[]);
    // Documentation's network: a router of ours says that it knows no way.
    let script = "exec 3<>/dev/tcp/192.0.2.77/80";
    spec.command = ["bash".into(), "-c".into(), script.into()].into();
    let ran = start(&spec).finish();
    assert_eq!(ran.exit, Exit::Code(1));
    assert!(
        ran.err.contains("unreachable") || ran.err.contains("No route"),
        "{ran:?}"
    );
}

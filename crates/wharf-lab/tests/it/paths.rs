//! Routers between segments, and what does not fit.

use std::time::Duration;

use crate::kernel::{counted, with_settings};
use crate::lab::{alone, both, each_way, listener, read_all, run, spec, start};
use wharf_lab::Exit;

#[test]
fn each_router_of_a_path_answers_what_ends_there() {
    let _alone = alone();
    let path = vec![both("a", "latency=2ms"), both("b", "latency=3ms"), both("c", "")];
    // A hop limit of 1 and 2 ends at the routers, of 3 at the gateway.
    let mut spec = spec(path, &[]);
    let script =
        "for ttl in 1 2 3; do ping -4 -n -c 1 -W 2 -t $ttl 198.18.0.1 | grep -i '^from\\|bytes from'; done";
    spec.command = ["sh".into(), "-c".into(), script.into()].into();
    let ran = start(&spec).finish();
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    assert!(
        lines[0].contains("198.18.1.1") && lines[0].contains("exceeded"),
        "{lines:?}"
    );
    assert!(
        lines[1].contains("198.18.1.2") && lines[1].contains("exceeded"),
        "{lines:?}"
    );
    assert!(lines[2].contains("bytes from 198.18.0.1"), "{lines:?}");
}

#[test]
fn tcp_finds_the_mtu_of_a_path() {
    let _alone = alone();
    let (listener, port) = listener();
    let server = read_all(listener);
    let path = vec![
        both("wide", "latency=1ms"),
        both("narrow", "latency=1ms mtu=1000"),
    ];
    let ran = run(path, &["upload", &port, "2000000"]);
    assert_eq!(ran.exit, Exit::Code(0), "{ran:?}");
    assert_eq!(server.join().expect("served").len(), 2_000_000);
    let figures = &ran.figures.up;
    assert!(figures.segments[1].mtu > 0, "{ran:?}");
    assert!(figures.icmp_errors > 0, "{ran:?}");
    // Few were too long before the kernel knew better, and 2 MB in packets of 1000 bytes are 2100 and more.
    assert!(figures.segments[1].delivered > 2_000, "{ran:?}");
}

#[test]
fn what_may_be_fragmented_is() {
    let _alone = alone();
    let mut spec = spec(vec![both("narrow", "mtu=600")], &[]);
    let script = "ping -4 -n -c 3 -i 0.2 -M dont -s 1400 198.18.0.1";
    spec.command = ["sh".into(), "-c".into(), script.into()].into();
    let ran = start(&spec).finish();
    assert_eq!(ran.exit, Exit::Code(0), "{ran:?}");
    assert!(ran.out.contains("3 received"), "{ran:?}");
}

/// A path whose MTU nobody tells (RFC 2923, 2.1). These settings have the sender notice soon: what RFC 1122, 4.2.3.5
/// calls R1 is one retransmission, and not three.
const BLACK_HOLE: &str = "latency=2ms mtu=1300+silent";
const SOON: (&str, &str) = ("ipv4/tcp_retries1", "1");

#[test]
fn without_probing_a_connection_hangs_in_a_black_hole() {
    let _alone = alone();
    let (listener, port) = listener();
    let mut spec = spec(each_way(BLACK_HOLE, "latency=2ms"), &["upload", &port, "100000"]);
    with_settings(&mut spec, &[SOON, ("ipv4/tcp_mtu_probing", "0")]);
    let running = start(&spec);
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.set_nonblocking(true).expect("set");
    // Ten are sent at first (RFC 6928), and again and again: more often than R1 asks for.
    let up = || running.lab.figures().expect("figures").up;
    let dropped = || up().segments[0].mtu;
    let tried_again = (0..1_000).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        dropped() >= 14
    });
    assert!(tried_again, "{} dropped", dropped());
    let read = std::io::Read::read(&mut stream, &mut [0]);
    assert!(
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
        "no byte has come"
    );
    assert_eq!(up().icmp_errors, 0);
    running.lab.signal(9);
    assert_eq!(running.finish().exit, Exit::Signal(9));
}

/// RFC 4821: what is not acknowledged may be too long.
#[test]
fn with_probing_a_connection_gets_through_a_black_hole() {
    let _alone = alone();
    let (listener, port) = listener();
    let server = read_all(listener);
    let spec = spec(each_way(BLACK_HOLE, "latency=2ms"), &["upload", &port, "100000"]);
    let got = counted(spec, &[SOON, ("ipv4/tcp_mtu_probing", "1")], || ());
    assert_eq!(server.join().expect("served").len(), 100_000);
    let figures = &got.ran.figures.up;
    assert!(figures.segments[0].mtu > 0, "{got:?}");
    assert_eq!(figures.icmp_errors, 0, "{got:?}");
}

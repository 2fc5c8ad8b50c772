//! Routers between segments, and what does not fit.

use crate::lab::{alone, both, listener, run, spec, start};
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
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        std::io::copy(&mut stream, &mut std::io::sink()).expect("read")
    });
    let path = vec![
        both("wide", "latency=1ms"),
        both("narrow", "latency=1ms mtu=1000"),
    ];
    let ran = run(path, &["upload", &port, "2000000"]);
    assert_eq!(ran.exit, Exit::Code(0), "{ran:?}");
    assert_eq!(server.join().expect("served"), 2_000_000);
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

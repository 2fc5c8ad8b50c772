//! Listeners that drip, flood, lie or hang. None may keep a probe longer than its budget, have it read
//! more than its allowance, or make it fail.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use wharf_facts::{Connect, Probe, Seen, Spoken};
use wharf_probe::{
    BUDGET, BYTES, By, CONNECTIONS, CONNECTIONS_OF_TRUST, Consent, Curiosity, Guess, NotProbed, Plan, Slot,
    Target, Touch, probe, probe_all,
};

use crate::server::{Fake, Port, until_closed};
use crate::summary;

/// Waiting is bounded by the clock; the rest of the time is this machine's, which is busy. What drips for
/// ever would be noticed all the same.
const SLACK: Duration = Duration::from_millis(1500);

#[track_caller]
fn check(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Probe {
    let fake = Fake::start(serve);
    let target = Target::new(fake.address()).expect("loopback");
    let mut met = None;
    for (curiosity, most) in [
        (Curiosity::Speech, CONNECTIONS),
        (Curiosity::Trust, CONNECTIONS_OF_TRUST),
    ] {
        let before = fake.connections();
        let plan = Plan {
            curiosity,
            ..Plan::default()
        };
        let begun = Instant::now();
        met = Some(probe(&target, &plan));
        let took = begun.elapsed();
        assert!(took < BUDGET + SLACK, "{took:?}: {met:?}");
        assert!(
            fake.connections() - before <= most,
            "{} connections",
            fake.connections() - before
        );
    }
    let met = met.expect("a probe");
    assert_eq!(met.connect, Connect::Accepted, "{met:?}");
    met
}

/// Writes `start`, and then `more` with a pause before each, until the other side has enough.
fn drip(mut stream: TcpStream, start: &[u8], more: &[u8], pause: Duration) {
    if stream.write_all(start).is_err() {
        return;
    }
    for _ in 0..2000 {
        std::thread::sleep(pause);
        if stream.write_all(more).is_err() {
            return;
        }
    }
}

#[test]
fn a_drip_without_an_end() {
    let met = check(|stream| drip(stream, b"", b"x", Duration::from_millis(5)));
    assert_eq!(met.protocol.known(), None, "{}", summary(&met));
}

#[test]
fn a_banner_without_an_end() {
    let met = check(|stream| drip(stream, b"SSH-2.0-", &[b'a'; 4096], Duration::ZERO));
    assert_eq!(met.protocol.known(), None, "{}", summary(&met));
    assert!(met.banner.is_some_and(|banner| banner.chars().count() <= 200));
}

#[test]
fn headers_without_an_end() {
    check(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        drip(
            stream,
            b"HTTP/1.1 200 OK\r\n",
            b"X-More: yes\r\n",
            Duration::from_millis(1),
        );
    });
}

#[test]
fn a_page_without_an_end() {
    let met = check(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        drip(
            stream,
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>endless</title>",
            &[b'<'; 4096],
            Duration::ZERO,
        );
    });
    assert_eq!(met.http.and_then(|http| http.title).as_deref(), Some("endless"));
}

#[test]
fn interim_answers_without_an_end() {
    check(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        drip(stream, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", Duration::ZERO);
    });
}

#[test]
fn lengths_that_lie() {
    let met = check(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99999999999999999999\r\n\r\nffffffffffffffff\r\nabc");
        until_closed(stream);
    });
    assert_eq!(met.protocol.known(), Some(&Spoken::Http));
}

#[test]
fn garbage_for_tls() {
    check(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        // A handshake record that promises more than it has.
        let _ = stream.write_all(b"\x16\x03\x03\x40\0\x02\xff\xff\xff");
        until_closed(stream);
    });
}

#[test]
fn garbage_for_http2() {
    check(|mut stream| {
        let _ = stream.write_all(b"\0\0\0\x04\0\0\0\0\0\xff\xff\xff\x01\x25\0\0\0\x01");
        until_closed(stream);
    });
}

#[test]
fn resets() {
    check(|stream| {
        let socket = socket2::Socket::from(stream);
        socket.set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    });
}

#[test]
fn half_open() {
    check(|stream| {
        let _ = stream.shutdown(std::net::Shutdown::Read);
        until_closed(stream);
    });
}

/// What all connections of a probe read together stays within the allowance. The kernel takes more than
/// is read: what counts is what the flood could write, less what its buffers hold.
#[test]
fn a_flood_is_not_drunk() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let small = 16 * 1024;
    let fake = Fake::start(move |stream| {
        let socket = socket2::Socket::from(stream);
        socket.set_send_buffer_size(small).expect("SO_SNDBUF");
        let mut stream = TcpStream::from(socket);
        while let Ok(more @ 1..) = stream.write(&[b'z'; 1024]) {
            count.fetch_add(more, Ordering::SeqCst);
        }
    });
    let target = Target::new(fake.address()).expect("loopback");
    let met = probe(&target, &Plan::default());
    let connections = fake.connections();
    drop(fake);
    assert_eq!(met.protocol.known(), None, "{}", summary(&met));
    assert_eq!(connections, 1, "who speaks first is not asked further");
    // A receive buffer of loopback may hold some hundred KiB; a prober that read on for 80 ms would take
    // hundreds of MB.
    let written = written.load(Ordering::SeqCst);
    assert!(written < BYTES + 8 * 1024 * 1024, "{written}");
}

#[test]
fn a_closed_port_is_refused() {
    let port = Port::held();
    let met = probe(&Target::new(port.address()).expect("loopback"), &Plan::default());
    assert_eq!(met.connect, Connect::Refused);
    assert!(met.connect_us.is_known() && !met.protocol.is_known(), "{met:?}");
}

/// A listener whose queue is full: the kernel drops the SYN, and nothing ever comes.
#[test]
fn a_full_queue_times_out() {
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    listener
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .expect("a port");
    listener.listen(0).expect("listen");
    let address = listener
        .local_addr()
        .expect("its address")
        .as_socket()
        .expect("of IPv4");
    let mut waiting = Vec::new();
    // One fits a queue of none; more are not answered.
    for _ in 0..8 {
        match TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            Ok(stream) => waiting.push(stream),
            Err(_) => break,
        }
    }
    let met = probe(&Target::new(address).expect("loopback"), &Plan::default());
    assert!(matches!(met.connect, Connect::TimedOut(_)), "{met:?}");
}

#[test]
fn only_this_machine_is_probed() {
    // TEST-NET-2, and documentation's prefix of IPv6 (RFC 5737, RFC 3849).
    for elsewhere in [
        "198.51.100.77:80",
        "[::ffff:198.51.100.77]:80",
        "[2001:db8::1]:80",
    ] {
        let address = elsewhere.parse().expect("an address");
        let refused = Target::new(address).expect_err("another machine's");
        assert_eq!(refused, NotProbed::Elsewhere(address));
        assert!(
            refused.to_string().contains("not an address of this machine"),
            "{refused}"
        );
    }
    let any = Target::new("0.0.0.0:80".parse().expect("an address")).expect("loopback");
    assert_eq!(any.address().to_string(), "127.0.0.1:80");
    for name in ["a b", "", "x\r\nEvil: 1", "a..b"] {
        let refused = any.clone().named(name).expect_err("no name");
        assert!(matches!(refused, NotProbed::Name(_)), "{refused}");
    }
}

#[test]
fn what_is_ruled_out_is_not_touched() {
    let fake = Fake::start(until_closed);
    let target = Target::new(fake.address()).expect("loopback");
    let plan = Plan {
        consent: Consent::Never,
        ..Plan::default()
    };
    let met = probe(&target, &plan);
    assert_eq!(
        met.connect,
        Connect::NotTried("connecting was ruled out".to_owned())
    );
    assert_eq!(fake.connections(), 0);
}

#[test]
fn a_closed_port_of_udp_is_refused_and_a_mute_one_times_out() {
    let dns = || Guess {
        spoken: Seen::Known(Spoken::Dns),
        by: By::Nothing,
        slot: Slot::Many,
        touch: Touch::Freely,
    };
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = socket.local_addr().expect("its address");
    let target = Target::new(address).expect("loopback").over_udp().guessed(dns());
    let met = probe(&target, &Plan::default());
    assert!(matches!(met.connect, Connect::TimedOut(_)), "{met:?}");
    drop(socket);
    let met = probe(&target, &Plan::default());
    assert_eq!(met.connect, Connect::Refused, "{met:?}");
}

/// No budget is so large that it overflows a clock.
#[test]
fn budgets_without_an_end() {
    let fake = Fake::greeting(b"+OK ready\r\n");
    let target = Target::new(fake.address()).expect("loopback");
    let plan = Plan {
        budget: Duration::MAX,
        ..Plan::default()
    };
    for met in probe_all(&[target], &plan, Duration::MAX) {
        assert_eq!(met.protocol.known(), Some(&Spoken::Pop3), "{met:?}");
    }
}

/// There is one answer for each, in order, and none where no time was given.
#[test]
fn many_are_probed_side_by_side() {
    let fakes: Vec<Fake> = (0..40).map(|_| Fake::greeting(b"+OK ready\r\n")).collect();
    let targets: Vec<Target> = fakes
        .iter()
        .map(|fake| Target::new(fake.address()).expect("loopback"))
        .collect();
    let met = probe_all(&targets, &Plan::default(), Duration::from_secs(30));
    assert_eq!(met.len(), targets.len());
    for (met, target) in met.iter().zip(&targets) {
        assert_eq!(met.address, target.address());
        assert_eq!(met.protocol.known(), Some(&Spoken::Pop3), "{met:?}");
    }
    let none = probe_all(&targets, &Plan::default(), Duration::ZERO);
    assert!(none.iter().all(|met| !met.protocol.is_known()), "{none:?}");
}

//! What becomes of connections when the provider refuses, starts, is ready, and is down.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use wharf_link::Conditions;
use wharf_relay::{LinkSpec, ParkLimits, Provider};

use crate::bed::{Bed, is_reset, latency, passes};

/// An address that nobody listens at, and that nobody else is given: bound, not listening.
struct Silent(#[expect(dead_code, reason = "held")] Socket, SocketAddr);

fn silent() -> Silent {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a port");
    let address = socket.local_addr().expect("an address").as_socket();
    Silent(socket, address.expect("an IP address"))
}

fn starting(park: ParkLimits) -> Bed {
    Bed::made(|spec| {
        spec.provider = Provider::Starting;
        spec.park = park;
    })
}

fn ready(bed: &Bed) {
    let address = bed.provider.local_addr().expect("an address");
    bed.set_provider(Provider::Ready(vec![address]));
}

#[track_caller]
fn is_refused(address: SocketAddr) {
    let error = TcpStream::connect(address).expect_err("the link does not listen");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_refusal_becomes_a_reset() {
    for conditions in [Conditions::CLEAR, latency(5)] {
        let nobody = silent();
        let bed = Bed::made(|spec: &mut LinkSpec| {
            spec.provider = Provider::Ready(vec![nobody.1]);
            spec.up = conditions.clone();
            spec.down = conditions;
        });
        is_reset(&bed.connect());
        let stats = bed.await_stats(|stats| stats.connections == 0);
        assert_eq!((stats.refused, stats.total_connections), (1, 1));
        let why = format!("{}: connection refused", nobody.1);
        assert_eq!(stats.unreached, Some(why));
    }
}

#[test]
fn no_address_at_all_is_a_refusal() {
    let bed = Bed::made(|spec| spec.provider = Provider::Ready(vec![]));
    is_reset(&bed.connect());
    bed.await_stats(|stats| stats.refused == 1 && stats.connections == 0);
}

#[test]
fn addresses_are_tried_in_order() {
    let nobody = silent();
    let bed = Bed::made(|spec| {
        if let Provider::Ready(addresses) = &mut spec.provider {
            addresses.insert(0, nobody.1);
            addresses.insert(0, "[::1]:1".parse().expect("an address"));
        }
    });
    let (client, server) = bed.pair();
    passes(&client, &server, "found");
    assert_eq!(bed.stats().refused, 0);
}

#[test]
fn early_connections_are_parked_then_carried() {
    let bed = starting(ParkLimits::default());
    let mut clients: Vec<_> = (0..10).map(|_| bed.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        write!(client, "early {number}").expect("it can be sent");
    }
    bed.await_stats(|stats| stats.parked == 10 && stats.connections == 0);
    ready(&bed);
    let mut greetings = Vec::new();
    for _ in 0..10 {
        let mut server = bed.accept();
        let mut greeting = [0; 7];
        std::io::Read::read_exact(&mut server, &mut greeting).expect("it arrives");
        greetings.push(String::from_utf8_lossy(&greeting).into_owned());
    }
    greetings.sort();
    let wanted: Vec<_> = (0..10).map(|number| format!("early {number}")).collect();
    assert_eq!(greetings, wanted);
    assert_eq!(bed.stats().parked, 0);
}

#[test]
fn parking_is_bounded_in_number() {
    let bed = starting(ParkLimits {
        connections: 2,
        ..ParkLimits::default()
    });
    let parked = [bed.connect(), bed.connect()];
    bed.await_stats(|stats| stats.parked == 2);
    is_reset(&bed.connect());
    let stats = bed.stats();
    assert_eq!((stats.parked, stats.park_overflows), (2, 1));
    ready(&bed);
    let server = bed.accept();
    let _other = bed.accept();
    drop(parked);
    crate::bed::ends(&server);
}

#[test]
fn parking_is_bounded_in_time() {
    let bed = starting(ParkLimits {
        time: Duration::from_millis(50),
        ..ParkLimits::default()
    });
    is_reset(&bed.connect());
    let stats = bed.stats();
    assert_eq!((stats.parked, stats.park_overflows), (0, 1));
}

#[test]
fn a_parked_client_that_gives_up_is_forgotten() {
    let bed = starting(ParkLimits::default());
    let client = bed.connect();
    bed.await_stats(|stats| stats.parked == 1);
    crate::bed::reset(client);
    bed.await_stats(|stats| stats.parked == 0);
}

#[test]
fn down_refuses_and_keeps_the_port_and_comes_back() {
    let bed = Bed::new();
    for _ in 0..3 {
        let (client, server) = bed.pair();
        bed.set_provider(Provider::Down);
        is_refused(bed.address);
        is_refused(bed.address);
        // A connection that lives is left alone.
        passes(&client, &server, "still here");
        let taken = Socket::new(Domain::IPV4, Type::STREAM, None)
            .expect("a socket")
            .bind(&bed.address.into())
            .expect_err("the port is kept");
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);

        bed.set_provider(Provider::Starting);
        let parked = bed.connect();
        bed.await_stats(|stats| stats.parked == 1);
        bed.set_provider(Provider::Down);
        is_reset(&parked);
        is_refused(bed.address);
        ready(&bed);
    }
    let (client, server) = bed.pair();
    passes(&client, &server, "back again");
}

#[test]
fn a_link_may_begin_down() {
    let bed = Bed::made(|spec| spec.provider = Provider::Down);
    is_refused(bed.address);
    ready(&bed);
    let (client, server) = bed.pair();
    passes(&client, &server, "hello");
}

#[test]
fn a_link_may_begin_down_on_a_socket_that_never_listened() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a port");
    let front: TcpListener = socket.into();
    let address = front.local_addr().expect("an address");
    let bed = Bed::made(|spec| {
        spec.listeners = vec![front];
        spec.provider = Provider::Down;
    });
    is_refused(address);
    bed.set_provider(Provider::Down);
    ready(&bed);
    let client = crate::bed::patient(TcpStream::connect(address).expect("it listens"));
    passes(&client, &bed.accept(), "hello");
}

/// Says it past the harness, which would swallow it.
fn skip(why: &str) {
    let line = format!("SKIPPED: both_families_of_one_port: {why}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}

#[test]
fn both_families_of_one_port() {
    let Ok(six) = TcpListener::bind("[::1]:0") else {
        skip("no IPv6 loopback here");
        return;
    };
    let port = six.local_addr().expect("an address").port();
    let Ok(four) = TcpListener::bind(("127.0.0.1", port)) else {
        skip(&format!("127.0.0.1:{port} is somebody else's"));
        return;
    };
    let provider = TcpListener::bind("[::1]:0").expect("a port");
    let far = provider.local_addr().expect("an address");
    let bed = Bed::made(|spec| {
        spec.listeners = vec![four, six];
        spec.provider = Provider::Ready(vec![far]);
    });
    for host in ["127.0.0.1", "::1"] {
        let client = crate::bed::patient(TcpStream::connect((host, port)).expect("it listens"));
        let (server, _) = provider.accept().expect("it is carried");
        passes(&client, &crate::bed::patient(server), "hello");
    }
    bed.set_provider(Provider::Down);
    is_refused(SocketAddr::new("127.0.0.1".parse().expect("v4"), port));
    is_refused(SocketAddr::new("::1".parse().expect("v6"), port));
}

//! What those who stall, dribble, hog or never answer cost the others: nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use wharf_link::{Conditions, QueueLimit, Size};
use wharf_relay::{LinkSpec, Provider};

use crate::bed::{Bed, all_kinds, is_reset, latency, listener, passes, patient, rate, spec};
use crate::segments::jain;

/// An address that listens and whose queue of connections is full: a SYN to it gets no answer.
struct Deaf {
    listener: Socket,
    address: SocketAddr,
    fillers: Vec<Socket>,
}

fn deaf() -> Deaf {
    let tcp = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let listener = tcp();
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    listener.bind(&any.into()).expect("a port");
    listener.listen(0).expect("it listens");
    let address = listener.local_addr().expect("an address");
    let mut fillers = Vec::new();
    loop {
        let filler = tcp();
        // Loopback answers at once or not at all.
        match filler.connect_timeout(&address, Duration::from_millis(200)) {
            Ok(()) => fillers.push(filler),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TimedOut);
                break;
            }
        }
        assert!(fillers.len() < 64, "the queue is never full");
    }
    let address = address.as_socket().expect("an IP address");
    Deaf {
        listener,
        address,
        fillers,
    }
}

/// Dialling is nobody's turn to wait: other connections, of this link and others, are carried.
#[test]
fn a_provider_that_never_answers_blocks_nobody() {
    let deaf = deaf();
    let bed = Bed::made(|spec: &mut LinkSpec| spec.provider = Provider::Ready(vec![deaf.address]));
    let hanging = [bed.connect(), bed.connect(), bed.connect()];
    bed.await_stats(|stats| stats.connections == 3);
    let front = listener();
    let address = front.local_addr().expect("an address");
    let provider = bed.provider.local_addr().expect("an address");
    let good = || Provider::Ready(vec![provider]);
    bed.relay.add(spec(front, good())).expect("a link");
    let client = patient(TcpStream::connect(address).expect("it listens"));
    passes(&client, &bed.accept(), "another link");
    bed.set_provider(good());
    let (client, server) = bed.pair();
    passes(&client, &server, "the same link");
    // Its next SYN is refused, and that is passed on.
    let Deaf {
        listener, fillers, ..
    } = deaf;
    drop(listener);
    drop(fillers);
    for client in &hanging {
        is_reset(client);
    }
}

/// A reader that stalls costs its window, however much its sender has.
#[test]
fn a_stalled_reader_is_pushed_back_to_its_sender() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        client
            .set_write_timeout(Some(Duration::from_millis(300)))
            .expect("a time-out");
        let block = vec![1; 1 << 20];
        while { &client }.write_all(&block).is_ok() {}
        let stats = bed.stats();
        let held = stats.taken_up - stats.bytes_up;
        assert!(held <= 5 << 20, "{held} bytes");
        drop(server);
    }
}

/// Bytes that come one by one cost more than their length, so their number is bounded too.
#[test]
fn a_dribbling_sender_costs_a_bounded_amount() {
    let bed = Bed::with(latency(3_600_000));
    let front = listener();
    let address = front.local_addr().expect("an address");
    let provider = bed.provider.local_addr().expect("an address");
    let mut fast = spec(front, Provider::Ready(vec![provider]));
    fast.up = Conditions::CLEAR;
    let link = bed.relay.add(fast).expect("a link");
    let client = patient(TcpStream::connect(address).expect("it listens"));
    let server = bed.accept();
    passes(&client, &server, "before");
    let slow = latency(3_600_000);
    bed.relay
        .set_conditions(link, slow.clone(), slow)
        .expect("the link is there");
    let before = bed.relay.stats(link).expect("it is there").taken_up;
    let taken = || bed.relay.stats(link).expect("it is there").taken_up - before;
    // One at a time, each after the one before it has been taken: the last too, or what follows would
    // come with it. A first window is ten segments (RFC 6928), however short.
    for sent in 1..=10 {
        { &client }.write_all(b"x").expect("sent");
        while taken() < sent {
            thread::yield_now();
        }
    }
    { &client }.write_all(&[1; 4_096]).expect("sent");
    thread::sleep(Duration::from_millis(50));
    assert_eq!(taken(), 10);
}

/// One reader stalls, seven read all they get: the seven have the link, each its share.
#[test]
fn greedy_connections_share_what_a_stalled_one_leaves() {
    let bed = Bed::with(Conditions {
        queue: Some(QueueLimit::Bytes(Size::from_bytes(128 * 1024))),
        ..rate("40mbit")
    });
    let pairs: Vec<_> = (0..8).map(|_| bed.pair()).collect();
    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        for (_, server) in &pairs {
            scope.spawn(move || while { server }.write_all(&[1; 1 << 14]).is_ok() {});
        }
        let readers: Vec<_> = pairs
            .iter()
            .skip(1)
            .map(|(client, _)| {
                scope.spawn(move || {
                    let mut total = 0;
                    while !done.load(Ordering::Relaxed) {
                        total += { client }.read(&mut [0; 1 << 14]).expect("bytes arrive");
                    }
                    total as f64
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(2_500));
        done.store(true, Ordering::Relaxed);
        let shares: Vec<f64> = readers
            .into_iter()
            .map(|reader| reader.join().expect("read"))
            .collect();
        assert!(jain(&shares) >= 0.95, "{shares:?}");
        let all: f64 = shares.iter().sum();
        assert!(all >= 0.7 * 5_000_000.0 * 2.5, "{shares:?}");
        for (client, server) in &pairs {
            for stream in [client, server] {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    });
}

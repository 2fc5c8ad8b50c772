//! Connections on which much passes are carried by other threads, and come home when anything of their
//! link changes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use wharf_link::Conditions;
use wharf_relay::{Cut, Effect, Observe, Provider, Relay};

use crate::bed::{Bed, ends, is_reset, latency, listener, passes, patient, reset, spec};
use crate::stages::stage;
use crate::storm::{StopOnDrop, read, write};

/// How many of so many busy connections are carried elsewhere: all, unless there is one core.
fn elsewhere(count: u64) -> u64 {
    match thread::available_parallelism().map_or(1, usize::from) {
        1 => 0,
        _ => count,
    }
}

/// Sends until the connection is carried elsewhere; how much that took.
fn send_until_away(bed: &Bed, mut from: &TcpStream, mut to: &TcpStream) -> u64 {
    let block = vec![7; 1 << 18];
    let mut sent = 0;
    let mut buffer = vec![0; block.len()];
    for _ in 0..1_000 {
        from.write_all(&block).expect("sent");
        to.read_exact(&mut buffer).expect("it arrives");
        sent += block.len() as u64;
        if bed.stats().in_bulk > 0 || elsewhere(1) == 0 && sent > 8 << 20 {
            return sent;
        }
    }
    panic!("much has passed, and nobody else carries it: {:?}", bed.stats());
}

#[test]
fn what_is_carried_elsewhere_is_counted_to_the_byte_and_ends_as_ever() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    let down = send_until_away(&bed, &server, &client);
    assert_eq!(bed.stats().bytes_down, down);
    for round in 1..=100 {
        passes(&client, &server, "up");
        passes(&server, &client, "down");
        let stats = bed.stats();
        assert_eq!((stats.bytes_up, stats.taken_up), (2 * round, 2 * round));
        assert_eq!(stats.bytes_down, down + 4 * round);
        assert_eq!(stats.taken_down, down + 4 * round);
        assert_eq!(stats.in_bulk, elsewhere(1));
    }
    assert!(bed.stats().rate_down > 0);
    server.shutdown(Shutdown::Write).expect("half-close");
    ends(&client);
    passes(&client, &server, "still open");
    client.shutdown(Shutdown::Write).expect("half-close");
    ends(&server);
    let stats = bed.await_stats(|stats| stats.connections == 0);
    assert_eq!((stats.in_bulk, stats.total_connections), (0, 1));
}

#[test]
fn a_reset_of_what_is_carried_elsewhere_is_a_reset() {
    let bed = Bed::new();
    for _ in 0..4 {
        let (client, server) = bed.pair();
        send_until_away(&bed, &server, &client);
        reset(server);
        is_reset(&client);
        let (client, server) = bed.pair();
        send_until_away(&bed, &client, &server);
        reset(client);
        is_reset(&server);
        bed.await_stats(|stats| (stats.connections, stats.in_bulk) == (0, 0));
    }
}

/// Writes until nothing more goes for a while.
fn fill(mut to: &TcpStream) {
    to.set_nonblocking(true).expect("non-blocking");
    let block = vec![7; 1 << 16];
    let mut quiet = 0;
    while quiet < 20 {
        match to.write(&block) {
            Ok(_) => quiet = 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                quiet += 1;
                thread::sleep(std::time::Duration::from_millis(5));
            }
            Err(error) => panic!("write: {error}"),
        }
    }
}

/// Bytes are under way in both directions, and both ends reset: nobody is left to tell, and nothing of
/// the connection stays. Once before it is carried elsewhere, once after.
#[test]
fn of_a_connection_that_both_ends_reset_nothing_is_left() {
    let bed = Bed::new();
    for round in 0..20 {
        let (client, server) = bed.pair();
        if round % 2 == 0 {
            send_until_away(&bed, &server, &client);
        }
        fill(&client);
        fill(&server);
        reset(client);
        reset(server);
        bed.await_stats(|stats| (stats.connections, stats.in_bulk) == (0, 0));
    }
}

/// A reader that stalls pushes its sender back, and what the pipe holds meanwhile is not lost when the
/// connection comes home.
#[test]
fn what_a_pipe_holds_comes_home_too() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    send_until_away(&bed, &server, &client);
    server.set_nonblocking(true).expect("non-blocking");
    let mut sent = 0u64;
    let mut quiet = 0;
    // Until nothing more goes, for long enough that all is where it will be.
    while quiet < 50 {
        match { &server }.write(&[7; 1 << 16]) {
            Ok(count) => {
                sent += count as u64;
                quiet = 0;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                quiet += 1;
                thread::sleep(std::time::Duration::from_millis(2));
            }
        }
    }
    bed.set(latency(1));
    assert_eq!(bed.stats().in_bulk, 0);
    drop(server);
    let mut got = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match { &client }.read(&mut buffer).expect("bytes arrive") {
            0 => break,
            count => got += count as u64,
        }
    }
    assert_eq!(got, sent);
}

/// What is done to a link of which connections are elsewhere.
type Change = fn(&Bed);

/// After these, nothing need be in the way: an observer gives up on what it does not know.
const PASSING: [&str; 2] = ["observer", "the same again"];

const CHANGES: [(&str, Change); 5] = [
    ("conditions", |bed| bed.set(latency(1))),
    ("stages", |bed| {
        let noop = || vec![stage(1, Effect::Noop)];
        bed.relay.set_stages(bed.link, noop(), noop()).expect("set");
    }),
    ("observer", |bed| {
        bed.relay.observe(bed.link, Observe::heads()).expect("observed");
    }),
    ("cut", |bed| {
        bed.relay.cut(bed.link, Cut::default()).expect("cut");
    }),
    ("the same again", |bed| bed.set(Conditions::CLEAR)),
];

fn undo(bed: &Bed) {
    bed.set(Conditions::CLEAR);
    bed.relay
        .set_stages(bed.link, Vec::new(), Vec::new())
        .expect("set");
    bed.relay.observe(bed.link, Observe::Off).expect("observed");
    bed.relay.heal(bed.link).expect("healed");
}

/// Connections with much both ways, each byte told from each other, while everything changes.
#[test]
fn connections_come_home_and_go_again_and_no_byte_is_lost() {
    const COUNT: u64 = 3;
    let bed = Bed::new();
    let pairs: Vec<_> = (0..COUNT).map(|_| bed.pair()).collect();
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        let mut streams = Vec::new();
        for (client, server) in &pairs {
            for (from, to) in [(server, client), (client, server)] {
                // One that never pauses.
                let seed = 1;
                let writer = scope.spawn(move || write(from, seed, stop));
                streams.push((writer, scope.spawn(move || read(to, seed))));
            }
        }
        let _guard = StopOnDrop(stop);
        for (name, change) in CHANGES.iter().cycle().take(15) {
            bed.await_stats(|stats| stats.in_bulk == elsewhere(COUNT));
            change(&bed);
            let stats = bed.stats();
            assert_eq!(stats.connections, COUNT, "{name}");
            if !PASSING.contains(name) {
                assert_eq!(stats.in_bulk, 0, "{name}");
            }
            bed.await_stats(|now| *name == "cut" || now.bytes_down > stats.bytes_down);
            undo(&bed);
        }
        stop.store(true, Ordering::Relaxed);
        for (writer, reader) in streams {
            let sent = writer.join().expect("written");
            assert_eq!(reader.join().expect("read"), sent);
        }
    });
    bed.await_stats(|stats| (stats.connections, stats.in_bulk) == (0, 0));
}

#[test]
fn a_link_or_a_relay_that_ends_takes_along_what_is_elsewhere() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    send_until_away(&bed, &server, &client);
    bed.relay.remove(bed.link).expect("removed");
    is_reset(&client);
    is_reset(&server);
    let front = listener();
    let address = front.local_addr().expect("an address");
    let own = bed.provider.local_addr().expect("an address");
    let relay = Relay::start().expect("a relay starts");
    let link = relay
        .add(spec(front, Provider::Ready(vec![own])))
        .expect("a link");
    let client = patient(TcpStream::connect(address).expect("it listens"));
    let server = bed.accept();
    let bed = Bed {
        relay,
        link,
        address,
        provider: bed.provider,
    };
    send_until_away(&bed, &server, &client);
    drop(bed);
    // Everything that was sent had arrived, so the ends are in good order.
    ends(&client);
    ends(&server);
}

//! Conditions are felt. Upper limits of time are not asserted here: a busy machine may be late, but
//! nothing may ever be early or above the rate. The benchmark measures how late things are.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use wharf_link::{Conditions, QueueLimit};

use crate::bed::{Bed, latency, passes, rate};

#[test]
fn a_round_trip_takes_both_latencies() {
    let bed = Bed::made(|spec| {
        spec.up = latency(10);
        spec.down = latency(25);
    });
    let (client, server) = bed.pair();
    passes(&client, &server, "settled");
    for _ in 0..5 {
        let begin = Instant::now();
        passes(&client, &server, "ping");
        assert!(begin.elapsed() >= Duration::from_millis(10));
        passes(&server, &client, "pong");
        assert!(begin.elapsed() >= Duration::from_millis(35));
    }
}

#[test]
fn the_handshake_is_charged_to_the_first_byte() {
    let bed = Bed::with(latency(20));
    let begin = Instant::now();
    let (client, server) = bed.pair();
    passes(&client, &server, "SYN, SYN-ACK, and then this");
    assert!(begin.elapsed() >= Duration::from_millis(60));
    let begin = Instant::now();
    let (client, server) = bed.pair();
    passes(&server, &client, "a greeting waits for the ACK");
    assert!(begin.elapsed() >= Duration::from_millis(80));
}

/// Reads for a while; how many bytes came.
fn read_for(mut stream: &TcpStream, time: Duration) -> usize {
    let begin = Instant::now();
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    while begin.elapsed() < time {
        total += stream.read(&mut buffer).expect("bytes arrive");
    }
    total
}

/// Writes until the peer is gone.
fn flood(mut stream: &TcpStream) {
    let block = vec![1; 1 << 16];
    while stream.write_all(&block).is_ok() {}
}

#[test]
fn a_rate_is_the_links_and_is_shared_fairly() {
    let bed = Bed::with(rate("16mbit"));
    let pairs = [bed.pair(), bed.pair()];
    thread::scope(|scope| {
        for (_, server) in &pairs {
            scope.spawn(|| flood(server));
        }
        // Past the beginning, when the first to come has the queue to itself.
        let warm = Duration::from_millis(400);
        thread::scope(|scope| {
            for (client, _) in &pairs {
                scope.spawn(move || read_for(client, warm));
            }
        });
        let before = bed.stats().bytes_down;
        let begin = Instant::now();
        let time = Duration::from_millis(1_500);
        let readers: Vec<_> = pairs
            .iter()
            .map(|(client, _)| scope.spawn(move || read_for(client, time)))
            .collect();
        let shares: Vec<_> = readers
            .into_iter()
            .map(|reader| reader.join().expect("read") as f64)
            .collect();
        let carried = (bed.stats().bytes_down - before) as f64;
        let allowed = 2_000_000.0 * begin.elapsed().as_secs_f64();
        // A parcel at each end of the window, and what the clock's reading adds.
        assert!(carried <= allowed + 10_000.0, "{carried} of {allowed}");
        assert!(carried >= allowed * 0.8, "{carried} of {allowed}");
        let (less, more) = (shares[0].min(shares[1]), shares[0].max(shares[1]));
        assert!(less / more > 0.8, "{shares:?}");
        let (client, server) = &pairs[0];
        let (other, far) = &pairs[1];
        for stream in [client, server, other, far] {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    });
}

/// One reader stalls with the link full of its bytes; another connection of the link goes on.
#[test]
fn a_stalled_reader_stops_only_its_own_connection() {
    for conditions in [Conditions::CLEAR, latency(2), rate("200mbit")] {
        let bed = Bed::with(conditions);
        let (stalled, writer) = bed.pair();
        let (client, server) = bed.pair();
        thread::scope(|scope| {
            scope.spawn(|| flood(&writer));
            // Far more than the stalled connection's credit passes while it stalls.
            scope.spawn(|| {
                let block = vec![2; 1 << 20];
                for _ in 0..12 {
                    { &server }.write_all(&block).expect("it can be sent");
                }
            });
            let mut buffer = vec![0; 12 << 20];
            { &client }.read_exact(&mut buffer).expect("it arrives");
            assert!(buffer.iter().all(|&byte| byte == 2));
            drop(stalled);
        });
        passes(&client, &server, "hello");
    }
}

#[test]
fn a_queue_of_one_packet_still_carries() {
    let bed = Bed::with(Conditions {
        queue: Some(QueueLimit::Packets(1)),
        ..rate("50mbit")
    });
    let (client, server) = bed.pair();
    thread::scope(|scope| {
        scope.spawn(|| { &server }.write_all(&vec![3; 300_000]).expect("sent"));
        let mut buffer = vec![0; 300_000];
        { &client }.read_exact(&mut buffer).expect("it arrives");
        assert!(buffer.iter().all(|&byte| byte == 3));
    });
}

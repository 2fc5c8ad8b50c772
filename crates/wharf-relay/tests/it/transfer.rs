//! Bytes arrive as they were sent, under every condition and while conditions change.

use std::hash::{DefaultHasher, Hasher};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use wharf_link::Conditions;
use wharf_relay::{Cut, CutDirection, Manner};

use crate::bed::{Bed, all_kinds, ends, latency, passes, rate};

/// Bytes that never repeat in step with any buffer.
struct Noise(u64);

impl Noise {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

/// Sends so much noise in uneven pieces, then the end; says its hash.
fn send(mut stream: &TcpStream, seed: u64, total: usize) -> u64 {
    let mut noise = Noise(seed);
    let mut hash = DefaultHasher::new();
    let mut left = total;
    let mut buffer = vec![0; 100_003];
    while left > 0 {
        let size = buffer.len().min(left);
        noise.fill(&mut buffer[..size]);
        hash.write(&buffer[..size]);
        stream.write_all(&buffer[..size]).expect("it can be sent");
        left -= size;
    }
    stream.shutdown(Shutdown::Write).expect("the end can be sent");
    hash.finish()
}

/// Reads to the end; says the hash and the number of bytes.
fn receive(mut stream: &TcpStream) -> (u64, usize) {
    let mut hash = DefaultHasher::new();
    let mut buffer = vec![0; 100_003];
    let mut total = 0;
    let mut filled = 0;
    loop {
        // In the same pieces as they were sent: the hash depends on them.
        let count = stream.read(&mut buffer[filled..]).expect("bytes arrive");
        filled += count;
        total += count;
        if count == 0 || filled == buffer.len() {
            hash.write(&buffer[..filled]);
            filled = 0;
        }
        if count == 0 {
            return (hash.finish(), total);
        }
    }
}

/// Carries noise both ways at once and compares.
fn both_ways(bed: &Bed, total: usize) {
    let (client, server) = bed.pair();
    thread::scope(|scope| {
        let up = scope.spawn(|| send(&client, 1, total));
        let down = scope.spawn(|| send(&server, 2, total));
        let at_server = scope.spawn(|| receive(&server));
        let at_client = scope.spawn(|| receive(&client));
        let up = up.join().expect("sent");
        let down = down.join().expect("sent");
        assert_eq!(at_server.join().expect("received"), (up, total));
        assert_eq!(at_client.join().expect("received"), (down, total));
    });
}

#[test]
fn echo_under_every_condition() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        for round in 0..20 {
            passes(&client, &server, &format!("question {round}"));
            passes(&server, &client, &format!("answer {round}"));
        }
        drop(client);
        ends(&server);
        drop(server);
        let stats = bed.await_stats(|stats| stats.connections == 0);
        assert_eq!(stats.total_connections, 1);
        assert_eq!(stats.bytes_up, 10 * 10 + 10 * 11);
        assert_eq!(stats.bytes_down, 10 * 8 + 10 * 9);
    }
}

#[test]
fn bulk_both_ways_under_every_condition() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        let total = 5_000_001;
        both_ways(&bed, total);
        let stats = bed.await_stats(|stats| stats.connections == 0);
        assert_eq!(stats.bytes_up, total as u64);
        assert_eq!(stats.bytes_down, total as u64);
    }
}

#[test]
fn bulk_both_ways_while_everything_changes() {
    let bed = Bed::new();
    let mut steps = all_kinds();
    steps.extend([Conditions::CLEAR, rate("500mbit"), Conditions::CLEAR, latency(1)]);
    let directions = [CutDirection::Both, CutDirection::Up, CutDirection::Down];
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut step = 0;
            while !done.load(Ordering::Relaxed) {
                bed.set(steps[step % steps.len()].clone());
                if step % 4 == 3 {
                    let cut = Cut {
                        direction: directions[step % 3],
                        manner: Manner::Hole,
                    };
                    bed.relay.cut(bed.link, cut).expect("cut");
                    thread::sleep(std::time::Duration::from_millis(2));
                    bed.relay.heal(bed.link).expect("heal");
                }
                thread::sleep(std::time::Duration::from_millis(5));
                step += 1;
            }
        });
        let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..4 {
                both_ways(&bed, 20_000_003);
            }
        }));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = finished {
            std::panic::resume_unwind(panic);
        }
    });
    bed.heal_and_clear();
    bed.await_stats(|stats| stats.connections == 0);
}

impl Bed {
    fn heal_and_clear(&self) {
        self.relay.heal(self.link).expect("heal");
        self.set(Conditions::CLEAR);
    }
}

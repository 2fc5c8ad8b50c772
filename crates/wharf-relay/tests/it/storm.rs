//! Everything changes all the time, under load, and every byte arrives.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wharf_link::{Conditions, Congestion, Jitter, Scope, Seed, Size, StreamModel};
use wharf_relay::{Cut, CutDirection, Effect, Manner, OnRemoval, SegmentSpec, Stage};

use crate::bed::{Bed, latency, rate};
use crate::stages::stage;

/// How many changes.
const CHANGES: u64 = 10_000;

/// How many connections live through them.
const CONNECTIONS: u64 = 6;

/// A stream of bytes that any two positions tell apart: what is lost, doubled or out of order shows.
struct Pattern(u64);

impl Pattern {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            // The high byte of an LCG (Knuth's MMIX).
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

/// Writes until told to stop; how much it wrote.
pub(crate) fn write(mut stream: &TcpStream, seed: u64, stop: &AtomicBool) -> u64 {
    let mut pattern = Pattern(seed);
    let mut total = 0;
    let mut size = seed;
    while !stop.load(Ordering::Relaxed) {
        size = (size * 31 + 7) % 9_001;
        let mut block = vec![0; size as usize + 1];
        pattern.fill(&mut block);
        stream.write_all(&block).expect("the stream lives");
        total += block.len() as u64;
        // All but one leave pauses, so that stages and machines also run empty.
        if seed > 1 {
            thread::sleep(Duration::from_micros(300 * (1 + seed % 3)));
        }
    }
    stream.shutdown(Shutdown::Write).expect("half-close");
    total
}

/// Reads to the end, and sees that each byte is the one that was sent.
pub(crate) fn read(mut stream: &TcpStream, seed: u64) -> u64 {
    let mut pattern = Pattern(seed);
    let mut total = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = stream.read(&mut buffer).expect("the stream lives");
        if count == 0 {
            return total;
        }
        let mut wanted = vec![0; count];
        pattern.fill(&mut wanted);
        assert!(wanted == buffer[..count], "within {count} bytes after {total}");
        total += count as u64;
    }
}

/// Lets the writers end also where the test fails.
pub(crate) struct StopOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Chaos(Seed, u64);

impl Chaos {
    fn below(&mut self, bound: u64) -> u64 {
        self.1 += 1;
        self.0.derive(&format!("draw {}", self.1)).0 % bound
    }

    fn conditions(&mut self) -> Conditions {
        let base = match self.below(6) {
            0 | 1 => Conditions::CLEAR,
            2 => latency(self.below(5) as u32),
            3 => Conditions {
                jitter: Some(Jitter::uniform(Duration::from_millis(self.below(4)))),
                ..latency(2)
            },
            4 => rate(["100mbit", "1gbit", "40gbit"][self.below(3) as usize]),
            _ => Conditions {
                rate: rate("300mbit").rate,
                burst: Some(Size::from_bytes(20_000)),
                ..latency(1)
            },
        };
        match self.below(12) {
            0 => Conditions {
                loss: Some("2%".parse().expect("a loss")),
                ..base
            },
            1 => Conditions {
                discipline: "codel ecn".parse().expect("a discipline"),
                ..base
            },
            2 => Conditions {
                outage: Some("on 20ms off 5ms".parse().expect("an outage")),
                ..base
            },
            3 => Conditions {
                scope: Scope::Connection,
                ..base
            },
            4 => Conditions {
                faults: Some(["slice 3KiB vary 1KiB for 50%".parse().expect("a fault")].into()),
                ..base
            },
            5 => Conditions {
                stream: StreamModel {
                    window: Some(Size::from_bytes(30_000)),
                    congestion: Congestion::Reno,
                },
                ..base
            },
            _ => base,
        }
    }

    fn stages(&mut self) -> Vec<Stage> {
        (0..self.below(4))
            .map(|_| {
                let effect = match self.below(7) {
                    0 | 1 => Effect::Conditions(self.conditions()),
                    2 => Effect::Slice {
                        average: Size::from_bytes(2_000 + self.below(5_000)),
                        vary: Size::from_bytes(self.below(900)),
                        delay: Duration::from_micros(self.below(50)),
                    },
                    3 => Effect::Timeout {
                        after: None,
                        on_removal: OnRemoval::Resume,
                    },
                    4 => Effect::Limit(Size::from_bytes(u64::MAX)),
                    5 => Effect::Reset(Duration::from_secs(3_600)),
                    _ => Effect::SlowClose(Duration::from_millis(1)),
                };
                let mut stage = stage(self.below(5), effect);
                if self.below(3) == 0 {
                    stage.toxicity = "50%".parse().expect("a probability");
                }
                stage
            })
            .collect()
    }
}

#[test]
fn ten_thousand_changes_lose_nothing() {
    let bed = Bed::new();
    let home = SegmentSpec {
        name: "home".to_owned(),
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        seed: Seed(1),
    };
    let home = bed.relay.add_segment(home).expect("the relay runs");
    let bed = bed.over_segment(home);
    let pairs: Vec<_> = (0..CONNECTIONS).map(|_| bed.pair()).collect();
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        let mut streams = Vec::new();
        for (number, (client, server)) in (1u64..).zip(&pairs) {
            for (from, to, seed) in [(client, server, number), (server, client, number + 1_000)] {
                let writer = scope.spawn(move || write(from, seed, stop));
                let reader = scope.spawn(move || read(to, seed));
                streams.push((writer, reader));
            }
        }
        let _guard = StopOnDrop(stop);
        let mut chaos = Chaos(Seed(42), 0);
        let relay = &bed.relay;
        for _ in 0..CHANGES {
            let direction =
                [CutDirection::Both, CutDirection::Up, CutDirection::Down][chaos.below(3) as usize];
            let manner = Manner::Hole;
            let result = match chaos.below(8) {
                0 | 1 => relay.set_conditions(bed.link, chaos.conditions(), chaos.conditions()),
                2..=4 => relay.set_stages(bed.link, chaos.stages(), chaos.stages()),
                5 => relay.set_segment_conditions(home, chaos.conditions(), chaos.conditions()),
                6 if chaos.below(2) == 0 => relay.cut_segment(home, direction),
                6 => relay.heal_segment(home),
                _ if chaos.below(2) == 0 => relay.cut(bed.link, Cut { direction, manner }),
                _ => relay.heal(bed.link),
            };
            result.expect("the relay runs");
        }
        relay.heal(bed.link).expect("the relay runs");
        relay.heal_segment(home).expect("the relay runs");
        relay
            .set_stages(bed.link, Vec::new(), Vec::new())
            .expect("the relay runs");
        bed.set(Conditions::CLEAR);
        relay
            .set_segment_conditions(home, Conditions::CLEAR, Conditions::CLEAR)
            .expect("the relay runs");
        stop.store(true, Ordering::Relaxed);
        for (writer, reader) in streams {
            let sent = writer.join().expect("written");
            assert_eq!(reader.join().expect("read"), sent);
            assert!(sent > 0);
        }
    });
    bed.await_stats(|stats| stats.connections == 0);
    let stats = bed.stats();
    assert_eq!(stats.total_connections, CONNECTIONS);
}

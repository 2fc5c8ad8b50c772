//! The link in virtual time: measured against what it should be by analysis.

mod bucket;
mod cut;
mod delay;
#[path = "../../fuzz/drive.rs"]
mod drive;
mod dropped;
mod golden;
mod impairments;
mod live;
mod memory;
mod model;
mod opportunities;
mod outages;
mod profiles;
mod queue;
mod rate;
mod settings;
mod stream;
mod trace;
mod units;

use std::time::Duration;

use wharf_link::{Conditions, Machine, Offer, Overflow, Packet, Seed, Settings};

/// A packet with a name and a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    id: u64,
    len: usize,
}

impl Packet for Piece {
    fn len(&self) -> usize {
        self.len
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Conditions as people write them.
#[track_caller]
fn conditions(written: &[(&str, &str)]) -> Conditions {
    let mut settings = Settings::default();
    for (key, text) in written {
        settings.set(key, text).expect(text);
    }
    let no_files = &mut |name: &str| Err(format!("there is no {name}"));
    settings
        .resolve(&Conditions::CLEAR, no_files)
        .expect("conditions")
}

fn machine(conditions: Conditions, overflow: Overflow) -> Machine<Piece> {
    Machine::new(conditions, Seed(42), overflow)
}

/// Offers a packet that must be taken.
#[track_caller]
fn put(machine: &mut Machine<Piece>, now: Duration, id: u64, len: usize) {
    assert_eq!(machine.offer(now, Piece { id, len }), Offer::Accepted);
}

/// Everything that arrives, with its time, as if each wake-up came exactly on time.
fn drain(machine: &mut Machine<Piece>) -> Vec<(Duration, u64)> {
    let mut arrived = Vec::new();
    while let Some(next) = machine.next_wakeup() {
        let delivery = machine
            .poll(next)
            .expect("a packet arrives at the wake-up that was announced");
        assert_eq!(delivery.ideal_time, next);
        arrived.push((delivery.ideal_time, delivery.packet.id));
    }
    assert!(machine.is_empty(), "nothing is left behind");
    arrived
}

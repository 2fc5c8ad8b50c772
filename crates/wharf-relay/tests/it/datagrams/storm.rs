//! Whatever happens to a link, no datagram is unaccounted for.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wharf_link::Conditions;
use wharf_relay::{Cut, CutDirection, DatagramCounts, LinkStats, Manner, Provider};

use super::bed::{Bed, conditions, own};

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        // Knuth's MMIX; the upper bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

fn weathers() -> Vec<Conditions> {
    let all: [&[(&str, &str)]; 11] = [
        &[],
        &[("latency", "3ms")],
        &[("latency", "5ms"), ("jitter", "5ms"), ("loss", "10%")],
        &[("rate", "20mbit"), ("queue", "20packets")],
        &[("rate", "5mbit"), ("queue", "16KiB"), ("latency", "2ms")],
        &[("duplicate", "20%"), ("corrupt", "20%")],
        &[("reorder", "30%"), ("latency", "4ms"), ("loss", "5% burst 3")],
        &[("mtu", "600"), ("latency", "1ms")],
        &[
            ("rate", "10mbit"),
            ("discipline", "fq-codel"),
            ("queue", "30packets"),
        ],
        &[
            ("rate", "10mbit"),
            ("discipline", "drop-head"),
            ("queue", "10packets"),
        ],
        &[("outage", "on 20ms off 5ms"), ("latency", "2ms")],
    ];
    all.iter().map(|settings| conditions(settings)).collect()
}

/// Sends back what comes.
fn echo(provider: &UdpSocket, over: &AtomicBool) {
    provider
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a time-out");
    let mut buffer = [0; 2048];
    while !over.load(Ordering::Relaxed) {
        if let Ok((len, from)) = provider.recv_from(&mut buffer) {
            let _ = provider.send_to(&buffer[..len], from);
        }
    }
}

/// How many datagrams and copies came, and what became of how many.
fn balance(counts: &DatagramCounts) -> (u64, u64) {
    let dropped = counts.lost + counts.too_big + counts.queue_dropped + counts.cut_dropped;
    (
        counts.accepted + counts.duplicated,
        counts.delivered + dropped + counts.undeliverable,
    )
}

fn is_settled(stats: &LinkStats, sent: u64) -> bool {
    let Some(datagrams) = &stats.datagrams else {
        return false;
    };
    let (came, went) = balance(&datagrams.up);
    let (back, returned) = balance(&datagrams.down);
    // Answers to a flow that has been evicted come to a closed port.
    let answered = match datagrams.evicted {
        0 => datagrams.down.accepted == datagrams.up.delivered,
        _ => datagrams.down.accepted <= datagrams.up.delivered,
    };
    datagrams.up.accepted == sent && came == went + stats.park_overflows && answered && back == returned
}

fn weather(bed: &Bed, seed: u64, over: &AtomicBool) {
    let weathers = weathers();
    let mut dice = Dice(seed);
    let clients: Vec<_> = (0..5).map(|_| bed.client()).collect();
    let mut sent = 0;
    for _ in 0..600 {
        match dice.below(10) {
            0 => {
                let [up, down] = [0; 2].map(|_| weathers[dice.below(weathers.len() as u64) as usize].clone());
                bed.relay
                    .set_conditions(bed.link, up, down)
                    .expect("the link is there");
            }
            1 => {
                let all = [CutDirection::Both, CutDirection::Up, CutDirection::Down];
                let cut = Cut {
                    direction: all[dice.below(3) as usize],
                    manner: Manner::Hole,
                };
                bed.relay.cut(bed.link, cut).expect("the link is there");
            }
            2 | 3 => bed.relay.heal(bed.link).expect("the link is there"),
            4 => bed.set_provider(Provider::Starting),
            5 => bed.set_provider(Provider::Ready(vec![own(&bed.provider)])),
            _ => {
                let client = &clients[dice.below(5) as usize];
                for _ in 0..=dice.below(8) {
                    let len = [0, 4, 64, 64, 571, 572, 573, 1_400][dice.below(8) as usize];
                    client.send(&vec![1; len]).expect("it can be sent");
                    sent += 1;
                }
            }
        }
    }
    bed.set_provider(Provider::Ready(vec![own(&bed.provider)]));
    bed.relay.heal(bed.link).expect("the link is there");
    bed.set(Conditions::CLEAR);
    let stats = bed.await_stats(|stats, _| is_settled(stats, sent));
    over.store(true, Ordering::Relaxed);
    assert!(
        stats
            .datagrams
            .is_some_and(|datagrams| datagrams.up.cut_dropped > 0)
    );
}

#[test]
fn nothing_is_unaccounted_for() {
    for seed in 1..=6u64 {
        // Of five clients, one too many at times.
        let bed = Bed::made(|spec| spec.limits.flows = 4 + (seed % 2) as usize);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| echo(&bed.provider, &over));
            // The echo ends however this does.
            let outcome =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| weather(&bed, seed, &over)));
            over.store(true, Ordering::Relaxed);
            if let Err(panic) = outcome {
                std::panic::resume_unwind(panic);
            }
        });
    }
}

//! How many packets a second pass a machine, on one core: `cargo bench -p wharf-link`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use wharf_link::{Conditions, Machine, Overflow, Packet, Seed, Settings};

/// As a switch has them: a place in a buffer, and a length.
struct Handle {
    slot: u32,
    len: u32,
    flow: u64,
}

impl Packet for Handle {
    fn len(&self) -> usize {
        self.len as usize
    }

    fn flow(&self) -> u64 {
        self.flow
    }
}

/// Each is offered, and then all that is due is polled, a microsecond apart.
const BATCH: u64 = 10_000;

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

fn links(criterion: &mut Criterion) {
    let links: [(&str, &[(&str, &str)]); 6] = [
        ("empty", &[]),
        ("delay", &[("latency", "1ms")]),
        ("jitter", &[("latency", "1ms"), ("jitter", "200us normal")]),
        ("rate", &[("rate", "20gbit")]),
        ("codel", &[("rate", "20gbit"), ("discipline", "codel")]),
        (
            "everything",
            &[
                ("outage", "on 28s off 2s"),
                ("mtu", "1500"),
                ("loss", "gilbert-elliott 1% 30%"),
                ("corrupt", "0.1%"),
                ("duplicate", "0.1%"),
                ("discipline", "fq-codel"),
                ("rate", "20gbit"),
                ("burst", "64KiB"),
                ("overhead", "38B"),
                ("latency", "1ms"),
                ("jitter", "200us normal correlation 25% order free"),
                ("reorder", "1%"),
            ],
        ),
    ];
    let mut group = criterion.benchmark_group("link");
    group.throughput(Throughput::Elements(BATCH));
    group.measurement_time(Duration::from_secs(3));
    for (name, written) in links {
        let mut machine = Machine::new(conditions(written), Seed(1), Overflow::Drop);
        let mut now = Duration::ZERO;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for slot in 0..BATCH as u32 {
                    now += Duration::from_micros(1);
                    let handle = Handle {
                        slot,
                        len: 1_500,
                        flow: u64::from(slot % 64),
                    };
                    let _ = black_box(machine.offer(now, handle));
                    while let Some(delivery) = machine.poll(now) {
                        black_box(delivery.packet.slot);
                    }
                }
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    links(&mut criterion);
    criterion.final_summary();
}

//! Whatever the link does: each byte can be read once, in order, when it has arrived; what is under way
//! is bounded; nothing stops for ever; and it is the same each time.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use wharf_link::Size;
use wharf_link::stream::{
    Cargo, Congestion, Fate, Handshake, MSS, Segment, Settings, Stream, Supply, TailProbe,
};

use super::world::unit;

/// A link of the roughest kind: each segment is under way as long as it likes, and some get lost.
#[derive(Debug, Clone)]
struct Rough {
    seed: u64,
    loss: f64,
    marks: f64,
    /// In microseconds.
    latency: u64,
    spread: u64,
    back: u64,
    /// How late the carrier wakes.
    late: u64,
    window: u64,
    congestion: Congestion,
    probe: TailProbe,
    /// Bytes, and how long after those before, in microseconds.
    writes: Vec<(u64, u64)>,
}

fn rough() -> impl Strategy<Value = Rough> {
    let congestion = prop_oneof![
        Just(Congestion::Reno),
        Just(Congestion::Cubic),
        Just(Congestion::Bbr),
    ];
    let link = (0.0..0.6, 0.0..0.2, 0u64..200_000, 0u64..50_000, 0u64..200_000);
    let ends = (0u64..20_000, 1u64..200_000, congestion, any::<bool>());
    let writes = proptest::collection::vec((1u64..30_000, 0u64..500_000), 1..12);
    (any::<u64>(), link, ends, writes).prop_map(|(seed, link, ends, writes)| {
        let (loss, marks, latency, spread, back) = link;
        let (late, window, congestion, probe) = ends;
        let probe = if probe { TailProbe::On } else { TailProbe::Off };
        Rough {
            seed,
            loss,
            marks,
            latency,
            spread,
            back,
            late,
            window,
            congestion,
            probe,
            writes,
        }
    })
}

/// What happened, for comparison.
#[derive(Debug, Default, PartialEq)]
struct Log {
    read: Vec<(Duration, u64)>,
    transmissions: u64,
}

struct Run<'a> {
    rough: &'a Rough,
    stream: Stream,
    now: Duration,
    link: BTreeSet<(Duration, u64, u64)>,
    flying: Vec<Segment>,
    /// The bytes of each segment that was sent, and whether it has arrived.
    sent: Vec<(u32, bool)>,
    supply: u64,
    log: Log,
}

impl Run<'_> {
    fn chance(&self, purpose: u64, number: u64) -> f64 {
        unit(self.rough.seed ^ purpose.rotate_left(32), number)
    }

    fn send(&mut self) -> Result<(), TestCaseError> {
        loop {
            let supply = if self.supply > 0 {
                Supply::Waiting
            } else {
                Supply::Empty
            };
            let Some(turn) = self.stream.turn(self.now, supply) else {
                return Ok(());
            };
            prop_assert!(turn.at <= self.now);
            let len = match turn.cargo {
                Cargo::New(most) => {
                    prop_assert!(supply == Supply::Waiting && (1..=MSS).contains(&most));
                    u64::from(most).min(self.supply) as u32
                }
                Cargo::Again(len) => len,
            };
            let segment = self.stream.sent(turn, self.now, len);
            if let Cargo::New(_) = turn.cargo {
                prop_assert_eq!(segment.index(), self.sent.len() as u64);
                self.sent.push((len, false));
                self.supply -= u64::from(len);
            }
            prop_assert_eq!(segment.bytes(), self.sent[segment.index() as usize].0);
            prop_assert!(self.stream.unacknowledged() <= self.rough.window.max(u64::from(MSS)));
            let number = self.log.transmissions;
            self.log.transmissions += 1;
            let extra = (self.chance(1, number) * self.rough.spread as f64) as u64;
            let at = self.now + Duration::from_micros(self.rough.latency + extra);
            self.link.insert((at, number, self.flying.len() as u64));
            self.flying.push(segment);
            prop_assert!(self.log.transmissions < 200_000, "it never ends");
        }
    }

    fn arrive(&mut self) -> Result<(), TestCaseError> {
        while let Some(&(at, number, place)) = self.link.first().filter(|first| first.0 <= self.now) {
            self.link.pop_first();
            let segment = self.flying[place as usize];
            let fate = match self.chance(2, number) {
                // After long trouble the link is well, so that all of it comes to an end.
                drawn if number < 2_000 && drawn < self.rough.loss => Fate::Lost,
                _ if self.chance(3, number) < self.rough.marks => Fate::Marked,
                _ => Fate::Delivered,
            };
            let before = self.readable();
            if fate != Fate::Lost {
                self.sent[segment.index() as usize].1 = true;
            }
            let back = Duration::from_micros(self.rough.back);
            let read = self.stream.arrived(at, segment, fate, back);
            prop_assert_eq!(read, self.readable() - before);
            if read > 0 {
                self.log.read.push((at, read));
            }
        }
        Ok(())
    }

    /// All that has arrived without a gap.
    fn readable(&self) -> u64 {
        let arrived = self.sent.iter().take_while(|(_, arrived)| *arrived);
        arrived.map(|(len, _)| u64::from(*len)).sum()
    }

    fn step(&mut self) -> Result<bool, TestCaseError> {
        self.arrive()?;
        self.send()?;
        let link = self.link.first().map(|first| first.0);
        let Some(next) = self.stream.next_wakeup().into_iter().chain(link).min() else {
            return Ok(false);
        };
        prop_assert!(next > self.now, "it wakes for nothing");
        let late = self.chance(4, self.log.transmissions) * self.rough.late as f64;
        self.now = next + Duration::from_micros(late as u64);
        Ok(true)
    }
}

fn run(rough: &Rough) -> Result<Log, TestCaseError> {
    let settings = Settings {
        window: Some(Size::from_bytes(rough.window)),
        congestion: rough.congestion,
        tail_probe: rough.probe,
    };
    let round_trip = Duration::from_micros(rough.latency + rough.back);
    let stream = Stream::new(settings, round_trip, Handshake::default());
    let mut run = Run {
        rough,
        stream,
        now: Duration::ZERO,
        link: BTreeSet::new(),
        flying: Vec::new(),
        sent: Vec::new(),
        supply: 0,
        log: Log::default(),
    };
    let mut wanted = 0;
    for &(bytes, pause) in &rough.writes {
        let until = run.now + Duration::from_micros(pause);
        while run.now < until && run.step()? {}
        run.now = run.now.max(until);
        run.supply += bytes;
        wanted += bytes;
    }
    while run.step()? {}
    prop_assert_eq!(run.supply, 0);
    prop_assert_eq!(run.log.read.iter().map(|(_, bytes)| bytes).sum::<u64>(), wanted);
    prop_assert!(run.stream.is_idle(), "all is acknowledged");
    prop_assert!(run.log.read.is_sorted_by_key(|(at, _)| *at));
    Ok(run.log)
}

proptest! {
    #[test]
    fn every_byte_once_in_order_and_all_of_them(rough in rough()) {
        let log = run(&rough)?;
        prop_assert_eq!(run(&rough)?, log);
    }

    #[test]
    fn settings_may_change_at_any_time(
        rough in rough(),
        changes in proptest::collection::vec((1u64..100_000, 0u64..3), 1..5),
    ) {
        let ms = Duration::from_millis;
        let mut stream = Stream::new(Settings::default(), ms(20), Handshake::default());
        let mut now = ms(0);
        let mut read = 0;
        let mut wanted = 0;
        for (number, (window, kind)) in (0u64..).zip(changes) {
            let congestion = [Congestion::Reno, Congestion::Cubic, Congestion::Bbr][kind as usize];
            let window = Some(Size::from_bytes(window));
            stream.set(Settings { tail_probe: rough.probe, window, congestion });
            let mut supply = 100_000;
            wanted += supply;
            while read < wanted {
                let mut segments = Vec::new();
                let waiting = |supply| if supply > 0 { Supply::Waiting } else { Supply::Empty };
                while let Some(turn) = stream.turn(now, waiting(supply)) {
                    let segment = match turn.cargo {
                        Cargo::New(most) => stream.sent(turn, now, u64::from(most).min(supply) as u32),
                        Cargo::Again(len) => stream.sent(turn, now, len),
                    };
                    if let Cargo::New(_) = turn.cargo {
                        supply -= u64::from(segment.bytes());
                    }
                    segments.push(segment);
                }
                for segment in segments {
                    let lost = unit(rough.seed ^ number, segment.index() + now.as_millis() as u64) < 0.1;
                    let fate = if lost { Fate::Lost } else { Fate::Delivered };
                    read += stream.arrived(now + ms(10), segment, fate, ms(10));
                }
                now += ms(10);
                prop_assert!(now < Duration::from_secs(100_000), "it stops");
            }
        }
        prop_assert_eq!(read, wanted);
    }
}

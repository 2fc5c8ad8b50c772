//! A stream, a link and a source of bytes, in virtual time.

use std::time::Duration;

use wharf_link::stream::{Cargo, Congestion, Fate, Handshake, Segment, Settings, Stream, Supply, Transit};
use wharf_link::{Conditions, Latency, Machine, Offer, Overflow, Packet, Seed};

use crate::ms;

#[derive(Debug, Clone, Copy)]
pub(super) struct Parcel(pub(super) Segment);

impl Packet for Parcel {
    fn len(&self) -> usize {
        self.0.bytes() as usize
    }

    fn ecn(&self) -> bool {
        true
    }
}

/// A pseudo-random number from 0 to 1 for each transmission (SplitMix64).
pub(super) fn unit(seed: u64, number: u64) -> f64 {
    let mut x = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(number.wrapping_add(1).wrapping_mul(0xBF58_476D_1CE4_E5B9));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

pub(super) fn of(congestion: Congestion) -> Settings {
    Settings {
        congestion,
        ..Settings::default()
    }
}

pub(super) struct World<F> {
    pub(super) stream: Stream,
    pub(super) machine: Machine<Parcel>,
    pub(super) back: Transit,
    pub(super) now: Duration,
    /// Bytes that the source still has.
    pub(super) supply: u64,
    /// What becomes of each transmission that the link delivers, by its number and the time at which it
    /// comes out.
    pub(super) fate: F,
    pub(super) transmissions: u64,
    pub(super) arrivals: u64,
    pub(super) read: u64,
    /// When the last byte could be read.
    pub(super) read_at: Duration,
    round_trip: Duration,
}

enum Sent {
    All,
    LinkIsFull,
}

impl<F: FnMut(u64, Duration) -> Fate> World<F> {
    /// A link with half of the round trip each way.
    pub(super) fn new(settings: Settings, round_trip: Duration, conditions: Conditions, fate: F) -> Self {
        let latency = Latency::new(round_trip / 2).expect("less than a day");
        let conditions = Conditions {
            latency,
            ..conditions
        };
        let back = Conditions {
            latency,
            ..Conditions::CLEAR
        };
        Self::between(settings, conditions, &back, Seed(1), fate)
    }

    /// One direction of a link that has these conditions there and those back.
    pub(super) fn between(
        settings: Settings,
        there: Conditions,
        back: &Conditions,
        seed: Seed,
        fate: F,
    ) -> Self {
        let round_trip = there.latency.duration() + back.latency.duration();
        Self {
            stream: Stream::new(settings, round_trip, Handshake::default()),
            machine: Machine::new(there, seed, Overflow::PushBack),
            back: Transit::new(back, seed.derive("back")),
            now: ms(0),
            supply: 0,
            fate,
            transmissions: 0,
            arrivals: 0,
            read: 0,
            read_at: ms(0),
            round_trip,
        }
    }

    fn send(&mut self) -> Sent {
        loop {
            let supply = if self.supply > 0 {
                Supply::Waiting
            } else {
                Supply::Empty
            };
            let Some(turn) = self.stream.turn(self.now, supply) else {
                return Sent::All;
            };
            assert!(turn.at <= self.now);
            let len = match turn.cargo {
                Cargo::New(most) => most.min(u32::try_from(self.supply).unwrap_or(u32::MAX)),
                Cargo::Again(len) => len,
            };
            if self.machine.room() < len as usize {
                return Sent::LinkIsFull;
            }
            if let Cargo::New(_) = turn.cargo {
                self.supply -= u64::from(len);
            }
            let segment = self.stream.sent(turn, self.now, len);
            assert_eq!(segment.bytes(), len);
            self.transmissions += 1;
            let offer = self.machine.offer(self.now, Parcel(segment));
            assert!(matches!(offer, Offer::Accepted));
        }
    }

    /// Until this time, or until nothing more happens.
    pub(super) fn run(&mut self, until: Duration) {
        while self.now <= until && self.step() {}
    }

    /// As it is after so many lost SYNs.
    pub(super) fn after_lost_syns(mut self, settings: Settings, unanswered: u32) -> Self {
        let handshake = Handshake {
            unanswered,
            ..Handshake::default()
        };
        self.stream = Stream::new(settings, self.round_trip, handshake);
        self
    }

    /// All that happens now, and on to the next time at which something does.
    fn step(&mut self) -> bool {
        while let Some(delivery) = self.machine.poll(self.now) {
            let at = delivery.ideal_time;
            let fate = match Fate::from(&delivery) {
                Fate::Delivered => (self.fate)(self.arrivals, at),
                of_the_link => of_the_link,
            };
            self.arrivals += 1;
            let read = self.stream.arrived(at, delivery.packet.0, fate, self.back.take());
            if read > 0 {
                self.read += read;
                self.read_at = at;
            }
        }
        let next = match self.send() {
            Sent::All => [self.stream.next_wakeup(), self.machine.next_wakeup()],
            Sent::LinkIsFull => [self.machine.next_room(), self.machine.next_wakeup()],
        };
        let next = next.into_iter().flatten().min();
        self.now = next.map_or(self.now, |next| next.max(self.now));
        next.is_some()
    }

    /// When a packet that is no segment of the stream's has passed, if it is not lost. It is the only one.
    pub(super) fn pass(&mut self, len: u32) -> Option<Duration> {
        let offer = self.machine.offer(self.now, Parcel(Segment::stray(len)));
        assert!(matches!(offer, Offer::Accepted));
        let delivery = self.machine.next_wakeup().and_then(|at| self.machine.poll(at))?;
        (!delivery.lost).then_some(delivery.ideal_time)
    }

    /// Sends so much at once; how long it takes until all of it can be read.
    pub(super) fn fetch(&mut self, bytes: u64) -> Duration {
        let (begin, want) = (self.now, self.read + bytes);
        let end = begin + Duration::from_secs(10_000);
        self.supply += bytes;
        while self.read < want {
            let goes_on = self.step() && self.now < end;
            assert!(
                goes_on || self.read == want,
                "{} of {want} bytes are read",
                self.read
            );
        }
        self.read_at - begin
    }

    /// Nothing is sent for so long, and what is under way comes to rest.
    pub(super) fn pause(&mut self, pause: Duration) {
        let end = self.now + pause;
        self.run(end);
        self.now = self.now.max(end);
    }

    /// Bits a second that can be read, over so long, from a source that always has more.
    pub(super) fn goodput(&mut self, secs: u64) -> f64 {
        // Slow start and what comes before the first losses do not count.
        self.supply = u64::MAX;
        let warm = self.now + Duration::from_secs(secs / 10);
        self.run(warm);
        let (from, read) = (self.now, self.read);
        self.run(from + Duration::from_secs(secs));
        (self.read - read) as f64 * 8.0 / (self.now - from).as_secs_f64()
    }
}

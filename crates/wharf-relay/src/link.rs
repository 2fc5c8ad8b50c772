//! A link as the event loop sees it.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use wharf_link::stream::{MSS, Transit};
use wharf_link::{Conditions, Machine, Overflow, Probability, QueueLimit, Seed};

use crate::agenda::Slot;
use crate::chain::{Chance, Planned, plan, shared};
use crate::connection::{DOWN, UP};
use crate::figures::Figures;
use crate::flow::Parcel;
use crate::key::Key;
use crate::lateness::Lateness;
use crate::meter::Meter;
use crate::segment::hop_of;
use crate::spec::{Cut, CutDirection, Manner, ParkLimits, Provider, SegmentId};
use crate::stage::Stage;
use crate::stats::{Causes, LinkStats};
use crate::tally::{Sums, Tallies};

/// The far side, with its addresses ready to be shared.
#[derive(Debug, Clone)]
pub(crate) enum Far {
    Starting,
    Ready(Arc<[SocketAddr]>),
    Down,
}

impl From<Provider> for Far {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Starting => Self::Starting,
            Provider::Ready(addresses) => Self::Ready(addresses.into()),
            Provider::Down => Self::Down,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) far: Far,
    pub(crate) cut: Option<Cut>,
    pub(crate) park: ParkLimits,
    pub(crate) lanes: [Lane; 2],
    /// What was set for each connection to pass on its own, each direction.
    pub(crate) stages: [Vec<Stage>; 2],
    /// The same, with what the conditions add.
    pub(crate) plans: [Vec<Planned>; 2],
    /// The segments behind, by index, in the order of the way up.
    pub(crate) via: Vec<SegmentId>,
    /// The listeners, by index.
    pub(crate) listeners: Vec<usize>,
    pub(crate) listening: bool,
    pub(crate) parked: usize,
    pub(crate) counts: Counts,
    /// What other threads have moved of its bytes, by their numbers.
    away: Vec<Arc<Tallies>>,
}

/// What has been counted, as in [`LinkStats`].
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: u64,
    /// Those that other threads have.
    pub(crate) away: u64,
    pub(crate) total: u64,
    pub(crate) refused: u64,
    /// Why the last address that could not be had could not.
    pub(crate) unreached: Option<(SocketAddr, ErrorKind)>,
    pub(crate) park_overflows: u64,
    pub(crate) shed: u64,
}

/// One direction of a link.
#[derive(Debug)]
pub(crate) struct Lane {
    /// As they were set. What of them connections share is the machine's.
    pub(crate) conditions: Conditions,
    pub(crate) machine: Machine<Parcel>,
    /// Connections that want to enter bytes, in the order of their turns.
    pub(crate) round: VecDeque<Key>,
    /// Whether the event loop knows that they may enter now.
    pub(crate) entering: bool,
    /// The sums of the whole way, segments included.
    pub(crate) figures: Figures,
    /// The latency of the way back.
    pub(crate) back: Duration,
    /// What acknowledgements pass there, one after the other.
    pub(crate) transits: Vec<Transit>,
    /// Whether TCP is modelled, since the way may lose, or takes time.
    pub(crate) modelled: bool,
    /// What that TCP sends as one segment.
    pub(crate) longest: u32,
    /// How many of the connections meet the loss.
    pub(crate) loss_share: Probability,
    pub(crate) causes: Causes,
    pub(crate) meter: Meter,
    /// Bytes read from this direction's sources.
    pub(crate) taken: u64,
    pub(crate) lateness: Lateness,
    pub(crate) slot: Slot,
    /// The seed of this direction.
    pub(crate) seed: Seed,
}

impl Lane {
    fn new(conditions: Conditions, seed: Seed) -> Self {
        Self {
            figures: Figures::of(&conditions),
            machine: Machine::new(shared(&conditions), seed, Overflow::PushBack),
            conditions,
            round: VecDeque::new(),
            entering: false,
            back: Duration::ZERO,
            transits: Vec::new(),
            modelled: false,
            longest: MSS,
            loss_share: Probability::ALWAYS,
            causes: Causes::default(),
            meter: Meter::default(),
            taken: 0,
            lateness: Lateness::default(),
            slot: Slot::default(),
            seed,
        }
    }

    /// Changes the conditions.
    pub(crate) fn set_conditions(&mut self, now: Duration, conditions: Conditions) {
        self.machine.set_conditions(now, shared(&conditions));
        self.conditions = conditions;
    }

    /// The acknowledgements of this direction's segments pass these, from now on.
    pub(crate) fn set_way_back<'a>(&mut self, back: impl Iterator<Item = &'a Conditions>) {
        let mut before = std::mem::take(&mut self.transits).into_iter();
        let transits = back.enumerate().map(|(place, conditions)| match before.next() {
            Some(mut transit) => {
                transit.set(conditions);
                transit
            }
            None => Transit::new(conditions, self.seed.derive(&format!("way back {place}"))),
        });
        self.transits = transits.collect();
    }

    /// How long the next acknowledgement is on its way.
    pub(crate) fn take_back(&mut self) -> Duration {
        self.transits.iter_mut().map(Transit::take).sum()
    }

    /// Whether there is room enough to be worth filling. Were every gap filled, parcels would get
    /// smaller and smaller (RFC 9293, 3.8.6.2, tells of the same in windows).
    pub(crate) fn has_room(&self) -> bool {
        if self.machine.is_cut() {
            return false;
        }
        let worthwhile = match self.machine.conditions().queue_limit() {
            Some(QueueLimit::Bytes(limit)) => {
                let half = usize::try_from(limit.bytes() / 2).unwrap_or(usize::MAX);
                self.figures.parcel().min(half).max(1)
            }
            Some(QueueLimit::Packets(_)) => 1,
            None => self.figures.parcel(),
        };
        self.machine.room() >= worthwhile
    }

    /// When something arrives, or there is room for who waits.
    pub(crate) fn next(&self) -> Option<Duration> {
        let arrival = self.machine.next_wakeup();
        if self.round.is_empty() {
            return arrival;
        }
        let room = self.machine.next_room();
        arrival.into_iter().chain(room).min()
    }
}

impl Link {
    pub(crate) fn new(
        name: String,
        far: Far,
        park: ParkLimits,
        [up, down]: [Conditions; 2],
        via: Vec<SegmentId>,
        seed: Seed,
    ) -> Self {
        let seed = seed.derive(&name);
        Self {
            name,
            far,
            cut: None,
            park,
            plans: [plan(&[], &up), plan(&[], &down)],
            lanes: [
                Lane::new(up, seed.derive("up")),
                Lane::new(down, seed.derive("down")),
            ],
            stages: [Vec::new(), Vec::new()],
            via,
            listeners: Vec::new(),
            listening: false,
            parked: 0,
            counts: Counts::default(),
            away: Vec::new(),
        }
    }

    /// Whether there is nothing between its two ends.
    pub(crate) fn is_plain(&self) -> bool {
        let is_plain =
            |lane: &Lane| lane.machine.conditions().is_clear() && !lane.machine.is_cut() && !lane.modelled;
        self.lanes.iter().all(is_plain)
            && self.plans.iter().all(Vec::is_empty)
            && self.via.is_empty()
            && self.cut.is_none()
    }

    /// Where one of the other threads counts.
    pub(crate) fn tallies_of(&mut self, hand: usize) -> Arc<Tallies> {
        if self.away.len() <= hand {
            self.away.resize_with(hand + 1, Arc::default);
        }
        Arc::clone(&self.away[hand])
    }

    /// The segment that comes after so many machines.
    pub(crate) fn hop(&self, direction: usize, hop: u32) -> Option<SegmentId> {
        hop_of(&self.via, direction, hop)
    }

    /// Plans anew what each connection passes on its own. Whether that is another plan.
    pub(crate) fn replan(&mut self) -> bool {
        let [up, down] = [UP, DOWN].map(|way| plan(&self.stages[way], &self.lanes[way].conditions));
        let before = std::mem::replace(&mut self.plans, [up, down]);
        before != self.plans
    }

    /// The chance of a connection's stages, in a direction.
    pub(crate) fn chance(&self, direction: usize, connection: u64) -> Chance {
        Chance::new(self.lanes[direction].seed, connection)
    }

    /// Whether connections should be refused by not listening.
    pub(crate) fn wants_to_listen(&self) -> bool {
        match self.cut.map(|cut| cut.manner) {
            Some(Manner::Refuse) => false,
            Some(Manner::Hole | Manner::Reset) => true,
            None => !matches!(self.far, Far::Down),
        }
    }

    /// Whether new connections hang: a handshake needs both directions.
    pub(crate) fn is_hole(&self) -> bool {
        self.cut.is_some_and(|cut| cut.manner == Manner::Hole)
    }

    /// The directions that a cut turns into a hole.
    pub(crate) fn holes(cut: Cut) -> &'static [usize] {
        match (cut.manner, cut.direction) {
            (Manner::Hole, CutDirection::Both) => &[UP, DOWN],
            (Manner::Hole, CutDirection::Up) => &[UP],
            (Manner::Hole, CutDirection::Down) => &[DOWN],
            (Manner::Reset | Manner::Refuse, _) => &[],
        }
    }

    pub(crate) fn stats(&mut self, now: Duration) -> LinkStats {
        let away = [UP, DOWN].map(|way| self.away.iter().map(|all| all.sums(way, now)).sum::<Sums>());
        let [up, down] = &mut self.lanes;
        LinkStats {
            connections: self.counts.connections,
            in_bulk: self.counts.away,
            total_connections: self.counts.total,
            parked: self.parked as u64,
            refused: self.counts.refused,
            unreached: self
                .counts
                .unreached
                .map(|(address, why)| format!("{address}: {why}")),
            park_overflows: self.counts.park_overflows,
            shed: self.counts.shed,
            taken_up: up.taken + away[UP].taken,
            taken_down: down.taken + away[DOWN].taken,
            bytes_up: up.meter.total() + away[UP].written,
            bytes_down: down.meter.total() + away[DOWN].written,
            rate_up: up.meter.rate(now).saturating_add(away[UP].rate),
            rate_down: down.meter.rate(now).saturating_add(away[DOWN].rate),
            causes_up: up.causes,
            causes_down: down.causes,
            lateness_up: up.lateness.summary(),
            lateness_down: down.lateness.summary(),
            cut: self.cut,
            datagrams: None,
        }
    }
}

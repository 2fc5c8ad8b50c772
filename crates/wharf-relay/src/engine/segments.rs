//! Stretches of network that links share.

use std::iter;
use std::time::Duration;

use wharf_link::stream::{LONGEST_TRAIN, MSS, is_needed, tells_segments_apart};
use wharf_link::{Cause, Conditions, Delivery, Packet};

use super::{Engine, Work};
use crate::connection::{DOWN, UP};
use crate::datagram::{Crossing, Datagram};
use crate::error::Error;
use crate::figures::Figures;
use crate::flow::Parcel;
use crate::freight::{Freight, Party};
use crate::key::Key;
use crate::link::Link;
use crate::segment::Segment;
use crate::spec::{CutDirection, SegmentId, SegmentSpec};
use crate::stats::SegmentStats;

/// How many parcels a segment hands on before others have their turn.
const TURN: usize = 1024;

impl Engine {
    pub(crate) fn add_segment(&mut self, spec: SegmentSpec) -> SegmentId {
        let number = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
        self.segments.push(Some(Segment::new(spec)));
        SegmentId(number)
    }

    pub(crate) fn set_segment_conditions(
        &mut self,
        id: SegmentId,
        conditions: [Conditions; 2],
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let segment = self.known_segment(id)?;
        for (lane, conditions) in segment.lanes.iter_mut().zip(conditions) {
            lane.set_conditions(now, conditions);
        }
        self.stir_over(id);
        Ok(())
    }

    pub(crate) fn cut_segment(&mut self, id: SegmentId, cut: Option<CutDirection>) -> Result<(), Error> {
        let now = self.clock.now();
        for (direction, datagram) in self.known_segment(id)?.cut(now, cut) {
            self.datagrams.dropped(&datagram, direction, Cause::Cut);
        }
        self.stir_over(id);
        Ok(())
    }

    pub(crate) fn segment_conditions(&mut self, id: SegmentId) -> Result<[Conditions; 2], Error> {
        let [up, down] = &self.known_segment(id)?.lanes;
        Ok([up.conditions.clone(), down.conditions.clone()])
    }

    pub(crate) fn segment_stats(&mut self, id: SegmentId) -> Result<SegmentStats, Error> {
        let now = self.clock.now();
        Ok(self.known_segment(id)?.stats(now))
    }

    pub(crate) fn remove_segment(&mut self, id: SegmentId) -> Result<(), Error> {
        let segment = self.known_segment(id)?.name.clone();
        let user = self.links.iter().flatten().find(|link| link.via.contains(&id));
        let user = user.map(|link| link.name.as_str());
        if let Some(link) = user.or_else(|| self.datagrams.over(id)) {
            let link = link.to_owned();
            return Err(Error::SegmentInUse { segment, link });
        }
        self.segments[id.0 as usize] = None;
        Ok(())
    }

    pub(super) fn segment(&self, id: SegmentId) -> Option<&Segment> {
        self.segments.get(id.0 as usize)?.as_ref()
    }

    fn known_segment(&mut self, id: SegmentId) -> Result<&mut Segment, Error> {
        self.segments
            .get_mut(id.0 as usize)
            .and_then(Option::as_mut)
            .ok_or(Error::NoSuchSegment(id))
    }

    /// A parcel comes to a segment at `at`.
    pub(super) fn enter_segment(&mut self, id: SegmentId, direction: usize, parcel: Parcel, at: Duration) {
        let Ok(segment) = self.known_segment(id) else {
            // It cannot be removed while a link runs over it.
            return;
        };
        let stretch = &mut segment.lanes[direction];
        stretch.waiting.push(Freight::Parcel(parcel));
        stretch.let_in(at);
        self.settle_stretch(id, direction);
    }

    /// A datagram comes to a segment.
    pub(super) fn cross_segment(&mut self, crossing: Crossing) {
        let Crossing {
            segment: id,
            direction,
            datagram,
            at,
        } = crossing;
        let Some(Some(segment)) = self.segments.get_mut(id.0 as usize) else {
            // It cannot be removed while a link runs over it.
            return;
        };
        let stretch = &mut segment.lanes[direction];
        match stretch.meet(at, datagram) {
            Ok(delivery) => {
                let met = delivery.map(|delivery| self.datagrams.suffer(delivery, direction));
                for datagram in met
                    .into_iter()
                    .flat_map(|(one, copy)| iter::once(one).chain(copy))
                {
                    if let Err((datagram, cause)) = stretch.take(at, datagram) {
                        self.datagrams.dropped(&datagram, direction, cause);
                    }
                }
            }
            Err((datagram, cause)) => self.datagrams.dropped(&datagram, direction, cause),
        }
        self.settle_stretch(id, direction);
    }

    /// Hands on what has come out of a segment by `at`, and lets in what waits.
    pub(super) fn serve_stretch(&mut self, number: u32, direction: usize, at: Duration) {
        let id = SegmentId(number);
        for _ in 0..TURN {
            let Ok(segment) = self.known_segment(id) else {
                return;
            };
            let stretch = &mut segment.lanes[direction];
            let Some(delivery) = stretch.machine.poll(at) else {
                break;
            };
            stretch.meter.add(delivery.ideal_time, delivery.packet.len());
            let said = delivery.with(());
            match delivery.packet {
                Freight::Parcel(parcel) => self.pass_on(said.with(parcel), direction),
                Freight::Datagram(datagram, cuts) => {
                    self.pass_datagram_on(id, said.with(datagram), cuts, direction);
                }
            }
        }
        let (datagrams, around) = self.datagrams();
        datagrams.flush(around);
        self.note_datagrams();
        if let Ok(segment) = self.known_segment(id) {
            segment.lanes[direction].let_in(at);
        }
        self.settle_stretch(id, direction);
    }

    /// A datagram has come out of a segment that had been cut so often when it entered.
    fn pass_datagram_on(&mut self, id: SegmentId, delivery: Delivery<Datagram>, cuts: u32, direction: usize) {
        let Ok(segment) = self.known_segment(id) else {
            return;
        };
        match segment.lanes[direction].fate(cuts, delivery.lost) {
            Err(cause) => self.datagrams.dropped(&delivery.packet, direction, cause),
            Ok(()) => {
                let (datagrams, around) = self.datagrams();
                datagrams.arrive(delivery, direction, around);
            }
        }
    }

    /// Notes when a segment has something to do next.
    fn settle_stretch(&mut self, id: SegmentId, direction: usize) {
        let Some(Some(segment)) = self.segments.get_mut(id.0 as usize) else {
            return;
        };
        let stretch = &mut segment.lanes[direction];
        let next = stretch.next();
        let work = Work::Stretch(id.0, direction);
        self.agenda.put(work, &mut stretch.slot, next);
    }

    /// The sums of a link's ways, after a change.
    pub(super) fn measure(&mut self, number: u32) {
        let Some(Some(link)) = self.links.get_mut(number as usize) else {
            return;
        };
        let via: Vec<_> = link
            .via
            .iter()
            .filter_map(|id| self.segments.get(id.0 as usize)?.as_ref())
            .collect();
        // What each direction passes, its own machine first.
        let ways = [UP, DOWN].map(|direction| {
            let lane = &link.lanes[direction];
            // The window is not the machine's, and a rate of each connection's own neither.
            let own = Conditions {
                stream: lane.conditions.stream,
                ..lane.machine.conditions().clone()
            };
            let segments = via
                .iter()
                .map(|segment| segment.lanes[direction].conditions.clone());
            std::iter::once(own).chain(segments).collect::<Vec<_>>()
        });
        // A direction's acknowledgements take the other.
        let modelled = ways.iter().flatten().any(is_needed);
        for (direction, lane) in link.lanes.iter_mut().enumerate() {
            let (way, back) = (&ways[direction], &ways[1 - direction]);
            lane.figures = way.iter().map(Figures::of).fold(Figures::default(), Figures::and);
            lane.modelled = modelled;
            lane.longest = match way.iter().any(has_fates) {
                true => MSS,
                false => train(lane.figures.parcel()),
            };
            lane.back = back.iter().map(|conditions| conditions.latency.duration()).sum();
            lane.set_way_back(back.iter());
        }
    }

    /// Forgets what a connection has waiting before the segments of its link.
    pub(super) fn forget_waiting(&mut self, number: u32, key: Key) {
        let Some(Some(link)) = self.links.get(number as usize) else {
            return;
        };
        for id in &link.via {
            if let Some(Some(segment)) = self.segments.get_mut(id.0 as usize) {
                for stretch in &mut segment.lanes {
                    stretch.waiting.forget(Party::Connection(key));
                }
            }
        }
    }

    /// Has every connection over a segment see what it can do now.
    fn stir_over(&mut self, id: SegmentId) {
        for direction in [UP, DOWN] {
            self.settle_stretch(id, direction);
        }
        for number in (0u32..).take(self.links.len()) {
            let over = |link: &mut Link| link.via.contains(&id);
            if self.link_mut(number).is_some_and(over) {
                self.measure(number);
                self.stir(number);
            }
        }
    }
}

/// Whether each segment has a fate or a time of its own under these conditions, so that none can stand
/// for many.
fn has_fates(conditions: &Conditions) -> bool {
    tells_segments_apart(conditions) || conditions.jitter.is_some()
}

/// As many whole segments as a parcel holds, which a rate lets pass as one.
fn train(parcel: usize) -> u32 {
    let segments = u32::try_from(parcel).unwrap_or(LONGEST_TRAIN) / MSS;
    (segments * MSS).clamp(MSS, LONGEST_TRAIN)
}

//! Datagrams come in, pass the machines, and leave.

use std::io::ErrorKind;
use std::time::Duration;

use quinn_udp::EcnCodepoint;
use wharf_capture::Direction;
use wharf_link::{Cause, Delivery, Offer};

use super::arrivals::Arrivals;
use super::batch::{Batch, Message};
use super::flow::Course;
use super::link::Link;
use super::packet::{self, Datagram};
use super::train::Sent;
use super::{Around, Crossing, Datagrams, Source};
use crate::connection::{DOWN, UP};
use crate::key::Key;
use crate::link::Far;
use crate::segment::hop_of;

/// How many datagrams a machine delivers before others have their turn. More than one call receives
/// (32 trains of 64), so that under overload the kernel's queue overflows, as a network card's would,
/// and not the time that datagrams are under way.
const DELIVERIES: usize = 4096;

impl Datagrams {
    /// Receives from a socket as much as one call does. If that leaves something, it is remembered.
    pub(crate) fn receive(&mut self, source: Source, around: Around<'_>) {
        let Some(mut batch) = self.batch.take() else {
            return;
        };
        let socket = match source {
            Source::Seat(seat) => {
                let seat = self.seats.get(seat).and_then(Option::as_ref);
                seat.map(|seat| &seat.socket)
            }
            Source::Flow(key) => {
                let upstream = self.flows.get_mut(key).and_then(|flow| flow.upstream.as_ref());
                upstream.map(|upstream| &upstream.socket)
            }
        };
        let received = socket.map_or(Ok(0), |socket| socket.receive(&mut batch));
        let more = match &received {
            Ok(count) => *count == Batch::SIZE,
            // Any other is told once (nobody is at that port, a host is out of reach), and the
            // socket goes on.
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        match (received, source) {
            (Ok(count), _) => self.take_in(source, &batch, count, around),
            (Err(error), Source::Flow(key)) if error.kind() == ErrorKind::ConnectionRefused => {
                self.on_refusal(key, 1);
            }
            (Err(_), _) => {}
        }
        self.batch = Some(batch);
        if more {
            self.unfinished.push_back(source);
        }
    }

    fn take_in(&mut self, source: Source, batch: &Batch, count: usize, around: Around<'_>) {
        let arrivals = Arrivals::now(around);
        let mut last = None;
        for message in (0..count).filter_map(|index| batch.message(index)) {
            let (key, direction) = match (source, last) {
                (Source::Flow(key), _) => (Some(key), DOWN),
                (Source::Seat(_), Some((from, key))) if from == message.from => {
                    self.use_flow(key, Course::Lasting, arrivals.now);
                    (Some(key), UP)
                }
                (Source::Seat(seat), _) => (self.flow_of(seat, message.from, around), UP),
            };
            let Some(key) = key else {
                continue;
            };
            last = Some((message.from, key));
            self.admit(key, direction, message, arrivals.of(message.stamp), around);
        }
        self.flush(around);
    }

    /// Lets a message's datagrams onto the link.
    fn admit(
        &mut self,
        key: Key,
        direction: usize,
        message: Message<'_>,
        arrival: Duration,
        around: Around<'_>,
    ) {
        if direction == UP {
            for bytes in message.datagrams() {
                self.show(key, Direction::Up, bytes, around);
            }
        }
        let Some(flow) = self.flows.get_mut(key) else {
            return;
        };
        let headers = packet::headers(flow.client);
        let Some(link) = self.links.get_mut(&flow.link) else {
            return;
        };
        let lane = &mut link.lanes[direction];
        lane.counts.accepted += message.datagrams().count() as u64;
        let parks = direction == UP && matches!(link.far, Far::Starting);
        if !parks && lane.machine.is_transparent() && link.via.is_empty() {
            for bytes in message.datagrams() {
                self.depart((key, direction), message.ecn, bytes, around);
            }
            return;
        }
        for bytes in message.datagrams() {
            let Some(bytes) = link.memory.copy(bytes) else {
                link.lanes[direction].counts.queue_dropped += 1;
                continue;
            };
            let datagram = Datagram {
                link: flow.link,
                flow: key,
                bytes,
                ecn: message.ecn,
                headers,
                number: None,
                // The link's own machine is the first.
                hop: 1,
            };
            if !parks {
                link.offer(direction, arrival, datagram);
            } else if flow.parked.len() < link.limits.parked {
                flow.parked.push(datagram);
                link.counts.parked += 1;
            } else {
                link.counts.park_overflows += 1;
            }
        }
    }

    /// Lets what waits for the provider onto the link.
    pub(super) fn release(&mut self, number: u32, now: Duration) {
        let Some(link) = self.links.get_mut(&number) else {
            return;
        };
        for key in self
            .flows
            .keys(|flow| flow.link == number && !flow.parked.is_empty())
        {
            let parked = self
                .flows
                .get_mut(key)
                .map(|flow| std::mem::take(&mut flow.parked));
            for datagram in parked.into_iter().flatten() {
                link.counts.parked -= 1;
                // Under no conditions the machine gives it back at once.
                link.offer(UP, now, datagram);
            }
        }
    }

    /// Takes out of the machines what has arrived: what goes on over segments by `due`, all else by now.
    pub(super) fn deliver_all(&mut self, due: Option<Duration>, around: Around<'_>) {
        let busy = |link: &Link| link.lanes.iter().any(|lane| !lane.machine.is_empty());
        let mut from = 0;
        while let Some((&number, _)) = self.links.range(from..).find(|(_, link)| busy(link)) {
            for direction in [UP, DOWN] {
                self.deliver(number, direction, due, around);
            }
            let Some(next) = number.checked_add(1) else {
                break;
            };
            from = next;
        }
    }

    fn deliver(&mut self, number: u32, direction: usize, due: Option<Duration>, around: Around<'_>) {
        let now = around.clock.now();
        for _ in 0..DELIVERIES {
            let Some(link) = self.links.get_mut(&number) else {
                break;
            };
            let at = match link.via.is_empty() {
                true => now,
                false => due.map_or(now, |due| due.min(now)),
            };
            let Some(delivery) = link.lanes[direction].machine.poll(at) else {
                break;
            };
            self.arrive(delivery, direction, around);
        }
        self.flush(around);
    }

    /// A datagram has come out of a machine: it goes on to the next, or leaves.
    pub(crate) fn arrive(&mut self, delivery: Delivery<Datagram>, direction: usize, around: Around<'_>) {
        let at = delivery.ideal_time;
        let (datagram, copy) = self.suffer(delivery, direction);
        for datagram in std::iter::once(datagram).chain(copy) {
            self.go_on(datagram, direction, at, around);
        }
    }

    /// Does to a datagram what a machine says. What comes of it may be two.
    pub(crate) fn suffer(
        &mut self,
        delivery: Delivery<Datagram>,
        direction: usize,
    ) -> (Datagram, Option<Datagram>) {
        let mut datagram = delivery.packet;
        let link = self.links.get_mut(&datagram.link);
        let Some(counts) = link.map(|link| &mut link.lanes[direction].counts) else {
            return (datagram, None);
        };
        if delivery.ce {
            datagram.ecn = Some(EcnCodepoint::Ce);
            counts.marked += 1;
        }
        if let Some(bit) = delivery.corrupt {
            counts.corrupted += u64::from(datagram.flip(bit));
        }
        let copy = delivery.duplicate.then(|| datagram.copy());
        counts.duplicated += u64::from(copy.is_some());
        counts.queue_dropped += u64::from(matches!(copy, Some(None)));
        (datagram, copy.flatten())
    }

    /// A datagram was dropped on a segment.
    pub(crate) fn dropped(&mut self, datagram: &Datagram, direction: usize, cause: Cause) {
        if let Some(link) = self.links.get_mut(&datagram.link) {
            link.lanes[direction].dropped(cause);
        }
    }

    /// What waits to be taken to a segment.
    pub(crate) fn next_crossing(&mut self) -> Option<Crossing> {
        self.crossings.pop_front()
    }

    fn go_on(&mut self, mut datagram: Datagram, direction: usize, at: Duration, around: Around<'_>) {
        let Some(link) = self.links.get_mut(&datagram.link) else {
            return;
        };
        if let Some(segment) = hop_of(&link.via, direction, datagram.hop) {
            datagram.hop += 1;
            return self.crossings.push_back(Crossing {
                segment,
                direction,
                datagram,
                at,
            });
        }
        let lane = &mut link.lanes[direction];
        lane.lateness.record(around.clock.now().saturating_sub(at));
        let Some(course) = self.flows.get_mut(datagram.flow).map(|flow| flow.course) else {
            lane.counts.undeliverable += 1;
            return;
        };
        if let Some(number) = datagram.number {
            lane.counts.reordered += u64::from(number < lane.expected);
            lane.expected = lane.expected.max(number + 1);
        }
        self.use_flow(datagram.flow, course, around.clock.now());
        self.depart((datagram.flow, direction), datagram.ecn, &datagram.bytes, around);
    }

    /// Puts a datagram on the train, which leaves first if it cannot join.
    fn depart(&mut self, way: (Key, usize), ecn: Option<EcnCodepoint>, bytes: &[u8], around: Around<'_>) {
        if !self.train.takes(way, ecn, bytes.len()) {
            self.flush(around);
        }
        self.train.push(way, ecn, bytes);
        if way.1 == DOWN {
            self.show(way.0, Direction::Down, bytes, around);
        }
    }

    /// Shows a datagram at its client's end to those who look.
    fn show(&mut self, key: Key, direction: Direction, bytes: &[u8], around: Around<'_>) {
        if around.taps.is_empty() {
            return;
        }
        if let Some(flow) = self.flows.get_mut(key)
            && let Some(Some(seat)) = self.seats.get(flow.seat)
        {
            let ends = (flow.client, seat.address);
            around.taps.datagram(flow.link, direction, ends, bytes);
        }
    }

    /// Sends the train.
    pub(crate) fn flush(&mut self, around: Around<'_>) {
        let Some((key, direction)) = self.train.way() else {
            return;
        };
        if direction == UP {
            self.reach(key, around);
        }
        let Some(flow) = self.flows.get_mut(key) else {
            self.train.clear();
            return;
        };
        let socket = match direction {
            UP => flow
                .upstream
                .as_ref()
                .map(|upstream| (&upstream.socket, upstream.address)),
            _ => {
                let seat = self.seats.get(flow.seat).and_then(Option::as_ref);
                seat.map(|seat| (&seat.socket, flow.client))
            }
        };
        let sent = match socket {
            Some((socket, destination)) => self.train.leave(socket, destination),
            None => Sent::failed(self.train.clear()),
        };
        if let Some(link) = self.links.get_mut(&flow.link) {
            let lane = &mut link.lanes[direction];
            lane.counts.delivered += sent.datagrams;
            lane.counts.undeliverable += sent.failed;
            lane.meter.add(around.clock.now(), sent.bytes);
        }
        if sent.refusals > 0 {
            self.on_refusal(key, sent.refusals);
        }
    }
}

impl Link {
    /// Lets a datagram into a machine, which counts what it drops. What is dropped gives its memory
    /// back.
    fn offer(&mut self, direction: usize, arrival: Duration, mut datagram: Datagram) {
        let lane = &mut self.lanes[direction];
        datagram.number = Some(lane.offered);
        lane.offered += 1;
        match lane.machine.offer(arrival, datagram) {
            Offer::Accepted | Offer::Dropped(..) | Offer::TooBig(..) | Offer::Full(_) => {}
        }
    }
}

//! One direction of the switch, on a thread of its own: read, let pass, write at the right time.

mod intake;
mod router;
#[cfg(test)]
mod tests;
mod watch;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wharf_link::{Conditions, Offer, Seed};
use wharf_packet::icmp::Problem;
use wharf_packet::{ErrorBudget, PacketMut, Ttl, VnetHeader};
use wharf_relay::Lateness;

use super::Waiting;
use super::clock;
use super::figures::{LaneFigures, SegmentFigures};
use super::gate::{Admission, Gate};
use super::inbox::{Inbox, Order, Orders};
use super::parcel::Parcel;
use super::pool::Pool;
use super::port::Port;
use super::reader::Reader;
use super::stage::{Delivery, Stages};
use super::tap::{End, When};
use super::way::Way;
pub(crate) use watch::Watch;

/// How many packets are taken in before what is due has its turn. The last train may exceed it.
const BATCH: usize = 64;

/// The most memory that packets of one direction may take.
const MEMORY: usize = 1 << 30;

/// What a lane is made of.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) way: Way,
    pub(crate) source: Port,
    pub(crate) sink: Port,
    /// The stages, in the order in which packets pass them: name, conditions, seed.
    pub(crate) path: Vec<(String, Conditions, Seed)>,
    pub(crate) orders: Orders<Order>,
    /// To the other direction.
    pub(crate) back: Arc<Inbox<Order>>,
    /// What stands before the sink.
    pub(crate) gate: Option<Gate>,
    /// Who captures.
    pub(crate) watch: Option<Watch>,
    pub(crate) waiting: Waiting,
}

/// Runs a lane until it is told to stop.
pub(crate) fn run(plan: Plan) {
    // A slack of 1 ns: this thread's deadlines are not put off to be bundled with others.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    // Where it may, it goes before those whose packets it carries: on Linux this is of the thread.
    let _ = rustix::process::setpriority_process(None, -10);
    Lane::new(plan).run();
}

struct Lane {
    way: Way,
    source: Port,
    sink: Port,
    names: Vec<String>,
    stages: Stages,
    orders: Orders<Order>,
    back: Arc<Inbox<Order>>,
    gate: Option<Gate>,
    watch: Option<Watch>,
    waiting: Waiting,
    pool: Pool,
    reader: Reader,
    start: Duration,
    budget: ErrorBudget,
    figures: LaneFigures,
    lateness: Lateness,
    /// Those who wait until nothing is under way.
    drained: Vec<SyncSender<()>>,
    /// Whether there is still a namespace that packets come from.
    has_source: bool,
}

/// Whether a lane goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

impl Lane {
    fn new(plan: Plan) -> Self {
        let names = plan.path.iter().map(|(name, ..)| name.clone()).collect();
        let path = plan
            .path
            .into_iter()
            .map(|(_, conditions, seed)| (conditions, seed));
        let pool = Pool::new(MEMORY);
        let mut stages = Stages::new(path.collect());
        if plan.watch.as_ref().is_some_and(Watch::sees_drops) {
            stages.keep_dropped();
        }
        Self {
            way: plan.way,
            source: plan.source,
            sink: plan.sink,
            names,
            stages,
            orders: plan.orders,
            back: plan.back,
            gate: plan.gate,
            watch: plan.watch,
            waiting: plan.waiting,
            reader: Reader::new(pool.clone()),
            pool,
            start: clock(),
            budget: ErrorBudget::DEFAULT,
            figures: LaneFigures::default(),
            lateness: Lateness::default(),
            drained: Vec::new(),
            has_source: true,
        }
    }

    fn now(&self) -> Duration {
        clock().saturating_sub(self.start)
    }

    fn run(mut self) {
        let mut more = true;
        loop {
            if !more {
                let [packets, orders] = self.wait();
                if orders && self.obey() == Go::Stop {
                    return;
                }
                more = packets;
            }
            more = self.round(more);
            if !more && self.stages.is_empty() {
                // Whoever waits, or has given up.
                for waiting in self.drained.drain(..) {
                    let _ = waiting.try_send(());
                }
            }
            // Under load nobody waits, and orders come all the same.
            if more && self.obey() == Go::Stop {
                return;
            }
        }
    }

    /// Reads a batch if there is one, and moves on what is due. Whether there is more of either.
    ///
    /// More is written than is read, as long as there is as much: else what is due would pile up behind a
    /// sender that never rests.
    fn round(&mut self, readable: bool) -> bool {
        let before = self.taken_in();
        let more = readable && self.read();
        let taken_in = usize::try_from(self.taken_in() - before).unwrap_or(usize::MAX);
        let left = self.deliver(taken_in.saturating_add(BATCH));
        more || left
    }

    /// How many packets have been taken in, those of trains counted each.
    fn taken_in(&self) -> u64 {
        self.figures.read + self.figures.pieces
    }

    /// Waits for packets, orders, or the next thing that is due.
    fn wait(&self) -> [bool; 2] {
        if let Some(watch) = &self.watch {
            watch.tap.flush();
        }
        let due = self.stages.next_wakeup();
        let due = match self.waiting {
            Waiting::Asleep => due,
            Waiting::Polling => Some(Duration::ZERO),
        };
        let timeout = due.map(|due| {
            let left = due.saturating_sub(self.now());
            Timespec::try_from(left).unwrap_or(Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            })
        });
        let mut ready = [
            PollFd::new(&self.orders, PollFlags::IN),
            PollFd::new(&self.source, PollFlags::IN),
        ];
        let watched = if self.has_source { 2 } else { 1 };
        match poll(&mut ready[..watched], timeout.as_ref()) {
            Ok(_) => {
                let [orders, packets] = ready.map(|fd| !fd.revents().is_empty());
                [packets && self.has_source, orders]
            }
            Err(_) => [false, true],
        }
    }

    fn obey(&mut self) -> Go {
        for order in self.orders.take() {
            match order {
                Order::Set(position, conditions) => {
                    let now = self.now();
                    self.stages.set(position, now, *conditions);
                    self.show_dropped(position);
                }
                Order::Inject(position, bytes) => self.inject(position, &bytes),
                Order::Count(to) => {
                    // Whoever asked waits, or is gone.
                    let _ = to.send(self.count());
                }
                Order::Drain(to) => self.drained.push(to),
                Order::Stop => return Go::Stop,
            }
        }
        Go::On
    }

    fn count(&self) -> LaneFigures {
        let counters = self.stages.counters();
        let segments = self.names.iter().zip(&counters);
        LaneFigures {
            segments: segments
                .map(|(name, counters)| SegmentFigures::of(name, counters))
                .collect(),
            lateness: self.lateness.summary(),
            ..self.figures.clone()
        }
    }

    /// Lets a packet into the stage at this position. Beyond the last it leaves.
    fn offer(&mut self, position: usize, now: Duration, parcel: Parcel) {
        if position >= self.stages.len() {
            return self.write(&parcel.header, &parcel.bytes, parcel.story.text());
        }
        let at = self.start + now;
        if let Some(watch) = &self.watch {
            let story = parcel.story.text();
            watch.passes(position, When::At(at), &parcel.header, &parcel.bytes, story);
        }
        match self.stages.offer(position, now, parcel) {
            Some(Offer::TooBig(parcel, mtu)) => self.too_big(position, now, parcel, mtu),
            // It is counted by the machine.
            Some(Offer::Dropped(parcel, cause)) => {
                if let Some(watch) = &self.watch {
                    watch.refused(position, at, &parcel, cause, &self.stages);
                }
            }
            _ => {}
        }
        self.show_dropped(position);
    }

    /// Shows what a stage has dropped of what it had accepted.
    fn show_dropped(&mut self, position: usize) {
        if let Some(watch) = &self.watch {
            watch.dropped(position, self.start, &mut self.stages);
        }
    }

    /// Moves on what has arrived, and lets at most so many packets leave. Whether there is more.
    fn deliver(&mut self, most: usize) -> bool {
        let now = self.now();
        let last = self.stages.len().saturating_sub(1);
        let mut more = false;
        for position in 0..self.stages.len() {
            let mut count = 0;
            while let Some(delivery) = self.stages.poll(position, now) {
                self.show_dropped(position);
                self.leave(position, delivery);
                count += 1;
                // Only the last may stop early: the others must not fall behind what they feed.
                if position == last && count == most {
                    more = true;
                    break;
                }
            }
            self.show_dropped(position);
        }
        more
    }

    /// A packet comes out of a stage.
    fn leave(&mut self, position: usize, mut delivery: Delivery) {
        if let Some(watch) = &self.watch {
            watch.tell(position, &mut delivery);
        }
        let time = delivery.ideal_time;
        let mut parcel = delivery.packet;
        parcel.suffer(delivery.ce, delivery.corrupt);
        let next = position + 1;
        if next == self.stages.len() {
            let late = self.now().saturating_sub(time);
            self.lateness.record(late);
            if let Some(watch) = &self.watch {
                watch.tell_late(late, &mut parcel);
            }
            self.write(&parcel.header, &parcel.bytes, parcel.story.text());
            if delivery.duplicate {
                self.tell_copy(position, &mut parcel);
                self.write(&parcel.header, &parcel.bytes, parcel.story.text());
            }
            return;
        }
        // Between two segments is a router.
        if let Ok(mut packet) = PacketMut::parse(&mut parcel.bytes)
            && packet.decrement_ttl() == Ttl::Expired
        {
            let _ = parcel.header.complete_checksum(&mut parcel.bytes);
            self.expired(position, time, &parcel);
            return self.answer(next, time, &parcel.bytes, Problem::TimeExceeded);
        }
        if delivery.duplicate
            && let Some(mut copy) = self.pool.take(parcel.bytes.len())
        {
            copy.copy_from_slice(&parcel.bytes);
            let mut copy = Parcel::new(copy, parcel.header);
            copy.story = parcel.story.clone();
            self.tell_copy(position, &mut copy);
            self.offer(next, time, copy);
        }
        self.offer(next, time, parcel);
    }

    fn tell_copy(&self, position: usize, copy: &mut Parcel) {
        if let Some(watch) = &self.watch {
            watch.tell_copy(position, copy);
        }
    }

    fn write(&mut self, header: &VnetHeader, bytes: &[u8], story: &str) {
        if let Some(watch) = &self.watch {
            // Before it is written, so that no answer to it stands before it in the file.
            watch.passes(self.stages.len(), When::Now, header, bytes, story);
        }
        let admission = self
            .gate
            .as_ref()
            .map_or(Admission::Passes, |gate| gate.admit(0, header, bytes));
        let taken = match admission {
            Admission::Passes => self.sink.write(header, bytes).is_ok(),
            Admission::Waits => true,
            Admission::Lost => false,
        };
        if taken {
            self.figures.written += 1;
            self.figures.written_bytes += bytes.len() as u64;
        } else {
            self.figures.not_taken += 1;
            if let Some(watch) = &self.watch {
                let end = match admission {
                    Admission::Lost => End::NotAdmitted,
                    _ => End::NotTaken,
                };
                let last = self.stages.len().saturating_sub(1);
                watch.ends(last, When::Now, header, bytes, end);
            }
        }
    }
}

//! The switch: packets from one network namespace to another, over the machines of a path.
//!
//! ```text
//!              ┌──────────── lane up ────────────┐
//!  near port ──┤ read ▶ cut ▶ segments ▶ write   ├──▶ gate ──▶ far port
//!  near port ◀─┤ write ◀ segments ◀ cut ◀ read   ├─────────── far port
//!              └─────────── lane down ───────────┘
//! ```
//!
//! Each direction is a *lane*, a thread that owns its machines, its memory and its clock. A lane reads
//! packets straight into the memory in which they wait, and writes them from there: one that fits an
//! Ethernet frame is not copied in between, a longer one once.

pub(crate) mod cut;
mod figures;
pub(crate) mod gate;
pub(crate) mod inbox;
pub(crate) mod lane;
pub(crate) mod parcel;
pub(crate) mod pool;
pub(crate) mod port;
pub(crate) mod reader;
pub(crate) mod stage;
pub(crate) mod tap;
pub(crate) mod way;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wharf_link::{Conditions, Seed};

pub use figures::{Figures, LaneFigures, SegmentFigures};
use gate::Gate;
use inbox::{Inbox, Order};
use lane::{Plan, Watch};
use port::Port;
use way::Way;

/// How the switch waits for packets and for what is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Waiting {
    /// As everybody does: it is woken, which takes its time.
    #[default]
    Asleep,
    /// It asks again and again (busy polling): packets are less late, and each direction takes a whole processor.
    Polling,
}

/// A stretch of network: what lies between two routers.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its name. Its randomness follows from the seed and this name.
    pub name: String,
    /// The conditions from the command.
    pub up: Conditions,
    /// The conditions to it.
    pub down: Conditions,
}

/// A lane's inbox, and its thread.
type LaneHandle = (Arc<Inbox<Order>>, Option<JoinHandle<()>>);

/// A running switch. Dropped, it carries nothing more.
#[derive(Debug)]
pub(crate) struct Switch {
    lanes: [LaneHandle; 2],
    length: usize,
}

impl Switch {
    /// Starts to carry over this path. Every segment has a seed of its own, made of `seed` and its name.
    pub(crate) fn start(
        near: Port,
        far: Port,
        path: &[Segment],
        seed: Seed,
        gate: Option<Gate>,
        watch: Option<[Watch; 2]>,
        waiting: Waiting,
    ) -> io::Result<Self> {
        let [watch_up, watch_down] = watch.map_or([None, None], |both| both.map(Some));
        let ((to_up, up_orders), (to_down, down_orders)) = (Inbox::open()?, Inbox::open()?);
        let stage = |way: Way, segment: &Segment| {
            let conditions = match way {
                Way::Up => segment.up.clone(),
                Way::Down => segment.down.clone(),
            };
            let seed = seed.derive(&segment.name).derive(way.name());
            (segment.name.clone(), conditions, seed)
        };
        let up = Plan {
            way: Way::Up,
            source: near.clone(),
            sink: far.clone(),
            path: path.iter().map(|segment| stage(Way::Up, segment)).collect(),
            orders: up_orders,
            back: Arc::clone(&to_down),
            gate,
            watch: watch_up,
            waiting,
        };
        let down = Plan {
            way: Way::Down,
            source: far,
            sink: near,
            path: path
                .iter()
                .rev()
                .map(|segment| stage(Way::Down, segment))
                .collect(),
            orders: down_orders,
            back: Arc::clone(&to_up),
            gate: None,
            watch: watch_down,
            waiting,
        };
        let mut switch = Self {
            lanes: [to_up, to_down].map(|inbox| (inbox, None)),
            length: path.len(),
        };
        for (plan, (_, thread)) in [up, down].into_iter().zip(&mut switch.lanes) {
            let name = format!("wharf-lab-{}", plan.way.name());
            *thread = Some(
                std::thread::Builder::new()
                    .name(name)
                    .spawn(move || lane::run(plan))?,
            );
        }
        Ok(switch)
    }

    /// Changes the conditions of a segment, counted from the command, from now on.
    pub(crate) fn set(&self, segment: usize, up: Conditions, down: Conditions) {
        let Some(from_far) = self.length.checked_sub(segment + 1) else {
            return;
        };
        let [(to_up, _), (to_down, _)] = &self.lanes;
        to_up.send(Order::Set(segment, Box::new(up)));
        to_down.send(Order::Set(from_far, Box::new(down)));
    }

    /// Waits until nothing is under way from the command, but no longer than so.
    pub(crate) fn drain(&self, limit: Duration) {
        let (to, from) = sync_channel(1);
        self.lanes[0].0.send(Order::Drain(to));
        let _ = from.recv_timeout(limit);
    }

    /// What has passed. `None`: a lane has ended before the switch, by a bug, and its panic has said which.
    pub(crate) fn figures(&self) -> Option<Figures> {
        let ask = |(inbox, _): &LaneHandle| {
            let (to, from) = sync_channel(1);
            inbox.send(Order::Count(to));
            from.recv().ok()
        };
        let [up, down] = self.lanes.each_ref().map(ask);
        Some(Figures { up: up?, down: down? })
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        for (inbox, thread) in &mut self.lanes {
            inbox.send(Order::Stop);
            if let Some(thread) = thread.take() {
                let _ = thread.join();
            }
        }
    }
}

/// The monotonic clock.
pub(crate) fn clock() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

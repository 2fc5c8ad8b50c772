//! The thread that moves packets between the devices of all hosts and the fabric.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use wharf_link::Conditions;
use wharf_packet::Gso;
use wharf_relay::{Lateness, LatenessStats};
use wharf_topology::{NodeId, Routes, SegmentId};

use super::NetworkSpec;
use super::fabric::watch::Watch;
use super::fabric::{Crossings, Fabric};
use crate::holds::MEMORY;
use crate::switch::clock;
use crate::switch::cut::Short;
use crate::switch::gate::{Admission, Gate};
use crate::switch::inbox::Orders;
use crate::switch::pool::Pool;
use crate::switch::port::Port;
use crate::switch::reader::{Reader, Took};

/// How many packets of one device are read before the next has its turn.
const TURN: usize = 32;

/// Something to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Change the conditions of a segment: up, down.
    Segment(SegmentId, Box<[Conditions; 2]>),
    /// Change the conditions of a link.
    Link(usize, Box<[Conditions; 2]>),
    /// Take a segment down.
    Cut(SegmentId),
    /// Bring it up again.
    Heal(SegmentId),
    /// Tell of packets, for a capture.
    Watch(Box<Watch>),
    /// Tell of them no longer, and say so.
    Unwatch(u64, SyncSender<()>),
    /// Say what has passed.
    Count(SyncSender<Counted>),
    /// End.
    Stop,
}

/// What has passed.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) crossings: Crossings,
    pub(super) read: u64,
    pub(super) trains: u64,
    pub(super) lateness: LatenessStats,
}

/// A host's device on one of its segments.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) node: NodeId,
    pub(super) over: SegmentId,
    pub(super) port: Port,
}

struct Pump {
    fabric: Fabric,
    devices: Vec<Device>,
    /// Where a host's device on a segment is among the devices.
    places: HashMap<(NodeId, SegmentId), usize>,
    /// What stands before the hosts that have one, by node.
    gates: Vec<Option<Gate>>,
    ready: OwnedFd,
    orders: Orders<Order>,
    reader: Reader,
    start: Duration,
    counted: Counted,
    lateness: Lateness,
}

/// Starts the thread, and returns when packets pass. It ends with the devices.
pub(super) fn start(
    spec: &NetworkSpec,
    routes: Routes,
    devices: Vec<Device>,
    gates: Vec<Option<Gate>>,
    orders: Orders<Order>,
) -> io::Result<JoinHandle<Vec<Device>>> {
    let ready = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (at, device) in devices.iter().enumerate() {
        let data = epoll::EventData::new_u64(at as u64);
        epoll::add(&ready, &device.port, data, epoll::EventFlags::IN)?;
    }
    let (topology, segments) = (spec.topology.clone(), spec.segments.clone());
    let (links, seed) = (spec.links.clone(), spec.seed);
    let (say, begun) = sync_channel::<()>(1);
    let run = move || {
        // The memory is this thread's own.
        let pool = Pool::new(MEMORY);
        let places = devices.iter().enumerate();
        let start = clock();
        let pump = Pump {
            places: places
                .map(|(at, device)| ((device.node, device.over), at))
                .collect(),
            fabric: Fabric::new(topology, routes, segments, &links, seed, pool.clone(), start),
            reader: Reader::new(pool),
            devices,
            gates,
            ready,
            orders,
            start,
            counted: Counted::default(),
            lateness: Lateness::default(),
        };
        let _ = say.send(());
        pump.run()
    };
    let thread = std::thread::Builder::new().name("wharf-lab-pump".to_owned());
    let thread = thread.spawn(run)?;
    // It ends without a word only by a bug.
    let _ = begun.recv();
    Ok(thread)
}

impl Pump {
    fn now(&self) -> Duration {
        clock().saturating_sub(self.start)
    }

    /// Moves packets until it is told to stop.
    fn run(mut self) -> Vec<Device> {
        // A slack of 1 ns, and before those whose packets it carries, where it may.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let _ = rustix::process::setpriority_process(None, -10);
        let mut busy: Vec<usize> = Vec::new();
        loop {
            self.wait(&mut busy);
            if self.obey() {
                return self.devices;
            }
            self.fabric.advance(self.now());
            self.write();
            if busy.is_empty() {
                self.fabric.flush();
            }
            // Whoever has more is read again, after what is due.
            busy.retain(|&device| self.read(device));
        }
    }

    /// Waits for packets, orders, or what is due, and adds the devices that have packets.
    fn wait(&self, busy: &mut Vec<usize>) {
        let timeout = match busy.is_empty() {
            false => Some(Duration::ZERO),
            true => self
                .fabric
                .next_wakeup()
                .map(|due| due.saturating_sub(self.now())),
        };
        let timeout = timeout.map(|left| {
            Timespec::try_from(left).unwrap_or(Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            })
        });
        let mut which = [
            PollFd::new(&self.orders, PollFlags::IN),
            PollFd::from_borrowed_fd(self.ready.as_fd(), PollFlags::IN),
        ];
        // Interrupted: nothing is lost by another round.
        if poll(&mut which, timeout.as_ref()).is_err() || which[1].revents().is_empty() {
            return;
        }
        let mut events = [const { std::mem::MaybeUninit::uninit() }; 64];
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if let Ok((events, _)) = epoll::wait(&self.ready, &mut events, Some(&none)) {
            for event in events {
                let data = event.data;
                let device = data.u64() as usize;
                if !busy.contains(&device) {
                    busy.push(device);
                }
            }
        }
    }

    /// Whether this is the end.
    fn obey(&mut self) -> bool {
        for order in self.orders.take() {
            let now = self.now();
            match order {
                Order::Segment(segment, conditions) => self.fabric.set_segment(now, segment, *conditions),
                Order::Link(link, conditions) => self.fabric.set_link(now, link, *conditions),
                Order::Cut(segment) => self.fabric.cut(now, segment),
                Order::Heal(segment) => self.fabric.heal(now, segment),
                Order::Watch(watch) => self.fabric.watch(*watch),
                Order::Unwatch(number, done) => {
                    self.fabric.unwatch(number);
                    let _ = done.send(());
                }
                Order::Count(to) => {
                    // Whoever asked waits, or is gone.
                    let _ = to.send(Counted {
                        crossings: self.fabric.crossings(),
                        lateness: self.lateness.summary(),
                        ..self.counted
                    });
                }
                Order::Stop => return true,
            }
        }
        false
    }

    /// Reads a turn of a device. Whether there may be more.
    fn read(&mut self, device: usize) -> bool {
        let Device { node, over, .. } = self.devices[device];
        for _ in 0..TURN {
            match self.reader.read(&self.devices[device].port) {
                Took::Packet(buffer, arrival) => {
                    self.counted.read += 1;
                    self.counted.trains += u64::from(arrival.header.gso != Gso::None);
                    let now = self.now();
                    self.fabric.enter(now, node, over, buffer, arrival.header);
                    self.fabric.advance(now);
                    self.write();
                }
                Took::Lost => self.fabric.not_read(node, Short::OutOfMemory),
                Took::Nothing => self.fabric.not_read(node, Short::Malformed),
                Took::Empty => return false,
                Took::Gone => {
                    let _ = epoll::delete(&self.ready, &self.devices[device].port);
                    return false;
                }
            }
        }
        true
    }

    /// Hands over what has arrived.
    fn write(&mut self) {
        let now = self.now();
        let mut refused = Vec::new();
        for departure in self.fabric.departures() {
            let Some(&at) = self.places.get(&(departure.node, departure.over)) else {
                continue;
            };
            self.lateness.record(now.saturating_sub(departure.ideal));
            let (header, bytes) = (&departure.parcel.header, &departure.parcel.bytes);
            let gate = self.gates.get(departure.node.index()).and_then(Option::as_ref);
            let admission = gate.map_or(Admission::Passes, |gate| gate.admit(at, header, bytes));
            let is_taken = match admission {
                Admission::Passes => self.devices[at].port.write(header, bytes).is_ok(),
                Admission::Waits => true,
                Admission::Lost => false,
            };
            if !is_taken {
                refused.push(departure.node);
            }
        }
        for node in refused {
            self.fabric.not_taken(node);
        }
    }
}

//! What a lane's thread is told, between two rounds of packets.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};
use wharf_link::Conditions;

use super::figures::LaneFigures;

/// Something to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Change the conditions of the stage at this position.
    Set(usize, Box<Conditions>),
    /// Let a packet in before the stage at this position: the router there has made it. Beyond the
    /// last stage it leaves at once.
    Inject(usize, Box<[u8]>),
    /// Say what has passed.
    Count(SyncSender<LaneFigures>),
    /// Say when nothing is under way any more.
    Drain(SyncSender<()>),
    /// End.
    Stop,
}

/// Orders that wait, and what wakes the thread for them.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    orders: Mutex<Vec<T>>,
    /// Whether any wait: asked often, under load.
    some: AtomicBool,
    bell: OwnedFd,
}

/// More do not wait of what may be lost: what routers say is dropped then.
const MOST: usize = 4096;

impl<T> Inbox<T> {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            orders: Mutex::new(Vec::new()),
            some: AtomicBool::new(false),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Something that must be done.
    pub(crate) fn send(&self, order: T) {
        self.push(order, usize::MAX);
    }

    /// Something that is dropped where too much waits.
    pub(crate) fn try_send(&self, order: T) {
        self.push(order, MOST);
    }

    fn push(&self, order: T, most: usize) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if orders.len() >= most {
            return;
        }
        orders.push(order);
        self.some.store(true, Ordering::Release);
        // It is full only if it has rung very often already.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// All that waits.
    pub(crate) fn take(&self) -> Vec<T> {
        if !self.some.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        self.some.store(false, Ordering::Release);
        std::mem::take(&mut *orders)
    }
}

impl<T> AsFd for Inbox<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

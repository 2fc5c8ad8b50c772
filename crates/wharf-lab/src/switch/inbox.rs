//! What a lane's thread is told, between two rounds of packets.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// `None`: nobody takes any more.
    orders: Mutex<Option<Vec<T>>>,
    /// Whether any wait: asked often, under load.
    some: AtomicBool,
    bell: OwnedFd,
}

/// More do not wait of what may be lost: what routers say is dropped then.
const MOST: usize = 4096;

/// The lane's end. When it is dropped, also by a panic, those who wait for an answer learn that there will
/// be none: their end of the answer's channel is dropped.
#[derive(Debug)]
pub(crate) struct Orders<T>(Arc<Inbox<T>>);

impl<T> Inbox<T> {
    /// Both ends.
    pub(crate) fn open() -> io::Result<(Arc<Self>, Orders<T>)> {
        let inbox = Arc::new(Self {
            orders: Mutex::new(Some(Vec::new())),
            some: AtomicBool::new(false),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        });
        Ok((Arc::clone(&inbox), Orders(inbox)))
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
        let mut orders = self.lock();
        let Some(orders) = &mut *orders else {
            return;
        };
        if orders.len() >= most {
            return;
        }
        orders.push(order);
        self.some.store(true, Ordering::Release);
        // It is full only if it has rung very often already.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<T>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Orders<T> {
    /// All that waits.
    pub(crate) fn take(&self) -> Vec<T> {
        let inbox = &*self.0;
        if !inbox.some.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut orders = inbox.lock();
        let _ = rustix::io::read(&inbox.bell, &mut [0; 8]);
        inbox.some.store(false, Ordering::Release);
        orders.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl<T> Drop for Orders<T> {
    fn drop(&mut self) {
        // Dropped outside of the lock.
        let _waiting = self.0.lock().take();
    }
}

impl<T> AsFd for Orders<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn nobody_waits_for_a_lane_that_has_ended() {
        let (inbox, orders) = Inbox::open().expect("an inbox");
        let (to, before) = sync_channel(1);
        inbox.send(Order::Count(to));
        let lane = std::thread::spawn(move || {
            let _orders = orders;
            // As a panic, without its noise.
            std::panic::resume_unwind(Box::new("a bug"));
        });
        lane.join().expect_err("it has panicked");
        before.recv().expect_err("no answer to what was asked before");
        let (to, after) = sync_channel(1);
        inbox.send(Order::Count(to));
        after.recv().expect_err("no answer to what is asked after");
    }
}

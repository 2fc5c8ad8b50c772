//! Hands: threads that carry what comes in bulk.
//!
//! One thread, the relay's own, accepts, dials and does all that conditions ask for. A connection on
//! whose way there is nothing needs none of that: its bytes go from socket to socket. When much has
//! passed it is *handed over* to one of a few threads, as a whole: sockets, pipe and all. What is left
//! at home is its place.
//!
//! ```text
//!  relay's thread ── Carry ──▶ hand          a connection with nothing in its way
//!                 ── Return ─▶ hand ──▶ …    those of a link, before anything of the link changes
//!                 ◀── Gone ─── hand          it has ended
//! ```
//!
//! Whatever is asked of a link that touches its connections calls them home first, and waits for them,
//! which takes as long as a hand moves one connection's turn. So there is one thread at any time that
//! knows a connection, nothing of it is shared, and no byte can overtake another. A connection that is
//! home again goes on there, and is handed over again when much comes and nothing is in its way.

mod work;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use mio::Waker;

use crate::clock::Watch;
use crate::connection::Connection;
use crate::key::Key;
use crate::tally::Tallies;
use work::Work;

/// The most hands of a relay, however many cores there are.
const MOST: usize = 16;

/// A connection on its way from thread to thread.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Its key at home.
    pub(crate) home: Key,
    pub(crate) connection: Connection,
    /// Where its bytes are counted.
    pub(crate) tallies: Arc<Tallies>,
}

/// What a hand is told.
#[derive(Debug)]
enum Order {
    Carry(Box<Guest>),
    /// All connections of a link are to come home.
    Return(u32, Sender<Vec<Guest>>),
}

/// One of the threads.
#[derive(Debug)]
struct Hand {
    /// Given up to end the thread.
    orders: Option<Sender<Order>>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
    /// How many connections it has.
    load: usize,
}

/// All hands of a relay. They are started when they are needed, up to one for each core; where there is
/// one core there are none.
#[derive(Debug)]
pub(crate) struct Hands {
    each: Vec<Hand>,
    most: usize,
    watch: Watch,
    /// Tells home that there is news.
    home: Arc<Waker>,
    gone: Sender<(usize, Key)>,
    news: Receiver<(usize, Key)>,
}

impl Hands {
    pub(crate) fn new(home: Arc<Waker>, watch: Watch) -> Self {
        let (gone, news) = channel();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            each: Vec::new(),
            most: if cores > 1 { cores.min(MOST) } else { 0 },
            watch,
            home,
            gone,
            news,
        }
    }

    /// The hand that has least to do. `None`: there is none, and none could be started.
    pub(crate) fn least_busy(&mut self) -> Option<usize> {
        let busy = self.each.iter().all(|hand| hand.load > 0);
        if busy && self.each.len() < self.most {
            match self.start() {
                Ok(hand) => self.each.push(hand),
                // It is tried no more: those that there are have to do.
                Err(_) => self.most = self.each.len(),
            }
        }
        let lives = |hand: &Hand| hand.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        let all = self.each.iter().enumerate().filter(|(_, hand)| lives(hand));
        all.min_by_key(|(_, hand)| hand.load).map(|(index, _)| index)
    }

    fn start(&self) -> io::Result<Hand> {
        let (orders, inbox) = channel();
        let number = self.each.len();
        let (work, waker) = Work::new(number, inbox, self.watch, self.home.clone(), self.gone.clone())?;
        let thread = std::thread::Builder::new()
            .name(format!("wharf-hand-{number}"))
            .spawn(move || work.run())?;
        Ok(Hand {
            orders: Some(orders),
            waker,
            thread: Some(thread),
            load: 0,
        })
    }

    /// Hands a connection over. It is dropped, and so closed, if the hand has ended, which it does not
    /// before the relay does.
    pub(crate) fn give(&mut self, number: usize, guest: Guest) {
        if let Some(hand) = self.each.get_mut(number) {
            hand.load += 1;
            hand.tell(Order::Carry(Box::new(guest)));
        }
    }

    /// Has a hand give all connections of a link back, and waits for them.
    pub(crate) fn take_back(&mut self, number: usize, link: u32) -> Vec<Guest> {
        let Some(hand) = self.each.get_mut(number) else {
            return Vec::new();
        };
        let (sender, answer) = channel();
        hand.tell(Order::Return(link, sender));
        let guests = answer.recv().unwrap_or_default();
        hand.load = hand.load.saturating_sub(guests.len());
        guests
    }

    /// The next connection that has ended, by its key at home.
    pub(crate) fn next_gone(&mut self) -> Option<Key> {
        let (number, key) = self.news.try_recv().ok()?;
        if let Some(hand) = self.each.get_mut(number) {
            hand.load = hand.load.saturating_sub(1);
        }
        Some(key)
    }
}

impl Hand {
    fn tell(&self, order: Order) {
        if let Some(orders) = &self.orders
            && orders.send(order).is_ok()
        {
            // It fails only where the hand's event queue is gone, and so the hand.
            let _ = self.waker.wake();
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        // The thread ends when nobody can tell it anything any more.
        self.orders = None;
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

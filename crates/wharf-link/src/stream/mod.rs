//! What TCP makes of a link that takes time, and may lose.
//!
//! A relay ends TCP at both of its sockets: whatever it reads has arrived, and it cannot lose a byte of
//! it. What users of a link feel is what the *sender* does: it starts with little and waits for
//! acknowledgements before it sends more; it waits to learn of a loss, sends again, and sends less from then
//! on; and the receiver lets nobody read what lies behind a hole. A [`Stream`] is that sender and that
//! receiver, for one direction of one connection, without a byte.
//!
//! ```text
//!            turn ──▶ the carrier reads so many bytes ──▶ the link ──▶ arrived
//!              ▲                                     (delay, rate, loss)   │
//!  window ─────┤                                                           ├──▶ bytes to read,
//!  losses ─────┤                                                           │    in order
//!  timers ─────┴───────────── acknowledgements, one way back later ◀───────┘
//! ```
//!
//! **Segments that are sent again pass the link again**: [`Cargo::Again`] asks the carrier for a parcel
//! without bytes of its own. So they take up the shared rate once more, wait in its queue, and are lost
//! as likely as any other; and a transfer over a full link with loss *p* gets the rate × (1 − p), no
//! more.
//!
//! **What is modelled**, with its source:
//! - windows: ten segments at first (RFC 6928), one after a lost SYN (RFC 5681); slow start, which CUBIC
//!   leaves by HyStart; no growth of what is not used, as Linux has it; after a pause, half for each timeout
//!   (RFC 5681, 4.1; RFC 2861); a receive window;
//! - congestion control, a parameter ([`Settings::congestion`]): Reno (RFC 5681), CUBIC (RFC 9438, and where
//!   Linux differs, as Linux does: each such place says so), or a sender in the manner of BBR;
//! - learning of a loss: three segments delivered behind it (RFC 5681, RFC 6675, with limited transmit,
//!   RFC 3042); fewer, and a quarter of a round trip (RACK, RFC 8985); for one that was sent again, a
//!   later transmission that is delivered (RACK); for the tail, a probe after two round trips (RFC 8985,
//!   7); else the timeout: the smoothed round trip and four deviations, at least 200 ms (RFC 6298 as in
//!   Linux), doubled each time;
//! - what follows: repair as in RFC 6675, one reduction for each window; from one segment after a
//!   timeout; a reduction without a repair for a CE mark (RFC 3168);
//! - the receiver: what is behind a hole waits for it;
//! - the way back: acknowledgements take its latency and meet its jitter ([`Transit`]), and none overtakes.
//!
//! **What is not**: delayed ACKs but in HyStart (their count makes no difference to windows that count
//! segments; a lone one may be 40 ms late), the loss of ACKs (the next tells as much), pacing and PRR (a
//! window is sent as fast as the link takes it), undoing what was spurious (F-RTO, DSACK), and growing
//! receive buffers: the receive window is there from the first byte, so that 1 MB at 0.5 % of loss over 20 ms
//! takes a fifth less than on Linux. A link that reorders by three segments or more looks lossy, as it did
//! to TCP before it adapted.
//!
//! **Time** is the carrier's, as for a [`Machine`](crate::Machine), and lazy: nothing is computed before
//! it is asked for. [`Turn::at`] and acknowledgements have ideal times, so a carrier that wakes late, but
//! offers segments to the link at these times, does not make the stream slower each round trip.
//!
//! **What a carrier does.** It asks for a [`turn`](Stream::turn) when bytes have come, when something has
//! [`arrived`](Stream::arrived), when the link has room again and at the
//! [`next_wakeup`](Stream::next_wakeup), and goes on until there is none or the link is full. A parcel that
//! one machine of several has lost goes no further: it has `arrived`, lost, where it was lost. The end of
//! the stream and other marks wait until all bytes before them can be read. A full queue holds the sender
//! back, as that of its own host does, and is no loss.
//!
//! **Bounded**: the window bounds what is remembered, and nothing is allocated for a segment once the
//! queues have their size. A link that neither takes time nor loses, and has no window, needs no stream at
//! all ([`is_needed`]).
//!
//! **How true it is**: against closed forms (slow start; Mathis, Padhye, RFC 9438), and against the kernel's own
//! TCP over the same conditions, with real packets. Medians of a fetch agree within a fifth there.

mod acknowledgement;
mod congestion;
mod handshake;
mod receiver;
mod rtt;
mod scoreboard;
mod segment;
mod sender;
mod transit;

use std::time::Duration;

pub use crate::conditions::Congestion;
pub use handshake::{HANDSHAKE_TIMEOUT, Handshake, handshake};
pub use segment::{Cargo, Fate, LONGEST_TRAIN, MSS, Segment, Supply, Turn};
pub use transit::Transit;

use crate::conditions::{Conditions, Discipline, StreamModel};
use crate::units::Size;
use acknowledgement::{Ack, WayBack};
use receiver::Receiver;
use sender::Sender;

/// How a stream behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// The most that may be sent and not acknowledged. Without one: [`DEFAULT_WINDOW`].
    pub window: Option<Size>,
    /// What the window does meanwhile.
    pub congestion: Congestion,
    /// Whether the tail is probed.
    pub tail_probe: TailProbe,
}

impl From<StreamModel> for Settings {
    fn from(model: StreamModel) -> Self {
        Self {
            window: model.window,
            congestion: model.congestion,
            tail_probe: TailProbe::On,
        }
    }
}

/// What a sender may have under way at most if the settings does not say: the most that Linux gives a
/// socket to send from, by default (the third of `tcp_wmem`).
pub const DEFAULT_WINDOW: Size = Size::from_bytes(4 << 20);

/// Whether streams over a link of these conditions need a [`Stream`] each, in both directions: something may
/// be lost or marked, a window is given, or it takes time until an acknowledgement comes, so that a sender
/// starts slowly. Without it, nothing of a stream is lost, nobody waits for what has passed, and its window is
/// the carrier's own.
#[must_use]
pub fn is_needed(conditions: &Conditions) -> bool {
    let takes_time = !conditions.latency.is_zero() || jitters(conditions);
    takes_time || tells_segments_apart(conditions) || conditions.stream.window.is_some()
}

fn jitters(conditions: &Conditions) -> bool {
    let jitter = conditions.jitter.as_ref();
    jitter.is_some_and(|jitter| !jitter.spread.is_zero())
}

/// Whether each segment has a fate of its own on a link of these conditions: it may be lost or marked.
#[must_use]
pub fn tells_segments_apart(conditions: &Conditions) -> bool {
    conditions.loss.is_some() || conditions.discipline != Discipline::DropTail
}

/// Whether a sender that hears nothing sends its last segment again before the timeout (RFC 8985, 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TailProbe {
    /// As Linux does.
    #[default]
    On,
    /// As other systems may.
    Off,
}

/// What has happened to a stream since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Transmissions, of new segments and of others.
    pub sent: u64,
    /// Those of segments that had been sent before, probes included.
    pub again: u64,
    /// Probes of the tail.
    pub probes: u64,
    /// Timeouts.
    pub timeouts: u64,
    /// How often a loss or a mark asked for a smaller window: at most once a window, and timeouts are
    /// not counted.
    pub reductions: u64,
}

/// One direction of one TCP connection, as it would be if the link were between its ends.
///
/// ```
/// use std::time::Duration;
/// use wharf_link::stream::{Cargo, Fate, Handshake, Settings, Stream, Supply};
///
/// let ms = Duration::from_millis;
/// let mut stream = Stream::new(Settings::default(), ms(100), Handshake::default());
/// let mut on_the_link = Vec::new();
/// while let Some(turn) = stream.turn(ms(0), Supply::Waiting) {
///     on_the_link.push(stream.sent(turn, ms(0), 1_000));
/// }
/// assert_eq!(on_the_link.len(), 10);
///
/// // The first is lost, the second arrives, and nobody can read it.
/// let back = ms(50);
/// assert_eq!(stream.arrived(ms(50), on_the_link[0], Fate::Lost, back), 0);
/// assert_eq!(stream.arrived(ms(51), on_the_link[1], Fate::Delivered, back), 0);
/// assert_eq!(stream.arrived(ms(52), on_the_link[2], Fate::Delivered, back), 0);
/// assert_eq!(stream.arrived(ms(53), on_the_link[3], Fate::Delivered, back), 0);
///
/// // The sender knows at 103 ms.
/// let turn = stream.turn(ms(110), Supply::Empty).expect("something to send again");
/// assert_eq!((turn.at, turn.cargo), (ms(103), Cargo::Again(1_000)));
/// let again = stream.sent(turn, turn.at, 1_000);
/// assert_eq!(stream.arrived(ms(153), again, Fate::Delivered, back), 4_000);
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    sender: Sender,
    receiver: Receiver,
    way_back: WayBack,
    /// The last thing that happened to the sender.
    event: Duration,
    /// Whether the sender had bytes that it could not send when it was asked last.
    blocked: bool,
    /// Whether it was given a turn that it has not taken yet.
    offered: bool,
}

impl Stream {
    /// A connection that is established, with [`Settings`] or a [`StreamModel`] as conditions have it.
    /// `round_trip` is that of its handshake, without what lost SYNs have cost.
    #[must_use]
    pub fn new(settings: impl Into<Settings>, round_trip: Duration, handshake: Handshake) -> Self {
        // RFC 5681, 3.1.
        let initial = (handshake.unanswered > 0).then_some(1.0);
        Self {
            sender: Sender::new(settings.into(), round_trip, initial),
            receiver: Receiver::default(),
            way_back: WayBack::default(),
            event: Duration::ZERO,
            blocked: false,
            offered: false,
        }
    }

    /// Changes the settings. What is under way stays, and a window that is smaller now lets nothing in
    /// until there is room in it.
    pub fn set(&mut self, settings: impl Into<Settings>) {
        self.sender.set(settings.into());
    }

    /// How many bytes are sent as one segment, from now on: [`MSS`] unless more is said, and at most
    /// [`LONGEST_TRAIN`]. Such a *train* of segments has one fate and one time, and windows count the
    /// segments in it. So it is for ways on which no segment has a fate of its own: those that neither
    /// lose, nor mark, nor jitter. There it makes no difference but to what it costs.
    pub fn set_longest(&mut self, bytes: u32) {
        self.sender.set_longest(bytes);
    }

    /// What the sender may put on the link by `now`. Asked again until there is nothing; a turn that is
    /// taken is told by [`sent`](Self::sent), and one that is not (since the link takes no more) comes
    /// again.
    pub fn turn(&mut self, now: Duration, supply: Supply) -> Option<Turn> {
        loop {
            let cargo = self.sender.cargo(supply);
            let waited = self.blocked || matches!(cargo, Some(Cargo::Again(_)));
            if let Some(cargo) = cargo.filter(|_| waited && !self.offered) {
                self.offered = true;
                let at = self.event.min(now);
                return Some(Turn { at, cargo });
            }
            self.blocked = supply == Supply::Waiting && cargo.is_none();
            // Bytes that have waited are sent as soon as something lets them. Those that have just come,
            // and what the link has kept waiting, are sent as things stand now.
            if !self.happen(now) {
                self.offered = cargo.is_some();
                return cargo.map(|cargo| Turn { at: now, cargo });
            }
        }
    }

    /// The next thing happens to the sender, if it does so by `now`.
    fn happen(&mut self, now: Duration) -> bool {
        let (ack, alarm) = (self.way_back.next(), self.sender.alarm());
        let Some(event) = ack.into_iter().chain(alarm).min().filter(|&event| event <= now) else {
            return false;
        };
        self.event = self.event.max(event);
        if ack == Some(event)
            && let Some(ack) = self.way_back.receive()
        {
            self.sender.acknowledged(&ack);
        } else {
            self.sender.ring();
        }
        true
    }

    /// The carrier has offered a parcel to the link at `at`, and it was taken. `len` is how many bytes
    /// it has: of new ones as many as there were, at most what the turn allows.
    pub fn sent(&mut self, turn: Turn, at: Duration, len: u32) -> Segment {
        self.offered = false;
        match turn.cargo {
            Cargo::New(most) => {
                // A short one is the last that was waiting.
                self.blocked &= len >= most;
                self.sender.sent(at, len.clamp(1, most.max(1)))
            }
            Cargo::Again(len) => self
                .sender
                .sent_again(at)
                // Nothing was to be sent again: it is a segment that nobody waits for.
                .unwrap_or(Segment::stray(len)),
        }
    }

    /// A segment has come out of the link at `at`, or has not, and an acknowledgement takes `back` to
    /// the sender. How many bytes can be read at `at` that could not before.
    pub fn arrived(&mut self, at: Duration, segment: Segment, fate: Fate, back: Duration) -> u64 {
        if fate == Fate::Lost || segment.is_stray() {
            return 0;
        }
        let readable = self.receiver.take(segment);
        self.way_back.send(Ack {
            at: at.saturating_add(back),
            next: self.receiver.next(),
            index: segment.index,
            number: segment.number,
            marked: fate == Fate::Marked,
        });
        readable
    }

    /// When to ask for a [`turn`](Self::turn) again, after there was none and if nothing else happens.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Duration> {
        let ack = self.way_back.next();
        // To one who has nothing to send, acknowledgements only matter if they tell of a loss.
        let matters = self.blocked || self.receiver.has_hole() || self.sender.is_repairing();
        let ack = ack.filter(|_| matters);
        ack.into_iter().chain(self.sender.alarm()).min()
    }

    /// How many segments the sender may have under way.
    #[must_use]
    pub fn window(&self) -> usize {
        self.sender.window()
    }

    /// How many bytes are sent and not known to be acknowledged.
    #[must_use]
    pub fn unacknowledged(&self) -> u64 {
        self.sender.in_flight()
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.sender.counters()
    }

    /// Whether all that was sent is known to be acknowledged.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.sender.is_idle()
    }
}

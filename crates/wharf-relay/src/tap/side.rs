//! A tap at the consumer's end of one connection.

use std::sync::{Arc, Mutex};

use mio::net::TcpStream;
use wharf_capture::Direction;
use wharf_capture::observe::{End, Observer};

use super::link::LinkTap;
use super::now;
use super::recorded::{Ends, FoundOut, Recorded};
use super::spec::Observe;

/// What is seen of one connection.
#[derive(Debug)]
pub(crate) struct Tap {
    link: Arc<Mutex<LinkTap>>,
    ends: Ends,
    observer: Option<Observer>,
    recorded: Recorded,
    /// A reset has been seen: nothing follows.
    over: bool,
}

/// Whether a connection is seen from its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    Seen,
    Unseen,
}

impl Tap {
    pub(super) fn new(
        link: &Arc<Mutex<LinkTap>>,
        number: u64,
        stream: &TcpStream,
        beginning: Beginning,
    ) -> Option<Self> {
        if link.try_lock().map_or(true, |link| link.is_idle()) {
            return None;
        }
        let mut tap = Self {
            link: Arc::clone(link),
            // A client that is gone already has no address, and nothing to say.
            ends: Ends {
                number,
                client: stream.peer_addr().ok()?,
                listener: stream.local_addr().ok()?,
            },
            observer: None,
            recorded: Recorded::No,
            over: false,
        };
        tap.follow(beginning);
        Some(tap)
    }

    /// Does as the link would have it now.
    pub(crate) fn follow(&mut self, beginning: Beginning) {
        let Ok(mut link) = self.link.try_lock() else {
            return;
        };
        let link = &mut *link;
        match (link.observe, &mut self.observer) {
            (Observe::Off, observer) => {
                if let Some(mut observer) = observer.take() {
                    observer.finish(now(), &mut |exchange| link.ring.push(exchange));
                }
            }
            (Observe::On(options), None) => {
                self.observer = Some(match beginning {
                    Beginning::Seen => Observer::new(self.ends.number, options),
                    Beginning::Unseen => Observer::midway(self.ends.number, options),
                });
            }
            (Observe::On(_), Some(_)) => {}
        }
        match (&mut link.capture, &self.recorded) {
            (Some(capture), Recorded::No) => {
                self.recorded = Recorded::soon(beginning, now());
                if !capture.wants_to_know() {
                    self.recorded.begin(capture, self.ends);
                }
            }
            (None, _) => self.recorded = Recorded::No,
            (Some(_), Recorded::Soon { .. } | Recorded::Yes(_)) => {}
        }
    }

    /// The capture ends: a connection on which nobody has said anything is in it all the same.
    pub(crate) fn record_silence(&mut self) {
        if let Ok(mut link) = self.link.try_lock()
            && let Some(capture) = &mut link.capture
        {
            self.recorded.begin(capture, self.ends);
        }
    }

    /// Forgets the capture, for another to begin.
    pub(crate) fn leave_capture(&mut self) {
        self.recorded = Recorded::No;
    }

    /// Bytes have come from the consumer, or gone to it.
    pub(crate) fn saw(&mut self, direction: Direction, bytes: &[u8]) {
        if self.is_idle() || bytes.is_empty() {
            return;
        }
        let Ok(mut link) = self.link.try_lock() else {
            return;
        };
        let link = &mut *link;
        let now = now();
        if let Some(capture) = &mut link.capture {
            let found_out = match self.recorded.is_yet_to_begin() && capture.wants_to_know() {
                true => self.recorded.find_out(capture, direction, now, bytes),
                false => FoundOut::AsFarAsCanBe,
            };
            if found_out == FoundOut::AsFarAsCanBe
                && let Some(conversation) = self.recorded.begin(capture, self.ends)
            {
                conversation.data(direction, bytes, |packet| capture.packet(now, "", packet));
            }
        }
        if let Some(observer) = &mut self.observer {
            observer.saw(direction, now, bytes, &mut |exchange| link.ring.push(exchange));
            if observer.is_done() {
                self.observer = None;
            }
        }
    }

    /// Bytes have passed unseen.
    pub(crate) fn passed(&mut self, direction: Direction, count: usize) {
        let count = count as u64;
        if let Recorded::Yes(conversation) = &mut self.recorded {
            conversation.skip(direction, count);
        }
        if let Some(observer) = &mut self.observer
            && let Ok(mut link) = self.link.try_lock()
        {
            observer.passed(direction, now(), count, &mut |exchange| link.ring.push(exchange));
        }
    }

    /// How many of the next bytes need not be seen.
    pub(crate) fn skip(&self, direction: Direction) -> usize {
        if !matches!(self.recorded, Recorded::No) {
            return 0;
        }
        let skip = self.observer.as_ref().map(|observer| observer.skip(direction));
        skip.map_or(usize::MAX, |skip| usize::try_from(skip).unwrap_or(usize::MAX))
    }

    /// A direction has ended.
    pub(crate) fn ended(&mut self, direction: Direction, end: End) {
        if self.over {
            return;
        }
        self.over = end == End::Reset;
        let Ok(mut link) = self.link.try_lock() else {
            return;
        };
        let link = &mut *link;
        let now = now();
        if let Some(capture) = &mut link.capture
            && let Some(conversation) = self.recorded.begin(capture, self.ends)
        {
            match end {
                End::Finished => conversation.finish(direction, |packet| capture.packet(now, "", packet)),
                End::Reset => conversation.reset(direction, |packet| capture.packet(now, "", packet)),
            }
        }
        if let Some(observer) = &mut self.observer {
            observer.ended(direction, now, end, &mut |exchange| link.ring.push(exchange));
        }
    }

    /// Whether nobody looks at this connection (any more).
    pub(crate) fn is_idle(&self) -> bool {
        self.observer.is_none() && matches!(self.recorded, Recorded::No)
    }
}

impl Drop for Tap {
    /// What was under way is told as far as it came.
    fn drop(&mut self) {
        if let Some(observer) = &mut self.observer
            && let Ok(mut link) = self.link.try_lock()
        {
            observer.finish(now(), &mut |exchange| link.ring.push(exchange));
        }
    }
}

//! Taps: what passes on a link, for those who want to look.
//!
//! A tap sits at the consumer's end of a connection: it is told of bytes from the consumer when they
//! are read, and of bytes to the consumer when they are written. So what is seen is what the consumer
//! sees, conditions and all, and at the time when it sees it.
//!
//! ```text
//!                    ┌─▶ observer ──▶ exchanges ──▶ ring   (what a dashboard asks for)
//!  consumer's side ──┤
//!                    └─▶ conversation ──▶ packets ──▶ writer's thread ──▶ file
//! ```
//!
//! A link that nobody looks at has no taps. While a link is **captured** its bytes are copied, since a
//! file needs them all. While it is **observed** bulk is spliced on wherever the observer does not need
//! to see it. Both may begin and end at any time, also for connections that live: what is met midway
//! has no handshake in the file, and bytes that could not be seen are a gap in it.
//!
//! The relay's thread never waits for a file. Packets go to a thread that writes, and what that cannot
//! keep up with is dropped, and counted. That file ([`CaptureFile`]) is there for other carriers, too.

mod capture;
mod file;
mod link;
mod recorded;
mod side;
mod spec;
mod writer;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use mio::net::TcpStream;
use wharf_capture::{Direction, Timestamp};

use crate::spec::LinkId;
use link::LinkTap;

pub(crate) use capture::{Capture, Stopped};
pub use file::CaptureFile;
pub(crate) use side::{Beginning, Tap};
pub use spec::{CaptureFigures, CaptureSpec, Observe, ShownPort};

/// What is looked at, by the number of the link.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    links: BTreeMap<u32, Arc<Mutex<LinkTap>>>,
}

impl Taps {
    /// The tap for a connection, which the link counts by `number`, if somebody looks at its link.
    pub(crate) fn meet(
        &self,
        link: u32,
        number: u64,
        stream: &TcpStream,
        beginning: Beginning,
    ) -> Option<Box<Tap>> {
        let link = self.links.get(&link)?;
        Tap::new(link, number, stream, beginning).map(Box::new)
    }

    /// Hands what was captured in this round to those who write.
    pub(crate) fn flush(&self) {
        for link in self.links.values() {
            if let Ok(mut link) = link.try_lock()
                && let Some(capture) = &mut link.capture
            {
                capture.flush();
            }
        }
    }

    /// A datagram has come from a client, or goes to one: `ends` are the client's address and the link's.
    pub(crate) fn datagram(
        &self,
        link: u32,
        direction: Direction,
        ends: (SocketAddr, SocketAddr),
        bytes: &[u8],
    ) {
        if let Some(link) = self.links.get(&link)
            && let Ok(mut link) = link.try_lock()
            && let Some(capture) = &mut link.capture
        {
            capture.datagram(now(), direction, ends, bytes);
        }
    }

    /// Whether somebody looks at some link.
    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Asks what was seen of a link. `None`: nobody has looked.
    pub(crate) fn ask<T>(&self, id: LinkId, question: impl FnOnce(&LinkTap) -> T) -> Option<T> {
        let link = self.links.get(&id.0)?.try_lock().ok()?;
        Some(question(&link))
    }

    /// Changes what is looked at of a link.
    pub(crate) fn change<T>(&mut self, id: LinkId, change: impl FnOnce(&mut LinkTap) -> T) -> Option<T> {
        let fresh = || Arc::new(Mutex::new(LinkTap::new()));
        let link = self.links.entry(id.0).or_insert_with(fresh);
        // Nobody holds it while anybody else is asked: one thread, and no call back.
        link.try_lock().ok().map(|mut link| change(&mut link))
    }

    /// Forgets a link that is gone. What was captured of it is still written.
    pub(crate) fn forget(&mut self, link: u32) {
        self.links.remove(&link);
    }
}

/// How long a relay that ends waits for each of its files.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Drop for Taps {
    /// The relay has ended, and nothing waits for it any more: files are made whole. Whoever reads one
    /// that is a pipe, and has stopped reading, does not keep the relay from ending.
    fn drop(&mut self) {
        for link in self.links.values() {
            let capture = link.try_lock().ok().and_then(|mut link| link.capture.take());
            let Some(writer) = capture.and_then(|mut capture| capture.conclude()) else {
                continue;
            };
            let end = Instant::now() + LAST_WORDS;
            while !writer.is_finished() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The time on the wall, which is what captures have.
fn now() -> Timestamp {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::since_epoch(time.unwrap_or_default())
}

//! Looking at packets: a capture file in which whatever sees packets has an interface of its own.
//!
//! Nobody who carries packets waits for the file: what comes faster than it can be written is left out, and
//! counted ([`CaptureFile`]). A checksum that its kernel left open is completed in the file, and a train that
//! stays whole is one packet there too.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use wharf_capture::pcapng::{Interface, InterfaceId, LinkType, Packet};
use wharf_capture::{Direction, Timestamp};
use wharf_link::queue::Load;
use wharf_link::{Cause, DELAY_LINE, Discipline, Machine, QueueLimit, Size};
use wharf_packet::VnetHeader;
use wharf_relay::{CaptureFigures, CaptureFile};

use super::clock;

/// How long the end of a capture waits for a file, such as a pipe, that takes nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// A capture under way. Clones write into one file, in the order in which they are told.
#[derive(Debug, Clone)]
pub(crate) struct Tap(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// `None`: it has ended.
    recorder: Mutex<Option<Recorder>>,
    /// What the wall clock said when the monotonic one began. Once for all, so that the wall clock may be set
    /// while a capture is under way.
    epoch: Duration,
}

#[derive(Debug)]
struct Recorder {
    file: CaptureFile,
    comment: String,
    scratch: Vec<u8>,
}

/// Where packets are seen, going one way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    interface: InterfaceId,
    direction: Direction,
}

/// When a packet was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    /// At this moment.
    Now,
    /// At this time of the monotonic clock.
    At(Duration),
}

/// What becomes of a packet. As text, what stands in the file as its comment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate<'a> {
    /// It goes on. What was done to it on its way here.
    Passes(&'a str),
    /// It went no further than into this segment.
    Ends(&'a str, End),
}

/// Why a packet went no further.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// The conditions have it so: lost, an outage, a cut.
    Befell(Cause),
    /// The queue was full: what it held, and its limit. No limit: there is no queue, and too much was under way.
    Full(Load, Option<QueueLimit>),
    /// The queue's discipline dropped it, after it had waited so long if it had been let in.
    Discipline(Discipline, Option<Duration>),
    /// It is longer than the segment carries.
    TooLong { len: usize, mtu: usize, then: Instead },
    /// Its time to live ended at this router.
    Expired(IpAddr),
    /// There was no memory for it.
    Memory,
    /// What it said of itself is not so.
    Malformed,
    /// The far end's kernel did not take it.
    NotTaken,
    /// Too many packets waited at the gateway to be admitted.
    NotAdmitted,
}

/// What came of a packet that was too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instead {
    /// Its fragments go on.
    Fragments,
    /// Its sender is told, as long as there is budget for it.
    Answer,
}

impl Tap {
    /// Begins a file.
    pub(crate) fn begin(file: File, limit: Size) -> io::Result<Self> {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let recorder = Recorder {
            file: CaptureFile::begin(file, limit)?,
            comment: String::new(),
            scratch: Vec::new(),
        };
        Ok(Self(Arc::new(Shared {
            recorder: Mutex::new(Some(recorder)),
            epoch: wall.unwrap_or_default().saturating_sub(clock()),
        })))
    }

    /// A place where packets are seen in both directions: up, and down.
    pub(crate) fn spots(&self, name: &str, description: &str) -> Option<[Spot; 2]> {
        let mut recorder = self.lock();
        let interface = recorder.as_mut()?.file.interface(&Interface {
            name,
            description,
            comment: "",
            link_type: LinkType::Ip,
        });
        Some([Direction::Up, Direction::Down].map(|direction| Spot { interface, direction }))
    }

    /// A packet is seen.
    pub(crate) fn note(&self, spot: Spot, when: When, header: &VnetHeader, bytes: &[u8], fate: Fate<'_>) {
        let mut recorder = self.lock();
        let Some(recorder) = &mut *recorder else {
            return;
        };
        let time = match when {
            // Under the lock, so that the file is in the order of these times.
            When::Now => clock(),
            When::At(time) => time,
        };
        let time = Timestamp::since_epoch(self.0.epoch.saturating_add(time));
        recorder.add(spot, time, header, bytes, fate);
    }

    /// Hands over what was noted, so that whoever reads the file sees it soon.
    pub(crate) fn flush(&self) {
        if let Some(recorder) = &mut *self.lock() {
            recorder.file.flush();
        }
    }

    /// How far it has come.
    pub(crate) fn figures(&self) -> CaptureFigures {
        self.lock()
            .as_ref()
            .map(|recorder| recorder.file.figures())
            .unwrap_or_default()
    }

    /// Ends the capture, and waits until the file is whole. `None`: it has ended before.
    pub(crate) fn finish(&self) -> Option<io::Result<CaptureFigures>> {
        let recorder = self.lock().take()?;
        Some(recorder.file.finish(PATIENCE))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Recorder>> {
        self.0.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    fn add(&mut self, spot: Spot, time: Timestamp, header: &VnetHeader, bytes: &[u8], fate: Fate<'_>) {
        self.comment.clear();
        // Text takes any text.
        let _ = write!(self.comment, "{fate}");
        let whole = match header.checksum {
            wharf_packet::Checksum::Partial { .. } => {
                self.scratch.clear();
                self.scratch.extend_from_slice(bytes);
                let mut header = *header;
                // What has no place for it stays as it is.
                let _ = header.complete_checksum(&mut self.scratch);
                &self.scratch
            }
            _ => bytes,
        };
        let packet = Packet {
            time,
            direction: Some(spot.direction),
            comment: &self.comment,
            data: &[whole],
        };
        self.file.packet(spot.interface, &packet);
    }
}

impl End {
    /// A packet was dropped by a machine.
    pub(crate) fn of<P: wharf_link::Packet>(
        machine: &Machine<P>,
        cause: Cause,
        waited: Option<Duration>,
    ) -> Self {
        let conditions = machine.conditions();
        let queue = (machine.queued(), conditions.queue_limit());
        Self::dropped(cause, queue, conditions.discipline, waited)
    }

    /// A packet was dropped by a machine that holds so much and has these limits.
    fn dropped(
        cause: Cause,
        queue: (Load, Option<QueueLimit>),
        discipline: Discipline,
        waited: Option<Duration>,
    ) -> Self {
        match cause {
            Cause::Queue => Self::Full(queue.0, queue.1),
            Cause::Aqm => Self::Discipline(discipline, waited),
            other => Self::Befell(other),
        }
    }
}

impl fmt::Display for Fate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (segment, end) = match self {
            Self::Passes(story) => return f.write_str(story),
            Self::Ends(segment, end) => (segment, end),
        };
        f.write_str("dropped: ")?;
        match end {
            End::Befell(cause) => match cause {
                Cause::Cut => write!(f, "{segment} is cut"),
                Cause::Outage => write!(f, "outage of {segment}"),
                Cause::Loss => write!(f, "loss of {segment}"),
                other => write!(f, "{other:?} of {segment}"),
            },
            End::Full(load, limit) => match limit {
                Some(QueueLimit::Packets(limit)) => {
                    write!(f, "queue of {segment} ({} of {limit} packets)", load.packets)
                }
                Some(QueueLimit::Bytes(limit)) => {
                    write!(
                        f,
                        "queue of {segment} ({} of {} bytes)",
                        load.bytes,
                        limit.bytes()
                    )
                }
                None => write!(f, "more than {DELAY_LINE} under way in {segment}"),
            },
            End::Discipline(discipline, waited) => {
                let text = discipline.to_string();
                let name = text.split_whitespace().next().unwrap_or_default();
                write!(f, "{name} of {segment}")?;
                match waited {
                    Some(waited) => write!(f, ", after {:.3} ms in the queue", waited.as_secs_f64() * 1000.0),
                    None => Ok(()),
                }
            }
            End::TooLong { len, mtu, then } => {
                write!(f, "MTU of {segment} ({len} of {mtu} bytes)")?;
                match then {
                    Instead::Fragments => f.write_str(", its fragments go on"),
                    Instead::Answer => Ok(()),
                }
            }
            End::Expired(router) => write!(f, "its time to live ended at {router}, behind {segment}"),
            End::Memory => f.write_str("no memory"),
            End::Malformed => f.write_str("malformed"),
            End::NotTaken => f.write_str("the kernel behind the link did not take it"),
            End::NotAdmitted => f.write_str("too many packets wait at the gateway to be let in"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_says_its_cause_and_segment() {
        let load = Load {
            packets: 64,
            bytes: 60_000,
        };
        let check = |end: End, expected: &str| assert_eq!(Fate::Ends("wifi", end).to_string(), expected);
        let queue = |limit| End::dropped(Cause::Queue, (load, limit), Discipline::DropTail, None);
        check(
            queue(Some(QueueLimit::Packets(64))),
            "dropped: queue of wifi (64 of 64 packets)",
        );
        check(
            queue(Some(QueueLimit::Bytes(Size::from_bytes(60_500)))),
            "dropped: queue of wifi (60000 of 60500 bytes)",
        );
        check(queue(None), "dropped: more than 64MiB under way in wifi");
        let codel: Discipline = "codel target 10ms".parse().expect("a discipline");
        let aqm = |waited| End::dropped(Cause::Aqm, (load, None), codel, waited);
        check(
            aqm(Some(Duration::from_micros(23_456))),
            "dropped: codel of wifi, after 23.456 ms in the queue",
        );
        check(aqm(None), "dropped: codel of wifi");
        for (cause, expected) in [
            (Cause::Loss, "dropped: loss of wifi"),
            (Cause::Outage, "dropped: outage of wifi"),
            (Cause::Cut, "dropped: wifi is cut"),
        ] {
            check(End::dropped(cause, (load, None), codel, None), expected);
        }
        let too_long = |then| End::TooLong {
            len: 1500,
            mtu: 600,
            then,
        };
        check(
            too_long(Instead::Answer),
            "dropped: MTU of wifi (1500 of 600 bytes)",
        );
        check(
            too_long(Instead::Fragments),
            "dropped: MTU of wifi (1500 of 600 bytes), its fragments go on",
        );
        assert_eq!(Fate::Passes("").to_string(), "");
    }
}

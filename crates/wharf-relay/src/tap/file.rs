//! A capture file under way: what is to be written is gathered, and handed to a thread that writes.

use std::fs::File;
use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wharf_capture::Timestamp;
use wharf_capture::pcapng::{Interface, InterfaceId, Packet, Section, Statistics};
use wharf_link::Size;

use super::now;
use super::spec::CaptureFigures;
use super::writer::{Backlog, Writer};

/// How much may wait for the file. Beyond it packets are dropped.
const BACKLOG: usize = 16 << 20;

/// How much is handed over at once, if there is as much before it is asked for.
const FULL: usize = 1 << 20;

/// What a packet takes in the file beside its own bytes, at most: the block's frame and the flags.
const FRAME: u64 = 32 + 3 + 12 + 8;

/// A pcapng file that is written by a thread of its own. Whoever adds to it never waits for it: what comes
/// faster than it can be written is left out, and so is what comes when it has reached its limit. Both are
/// counted, in the [figures](Self::figures) and in the interface's statistics at the end of the file.
///
/// Dropped, the file is made whole in its own time.
#[derive(Debug)]
pub struct CaptureFile {
    section: Section,
    interfaces: Vec<(InterfaceId, Seen)>,
    /// What has been gathered.
    buffer: Vec<u8>,
    writer: Option<Writer>,
    limit: u64,
    started: Timestamp,
    bytes: u64,
}

/// What was seen at an interface.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    packets: u64,
    /// Those of them that came faster than they could be written.
    dropped: u64,
    /// Those that came after the file had reached its limit.
    beyond_limit: u64,
}

impl CaptureFile {
    /// Begins a section. What is in the file stays, if it was opened so.
    ///
    /// # Errors
    /// When there is no thread to write it.
    pub fn begin(file: File, limit: Size) -> io::Result<Self> {
        let mut buffer = Vec::new();
        let section = Section::begin(&mut buffer, concat!("Wharf ", env!("CARGO_PKG_VERSION")));
        Ok(Self {
            section,
            interfaces: Vec::new(),
            bytes: buffer.len() as u64,
            buffer,
            writer: Some(Writer::start(file)?),
            limit: limit.bytes(),
            started: now(),
        })
    }

    /// Describes an interface.
    pub fn interface(&mut self, interface: &Interface<'_>) -> InterfaceId {
        let before = self.buffer.len();
        let id = self.section.interface(&mut self.buffer, interface);
        self.bytes += (self.buffer.len() - before) as u64;
        self.interfaces.push((id, Seen::default()));
        id
    }

    /// Adds a packet, if there is room.
    pub fn packet(&mut self, interface: InterfaceId, packet: &Packet<'_>) {
        let waiting = self.writer.as_ref().map_or(usize::MAX, Writer::waiting);
        let Some((_, seen)) = self.interfaces.get_mut(interface.index()) else {
            return;
        };
        seen.packets += 1;
        let len: usize = packet.data.iter().map(|piece| piece.len()).sum();
        let most = (len + packet.comment.len()) as u64 + FRAME;
        if self.bytes + most > self.limit {
            seen.beyond_limit += 1;
            return;
        }
        if waiting.saturating_add(self.buffer.len()) > BACKLOG {
            seen.dropped += 1;
            return;
        }
        let before = self.buffer.len();
        self.section.packet(&mut self.buffer, interface, packet);
        self.bytes += (self.buffer.len() - before) as u64;
        if self.buffer.len() >= FULL {
            self.flush();
        }
    }

    /// Hands over what has been gathered.
    pub fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if let Some(writer) = &self.writer {
            let next = writer.spare();
            writer.write(std::mem::replace(&mut self.buffer, next));
        }
    }

    /// What has been captured so far.
    #[must_use]
    pub fn figures(&self) -> CaptureFigures {
        let mut figures = CaptureFigures {
            bytes: self.bytes,
            ..CaptureFigures::default()
        };
        for (_, seen) in &self.interfaces {
            figures.packets += seen.packets;
            figures.dropped += seen.dropped;
            figures.beyond_limit += seen.beyond_limit;
        }
        figures
    }

    /// Writes the statistics of all interfaces, and waits until everything is in the file. What reads it, if it
    /// is a pipe, may take its time; but one that takes nothing for as long as `patience` is not waited for.
    ///
    /// # Errors
    /// When it could not all be written.
    pub fn finish(mut self, patience: Duration) -> io::Result<CaptureFigures> {
        let figures = self.figures();
        let Some((waiting, thread)) = self.conclude() else {
            return Ok(figures);
        };
        let (mut left, mut since) = (waiting.bytes(), Instant::now());
        while !thread.is_finished() {
            if since.elapsed() >= patience {
                let error = format!("nothing was taken for {patience:?}, and {left} bytes are left");
                return Err(io::Error::new(io::ErrorKind::TimedOut, error));
            }
            std::thread::sleep(Duration::from_millis(1));
            if waiting.bytes() != left {
                (left, since) = (waiting.bytes(), Instant::now());
            }
        }
        match thread.join() {
            Ok(written) => written.map(|()| figures),
            Err(_) => Err(io::Error::other("the thread that writes it has ended early")),
        }
    }

    /// Ends it: what is left is written by the thread that is handed back.
    pub(super) fn conclude(&mut self) -> Option<(Backlog, JoinHandle<io::Result<()>>)> {
        let writer = self.writer.take()?;
        let mut buffer = std::mem::take(&mut self.buffer);
        for (id, seen) in &self.interfaces {
            let now = now();
            let statistics = Statistics {
                time: now,
                started: self.started,
                ended: Some(now),
                received: seen.packets,
                dropped: seen.dropped + seen.beyond_limit,
                comment: &seen.missing(),
            };
            self.section.statistics(&mut buffer, *id, &statistics);
        }
        writer.write(buffer);
        Some(writer.end())
    }
}

impl Seen {
    /// Why packets are not in the file.
    fn missing(&self) -> String {
        match (self.dropped, self.beyond_limit) {
            (0, 0) => String::new(),
            (0, beyond) => format!("{beyond} packets came after the file had reached its limit"),
            (dropped, 0) => format!("{dropped} packets came faster than they could be written"),
            (dropped, beyond) => format!(
                "{dropped} packets came faster than they could be written, {beyond} after the file had reached its limit"
            ),
        }
    }
}

impl Drop for CaptureFile {
    /// Whoever gathered is gone: the file is still made whole.
    fn drop(&mut self) {
        drop(self.conclude());
    }
}

//! The thread that writes a capture's file.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// How many empty buffers are kept for use again.
const SPARE: usize = 4;

/// Buffers go to it, without ever waiting for it. It is bounded by whoever asks how much is
/// [`waiting`](Writer::waiting).
#[derive(Debug)]
pub(super) struct Writer {
    full: Sender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    waiting: Backlog,
    thread: JoinHandle<io::Result<()>>,
}

/// Bytes that are not in the file yet. A file that cannot be written leaves them there.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog(Arc<AtomicUsize>);

impl Backlog {
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Writer {
    pub(super) fn start(file: File) -> io::Result<Self> {
        let (full, buffers) = channel();
        let (spares, empty) = sync_channel(SPARE);
        let waiting = Backlog::default();
        let left = Arc::clone(&waiting.0);
        let thread = std::thread::Builder::new()
            .name("wharf-capture".to_owned())
            .spawn(move || write(file, &buffers, &spares, &left))?;
        Ok(Self {
            full,
            empty,
            waiting,
            thread,
        })
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.bytes()
    }

    /// An empty buffer.
    pub(super) fn spare(&self) -> Vec<u8> {
        self.empty.try_recv().unwrap_or_default()
    }

    pub(super) fn write(&self, buffer: Vec<u8>) {
        self.waiting.0.fetch_add(buffer.len(), Ordering::Relaxed);
        // It fails only where the thread has ended, which its handle tells.
        let _ = self.full.send(buffer);
    }

    /// Lets the thread end when all is written.
    pub(super) fn end(self) -> (Backlog, JoinHandle<io::Result<()>>) {
        (self.waiting, self.thread)
    }
}

fn write(
    mut file: File,
    buffers: &Receiver<Vec<u8>>,
    spares: &SyncSender<Vec<u8>>,
    waiting: &AtomicUsize,
) -> io::Result<()> {
    while let Ok(mut buffer) = buffers.recv() {
        if let Err(error) = file.write_all(&buffer) {
            // Nothing more will be written: whatever comes is to be dropped, and counted as such.
            waiting.store(usize::MAX / 2, Ordering::Relaxed);
            return Err(error);
        }
        waiting.fetch_sub(buffer.len(), Ordering::Relaxed);
        buffer.clear();
        let _ = spares.try_send(buffer);
    }
    file.flush()
}

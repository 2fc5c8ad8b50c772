//! What the services say: kept, followed, written down, all of it bounded.
//!
//! A line goes to three places: a ring in memory (for `wharf logs` and for the last words of
//! a service that died), a file on disk that is rotated at a limit, and every follower whose
//! queue has room. A follower that does not keep up loses lines, and is told how many.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Lines kept in memory for a service.
const RING_LINES: usize = 2000;
/// The longest line kept whole; a longer one is cut into several.
const LINE_BYTES: u64 = 16 * 1024;
/// A log file that has grown to this is set aside as `NAME.log.1`, over the one before it.
const FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Lines that a follower may be behind.
const FOLLOWER_LINES: usize = 4096;

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// Wharf itself, about the service.
    Wharf,
}

/// One line of a service's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The service.
    pub service: String,
    /// The stream.
    pub stream: Stream,
    /// The text, without its newline.
    pub text: String,
}

#[derive(Default)]
struct Kept {
    ring: VecDeque<Line>,
    file: Option<LogFile>,
}

#[derive(Default)]
struct Shared {
    services: BTreeMap<String, Kept>,
    followers: Vec<Follower>,
}

struct Follower {
    service: Option<String>,
    lines: SyncSender<Line>,
    lost: u64,
}

/// The logs of a stack.
#[derive(Clone)]
pub struct Logs {
    directory: Option<PathBuf>,
    shared: Arc<Mutex<Shared>>,
}

impl Logs {
    /// Logs that are also written to files in `directory`, where one is given.
    #[must_use]
    pub fn new(directory: Option<PathBuf>) -> Self {
        Logs {
            directory,
            shared: Arc::default(),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub fn add(&self, service: &str, stream: Stream, text: impl Into<String>) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = Line {
            at_ms: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
            service: service.to_owned(),
            stream,
            text: text.into(),
        };
        let mut shared = self.shared();
        shared.followers.retain_mut(|follower| follower.offer(&line));
        let kept = shared.services.entry(line.service.clone()).or_default();
        if let Some(directory) = &self.directory {
            let file = kept
                .file
                .get_or_insert_with(|| LogFile::new(directory, &line.service));
            file.write(&line.text);
        }
        if kept.ring.len() == RING_LINES {
            kept.ring.pop_front();
        }
        kept.ring.push_back(line);
    }

    /// The last lines, oldest first, of one service or of all.
    #[must_use]
    pub fn last(&self, service: Option<&str>, count: usize) -> Vec<Line> {
        let shared = self.shared();
        let mut lines: Vec<Line> = shared
            .services
            .iter()
            .filter(|(name, _)| service.is_none_or(|wanted| wanted == name.as_str()))
            .flat_map(|(_, kept)| kept.ring.iter().cloned())
            .collect();
        lines.sort_by_key(|line| line.at_ms);
        lines.split_off(lines.len().saturating_sub(count))
    }

    /// The last lines and then, without a gap, each that follows.
    #[must_use]
    pub fn follow(&self, service: Option<&str>, count: usize) -> (Vec<Line>, Receiver<Line>) {
        let last = self.last(service, count);
        let (lines, receiver) = sync_channel(FOLLOWER_LINES);
        self.shared().followers.push(Follower {
            service: service.map(str::to_owned),
            lines,
            lost: 0,
        });
        (last, receiver)
    }

    /// Ends all followers: nothing more is going to be said.
    pub fn close(&self) {
        self.shared().followers.clear();
    }

    /// Reads a stream to its end, line by line.
    pub fn read_stream(&self, service: &str, stream: Stream, from: impl Read, mut each: impl FnMut(&str)) {
        let mut reader = BufReader::new(from);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            match reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes) {
                // EIO is how a terminal's master says that its slave is closed.
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let text = text.trim_end_matches(['\n', '\r']);
                    each(text);
                    self.add(service, stream, text);
                }
            }
        }
    }
}

impl Follower {
    /// Whether the follower is still there.
    fn offer(&mut self, line: &Line) -> bool {
        if self
            .service
            .as_ref()
            .is_some_and(|wanted| *wanted != line.service)
        {
            return true;
        }
        if self.lost > 0 {
            let told = Line {
                stream: Stream::Wharf,
                text: format!("({} lines not shown: the reader was too slow)", self.lost),
                ..line.clone()
            };
            match self.lines.try_send(told) {
                Ok(()) => self.lost = 0,
                Err(TrySendError::Full(_)) => {
                    self.lost += 1;
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
        match self.lines.try_send(line.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

/// A log on disk. What cannot be written is not: a full disk must not stop the services.
struct LogFile {
    path: PathBuf,
    file: Option<File>,
    size: u64,
}

impl LogFile {
    fn new(directory: &Path, service: &str) -> Self {
        let path = directory.join(format!("{service}.log"));
        let file = open(&path).ok();
        let size = file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map_or(0, |data| data.len());
        LogFile { path, file, size }
    }

    fn write(&mut self, text: &str) {
        if self.size > FILE_BYTES {
            let _ = fs::rename(&self.path, self.path.with_extension("log.1"));
            self.file = open(&self.path).ok();
            self.size = 0;
        }
        if let Some(file) = &mut self.file
            && writeln!(file, "{text}").is_ok()
        {
            self.size += text.len() as u64 + 1;
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_follower_is_told_what_it_lost_and_the_ring_is_bounded() {
        let logs = Logs::new(None);
        let (before, follower) = logs.follow(Some("web"), 10);
        assert_eq!(before, []);
        for number in 0..FOLLOWER_LINES + 5 {
            logs.add("web", Stream::Out, number.to_string());
            logs.add("api", Stream::Out, "not for this follower");
        }
        assert_eq!(follower.try_iter().count(), FOLLOWER_LINES);
        logs.add("web", Stream::Out, "later");
        let told: Vec<String> = follower.try_iter().map(|line| line.text).collect();
        assert_eq!(told, ["(5 lines not shown: the reader was too slow)", "later"]);
        assert_eq!(logs.last(Some("web"), usize::MAX).len(), RING_LINES);
        assert_eq!(logs.last(None, 1).len(), 1);
    }

    #[test]
    fn files_are_rotated_at_their_limit() {
        let directory = tempfile::tempdir().expect("a directory");
        let logs = Logs::new(Some(directory.path().to_owned()));
        let line = "x".repeat(1 << 20);
        for _ in 0..20 {
            logs.add("web", Stream::Out, line.clone());
        }
        let size = |name: &str| fs::metadata(directory.path().join(name)).expect("there").len();
        assert!(size("web.log") <= FILE_BYTES + (1 << 21), "{}", size("web.log"));
        assert!(
            size("web.log.1") <= FILE_BYTES + (1 << 21),
            "{}",
            size("web.log.1")
        );
    }
}

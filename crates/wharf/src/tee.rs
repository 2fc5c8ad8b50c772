//! A child whose output goes where it would have gone, and is read on its way. Where that is a
//! terminal, the child sees one: a pseudoterminal of the same size, so that colours and progress
//! bars are as ever.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

/// Lines that are kept: the last ones tell why a command failed.
const MOST_LINES: usize = 2000;
/// A line that never ends is not kept in full.
const LONGEST_LINE: usize = 16 * 1024;

/// A child and its output.
pub(crate) struct Tee {
    pub(crate) child: Child,
    kept: Arc<Mutex<VecDeque<String>>>,
    ended: Receiver<()>,
}

impl Tee {
    /// Starts `command`, with its standard input as it is.
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let (out_reader, out_writer) = way(&io::stdout())?;
        let (err_reader, err_writer) = way(&io::stderr())?;
        command
            .stdout(Stdio::from(out_writer))
            .stderr(Stdio::from(err_writer));
        let child = command.spawn();
        // It has copies of the writing ends: the readers would never see the end.
        drop(command);
        let child = child?;
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let (tell, ended) = channel();
        let (out_kept, out_tell) = (Arc::clone(&kept), tell.clone());
        std::thread::spawn(move || {
            pass_on(out_reader, &mut io::stdout(), &out_kept);
            // Nobody waits for it any more once the patience is over.
            let _ = out_tell.send(());
        });
        let err_kept = Arc::clone(&kept);
        std::thread::spawn(move || {
            pass_on(err_reader, &mut io::stderr(), &err_kept);
            let _ = tell.send(());
        });
        Ok(Tee { child, kept, ended })
    }

    /// The lines of its output. Waits until all of it has been read: for no longer than `patience`,
    /// since what it left running may keep its output open for ever.
    pub(crate) fn lines(self, patience: Duration) -> Vec<String> {
        let until = Instant::now() + patience;
        for _reader in 0..2 {
            let left = until.saturating_duration_since(Instant::now());
            if self.ended.recv_timeout(left).is_err() {
                break;
            }
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.drain(..).collect()
    }
}

/// The two ends of a way for output that is to go to `aim`.
fn way(aim: &(impl IsTerminal + AsFd)) -> io::Result<(File, OwnedFd)> {
    if !aim.is_terminal() {
        let (reader, writer) = io::pipe()?;
        return Ok((File::from(OwnedFd::from(reader)), writer.into()));
    }
    let (ours, its) = wharf_stack::pty::open()?;
    if let Ok(size) = tcgetwinsize(aim) {
        tcsetwinsize(&its, size)?;
    }
    // The real terminal adds the carriage returns.
    let mut modes = tcgetattr(&its)?;
    modes.output_modes.remove(OutputModes::OPOST);
    tcsetattr(&its, OptionalActions::Now, &modes)?;
    Ok((File::from(ours), its))
}

fn pass_on(mut from: File, to: &mut impl Write, kept: &Mutex<VecDeque<String>>) {
    let mut buffer = [0; 16 * 1024];
    let mut line = Vec::new();
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // EIO: nobody has the pseudoterminal open any more.
            Err(_) => break,
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        // A reader that has gone away is no reason to leave the command blocked.
        let _ = to.write_all(bytes).and_then(|()| to.flush());
        for &byte in bytes {
            match byte {
                b'\n' => keep(&mut line, kept),
                _ if line.len() < LONGEST_LINE => line.push(byte),
                _ => {}
            }
        }
    }
    if !line.is_empty() {
        keep(&mut line, kept);
    }
}

fn keep(line: &mut Vec<u8>, kept: &Mutex<VecDeque<String>>) {
    let text = String::from_utf8_lossy(line).into_owned();
    line.clear();
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() == MOST_LINES {
        kept.pop_front();
    }
    kept.push_back(text);
}

//! Passing the door on: the listening sockets and the lock go from the owner to a waiter.
//!
//! ```text
//! owner                      waiter
//!   | ---- connect ----------> |      both check that the other is the same user
//!   | <--- HELLO ------------- |      it is awake: a stopped process must not get descriptors it will not read
//!   | ---- note + SCM_RIGHTS > |      listeners, and the lock last
//!   | <--- HAVE -------------- |
//!   | (stops accepting)        |
//!   | ---- YOURS ------------> |      (serves)
//! ```
//!
//! Until `YOURS` the waiter only keeps the descriptors, and drops them if the line breaks: then the owner
//! has died (its lock is free when ours is dropped) or has turned to another waiter.

use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use crate::lock::Lock;
use crate::{peer, process};

const HELLO: u8 = b'h';
const HAVE: u8 = b'g';
const YOURS: u8 = b'y';
/// How long one step of the talk may take.
const STEP: Duration = Duration::from_secs(1);
/// More waiters than anyone has; each costs at most a few [`STEP`]s.
const MOST_WAITERS: usize = 16;
/// Two families, a few more for a lease, and the lock.
const MOST_DESCRIPTORS: usize = 8;
/// The note: what the owner could not have, as lines.
const LONGEST_NOTE: usize = 4096;

/// A waiter's socket, `door-PID.sock`; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) listener: UnixListener,
    path: PathBuf,
}

/// What a waiter got.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) lock: Lock,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) note: Vec<u8>,
}

/// A waiter that has the descriptors and waits for the word.
#[derive(Debug)]
pub(crate) struct Heir {
    stream: UnixStream,
    pid: u32,
}

impl Post {
    pub(crate) fn open(run_dir: &Path) -> io::Result<Self> {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let pid = std::process::id();
        let path = run_dir.join(match OPENED.fetch_add(1, Ordering::Relaxed) {
            0 => format!("door-{pid}.sock"),
            more => format!("door-{pid}-{more}.sock"),
        });
        // The directory is 0700 (checked), so a socket of our pid is left over from a dead process, and nobody
        // else can reach this one before its mode is set.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        let post = Self { listener, path };
        fs::set_permissions(&post.path, fs::Permissions::from_mode(0o600))?;
        post.listener.set_nonblocking(true)?;
        Ok(post)
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The owner's side: finds a waiter that takes `listeners` and `lock`.
pub(crate) fn offer(
    run_dir: &Path,
    listeners: &[TcpListener],
    lock: BorrowedFd<'_>,
    note: &[u8],
) -> Option<Heir> {
    let mut fds: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
    fds.push(lock);
    posts(run_dir)
        .into_iter()
        .find_map(|path| offer_to(&path, &fds, note).ok())
}

fn posts(run_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(run_dir) else {
        return Vec::new();
    };
    let mut posts = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        match waiter_of(&path) {
            Some(pid) if process::exists(pid) => posts.push(path),
            // Its waiter was killed: nobody else clears up after it.
            Some(_) => drop(fs::remove_file(path)),
            None => {}
        }
    }
    posts.truncate(MOST_WAITERS);
    posts
}

/// The pid in `door-PID.sock` or `door-PID-N.sock`.
fn waiter_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix("door-")?.strip_suffix(".sock")?;
    name.split('-').next()?.parse().ok()
}

fn offer_to(path: &Path, fds: &[BorrowedFd<'_>], note: &[u8]) -> io::Result<Heir> {
    let mut stream = UnixStream::connect(path)?;
    let pid = check(&stream)?;
    expect(&mut stream, HELLO)?;

    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many listeners to pass on"));
    }
    let note = &note[..note.len().min(LONGEST_NOTE)];
    // One byte at least: descriptors travel on data.
    let parts = [IoSlice::new(b":"), IoSlice::new(note)];
    sendmsg(&stream, &parts, &mut control, SendFlags::NOSIGNAL)?;
    expect(&mut stream, HAVE)?;
    Ok(Heir { stream, pid })
}

impl Heir {
    /// Gives the word, after which the heir serves.
    pub(crate) fn commit(mut self) -> Option<u32> {
        self.stream.write_all(&[YOURS]).ok().map(|()| self.pid)
    }
}

/// The waiter's side, in two steps: takes the descriptors, and waits for the word.
pub(crate) fn receive(mut stream: UnixStream) -> io::Result<Handed> {
    stream.set_nonblocking(false)?;
    check(&stream)?;
    stream.write_all(&[HELLO])?;
    let (mut fds, note) = receive_descriptors(&stream)?;
    let lock = fds
        .pop()
        .ok_or_else(|| io::Error::other("no lock was passed on"))?;
    let handed = Handed {
        lock: Lock::passed_on(lock),
        listeners: fds.into_iter().map(TcpListener::from).collect(),
        note,
    };
    stream.write_all(&[HAVE])?;
    expect(&mut stream, YOURS)?;
    Ok(handed)
}

fn receive_descriptors(stream: &UnixStream) -> io::Result<(Vec<OwnedFd>, Vec<u8>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut text = vec![0; LONGEST_NOTE + 1];
    // Close-on-exec from the first instant: a service started meanwhile must not inherit the door.
    let got = recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut text)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    text.truncate(got.bytes);
    if text.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    text.remove(0);
    Ok((fds, text))
}

/// Bounds each step, and makes sure of the peer.
fn check(stream: &UnixStream) -> io::Result<u32> {
    stream.set_read_timeout(Some(STEP))?;
    stream.set_write_timeout(Some(STEP))?;
    peer::same_user(stream).ok_or_else(|| io::Error::from(io::ErrorKind::PermissionDenied))
}

fn expect(stream: &mut UnixStream, word: u8) -> io::Result<()> {
    let mut got = [0];
    stream.read_exact(&mut got)?;
    if got[0] == word {
        Ok(())
    } else {
        Err(io::Error::other("the other side spoke out of turn"))
    }
}

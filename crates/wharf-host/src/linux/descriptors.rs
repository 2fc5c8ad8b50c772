//! The open files of a process, by the links in `/proc/PID/fd` (proc_pid_fd(5)).
//!
//! One link is read for each descriptor, relative to the open directory and without any allocation.
//! Nothing is cheaper by much: `statx` of the link's target takes 95 % of the time of `readlinkat`, and
//! trying the numbers without listing them three times as long, since the kernel then makes each
//! entry anew.

use std::fs;
use std::io;
use std::mem::MaybeUninit;

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom, open, readlinkat_raw, seek};
use rustix::io::Errno;

use super::procfs::path;

/// Long enough for `socket:[18446744073709551615]`; a longer link is no socket's.
const LINK: usize = 32;
/// The low descriptors are those below this.
const LOW: u32 = 64;
/// `.` and `..`, which stand before the descriptors.
const DOTS: u64 = 2;
/// Room for the entries of the low ones, 24 bytes each, or for a good part of many.
const ENTRIES: usize = 24 * (LOW as usize + DOTS as usize) + 8;
const MANY_ENTRIES: usize = 8 * 1024;

/// Which descriptors of a process.
///
/// A listener is opened before the connections that it accepts, and a descriptor gets the least free
/// number: so the low ones are where listeners are, on a server with thousands of connections above
/// all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    All,
    Low,
    High,
}

/// Calls `take` with the inode of each socket that `pid` has open, by a descriptor of `span`.
///
/// # Errors
/// When its descriptors may not be listed, or it is gone.
pub(super) fn each_socket(pid: u32, span: Span, take: impl FnMut(u64)) -> io::Result<()> {
    match span {
        Span::Low => walk(pid, span, &mut [MaybeUninit::uninit(); ENTRIES], take),
        Span::All | Span::High => walk(pid, span, &mut [MaybeUninit::uninit(); MANY_ENTRIES], take),
    }
}

fn walk(pid: u32, span: Span, buffer: &mut [MaybeUninit<u8>], mut take: impl FnMut(u64)) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = open(path(pid, "fd"), flags, Mode::empty())?;
    if span == Span::High {
        // An entry's place is its number behind the dots (fs/proc/fd.c: proc_readfd_common).
        seek(&directory, SeekFrom::Start(DOTS + u64::from(LOW)))?;
    }
    let mut entries = RawDir::new(&directory, buffer);
    let mut link = [0; LINK];
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if span == Span::Low && number(name.to_bytes()).is_some_and(|number: u32| number >= LOW) {
            break;
        }
        match readlinkat_raw(&directory, name, &mut link) {
            Ok(length) => {
                if let Some(inode) = link.get(..length).and_then(socket_inode) {
                    take(inode);
                }
            }
            // `.` and `..`, or a descriptor that was closed meanwhile.
            Err(Errno::INVAL | Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// How many descriptors `pid` has open.
pub(super) fn count(pid: u32) -> io::Result<u64> {
    let directory = path(pid, "fd");
    // Since Linux 6.2 the directory's size is the number (fs/proc/fd.c: proc_fd_getattr); it was 0.
    match fs::metadata(&directory)?.len() {
        0 => Ok(fs::read_dir(directory)?.count() as u64),
        count => Ok(count),
    }
}

/// `socket:[4242]` → 4242.
fn socket_inode(link: &[u8]) -> Option<u64> {
    let digits = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    number(digits)
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_has_a_sockets_inode() {
        assert_eq!(socket_inode(b"socket:[4242]"), Some(4242));
        for other in [
            "pipe:[1]",
            "socket:[]",
            "socket:[x]",
            "socket:[1",
            "/dev/null",
            "",
        ] {
            assert_eq!(socket_inode(other.as_bytes()), None, "{other}");
        }
        assert!(format!("socket:[{}]", u64::MAX).len() <= LINK);
    }

    #[test]
    fn low_and_high_are_all() {
        let sockets: Vec<std::net::UdpSocket> = (0..2 * LOW)
            .map(|_| std::net::UdpSocket::bind("127.0.0.1:0").expect("bind"))
            .collect();
        let seen = |span| {
            let mut inodes = Vec::new();
            each_socket(std::process::id(), span, |inode| inodes.push(inode)).expect("our own");
            inodes
        };
        let (low, high, all) = (seen(Span::Low), seen(Span::High), seen(Span::All));
        assert_eq!([low.clone(), high.clone()].concat(), all);
        assert!(low.len() <= LOW as usize);
        assert!(all.len() >= sockets.len());
        assert!(!high.is_empty());
        assert!(count(std::process::id()).expect("our own") >= all.len() as u64);
    }
}

//! Handing sockets on to a program: descriptors from 3 on, as `sd_listen_fds(3)` has it.
//!
//! The one file of this crate with `unsafe` in it: a number becomes an owned descriptor here, and
//! nobody but the caller can know that nothing else in the process owns the same.

#![expect(
    unsafe_code,
    reason = "descriptors are inherited as numbers; this file adopts them"
)]

use std::mem::ManuallyDrop;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::{FdFlags, dup2, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd};

use crate::{Error, Result};

/// The first descriptor that is passed (`SD_LISTEN_FDS_START`).
pub const FIRST: RawFd = 3;
/// More are not passed at once; it bounds the numbers that are used in between.
const MOST: usize = 256;

/// A descriptor to pass: its number here, and its name there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Its number in this process.
    pub number: RawFd,
    /// Its name in `LISTEN_FDNAMES`.
    pub name: String,
}

/// Takes over the descriptor that this process inherited as `number`, and sees to it that no
/// child inherits it again.
///
/// For a program that was just executed and was told the number, once for each: what else in the
/// process owns the descriptor would find it closed one day.
///
/// # Errors
/// When `number` is not open, or is one of the three standard ones.
pub fn adopt(number: RawFd) -> Result<OwnedFd> {
    if (0..FIRST).contains(&number) {
        return Err(error(number, "it is standard input, output or error"));
    }
    let borrowed = open(number)?;
    fcntl_setfd(borrowed, FdFlags::CLOEXEC).map_err(|errno| error(number, &errno.to_string()))?;
    // SAFETY: `number` is open, as was just asked. That nothing else in the process owns it is
    // what the caller says by calling: it is an inherited number, adopted once.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Puts `passed` at 3, 4, … in their order, to be inherited by the program that this process is
/// about to become, and gives the variables that tell it so. Every other number that they had is
/// not inherited.
///
/// Whatever else was open at 3, 4, … is replaced: this is for the last moment before `exec`. The
/// process id stays the same over `exec`, so `LISTEN_PID` is this process's.
///
/// # Errors
/// When a number is not open, is given twice, or a name holds what a name may not (colons,
/// control characters). Some descriptors may have been moved by then: the process should end.
pub fn pass(passed: &[Passed]) -> Result<[(&'static str, String); 3]> {
    check(passed)?;
    let count = passed.len() as RawFd;
    let end = FIRST + count;
    // First to numbers beyond all places, so that no place is overwritten that is yet to be moved.
    let mut copies = Vec::with_capacity(passed.len());
    for one in passed {
        let original = open(one.number)?;
        let failed = |errno: rustix::io::Errno| error(one.number, &errno.to_string());
        copies.push(fcntl_dupfd_cloexec(original, end).map_err(failed)?);
        fcntl_setfd(original, FdFlags::CLOEXEC).map_err(failed)?;
    }
    for (place, copy) in (FIRST..end).zip(&copies) {
        // SAFETY: it is not dropped, so nothing is closed that another owns; and `dup2` makes
        // `place` open if it was not. What was open there is replaced, as documented.
        let mut target = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(place) });
        // A descriptor that `dup2` makes is inherited: it has no FD_CLOEXEC (dup(2)).
        dup2(copy, &mut target).map_err(|errno| error(place, &errno.to_string()))?;
    }
    let names: Vec<&str> = passed.iter().map(|one| one.name.as_str()).collect();
    Ok([
        ("LISTEN_FDS", count.to_string()),
        ("LISTEN_FDNAMES", names.join(":")),
        ("LISTEN_PID", std::process::id().to_string()),
    ])
}

/// What can be said against `passed` before anything is moved.
fn check(passed: &[Passed]) -> Result<()> {
    if passed.len() > MOST {
        return Err(error(FIRST, &format!("more than {MOST} are to be passed")));
    }
    for (index, one) in passed.iter().enumerate() {
        open(one.number)?;
        if passed
            .iter()
            .take(index)
            .any(|before| before.number == one.number)
        {
            return Err(error(one.number, "it is to be passed twice"));
        }
        let is_name = one
            .name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !is_name || one.name.is_empty() || one.name.len() > 255 {
            return Err(error(one.number, &format!("{:?} is no name for it", one.name)));
        }
    }
    Ok(())
}

/// Borrows `number`, if it is open.
fn open(number: RawFd) -> Result<BorrowedFd<'static>> {
    if number < 0 {
        return Err(error(number, "it is no descriptor"));
    }
    // SAFETY: not -1, as was just asked. Nothing is done to the descriptor but asking whether it is
    // open; the functions above go on only if it is, and are done with it before they return.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl_getfd(borrowed).map_err(|_| error(number, "it is not open"))?;
    Ok(borrowed)
}

fn error(number: RawFd, detail: &str) -> Error {
    Error::Descriptor {
        number,
        detail: detail.to_owned(),
    }
}

//! Is the process that wrote a file still there, and the same one?

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// The start time of this process in clock ticks since boot (`/proc/PID/stat`, field 22), for a
/// [`Registration`](crate::Registration). 0 where the system does not say.
pub fn own_start_time() -> u64 {
    start_time(std::process::id()).unwrap_or(0)
}

/// Whether `pid` lives, and is the process that started at `start_time`.
pub(crate) fn is_alive(pid: u32, start_time: u64) -> bool {
    system::is_alive(pid, start_time)
}

/// Whether some process has this pid.
pub(crate) fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

fn start_time(pid: u32) -> Option<u64> {
    system::start_time(pid)
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::io::Read;

    pub(super) fn is_alive(pid: u32, start_time: u64) -> bool {
        match read(pid) {
            // Z and X: dead, and not yet reaped (proc_pid_stat(5)).
            Some((state, started)) => !matches!(state, 'Z' | 'X' | 'x') && started == start_time,
            None => false,
        }
    }

    pub(super) fn start_time(pid: u32) -> Option<u64> {
        read(pid).map(|(_, started)| started)
    }

    fn read(pid: u32) -> Option<(char, u64)> {
        // One read, since this is asked for each request: procfs gives the whole line at once, and 52 numbers
        // and a name of 64 bytes at most (proc_pid_stat(5)) have room here.
        let mut line = [0; 2048];
        let length = File::open(format!("/proc/{pid}/stat"))
            .ok()?
            .read(&mut line)
            .ok()?;
        parse(&String::from_utf8_lossy(&line[..length]))
    }

    /// Fields 3 and 22. The second field, the name, may hold blanks and brackets: count from its last bracket.
    fn parse(stat: &str) -> Option<(char, u64)> {
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let start_time = fields.nth(18)?.parse().ok()?;
        Some((state, start_time))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_with_brackets_does_not_confuse() {
            let stat = "7 (a ) Z 1) S 1 7 7 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 4242 1000 50 18446744";
            assert_eq!(parse(stat), Some(('S', 4242)));
            assert_eq!(parse("7 (a) S 1 2"), None);
            assert_eq!(parse(""), None);
        }

        #[test]
        fn this_process_lives_and_another_start_time_does_not() {
            let pid = std::process::id();
            let started = start_time(pid).expect("own stat");
            assert!(is_alive(pid, started));
            assert!(!is_alive(pid, started + 1));
            assert!(!is_alive(u32::MAX, started));
        }
    }
}

/// Missing here: start times, so a pid that was given to another process counts as alive.
#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn is_alive(pid: u32, _start_time: u64) -> bool {
        super::exists(pid)
    }

    pub(super) fn start_time(_pid: u32) -> Option<u64> {
        None
    }
}

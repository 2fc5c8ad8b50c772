//! Stopping, for real.

use std::io::{self, IsTerminal, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use wharf_host::process;
use wharf_stack::control::Request;

use super::plan::{Way, unit_command};
use crate::cli::{Stop, Which};
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(way: &Way, args: &Stop) -> Result<(), Report> {
    match way {
        Way::Stack { stack } => ask_stack(stack, &Request::Down),
        Way::Service { stack, service } => ask_stack(
            stack,
            &Request::Stop {
                service: service.clone(),
            },
        ),
        Way::Unit { unit, manager, of } => command(&unit_command(unit, *manager, of.as_deref())),
        Way::Container { engine, id, .. } => command(&[engine.program(), "stop", id].map(str::to_owned)),
        Way::Process {
            pid,
            start_time,
            caution,
        } => {
            if caution.is_some() && !agreed(args, &format!("This command runs within pid {pid}. Stop it?")) {
                return Err(Report::new(
                    Code::Failed,
                    format!("stop pid {pid}: this command runs within it"),
                )
                .hint("--yes stops it all the same"));
            }
            signal(*pid, *start_time, args)
        }
        Way::Never { pid, why } => Err(Report::new(Code::Failed, format!("stop pid {pid}: {why}"))),
    }
}

fn ask_stack(stack: &str, request: &Request) -> Result<(), Report> {
    let here = Surroundings::read()?;
    let which = Which {
        stack: Some(stack.to_owned()),
        file: None,
    };
    let client = target::find(&here, &which)?.client();
    client.ask(request)?;
    if let Request::Stop { .. } = request {
        client.ask(&Request::Settle)?;
    }
    Ok(())
}

/// Runs a command of another program that stops things, with its output as it is.
fn command(words: &[String]) -> Result<(), Report> {
    let line = words.join(" ");
    let Some((program, arguments)) = words.split_first() else {
        return Ok(());
    };
    let failed = |why: String| Report::new(Code::Failed, format!("run `{line}`: {why}"));
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|error| failed(error.to_string()))?;
    match status.success() {
        true => Ok(()),
        false => Err(failed(status.to_string())),
    }
}

/// SIGTERM, a wait, a question, SIGKILL. By a descriptor that stands for this very process: a pid
/// that is used again is never hit (pidfd_open(2)).
fn signal(pid: u32, start_time: u64, args: &Stop) -> Result<(), Report> {
    let subject = format!("stop pid {pid}");
    let gone = || {
        out::error_line(&format!("pid {pid} has ended by itself"));
        Ok(())
    };
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let handle = match number.map(|number| pidfd_open(number, PidfdFlags::empty())) {
        Some(Ok(handle)) => handle,
        Some(Err(Errno::SRCH)) | None => return gone(),
        Some(Err(error)) => return Err(Report::new(Code::Failed, format!("{subject}: {error}"))),
    };
    // Only now: from here on the descriptor holds on to whoever has the number.
    if process::start_time(pid) != Some(start_time) {
        return gone();
    }
    send(&handle, Signal::TERM, &subject)?;
    // What stands still (Ctrl-Z) would not notice.
    send(&handle, Signal::CONT, &subject)?;
    let timeout = args.timeout.duration();
    if ends(&handle, timeout) {
        return Ok(());
    }
    let question = format!("pid {pid} still runs after {}. Kill it (SIGKILL)?", args.timeout);
    if !agreed(args, &question) {
        return Err(Report::new(
            Code::Failed,
            format!("{subject}: it still runs {} after SIGTERM", args.timeout),
        )
        .hint("--yes kills it then; a longer --timeout waits longer"));
    }
    send(&handle, Signal::KILL, &subject)?;
    match ends(&handle, timeout.max(Duration::from_secs(5))) {
        true => Ok(()),
        false => Err(Report::new(
            Code::Failed,
            format!("{subject}: it does not end even by SIGKILL: the kernel waits for a device"),
        )),
    }
}

fn send(handle: &OwnedFd, signal: Signal, subject: &str) -> Result<(), Report> {
    match pidfd_send_signal(handle, signal) {
        // It ended meanwhile.
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(Errno::PERM) => Err(
            Report::new(Code::Hidden, format!("{subject}: it is another user's"))
                .hint("with sudo it can be stopped"),
        ),
        Err(error) => Err(Report::new(Code::Failed, format!("{subject}: {error}"))),
    }
}

/// Whether the process ends in time: its descriptor becomes readable then.
fn ends(handle: &OwnedFd, timeout: Duration) -> bool {
    let until = Instant::now() + timeout;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(left) = Timespec::try_from(left) else {
            return false;
        };
        match poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return ready > 0,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Whether the user says yes: in advance, or on the terminal. Without one, it is no.
fn agreed(args: &Stop, question: &str) -> bool {
    if args.yes {
        return true;
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return false;
    }
    let mut stderr = io::stderr();
    let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| io::stdin().read_line(&mut answer));
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use wharf_link::Latency;

    use super::*;

    #[test]
    fn a_pid_that_is_used_again_is_never_hit() {
        let mut child = Command::new("sleep").arg("600").spawn().expect("it starts");
        let start_time = process::start_time(child.id()).expect("it runs");
        let args = Stop {
            target: "pid:1".parse().expect("a target"),
            dry_run: false,
            yes: true,
            timeout: Latency::millis(10_000),
            snapshot: None,
        };
        // Seen before: another process with the same number.
        signal(child.id(), start_time - 1, &args).expect("that one is gone");
        assert!(child.try_wait().expect("it is ours").is_none(), "it was hit");
        signal(child.id(), start_time, &args).expect("it ends");
        child.wait().expect("it is ours");
    }
}

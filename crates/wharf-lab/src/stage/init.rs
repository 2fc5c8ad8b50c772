//! The first process of the command's side. It is what the kernel gives orphans to, and what all
//! processes there end with.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use super::{ARGUMENT, EXEC, Trouble, files, local, outlive_the_terminal};
use crate::channel::Channel;
use crate::kernel::mounts;
use crate::message::{Exit, FromInit, Names, Order};

/// The arguments are those of the exec stage.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let Ok(channel) = Channel::of_stdin() else {
        return ExitCode::FAILURE;
    };
    match serve(&channel, arguments) {
        Ok(Some(exit)) => {
            // Whoever would hear it is gone otherwise.
            let _ = channel.send(&FromInit::Exited(exit), &[]);
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(trouble) => {
            let _ = channel.send(&FromInit::Failed(trouble), &[]);
            ExitCode::FAILURE
        }
    }
}

/// `None`: the lab is over, or was before anything began.
fn serve(channel: &Channel, arguments: &[OsString]) -> Result<Option<Exit>, Trouble> {
    outlive_the_terminal();
    let receive = || {
        channel
            .receive::<Order>()
            .map_err(|error| Trouble::of(format!("hear from the switch: {error}")))
    };
    let Some((Order::Prepare(names), streams)) = receive()? else {
        return Ok(None);
    };
    let streams: [OwnedFd; 3] = streams
        .try_into()
        .map_err(|_| Trouble::of("start the command: a standard stream is missing"))?;
    prepare(&names)?;
    let _local = local::open(&names.local)?;
    let (mut ended, theirs) = UnixStream::pair()
        .and_then(|(ours, theirs)| ours.set_nonblocking(true).map(|()| (ours, theirs)))
        .map_err(|error| Trouble::of(format!("watch for children: {error}")))?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGCHLD, theirs)
        .map_err(|error| Trouble::of(format!("watch for children: {error}")))?;
    let Some((Order::Start, _)) = receive()? else {
        return Ok(None);
    };
    let command =
        start(arguments, streams).map_err(|error| Trouble::of(format!("start the command: {error}")))?;
    loop {
        let [from_switch, child_ended] = wait_for(channel, &ended)
            .map_err(|error| Trouble::of(format!("wait for the command: {error}")))?;
        if child_ended {
            while matches!(ended.read(&mut [0; 64]), Ok(1..)) {}
            if let Some(exit) = reap(command) {
                return Ok(Some(exit));
            }
        }
        if from_switch {
            match receive()? {
                Some((Order::Signal(number), _)) => {
                    if let Some(signal) = Signal::from_named_raw(number) {
                        // It may have just ended.
                        let _ = kill_process(command, signal);
                    }
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }
}

fn wait_for(channel: &Channel, ended: &UnixStream) -> io::Result<[bool; 2]> {
    let mut ready = [
        PollFd::new(channel, PollFlags::IN),
        PollFd::new(ended, PollFlags::IN),
    ];
    match poll(&mut ready, None) {
        Ok(_) => Ok([!ready[0].revents().is_empty(), !ready[1].revents().is_empty()]),
        Err(Errno::INTR) => Ok([false, true]),
        Err(error) => Err(error.into()),
    }
}

/// Reaps whatever has ended, and says how the command did if it was among that.
fn reap(command: Pid) -> Option<Exit> {
    let mut exit = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == command {
            exit = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Some(Exit::Code(code)),
                (None, Some(signal)) => Some(Exit::Signal(signal)),
                (None, None) => None,
            };
        }
    }
    exit
}

fn start(arguments: &[OsString], streams: [OwnedFd; 3]) -> io::Result<Pid> {
    let [stdin, stdout, stderr] = streams;
    let child = Command::new(std::env::current_exe()?)
        .args([ARGUMENT, EXEC])
        .args(arguments)
        .stdin(Stdio::from(stdin))
        .stdout(Stdio::from(stdout))
        .stderr(Stdio::from(stderr))
        .spawn()?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("the kernel gave no pid"))
}

/// Gives the command its own `/etc/hosts`, `/etc/resolv.conf` and `/proc`.
fn prepare(names: &Names) -> Result<(), Trouble> {
    files::put(names)?;
    mounts::try_proc();
    Ok(())
}

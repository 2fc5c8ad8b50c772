use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::FdFlags;
use rustix::process::{Signal, WaitOptions, kill_process_group, wait};

use super::family::{self, Leader};
use super::frame::{Command, Launch, Report, receive, send};
use crate::shim::{Network, ShimSpec};
use crate::supervise::Exit;

struct Guardian {
    socket: UnixStream,
    own_pid: u32,
    exe: PathBuf,
    /// Launched processes that have not been reaped, by pid.
    running: HashMap<u32, Running>,
}

struct Running {
    instance: String,
    cgroup: Option<PathBuf>,
}

/// Runs the guardian on its standard input until that ends, then ends its descendants.
///
/// # Errors
/// If standard input is no socket, or the process cannot be made a subreaper: then nothing
/// was started.
pub fn run(exe: PathBuf) -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    rustix::process::setsid().ok();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let (mut child_ended, on_signal) = UnixStream::pair()?;
    child_ended.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGCHLD, on_signal)?;
    // A terminal's Ctrl-C goes to its foreground group, which the guardian is not in; but
    // whoever signals it by mistake must not make orphans.
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
    ] {
        signal_hook::flag::register(signal, std::sync::Arc::default())?;
    }
    let own_pid = std::process::id();
    let mut guardian = Guardian {
        socket,
        own_pid,
        exe,
        running: HashMap::new(),
    };
    guardian.serve(&mut child_ended);
    for running in guardian.running.values() {
        if let Some(cgroup) = &running.cgroup {
            crate::cgroup::kill(cgroup);
        }
    }
    let _unkillable = family::end_descendants(own_pid);
    for running in guardian.running.values() {
        if let Some(cgroup) = &running.cgroup {
            crate::cgroup::remove(cgroup);
        }
    }
    Ok(())
}

impl Guardian {
    fn serve(&mut self, child_ended: &mut UnixStream) {
        loop {
            let (from_wharf, from_children) = {
                let mut fds = [
                    PollFd::new(&self.socket, PollFlags::IN),
                    PollFd::new(child_ended, PollFlags::IN),
                ];
                match poll(&mut fds, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(_) => return,
                }
                (!fds[0].revents().is_empty(), !fds[1].revents().is_empty())
            };
            if from_children {
                let mut drained = [0; 64];
                while matches!(io::Read::read(child_ended, &mut drained), Ok(1..)) {}
                self.reap();
            }
            if from_wharf {
                match receive::<Command>(&mut self.socket) {
                    Ok(Some((command, fds))) => self.obey(command, fds),
                    Ok(None) | Err(_) => return,
                }
            }
        }
    }

    fn obey(&mut self, command: Command, fds: Vec<OwnedFd>) {
        match command {
            Command::Launch(launch) => self.launch(&launch, fds),
            Command::Signal { instance, signal } => {
                if let Some(pid) = self.pid_of(&instance).and_then(family::raw)
                    && let Some(signal) = Signal::from_named_raw(signal)
                {
                    // The shim made the service the leader of its own session and group.
                    let _ = kill_process_group(pid, signal);
                }
            }
            Command::Kill { instance } => {
                if let Some(pid) = self.pid_of(&instance) {
                    self.kill(&instance, Leader::There(pid));
                }
            }
        }
    }

    fn pid_of(&self, instance: &str) -> Option<u32> {
        self.running
            .iter()
            .find(|(_, running)| running.instance == instance)
            .map(|(pid, _)| *pid)
    }

    fn kill(&self, instance: &str, leader: Leader) {
        let (Leader::There(pid) | Leader::Reaped(pid)) = leader;
        if let Some(cgroup) = self
            .running
            .get(&pid)
            .and_then(|running| running.cgroup.as_deref())
        {
            crate::cgroup::kill(cgroup);
        }
        // A member may fork between the look and the kill: look again, a few times at most,
        // since SIGKILL to a parent stops the forking.
        for _ in 0..16 {
            let members = family::of_instance(self.own_pid, leader, instance);
            let members: Vec<u32> = members
                .into_iter()
                .filter(|pid| !family::is_zombie(*pid))
                .collect();
            if members.is_empty() {
                break;
            }
            family::kill(members);
        }
    }

    fn launch(&mut self, launch: &Launch, fds: Vec<OwnedFd>) {
        let instance = launch.instance.clone();
        let report = match self.spawn(launch, fds) {
            Ok(pid) => {
                let cgroup = launch.cgroup.clone();
                self.running.insert(
                    pid,
                    Running {
                        instance: instance.clone(),
                        cgroup,
                    },
                );
                Report::Launched { instance, pid }
            }
            Err(error) => Report::NotLaunched {
                instance,
                why: error.to_string(),
            },
        };
        self.tell(&report);
    }

    fn spawn(&self, launch: &Launch, fds: Vec<OwnedFd>) -> io::Result<u32> {
        let mut fds = fds.into_iter();
        let mut stream = || {
            fds.next()
                .ok_or_else(|| io::Error::other("a standard stream is missing from the message"))
        };
        let (stdin, stdout, stderr) = (stream()?, stream()?, stream()?);
        let sockets: Vec<OwnedFd> = fds.collect();
        let spec = ShimSpec {
            guardian: self.own_pid,
            argv: launch.argv.clone(),
            user: launch.user,
            cgroup: launch.cgroup.clone(),
            terminal: launch.terminal,
            network: match launch.enter.as_slice() {
                [] => Network::Host,
                words => Network::Entered(words.to_vec()),
            },
            sockets: sockets
                .iter()
                .map(std::os::fd::AsRawFd::as_raw_fd)
                .zip(launch.sockets.iter().cloned())
                .collect(),
        };
        // Single-threaded: nothing else can be spawned while these are inheritable.
        for socket in &sockets {
            rustix::io::fcntl_setfd(socket, FdFlags::empty())?;
        }
        let child = Process::new(&self.exe)
            .arg(crate::shim::ARGUMENT)
            .arg(serde_json::to_string(&spec).map_err(io::Error::other)?)
            .env_clear()
            .envs(&launch.env)
            .current_dir(cwd_or_root(&launch.cwd)?)
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::from(stdout))
            .stderr(Stdio::from(stderr))
            .spawn()?;
        Ok(child.id())
    }

    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get().unsigned_abs();
            let Some(running) = self.running.get(&pid) else {
                continue;
            };
            let instance = running.instance.clone();
            let exit = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => continue,
            };
            // What the service left behind ends with it, so that a restart finds its port
            // free and the next test finds a clean machine.
            self.kill(&instance, Leader::Reaped(pid));
            if let Some(cgroup) = self.running.remove(&pid).and_then(|running| running.cgroup) {
                crate::cgroup::remove(&cgroup);
            }
            self.tell(&Report::Exited { instance, exit });
        }
    }

    fn tell(&mut self, report: &Report) {
        // If Wharf is gone, the next read says so.
        let _ = send(&mut self.socket, report, &[]);
    }
}

fn cwd_or_root(cwd: &Path) -> io::Result<&Path> {
    if cwd.is_dir() {
        Ok(cwd)
    } else {
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("the working directory {} does not exist", cwd.display()),
        ))
    }
}

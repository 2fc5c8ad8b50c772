//! The containers of this machine, by the sockets of Docker and Podman.
//!
//! Both answer `GET /containers/json` on a Unix socket (Docker Engine API; Podman serves the same).
//! One short request, by HTTP/1.0 so that the answer ends where the connection does; time-boxed,
//! and nothing is ever changed by it. What no engine tells of is found by cgroup and namespace, when
//! the snapshot is put together.

#[cfg(unix)]
mod engine;
mod listing;

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use wharf_facts::{Container, Seen};

/// A question to the engines, under way.
pub(crate) struct Question {
    answer: Receiver<Seen<Vec<Container>>>,
}

impl Question {
    /// Asks every engine whose socket is there, in a thread of its own: an engine that hangs must
    /// not hold up what else is to be seen.
    pub(crate) fn ask(patience: Duration) -> Self {
        let (sender, answer) = mpsc::channel();
        let sockets = sockets();
        let made = thread::Builder::new()
            .name("containers".to_owned())
            .spawn(move || {
                let _ = sender.send(ask_each(&sockets, patience));
            });
        // Without a thread the sender is gone, and the wait ends at once.
        drop(made);
        Self { answer }
    }

    /// The containers, if the engines answer within `patience`.
    pub(crate) fn finish(self, patience: Duration) -> Seen<Vec<Container>> {
        self.answer.recv_timeout(patience).unwrap_or_else(|_| {
            Seen::unknown(format_args!(
                "no engine answered within {} ms",
                patience.as_millis()
            ))
        })
    }
}

/// An engine's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineSocket {
    engine: &'static str,
    path: PathBuf,
}

/// Where the engines' sockets are by custom, and where the environment says.
fn sockets() -> Vec<EngineSocket> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let mut places = Vec::new();
    let mut add = |engine, path: Option<PathBuf>| {
        let path = path.and_then(|path| path.canonicalize().ok());
        let known = |path: &PathBuf| places.iter().any(|place: &EngineSocket| place.path == *path);
        if let Some(path) = path.filter(|path| !known(path)) {
            places.push(EngineSocket { engine, path });
        }
    };
    let runtime = variable("XDG_RUNTIME_DIR");
    let home = variable("HOME");
    let below = |base: &Option<PathBuf>, path: &str| base.as_ref().map(|base| base.join(path));
    let named = std::env::var("DOCKER_HOST").ok();
    add(
        "docker",
        named.and_then(|host| host.strip_prefix("unix://").map(PathBuf::from)),
    );
    // Where Podman poses as Docker this is a link to its own socket, and is asked once.
    add("podman", Some("/run/podman/podman.sock".into()));
    add("podman", below(&runtime, "podman/podman.sock"));
    add("docker", Some("/var/run/docker.sock".into()));
    add("docker", below(&runtime, "docker.sock"));
    add("docker", below(&home, ".docker/run/docker.sock"));
    add("docker", below(&home, ".orbstack/run/docker.sock"));
    add("docker", below(&home, ".colima/default/docker.sock"));
    places
}

#[cfg(unix)]
fn ask_each(sockets: &[EngineSocket], patience: Duration) -> Seen<Vec<Container>> {
    let mut found: Vec<Container> = Vec::new();
    let mut refusals = Vec::new();
    for socket in sockets {
        match engine::containers(socket, patience) {
            Ok(containers) => found.extend(containers),
            Err(why) => refusals.push(why),
        }
    }
    // Part of the truth would read as the whole: an engine that would not answer may have the very
    // container that is looked for. But what is there must be said, too; those who find nothing
    // here ask the cgroups next.
    match refusals.first() {
        Some(why) if found.is_empty() => Seen::unknown(why),
        _ if sockets.is_empty() => Seen::unknown("no socket of Docker or Podman is there"),
        _ => Seen::Known(found),
    }
}

/// Elsewhere the engines listen at a named pipe.
#[cfg(not(unix))]
fn ask_each(_: &[EngineSocket], _: Duration) -> Seen<Vec<Container>> {
    Seen::unknown("asking an engine by a named pipe is not supported yet")
}

//! The containers of this machine, by the sockets of Docker and Podman.
//!
//! Both answer `GET /containers/json` on a Unix socket (Docker Engine API; Podman serves the same).
//! One short request, by HTTP/1.0 so that the answer ends where the connection does; time-boxed,
//! and nothing is ever changed by it. What no engine tells of is found by cgroup and namespace, when
//! the snapshot is put together.

#[cfg(unix)]
mod engine;
#[cfg(unix)]
mod listing;

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use wharf_facts::{Container, Seen};

#[cfg(unix)]
use engine::containers;

/// Questions to the engines, under way.
pub(crate) struct Question {
    engines: Vec<EngineSocket>,
    answers: Receiver<(EngineSocket, Answer)>,
}

type Answer = Result<Vec<Container>, String>;

impl Question {
    /// Asks every engine whose socket is there, each in a thread of its own: one that hangs must hold
    /// up neither the others nor what else is to be seen.
    pub(crate) fn ask(patience: Duration) -> Self {
        let (sender, answers) = mpsc::channel();
        let engines = sockets();
        for engine in engines.clone() {
            let sender = sender.clone();
            let ask = move || {
                let answer = containers(&engine, patience);
                // Whoever asked may have gone.
                let _ = sender.send((engine, answer));
            };
            // Without a thread there is no answer, which is what `finish` then says.
            drop(thread::Builder::new().name("containers".to_owned()).spawn(ask));
        }
        Self { engines, answers }
    }

    /// The containers of those engines that answer within `patience`.
    pub(crate) fn finish(mut self, patience: Duration) -> Seen<Vec<Container>> {
        if self.engines.is_empty() {
            return Seen::unknown("no socket of Docker or Podman is there");
        }
        let end = Instant::now() + patience;
        let mut found = Vec::new();
        let mut refusal = None;
        while !self.engines.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            let Ok((engine, answer)) = self.answers.recv_timeout(left) else {
                break;
            };
            self.engines.retain(|waiting| *waiting != engine);
            match answer {
                Ok(containers) => found.extend(containers),
                Err(why) => refusal = refusal.or(Some(why)),
            }
        }
        let silent = self.engines.first().map(|engine| {
            let (path, time) = (engine.path.display(), patience.as_millis());
            format!("ask {path}: no answer within {time} ms")
        });
        // Part of the truth would read as the whole: an engine that would not answer may have the
        // very container that is looked for. But what is there must be said, too; those who find
        // nothing here ask the cgroups next.
        match refusal.or(silent) {
            Some(why) if found.is_empty() => Seen::unknown(why),
            _ => Seen::Known(found),
        }
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

/// Elsewhere the engines listen at a named pipe.
#[cfg(not(unix))]
fn containers(_: &EngineSocket, _: Duration) -> Answer {
    Err("asking an engine by a named pipe is not supported yet".to_owned())
}

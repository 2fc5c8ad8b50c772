//! Containers: by engines that the tests play, and by cgroups that the tests make.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use wharf_facts::{Container, Holder, Reason, Seen, Snapshot};

use crate::skip;
use crate::worker::{Held, look, view};
use wharf_host::snapshot::Scope;

const ID: &str = "00deadbeef00deadbeef00deadbeef00deadbeef00deadbeef00deadbeef0000";

/// An engine that gives one answer, to one question.
struct Engine {
    path: PathBuf,
    asked: Option<JoinHandle<String>>,
}

impl Engine {
    fn start(path: &Path, answer: &str) -> Self {
        fs::create_dir_all(path.parent().expect("a directory")).expect("make it");
        let listener = UnixListener::bind(path).expect("bind");
        let answer = answer.to_owned();
        let serve = move || {
            let (mut stream, _) = listener.accept().expect("accept");
            let mut question = [0; 4096];
            let length = stream.read(&mut question).expect("read");
            // Who asked may have gone: it is not asked to wait for ever.
            let _ = stream.write_all(answer.as_bytes());
            String::from_utf8_lossy(&question[..length]).into_owned()
        };
        Self {
            path: path.to_owned(),
            asked: Some(std::thread::spawn(serve)),
        }
    }

    /// What it was asked.
    fn question(mut self) -> String {
        let asked = self.asked.take().expect("not asked before");
        asked.join().expect("it was asked")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(asked) = self.asked.take() {
            // Nobody asked: it must not wait for ever.
            let _ = std::os::unix::net::UnixStream::connect(&self.path);
            let _ = asked.join();
        }
    }
}

fn listing(name: &str, published: u16) -> String {
    let body = format!(
        r#"[{{"Id": "{ID}", "Names": ["/{name}"], "Image": "postgres:17", "State": "running",
            "Ports": [{{"IP": "127.0.0.1", "PrivatePort": 5432, "PublicPort": {published}, "Type": "tcp"}}]}}]"#
    );
    format!(
        "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What a viewer sees for whom `docker` is the address of Docker, and `directory` everything else.
fn seen_in(directory: &Path, docker: &str) -> Snapshot {
    view(&[], "everything", |command| {
        command.env("DOCKER_HOST", docker);
        command.env("XDG_RUNTIME_DIR", directory).env("HOME", directory);
    })
}

fn named<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a Container> {
    let mut containers = snapshot.containers.items().iter();
    containers.find(|container| container.name == Seen::Known(name.to_owned()))
}

#[test]
fn docker_is_asked_where_docker_host_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("docker.sock");
    let engine = Engine::start(&path, &listing("shop-db-1", 15432));
    let seen = seen_in(directory.path(), &format!("unix://{}", path.display()));
    assert!(engine.question().starts_with("GET /containers/json HTTP/1.0\r\n"));
    let container = named(&seen, "shop-db-1").expect("the container");
    assert_eq!((container.id.as_str(), container.engine.as_str()), (ID, "docker"));
    let ports = container.ports.items();
    assert_eq!((ports[0].inside, ports[0].published), (5432, Some(15432)));
}

#[test]
fn podman_is_asked_where_its_users_socket_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("podman/podman.sock");
    let engine = Engine::start(&path, &listing("shop-cache-1", 16379));
    let seen = seen_in(directory.path(), "");
    assert!(engine.question().starts_with("GET /containers/json"));
    let container = named(&seen, "shop-cache-1").expect("the container");
    assert_eq!(container.engine, "podman");
}

#[test]
fn an_engine_that_hangs_hides_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    // Connections come to its queue, and nobody takes them.
    let path = directory.path().join("docker.sock");
    let _hangs = UnixListener::bind(&path).expect("bind");
    let podman = directory.path().join("podman/podman.sock");
    let _engine = Engine::start(&podman, &listing("shop-cache-1", 16379));
    let docker = format!("unix://{}", path.display());
    let seen = seen_in(directory.path(), &docker);
    assert!(named(&seen, "shop-cache-1").is_some(), "{:?}", seen.containers);
}

#[track_caller]
fn check_refusal(answer: &str, expected: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("docker.sock");
    let engine = Engine::start(&path, answer);
    let seen = seen_in(directory.path(), &format!("unix://{}", path.display()));
    engine.question();
    // Where another engine of this machine answers, what that one says is seen.
    if let Some(why) = seen.containers.why_unknown() {
        assert!(why.contains(expected), "{expected:?} is not in {why:?}");
        assert!(why.contains("docker.sock"), "{why:?}");
    } else {
        assert!(named(&seen, "shop-db-1").is_none());
    }
}

#[test]
fn an_engine_that_talks_nonsense_is_an_unknown_that_says_so() {
    check_refusal("HTTP/1.0 403 Forbidden\r\n\r\n{}", "status 403");
    check_refusal("220 mail ready\r\n", "not HTTP");
    check_refusal("HTTP/1.0 200 OK\r\n\r\n{\"message\": 1}", "expected");
    check_refusal("", "breaks off");
}

/// A cgroup that the test made, with its parents. It must be empty when it is dropped.
struct Cgroup {
    made: Vec<PathBuf>,
}

impl Cgroup {
    fn make(below: &str) -> std::io::Result<Self> {
        let roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        let root = roots
            .iter()
            .find(|root| Path::new(root).join("cgroup.procs").exists());
        let mut path = PathBuf::from(root.ok_or(std::io::ErrorKind::NotFound)?);
        let mut cgroup = Self { made: Vec::new() };
        for part in below.split('/') {
            path.push(part);
            match fs::create_dir(&path) {
                Ok(()) => cgroup.made.push(path.clone()),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cgroup)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            // A process leaves its cgroup a moment after it was reaped, if it had threads.
            for _ in 0..100 {
                if fs::remove_dir(path).is_ok() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }
}

#[test]
fn a_container_is_seen_by_its_cgroup_and_namespace() {
    let name = "a_container_is_seen_by_its_cgroup_and_namespace";
    // As Docker names it, below a parent of this test's own.
    let below = format!("wharf-host-test-{}/docker/{ID}", std::process::id());
    let cgroup = match Cgroup::make(&below) {
        Ok(cgroup) => cgroup,
        Err(error) => return skip(name, &format_args!("make a cgroup: {error}")),
    };
    let procs = cgroup.made.last().expect("made").join("cgroup.procs");
    let enter = format!("echo $$ > {} && exec \"$@\"", procs.display());
    let wrapper = ["sh", "-c", &enter, "sh", "unshare", "--net"];
    let (child, address) = Held::listener(&wrapper, "0.0.0.0:0", |_| {});
    let snapshot = look(&Scope::everything());
    let process = snapshot.process(child.pid()).expect("it");
    assert_eq!(process.container.as_deref(), Some(ID));
    assert!(matches!(&process.reason, Seen::Known(Reason::Container { id, .. }) if id == ID));
    let mut containers = snapshot.containers.items().iter();
    let container = containers
        .find(|container| container.id == ID)
        .expect("the container");
    assert_eq!(container.pids, [child.pid()]);
    let mut namespaces = snapshot.namespaces.items().iter();
    let namespace = namespaces
        .find(|namespace| namespace.container.as_deref() == Some(ID))
        .expect("its namespace");
    assert_eq!(Seen::Known(namespace.inode), container.netns);
    let mut inside = namespace.listeners.items().iter();
    assert!(inside.any(|socket| socket.socket.local == address));
    drop(child);
}

#[test]
fn a_socket_bears_the_path_of_its_cgroup() {
    let name = "a_socket_bears_the_path_of_its_cgroup";
    let below = format!("wharf-host-test-{}b/shop.service", std::process::id());
    let cgroup = match Cgroup::make(&below) {
        Ok(cgroup) => cgroup,
        Err(error) => return skip(name, &format_args!("make a cgroup: {error}")),
    };
    let procs = cgroup.made.last().expect("made").join("cgroup.procs");
    let enter = format!("echo $$ > {} && exec \"$@\"", procs.display());
    let (child, address) = Held::listener(&["sh", "-c", &enter, "sh"], "127.0.0.1:0", |_| {});
    let snapshot = look(&Scope::port(address.port()));
    let mut listeners = snapshot.listeners();
    let socket = listeners
        .find(|socket| socket.socket.local == address)
        .expect("it");
    assert_eq!(socket.owner, Holder::Pids(vec![child.pid()]));
    assert_eq!(socket.cgroup_path, Some(format!("/{below}")));
    drop(child);
}

//! Snapshots of this machine, with things in it that the tests make.

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use wharf_facts::{Answer, Holder, Seen, Snapshot, SocketFacts, TcpState};
use wharf_host::process;
use wharf_host::snapshot::Scope;

use crate::worker::{CROWD, Held, MUTE_NAMESERVER, look, view};
use crate::{Waiter, eventually, skip};

/// A user who is not the one that runs the tests as root.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[track_caller]
fn at(sockets: &[SocketFacts], address: SocketAddr) -> Vec<&SocketFacts> {
    let found: Vec<&SocketFacts> = sockets
        .iter()
        .filter(|socket| socket.socket.local == address && socket.listens())
        .collect();
    assert!(!found.is_empty(), "nothing listens on {address}");
    found
}

#[track_caller]
fn holder(snapshot: &Snapshot, address: SocketAddr) -> Holder {
    let found = at(snapshot.tcp.items(), address);
    assert_eq!(found.len(), 1);
    found[0].owner.clone()
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

#[test]
fn a_port_is_seen_with_both_ends_of_its_connections() {
    let (listener, address) = listener();
    let client = TcpStream::connect(address).expect("connect");
    let server = listener.accept().expect("accept").0;
    let snapshot = look(&Scope::port(address.port()));
    let from = client.local_addr().expect("an address");
    let states: Vec<(SocketAddr, TcpState)> = snapshot
        .tcp
        .items()
        .iter()
        .map(|socket| &socket.socket)
        .filter(|socket| [socket.local, socket.remote].contains(&address))
        .map(|socket| (socket.local, socket.state))
        .collect();
    assert_eq!(states.len(), 3, "{states:?}");
    for expected in [
        (address, TcpState::Listen),
        (address, TcpState::Established),
        (from, TcpState::Established),
    ] {
        assert!(states.contains(&expected), "{expected:?} is not in {states:?}");
    }
    // No connection of another port came with them.
    let is_ours = |socket: &SocketFacts| {
        socket.listens() || [socket.port(), socket.socket.remote.port()].contains(&address.port())
    };
    assert!(snapshot.tcp.items().iter().all(is_ours));
    drop(server);
}

#[test]
fn who_share_a_socket_by_fork_are_all_owners() {
    let (listener, address) = listener();
    let shared: OwnedFd = listener.try_clone().expect("a second descriptor").into();
    let child = Waiter::start(
        Command::new("tail")
            .args(["-f", "/dev/null"])
            .stdin(shared)
            .stdout(Stdio::null()),
    );
    let snapshot = look(&Scope::port(address.port()));
    let owner = holder(&snapshot, address);
    let mut both = vec![std::process::id(), child.pid()];
    both.sort_unstable();
    for pid in both {
        // Another test may be between fork and exec, and its child owns what we own.
        assert!(owner.pids().contains(&pid), "{owner:?}");
    }
    // An ordinary user may be root's child, and then root's process may have it, too.
    if is_root() {
        assert!(matches!(owner, Holder::Pids(_)), "{owner:?}");
    }
}

#[test]
fn twins_that_share_a_port_are_two_sockets_of_two_owners() {
    let (first, address) = Held::listener(&[], "127.0.0.1:0", |_| {});
    let (second, same) = Held::listener(&[], &address.to_string(), |_| {});
    assert_eq!(address, same);
    let snapshot = look(&Scope::port(address.port()));
    let mut owners: Vec<u32> = at(snapshot.tcp.items(), address)
        .iter()
        .flat_map(|socket| socket.owner.pids())
        .copied()
        .collect();
    owners.sort_unstable();
    let mut both = [first.pid(), second.pid()];
    both.sort_unstable();
    assert_eq!(owners, both);
}

#[test]
fn another_users_listener_is_hidden_and_never_free() {
    if !is_root() {
        return skip("another_users_listener_is_hidden_and_never_free", &"needs root");
    }
    let (_listener, address) = listener();
    for scope in ["listeners".to_owned(), address.port().to_string()] {
        let seen = view(&[], &scope, |command| {
            command.uid(NOBODY).gid(NOBODY);
        });
        assert_eq!(seen.viewer.uid, Seen::Known(NOBODY));
        assert_eq!(holder(&seen, address), Holder::Hidden, "{scope}");
        // What is left to know of it: its cgroup, where the kernel tells of one.
        let [socket] = at(seen.tcp.items(), address)[..] else {
            panic!("one socket")
        };
        if socket.socket.cgroup.is_some() && process::cgroup_id(std::process::id()).is_some() {
            assert!(socket.cgroup_path.is_some(), "{socket:?}");
        }
    }
}

#[test]
fn a_worker_of_a_hidden_master_is_not_said_to_be_the_only_owner() {
    if !is_root() {
        let name = "a_worker_of_a_hidden_master_is_not_said_to_be_the_only_owner";
        return skip(name, &"needs root");
    }
    let (listener, address) = listener();
    let shared: OwnedFd = listener.try_clone().expect("a second descriptor").into();
    let worker = Waiter::start(
        Command::new("tail")
            .args(["-f", "/dev/null"])
            .uid(NOBODY)
            .gid(NOBODY)
            .stdin(shared)
            .stdout(Stdio::null()),
    );
    let seen = view(&[], &address.port().to_string(), |command| {
        command.uid(NOBODY).gid(NOBODY);
    });
    assert_eq!(holder(&seen, address), Holder::AtLeast(vec![worker.pid()]));
}

#[test]
fn root_sees_an_ordinary_users_listener() {
    if !is_root() {
        return skip("root_sees_an_ordinary_users_listener", &"needs root");
    }
    let (child, address) = Held::listener(&[], "127.0.0.1:0", |command| {
        command.uid(NOBODY).gid(NOBODY);
    });
    let snapshot = look(&Scope::listeners());
    assert_eq!(holder(&snapshot, address).pids(), [child.pid()]);
    let owner = snapshot.process(child.pid()).expect("it");
    assert_eq!(owner.uid, Seen::Known(NOBODY));
}

/// How to get into a new namespace of this kind here.
fn unshare(kind: &'static str) -> Option<Vec<&'static str>> {
    let words = match is_root() {
        true => vec!["unshare", kind],
        false => vec!["unshare", "--map-root-user", kind],
    };
    let tried = Command::new(words[0]).args(&words[1..]).arg("true").output();
    tried.is_ok_and(|output| output.status.success()).then_some(words)
}

#[test]
fn who_listens_in_another_namespace_is_found() {
    let Some(unshare) = unshare("--net") else {
        return skip("who_listens_in_another_namespace_is_found", &"no namespaces here");
    };
    // Its loopback interface is down, and so only the wildcard can be bound.
    let (child, address) = Held::listener(&unshare, "0.0.0.0:0", |_| {});
    let snapshot = look(&Scope::everything());
    let namespace = snapshot
        .namespaces
        .items()
        .iter()
        .find(|namespace| namespace.pids.contains(&child.pid()))
        .expect("its namespace");
    let [socket] = at(namespace.listeners.items(), address)[..] else {
        panic!("one socket")
    };
    assert_eq!(socket.owner, Holder::AtLeast(vec![child.pid()]));
    assert_eq!(
        snapshot.process(child.pid()).expect("it").netns,
        Seen::Known(namespace.inode)
    );
    // It is not here, and not said to be.
    assert!(
        snapshot
            .listeners()
            .all(|socket| socket.owner.pids() != [child.pid()])
    );
}

#[test]
fn a_hosts_file_decides_what_getaddrinfo_says() {
    let Some(unshare) = unshare("--mount") else {
        return skip(
            "a_hosts_file_decides_what_getaddrinfo_says",
            &"no namespaces here",
        );
    };
    let directory = tempfile::tempdir().expect("a directory");
    let hosts = directory.path().join("hosts");
    fs::write(&hosts, "127.0.0.9 wharf.localhost\n127.0.0.1 localhost\n").expect("a hosts file");
    let script = format!("mount --bind {} /etc/hosts && exec \"$@\"", hosts.display());
    let wrapper = [&unshare[..], &["sh", "-c", &script, "sh"]].concat();
    let seen = view(&wrapper, "everything", |_| {});
    let lines = seen.names.hosts.known().expect("the hosts file");
    assert_eq!(lines.len(), 2);
    let resolved = seen
        .names
        .resolution("wharf.localhost")
        .expect("it was asked for");
    let expected = Answer::Addresses(vec!["127.0.0.9".parse().expect("an address")]);
    assert_eq!(resolved.answer, Seen::Known(expected));
}

#[test]
fn a_nameserver_that_never_answers_is_not_waited_for() {
    let name = "a_nameserver_that_never_answers_is_not_waited_for";
    let Some(unshare) = unshare("--mount").filter(|_| is_root()) else {
        return skip(name, &"needs root, for port 53");
    };
    let directory = tempfile::tempdir().expect("a directory");
    let files = [
        ("resolv.conf", "nameserver 127.0.0.53\n"),
        ("hosts", "127.0.0.1 localhost\n"),
        ("nsswitch.conf", "hosts: files dns\n"),
    ];
    let mut script = String::new();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::write(&file, text).expect("a file");
        script += &format!("mount --bind {} /etc/{name} && ", file.display());
    }
    // In a network of its own, with a socket at port 53 that nobody reads.
    script += "ip link set lo up && exec \"$@\"";
    let wrapper = [&unshare[..], &["--net", "sh", "-c", &script, "sh"]].concat();
    let seen = view(&wrapper, "hurried", |command| {
        command.env(MUTE_NAMESERVER, "127.0.0.53:53");
    });
    let answer = |name| &seen.names.resolution(name).expect("it was asked for").answer;
    assert_eq!(
        answer("wharf.localhost").why_unknown(),
        Some("no answer within 1000 ms")
    );
    assert!(answer("localhost").is_known());
    assert_eq!(seen.names.nameservers.items(), ["127.0.0.53"]);
    assert_eq!(seen.names.nsswitch.items(), ["files", "dns"]);
}

#[test]
fn no_secret_of_the_environment_is_told() {
    let seen = view(&[], "everything", |command| {
        command.env("http_proxy", "http://ada:s3cr3t@127.0.0.1:3128");
        command.env("NO_PROXY", "localhost, .internal");
        command.env("DATABASE_PASSWORD", "s3cr3t");
    });
    let proxies = seen.proxies.known().expect("the proxies");
    assert_eq!(proxies.http.as_deref(), Some("http://ada:***@127.0.0.1:3128"));
    assert_eq!(proxies.exceptions, ["localhost", ".internal"]);
    assert!(!serde_json::to_string(&seen).expect("JSON").contains("s3cr3t"));
}

#[test]
fn a_hostile_name_breaks_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join(OsStr::from_bytes(b"a) S 1 (\n\x1b[2J\xff"));
    fs::copy("/bin/cat", &program).expect("a copy");
    let mut command = Command::new(&program);
    command
        .arg0(OsStr::from_bytes(b"\x1b]0;x\x07\n\xfe\xff"))
        .arg("-")
        .stdout(Stdio::null());
    let child = Held::start(&mut command);
    let exe = directory.path().display().to_string();
    // Its arguments come last: for a moment it is the program already, and has none.
    eventually("the program", || {
        let about = |what| format!("/proc/{}/{what}", child.pid());
        fs::read_link(about("exe")).is_ok_and(|exe| exe == program)
            && fs::read(about("cmdline")).is_ok_and(|line| !line.is_empty())
    });
    let snapshot = look(&Scope::everything());
    let seen = snapshot.process(child.pid()).expect("it");
    assert_eq!(seen.parent, std::process::id());
    assert_eq!(seen.name, "a) S 1 (\n\u{1b}[2J\u{fffd}");
    assert_eq!(seen.command.items(), ["\u{1b}]0;x\u{7}\n\u{fffd}\u{fffd}", "-"]);
    assert!(seen.exe.known().is_some_and(|seen| seen.starts_with(&exe)));
    let told = process::describe(child.pid()).expect("it").to_string();
    assert!(!told.chars().any(char::is_control), "{told:?}");
}

#[test]
fn a_repository_that_is_a_trap_is_not_entered() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    // Whoever opens these waits for a writer that never comes.
    let base = tempfile::tempdir().expect("a directory");
    let trap = |name: &str| {
        let path = base.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("make it");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
    };
    trap("a/.git");
    trap("b/.git/HEAD");
    let start = |name: &str| {
        let mut command = Command::new("cat");
        Held::start(command.current_dir(base.path().join(name)).stdout(Stdio::null()))
    };
    let (a, b) = (start("a"), start("b"));
    let snapshot = look(&Scope::everything());
    let checkout = |pid| &snapshot.process(pid).expect("it").checkout;
    let why = checkout(a.pid()).why_unknown().expect("an unknown");
    assert!(why.ends_with("a/.git: it is no regular file"), "{why}");
    let checkout = checkout(b.pid()).known().cloned().flatten().expect("a checkout");
    assert!(!checkout.head.is_known());
}

#[test]
fn a_command_line_of_megabytes_is_cut() {
    let mut command = Command::new("sh");
    command.args(["-c", "cat; true"]).stdout(Stdio::null());
    command.args((0..64).map(|_| "x".repeat(20 * 1024)));
    let child = Held::start(&mut command);
    eventually("the shell", || process::children(child.pid()).len() == 1);
    let snapshot = look(&Scope::everything());
    let command = snapshot.process(child.pid()).expect("it").command.items();
    let lengths: Vec<usize> = command.iter().skip(3).map(String::len).collect();
    assert_eq!(lengths, [20 * 1024, 20 * 1024, 20 * 1024, "…".len()]);
}

#[test]
fn thousands_of_listeners_have_their_owner() {
    let name = "thousands_of_listeners_have_their_owner";
    // Elsewhere than the other tests, whose listing they would disturb.
    let Some(unshare) = unshare("--net") else {
        return skip(name, &"no namespaces here");
    };
    let seen = view(&unshare, "crowd", |_| {});
    let viewer = *seen.viewer.pid.known().expect("a pid");
    assert_eq!(seen.listeners().count(), CROWD);
    for socket in seen.listeners() {
        assert_eq!(socket.owner.pids(), [viewer], "{}", socket.socket.local);
    }
}

//! Cannot take the port.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::Command;

use socket2::{Domain, Socket, Type};

use super::{binds, explains, explains_command, named_first, script, sealed, shell_words, told_first};
use crate::server::{Beside, await_listener, free_port, loopback};
use crate::world::{World, eventually, is_root, peer, skip};

/// The user that nobody is.
const NOBODY: u32 = 65534;

#[track_caller]
fn cannot_bind(world: &World, address: &str, port: u16, rule: &str) {
    let command = binds(address, port);
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    explains_command(world, &words, rule);
}

#[test]
fn the_port_is_taken() {
    let world = World::new();
    let port = free_port();
    let _server = Beside::peer(&world, "hello", port);
    cannot_bind(&world, "127.0.0.1", port, "in-use");
}

#[test]
fn the_owner_may_not_be_seen() {
    if !is_root() {
        return skip("the_owner_may_not_be_seen", "it takes two users");
    }
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let state = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::chown(state.path(), Some(NOBODY), Some(NOBODY)).expect("given");
    let mut command = world.command(&["explain", &port.to_string(), "--json"]);
    command.env("WHARF_STATE_DIR", state.path()).current_dir("/");
    command.uid(NOBODY).gid(NOBODY);
    let ran = world.finish(command);
    named_first(&ran, "owner-hidden");
    assert_eq!(ran.code, 12, "{}", ran.out);
}

#[test]
fn finished_connections_rest_on_the_port() {
    let world = World::new();
    let port = free_port();
    // Whoever closes first keeps TIME_WAIT.
    let listener = TcpListener::bind(loopback(port)).expect("bound");
    let client = TcpStream::connect(loopback(port)).expect("connected");
    let (accepted, _) = listener.accept().expect("accepted");
    drop(accepted);
    eventually("the client has seen the end", || {
        client.peek(&mut [0]).is_ok_and(|count| count == 0)
    });
    drop((client, listener));
    cannot_bind(&world, "127.0.0.1", port, "time-wait");
}

#[test]
fn an_outgoing_connection_has_the_port() {
    let world = World::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("bound");
    let client = TcpStream::connect(server.local_addr().expect("an address")).expect("connected");
    let port = client.local_addr().expect("an address").port();
    cannot_bind(&world, "127.0.0.1", port, "held-by-outgoing");
}

#[test]
fn a_listener_on_all_addresses_has_this_one_too() {
    let world = World::new();
    let port = free_port();
    let mut command = Command::new(peer());
    command
        .arg("hello")
        .env("PORT", port.to_string())
        .env("HOST", "0.0.0.0");
    let _server = Beside::start(&world, command);
    await_listener(port);
    cannot_bind(&world, "127.0.0.1", port, "wildcard-conflict");
}

#[test]
fn two_processes_share_the_port() {
    let world = World::new();
    let port = free_port();
    let program = "import socket, sys, time\n\
        server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n\
        server.bind(('127.0.0.1', int(sys.argv[1]))); server.listen()\n\
        print('ready', flush=True)\n\
        while True:\n    server.accept()[0].close()\n";
    let port = port.to_string();
    let _first = Beside::python(&world, program, &[&port]);
    let _second = Beside::python(&world, program, &[&port]);
    explains(&world, &port, "reuseport-twins");
}

#[test]
fn the_port_is_for_the_privileged() {
    let world = World::new();
    if !is_root() {
        return skip("the_port_is_for_the_privileged", "it takes two users");
    }
    let state = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::chown(state.path(), Some(NOBODY), Some(NOBODY)).expect("given");
    let command = binds("127.0.0.1", 81);
    let quoted = shell_words(&command);
    let lines = script(&format!(
        "cd /; export WHARF_STATE_DIR='{}'\n\
         setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups \"$WHARF\" explain -- {quoted} || exit $?",
        state.path().display()
    ));
    if let Some(ran) = sealed(&world, "the_port_is_for_the_privileged", &lines) {
        told_first(&ran, "low-port");
    }
}

#[test]
fn the_server_was_left_behind() {
    let world = World::new();
    let port = free_port();
    // Forks twice, and its session's leader ends.
    let program = "import os, socket, sys, time\n\
        reader, writer = os.pipe()\n\
        if os.fork() == 0:\n\
        \x20   os.setsid()\n\
        \x20   if os.fork() == 0:\n\
        \x20       server = socket.socket(); server.bind(('127.0.0.1', int(sys.argv[1]))); server.listen()\n\
        \x20       time.sleep(0.2); os.write(writer, b'x'); time.sleep(600)\n\
        \x20   os._exit(0)\n\
        os.wait(); os.read(reader, 1); print('ready', flush=True); time.sleep(600)\n";
    let server = Beside::python(&world, program, &[&port.to_string()]);
    let ran = world.run(&["explain", &port.to_string(), "--json"]);
    // It left the group by which the rest is ended.
    let explained: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let orphan = explained[0]["listeners"][0]["owners"][0]["pid"]
        .as_u64()
        .expect("a pid");
    crate::world::kill(
        u32::try_from(orphan).expect("a pid"),
        rustix::process::Signal::KILL,
    );
    drop(server);
    named_first(&ran, "orphan");
}

#[test]
fn the_address_is_not_on_this_machine() {
    let world = World::new();
    cannot_bind(&world, "192.0.2.77", free_port(), "address-not-here");
}

#[test]
fn a_process_has_no_descriptor_left() {
    let world = World::new();
    let port = free_port();
    let program = "import os, resource, socket, sys, time\n\
        server = socket.socket(); server.bind(('127.0.0.1', int(sys.argv[1]))); server.listen()\n\
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))\n\
        held = []\n\
        try:\n    while True: held.append(os.open('/dev/null', os.O_RDONLY))\n\
        except OSError: pass\n\
        print('ready', flush=True); time.sleep(600)\n";
    let _server = Beside::python(&world, program, &[&port.to_string()]);
    explains(&world, &port.to_string(), "too-many-open-files");
}

#[test]
fn the_old_server_has_not_ended() {
    let world = World::new();
    let port = free_port();
    let program = "import socket, sys, time\n\
        server = socket.socket(); server.bind(('127.0.0.1', int(sys.argv[1]))); server.listen()\n\
        client = socket.create_connection(server.getsockname()); kept, _ = server.accept(); server.close()\n\
        print('ready', flush=True); time.sleep(600)\n";
    let _draining = Beside::python(&world, program, &[&port.to_string()]);
    cannot_bind(&world, "127.0.0.1", port, "draining-old-process");
}

#[test]
fn the_program_was_deleted_under_it() {
    let world = World::new();
    // Somebody's work, and no service of the machine.
    world.write(".git/HEAD", "ref: refs/heads/main\n");
    let port = free_port();
    let copy = world.project().join("server");
    std::fs::copy(peer(), &copy).expect("copied");
    let mut command = Command::new(&copy);
    command.arg("hello").env("PORT", port.to_string());
    let _server = Beside::start(&world, command);
    await_listener(port);
    std::fs::remove_file(&copy).expect("removed");
    explains(&world, &port.to_string(), "runs-from-deleted");
}

#[test]
fn a_stranger_has_a_leased_port() {
    let world = World::new();
    let port = world.run(&["port", "web"]).ok();
    let address = loopback(port.parse().expect("a port"));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&address.into()).expect("bound");
    socket.listen(16).expect("listens");
    explains(&world, &port, "foreign-on-lease");
}

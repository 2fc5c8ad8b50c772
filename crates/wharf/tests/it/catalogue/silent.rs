//! Nothing answers.

use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;

use rustix::process::Signal;
use socket2::{Domain, Socket, Type};

use super::{binds, explains, explains_command, named_first, script, sealed, shell_words, told_first};
use crate::server::{Beside, await_listener, free_port, loopback};
use crate::world::{World, eventually, is_root, peer, skip};

#[test]
fn nobody_listens() {
    let world = World::new();
    explains(&world, &free_port().to_string(), "nothing-listens");
}

#[test]
fn it_listens_on_ipv6_only() {
    let world = World::new();
    let port = free_port();
    let _server = Beside::peer(&world, "six", port);
    explains(&world, &format!("127.0.0.1:{port}"), "only-ipv6");
}

#[test]
fn it_listens_on_another_address() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.2:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    explains(&world, &format!("127.0.0.1:{port}"), "other-address-only");
}

#[test]
fn it_was_stopped_by_a_signal_and_accepts_nothing() {
    let world = World::new();
    let port = free_port();
    let server = Beside::peer(&world, "hello", port);
    server.signal(Signal::STOP);
    explains(&world, &port.to_string(), "not-accepting");
}

#[test]
fn it_never_accepts() {
    let world = World::new();
    let port = free_port();
    let program = "import socket, sys, time\n\
        server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
        server.bind(('127.0.0.1', int(sys.argv[1]))); server.listen(1)\n\
        clients = []\n\
        for _ in range(2):\n    client = socket.create_connection(server.getsockname()); clients.append(client)\n\
        print('ready', flush=True); time.sleep(600)\n";
    let _server = Beside::python(&world, program, &[&port.to_string()]);
    explains(&world, &format!("{port}"), "not-accepting");
}

#[test]
fn a_service_moved_to_the_next_port() {
    let world = World::new();
    world.file("[service.web]\nrun = \"PEER elsewhere\"\n");
    let up = world.up();
    let told = world.service("web")["ports"][0]["address"]
        .as_str()
        .expect("an address")
        .to_owned();
    let port = told.rsplit(':').next().expect("a port").to_owned();
    explains(&world, &port, "moved-to-next-port");
    up.stop();
}

#[test]
fn it_listens_in_another_network_namespace() {
    let test = "it_listens_in_another_network_namespace";
    if !is_root() {
        return skip(
            test,
            "an ordinary user's namespaces may not be entered from outside",
        );
    }
    let world = World::new();
    let port = free_port();
    let mut command = Command::new("unshare");
    command.args([
        "--net",
        "sh",
        "-c",
        "ip link set lo up; exec \"$0\" hello",
        &peer(),
    ]);
    command.env("PORT", port.to_string());
    let server = Beside::start(&world, command);
    eventually("it listens there", || {
        let table = std::fs::read_to_string(format!("/proc/{}/net/tcp", server.pid())).unwrap_or_default();
        table.contains(&format!(":{port:04X} 00000000:0000 0A"))
    });
    explains(&world, &port.to_string(), "in-other-namespace");
}

#[test]
fn two_programs_have_a_family_each() {
    let world = World::new();
    let port = free_port();
    let _six = Beside::peer(&world, "six", port);
    let mut command = Command::new("python3");
    command.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1"]);
    command
        .current_dir(world.project())
        .stderr(std::process::Stdio::null());
    let _four = Beside::start(&world, command);
    eventually("both listen", || {
        std::net::TcpStream::connect(loopback(port)).is_ok()
    });
    explains(&world, &port.to_string(), "split-brain");
}

#[test]
fn a_port_is_bound_and_nobody_listens() {
    let world = World::new();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&loopback(0).into()).expect("bound");
    let address = socket.local_addr().expect("an address").as_socket().expect("IP");
    explains(&world, &address.to_string(), "bound-not-listening");
}

#[test]
fn the_port_is_open_for_udp_only() {
    let world = World::new();
    let port = free_port();
    let _socket = UdpSocket::bind(loopback(port)).expect("bound");
    explains(&world, &format!("http://127.0.0.1:{port}/"), "udp-only");
}

#[test]
fn the_loopback_interface_is_down() {
    let world = World::new();
    let ran = sealed(
        &world,
        "the_loopback_interface_is_down",
        "\"$WHARF\" doctor --json || exit $?",
    );
    if let Some(ran) = ran {
        named_first(&ran, "loopback-down");
    }
}

#[test]
fn the_debugged_program_has_ended() {
    let world = World::new();
    let port = free_port();
    let said = format!(
        "echo \"Disconnected from the target VM, address: '127.0.0.1:{port}', transport: 'socket'\"; exit 1"
    );
    explains_command(&world, &["sh", "-c", &said], "debugger-detached");
}

/// A JVM that a debugger is connected to by JDWP runs to its end, and the debugger says so.
#[test]
fn the_debugged_jvm_has_ended() {
    let test = "the_debugged_jvm_has_ended";
    if Command::new("javac").arg("-version").output().is_err() {
        return skip(test, "there is no JDK");
    }
    let world = World::new();
    world.write(
        "Debugged.java",
        "class Debugged { public static void main(String[] given) throws Exception { System.in.read(); } }",
    );
    // Once the handshake is answered the debugger is there; its connection ends with the program.
    let program = "import re, socket, subprocess, sys\n\
        agent = '-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0'\n\
        jvm = subprocess.Popen(['java', agent, 'Debugged.java'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)\n\
        port = int(re.search('address: ([0-9]+)', jvm.stdout.readline()).group(1))\n\
        debugger = socket.create_connection(('127.0.0.1', port)); debugger.sendall(b'JDWP-Handshake')\n\
        assert debugger.recv(14, socket.MSG_WAITALL) == b'JDWP-Handshake'\n\
        jvm.stdin.close()\n\
        while debugger.recv(4096): pass\n\
        assert jvm.wait() == 0\n\
        sys.exit(f\"Disconnected from the target VM, address: '127.0.0.1:{port}', transport: 'socket'\")\n";
    explains_command(&world, &["python3", "-c", program], "debugger-detached");
}

#[test]
fn an_ssh_tunnel_is_up_and_its_far_end_closed() {
    let test = "an_ssh_tunnel_is_up_and_its_far_end_closed";
    let sshd = "/usr/sbin/sshd";
    if !is_root() || !std::path::Path::new(sshd).exists() {
        return skip(test, "it takes root and an sshd");
    }
    let world = World::new();
    let (at, local, closed) = (free_port(), free_port(), free_port());
    let keys = world.project().join("keys");
    std::fs::create_dir(&keys).expect("made");
    for name in ["host", "user"] {
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(keys.join(name));
        assert!(command.status().expect("ssh-keygen runs").success());
    }
    let path = |name: &str| keys.join(name).display().to_string();
    let config = format!(
        "Port {at}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\nUsePAM no\nPermitRootLogin yes\n",
        path("host"),
        path("user.pub")
    );
    std::fs::write(keys.join("config"), config).expect("written");
    std::fs::create_dir_all("/run/sshd").expect("made");
    let mut command = Command::new(sshd);
    command
        .args(["-D", "-e", "-f", &path("config")])
        .stderr(std::process::Stdio::null());
    let _daemon = Beside::start(&world, command);
    await_listener(at);
    let forward = format!("127.0.0.1:{local}:127.0.0.1:{closed}");
    let mut command = Command::new("ssh");
    command.args([
        "-N",
        "-F",
        "none",
        "-i",
        &path("user"),
        "-p",
        &at.to_string(),
        "-L",
        &forward,
    ]);
    command.args([
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "ExitOnForwardFailure=yes",
    ]);
    command.arg("root@127.0.0.1").stderr(std::process::Stdio::null());
    let _tunnel = Beside::start(&world, command);
    await_listener(local);
    eventually("the far end is found to be closed", || {
        let Ok(mut client) = TcpStream::connect(loopback(local)) else {
            return false;
        };
        client.read(&mut [0]).is_ok_and(|count| count == 0)
    });
    explains(&world, &local.to_string(), "ssh-forward-far-end-closed");
}

#[test]
fn ipv6_is_switched_off() {
    let world = World::new();
    let binds = shell_words(&binds("::1", 3000));
    let lines = script(&format!(
        "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; \"$WHARF\" explain -- {binds} || exit $?"
    ));
    if let Some(ran) = sealed(&world, "ipv6_is_switched_off", &lines) {
        told_first(&ran, "ipv6-off");
    }
}

/// Whether packets can be dropped in a namespace of one's own.
fn may_drop(test: &str) -> bool {
    let may = Command::new("nft").arg("--version").output().is_ok();
    if !may {
        skip(test, "there is no nft");
    }
    may
}

const DROP: &str = "nft add table inet t; nft add chain inet t in '{ type filter hook input priority 0; }'\n";

#[test]
fn one_family_is_dropped_and_not_refused() {
    let test = "one_family_is_dropped_and_not_refused";
    if !may_drop(test) {
        return;
    }
    let world = World::new();
    let lines = script(&format!(
        "{DROP}nft add rule inet t in meta nfproto ipv6 tcp dport 3999 drop\n\
         PORT=3999 \"$PEER\" echo & await 3999\n\"$WHARF\" explain 3999 --json || exit $?"
    ));
    if let Some(ran) = sealed(&world, test, &lines) {
        named_first(&ran, "slow-first-connect");
    }
}

#[test]
fn packets_to_this_machine_are_dropped() {
    let test = "packets_to_this_machine_are_dropped";
    if !may_drop(test) {
        return;
    }
    let world = World::new();
    let lines = script(&format!(
        "{DROP}nft add rule inet t in tcp dport 3999 drop\n\
         PORT=3999 \"$PEER\" echo & await 3999\n\
         python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 3999), 60)' &\n\
         until [ -n \"$(ss -Htn state syn-sent)\" ]; do sleep 0.05; done; sleep 1.2\n\
         \"$WHARF\" explain 127.0.0.1:3999 --json || exit $?"
    ));
    if let Some(ran) = sealed(&world, test, &lines) {
        named_first(&ran, "packets-dropped");
    }
}

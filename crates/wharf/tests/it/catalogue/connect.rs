//! Cannot get through to it.

use super::{explains, named_first, script, sealed};
use crate::server::{Beside, free_port};
use crate::world::World;

#[test]
fn a_client_is_connected_to_itself() {
    let world = World::new();
    let port = free_port();
    // What a client that retries in a loop comes to by chance (RFC 9293, 3.5: simultaneous open).
    let program = "import socket, sys, time\n\
        client = socket.socket(); client.bind(('127.0.0.1', int(sys.argv[1])))\n\
        client.connect(('127.0.0.1', int(sys.argv[1])))\n\
        print('ready', flush=True); time.sleep(600)\n";
    let _client = Beside::python(&world, program, &[&port.to_string()]);
    explains(&world, &port.to_string(), "self-connect");
}

#[test]
fn a_program_does_not_close_its_connections() {
    let world = World::new();
    let port = free_port();
    let program = "import socket, sys, time\n\
        server = socket.socket(); server.bind(('127.0.0.1', int(sys.argv[1]))); server.listen()\n\
        kept = []\n\
        for _ in range(20):\n\
        \x20   client = socket.create_connection(server.getsockname()); kept.append(server.accept()[0]); client.close()\n\
        print('ready', flush=True)\n\
        while True:\n    server.accept()[0].close()\n";
    let _server = Beside::python(&world, program, &[&port.to_string()]);
    explains(&world, &port.to_string(), "close-wait-pile");
}

#[test]
fn the_ports_for_connections_are_used_up() {
    let world = World::new();
    let lines = script(
        "echo '40000 40015' > /proc/sys/net/ipv4/ip_local_port_range\n\
         python3 -c 'import socket, time\n\
server = socket.socket(); server.bind((\"127.0.0.1\", 3000)); server.listen(64)\n\
held = []\n\
try:\n    while True: held.append(socket.create_connection((\"127.0.0.1\", 3000)))\n\
except OSError: pass\n\
print(\"ready\", flush=True); time.sleep(600)' > said &\n\
         until grep -q ready said; do sleep 0.02; done\n\
         \"$WHARF\" doctor --json || exit $?",
    );
    if let Some(ran) = sealed(&world, "the_ports_for_connections_are_used_up", &lines) {
        named_first(&ran, "ephemeral-exhausted");
    }
}

#[test]
fn programs_that_bind_before_they_connect_use_the_ports_up() {
    let test = "programs_that_bind_before_they_connect_use_the_ports_up";
    let world = World::new();
    // Few connections to each of four places. Each is bound to port 0 first, so that no two of them
    // may have a port in common.
    let lines = script(
        "echo '40000 40031' > /proc/sys/net/ipv4/ip_local_port_range\n\
         python3 -c 'import socket, time\n\
servers = [socket.create_server((\"127.0.0.1\", port), backlog=64) for port in range(3000, 3004)]\n\
held = []\n\
try:\n    while True:\n        client = socket.socket(); client.bind((\"127.0.0.1\", 0))\n        client.connect(servers[len(held) % 4].getsockname()); held.append(client)\n\
except OSError: pass\n\
print(\"ready\", flush=True); time.sleep(600)' > said &\n\
         until grep -q ready said; do sleep 0.02; done\n\
         \"$WHARF\" doctor --json || exit $?",
    );
    if let Some(ran) = sealed(&world, test, &lines) {
        named_first(&ran, "bind-before-connect");
    }
}

#[test]
fn the_kernel_gives_out_the_ports_of_servers() {
    let world = World::new();
    let lines = script(
        "echo '1024 60999' > /proc/sys/net/ipv4/ip_local_port_range\n\"$WHARF\" doctor --json || exit $?",
    );
    if let Some(ran) = sealed(&world, "the_kernel_gives_out_the_ports_of_servers", &lines) {
        named_first(&ran, "ephemeral-range-covers-servers");
    }
}

#[test]
fn a_link_of_ours_does_what_it_was_told() {
    let world = World::new();
    world.file(
        "[service.web]\nrun = \"PEER hello\"\nneeds = [\"api\"]\n[service.api]\nrun = \"PEER hello\"\n\
         [link.\"web -> api\"]\nlatency = \"80ms\"\n",
    );
    let up = world.up();
    let address = world.variable("web", "API_ADDR");
    explains(&world, &address, "link-conditions");
    up.stop();
}

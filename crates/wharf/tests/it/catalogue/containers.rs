//! Containers: what an engine of the tests' own tells, and what is made of namespaces, cgroups and a
//! forwarder as Docker makes it.

use std::path::PathBuf;

use super::{named_first, script, sealed};
use crate::server::{Beside, free_port};
use crate::world::{World, skip};

/// As much of the engine's API as is asked: GET /containers/json. Its arguments are the socket, the
/// container's id, the published port and the port inside.
const ENGINE: &str = "import http.server, json, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *rest): pass
    def address_string(self): return ''
    def do_GET(self):
        body = json.dumps([{'Id': sys.argv[2], 'Names': ['/web'], 'Image': 'nginx', 'State': 'running',
            'Labels': {}, 'Ports': [{'IP': '127.0.0.1', 'PrivatePort': int(sys.argv[4]), 'PublicPort': int(sys.argv[3]), 'Type': 'tcp'}],
            'NetworkSettings': {'Networks': {'bridge': {'IPAddress': '172.17.0.2'}}}}]).encode()
        self.send_response(200); self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
server = socketserver.ThreadingUnixStreamServer(sys.argv[1], Handler)
print('ready', flush=True); server.serve_forever()
";

#[test]
fn a_published_port_is_served_without_a_socket() {
    let world = World::new();
    let port = free_port();
    let socket = world.project().join("engine.sock").display().to_string();
    let id = "c0ffee".repeat(10) + "abcd";
    let _engine = Beside::python(&world, ENGINE, &[&socket, &id, &port.to_string(), "80"]);
    let mut command = world.command(&["explain", &port.to_string(), "--json"]);
    command.env("DOCKER_HOST", format!("unix://{socket}"));
    named_first(&world.finish(command), "published-by-nat");
}

#[test]
fn the_program_inside_listens_on_its_own_loopback() {
    check(
        "the_program_inside_listens_on_its_own_loopback",
        ("127.0.0.1", 80),
        "published-but-loopback-inside",
    );
}

#[test]
fn the_port_is_published_to_where_nobody_listens() {
    check(
        "the_port_is_published_to_where_nobody_listens",
        ("0.0.0.0", 3000),
        "published-to-wrong-port",
    );
}

/// The cgroup of a container, made by a script: it is removed when all in it has ended.
struct Cgroup(PathBuf);

impl Drop for Cgroup {
    fn drop(&mut self) {
        for _ in 0..100 {
            if !self.0.exists() || std::fs::remove_dir(&self.0).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        if let Some(parents) = self.0.parent() {
            for parent in [Some(parents), parents.parent()].into_iter().flatten() {
                // Another thing may be in it that is not this test's.
                let _ = std::fs::remove_dir(parent);
            }
        }
    }
}

/// What forwards, as docker-proxy does: it takes the connection first, and then sees whether the
/// container does. Its arguments are those of docker-proxy.
const PROXY: &str = "import socket, sys, threading
open('/proc/self/comm', 'w').write('docker-proxy')
of = lambda flag: sys.argv[sys.argv.index(flag) + 1]
server = socket.create_server((of('-host-ip'), int(of('-host-port'))))
def pass_on(source, sink):
    try:
        while data := source.recv(4096): sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError: pass
while True:
    client = server.accept()[0]
    try: inside = socket.create_connection((of('-container-ip'), int(of('-container-port'))))
    except OSError: client.close(); continue
    for ends in ((client, inside), (inside, client)): threading.Thread(target=pass_on, args=ends, daemon=True).start()
";

/// Publishes port 3999 to port 80 of a container in which a server listens at `inside`: a network
/// namespace at the far end of a veth(4) pair, in a cgroup that is named as Docker names it.
#[track_caller]
fn check(test: &str, (host, port): (&str, u16), rule: &str) {
    let world = World::new();
    let id = "00deadbeef".repeat(6) + "c0de";
    let roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(PathBuf::from);
    let Some(root) = roots.iter().find(|root| root.join("cgroup.procs").exists()) else {
        return skip(test, "there is no cgroup of version 2");
    };
    // Below a parent of this test's own.
    let below = root.join(format!("wharf-test-{}-{rule}", std::process::id()));
    let cgroup = Cgroup(below.join("docker").join(&id));
    if let Err(error) = std::fs::create_dir_all(&cgroup.0) {
        return skip(test, &format!("make a cgroup: {error}"));
    }
    world.write("engine.py", ENGINE);
    world.write("proxy.py", PROXY);
    let lines = script(&format!(
        "sh -c 'echo $$ > {cgroup}/cgroup.procs; exec unshare --net sh -c \"\
             ip link set lo up; touch made; until ip link set eth0 up 2>&-; do sleep 0.02; done\n\
             ip address add 172.17.0.2/16 dev eth0; touch up; exec python3 -m http.server {port} --bind {host}\"' > inside 2>&1 &\n\
         inside=$!; until [ -e made ]; do sleep 0.02; done\n\
         ip link add docker0 type veth peer name eth0 netns $inside\n\
         ip address add 172.17.0.1/16 dev docker0; ip link set docker0 up\n\
         until [ -e up ] && [ -n \"$(nsenter -t $inside -n ss -Htln 'sport = :{port}')\" ]; do sleep 0.02; done\n\
         python3 engine.py ./engine.sock {id} 3999 80 > said & until grep -q ready said; do sleep 0.02; done\n\
         python3 proxy.py -proto tcp -host-ip 127.0.0.1 -host-port 3999 -container-ip 172.17.0.2 -container-port 80 & await 3999\n\
         DOCKER_HOST=unix://$PWD/engine.sock \"$WHARF\" explain 3999 --json || exit $?",
        cgroup = cgroup.0.display(),
    ));
    if let Some(ran) = sealed(&world, test, &lines) {
        named_first(&ran, rule);
        // Its namespace was looked into: that connections are closed would not tell the two apart.
        assert!(ran.out.contains("\"method\": \"namespace\""), "{}", ran.out);
    }
}

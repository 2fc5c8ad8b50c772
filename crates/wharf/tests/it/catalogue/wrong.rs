//! The wrong thing answers, or answers the wrong people.

use std::net::TcpListener;
use std::process::Command;

use super::{explains, named_first};
use crate::server::{Beside, await_listener, free_port};
use crate::world::{World, peer};

/// An HTTP server in Python: `answer(self)` is the body of what it does with a request.
fn http(world: &World, port: u16, answer: &str) -> Beside {
    let program = format!(
        "import http.server, sys\n\
         class Handler(http.server.BaseHTTPRequestHandler):\n\
         \x20   def log_message(self, *rest): pass\n\
         \x20   def say(self, status, body, **headers):\n\
         \x20       self.send_response(status)\n\
         \x20       for name, value in headers.items(): self.send_header(name.replace('_', '-'), value)\n\
         \x20       self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body.encode())\n\
         \x20   def do_GET(self):\n\
         \x20       host = self.headers.get('Host', '').split(':')[0]; origin = self.headers.get('Origin')\n\
         \x20       trusted = host in ('localhost', '127.0.0.1', '[') and origin is None\n\
         {answer}\n\
         \x20   do_OPTIONS = do_HEAD = do_GET\n\
         server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)\n\
         print('ready', flush=True); server.serve_forever()\n"
    );
    Beside::python(world, &program, &[&port.to_string()])
}

#[test]
fn a_server_of_another_checkout_answers() {
    let world = World::new();
    world.write(".git/HEAD", "ref: refs/heads/main\n");
    world.write("../other/.git/HEAD", "ref: refs/heads/fix\n");
    let port = free_port();
    let mut command = Command::new(peer());
    command
        .arg("hello")
        .env("PORT", port.to_string())
        .current_dir(world.project().join("../other"));
    let _server = Beside::start(&world, command);
    await_listener(port);
    explains(&world, &port.to_string(), "other-checkout");
}

#[test]
fn a_proxy_is_asked_for_localhost() {
    let world = World::new();
    let port = free_port();
    let _server = http(&world, port, "        self.say(200 if trusted else 403, 'hello')");
    let proxy = TcpListener::bind("127.0.0.1:0").expect("bound");
    let proxy = format!("http://{}", proxy.local_addr().expect("an address"));
    let mut command = world.command(&["explain", &format!("http://localhost:{port}/"), "--json"]);
    command.env("http_proxy", &proxy);
    named_first(&world.finish(command), "proxy-captures-localhost");
}

#[test]
fn a_dev_server_refuses_the_name() {
    let world = World::new();
    let port = free_port();
    let answer = "        self.say(200, 'hello') if trusted else self.say(403, f'Blocked request. This host (\"{host}\") is not allowed.')";
    let _server = http(&world, port, answer);
    explains(
        &world,
        &format!("http://shop.localhost:{port}/"),
        "host-not-allowed",
    );
}

#[test]
fn it_can_be_reached_from_the_network() {
    let world = World::new();
    let port = free_port();
    let program = "import socket, sys\n\
        server = socket.socket(); server.bind(('0.0.0.0', int(sys.argv[1]))); server.listen()\n\
        print('ready', flush=True)\n\
        while True:\n    server.accept()[0].close()\n";
    let _server = Beside::python(&world, program, &[&port.to_string()]);
    explains(&world, &port.to_string(), "reachable-from-lan");
}

#[test]
fn any_website_can_read_it() {
    let world = World::new();
    let port = free_port();
    let _server = http(
        &world,
        port,
        "        self.say(200, 'secrets', Access_Control_Allow_Origin='*')",
    );
    explains(&world, &port.to_string(), "readable-by-any-site");
}

#[test]
fn it_speaks_another_protocol() {
    let world = World::new();
    let port = free_port();
    let program = "import socket, sys\n\
        server = socket.socket(); server.bind(('127.0.0.1', int(sys.argv[1]))); server.listen()\n\
        print('ready', flush=True)\n\
        while True:\n    client = server.accept()[0]; client.sendall(b'SSH-2.0-OpenSSH_9.9\\r\\n'); client.close()\n";
    let _server = Beside::python(&world, program, &[&port.to_string()]);
    explains(&world, &format!("http://127.0.0.1:{port}/"), "other-protocol");
}

/// Used by `browser`, too.
pub(super) fn answering(world: &World, port: u16, answer: &str) -> Beside {
    http(world, port, answer)
}

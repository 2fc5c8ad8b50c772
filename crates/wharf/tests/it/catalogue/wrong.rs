//! The wrong thing answers, or answers the wrong people.

use std::net::TcpListener;
use std::process::Command;

use super::{explains, named_first, script, sealed};
use crate::server::{Beside, await_listener, free_port};
use crate::world::{World, peer, skip};

/// An HTTP server in Python: `answer(self)` is the body of what it does with a request.
pub(super) fn answering(world: &World, port: u16, answer: &str) -> Beside {
    Beside::python(world, &program(answer), &[&port.to_string()])
}

fn program(answer: &str) -> String {
    format!(
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
    )
}

#[test]
fn a_server_of_another_worktree_answers() {
    let world = World::new();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments);
        command.current_dir(world.project()).env("HOME", world.project());
        let ran = world.finish(command);
        assert_eq!(ran.code, 0, "git {arguments:?}: {}", ran.err);
    };
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "first"]);
    git(&["worktree", "add", "--quiet", "-b", "fix", "../fix"]);
    let port = free_port();
    let mut command = Command::new(peer());
    command
        .arg("hello")
        .env("PORT", port.to_string())
        .current_dir(world.project().join("../fix"));
    let _server = Beside::start(&world, command);
    await_listener(port);
    explains(&world, &port.to_string(), "other-checkout");
}

#[test]
fn a_proxy_is_asked_for_localhost() {
    let world = World::new();
    let port = free_port();
    let _server = answering(&world, port, "        self.say(200 if trusted else 403, 'hello')");
    let proxy = TcpListener::bind("127.0.0.1:0").expect("bound");
    let proxy = format!("http://{}", proxy.local_addr().expect("an address"));
    let mut command = world.command(&["explain", &format!("http://localhost:{port}/"), "--json"]);
    command.env("http_proxy", &proxy);
    named_first(&world.finish(command), "proxy-captures-localhost");
}

#[test]
fn a_dev_server_refuses_the_name() {
    let world = World::new();
    world.write("hosts", "127.0.0.1 localhost shop.test\n::1 localhost\n");
    let answer = "        self.say(200, 'hello') if trusted else self.say(403, f'Blocked request. This host (\"{host}\") is not allowed.')";
    world.write("server.py", &program(answer));
    let lines = script(
        "mount --bind hosts /etc/hosts; python3 server.py 3999 > said & await 3999\n\
         \"$WHARF\" explain http://shop.test:3999/ --json || exit $?",
    );
    if let Some(ran) = sealed(&world, "a_dev_server_refuses_the_name", &lines) {
        named_first(&ran, "host-not-allowed");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_asked() {
    let world = World::new();
    let proxy = free_port();
    let mut command = world.command(&["explain", &proxy.to_string(), "--json"]);
    command.env("http_proxy", format!("http://127.0.0.1:{proxy}"));
    named_first(&world.finish(command), "dead-proxy");
}

#[test]
fn a_proxy_leads_to_itself() {
    let world = World::new();
    let port = free_port();
    let answer = format!("        self.say(302, '', Location='http://127.0.0.1:{port}/')");
    let _server = answering(&world, port, &answer);
    explains(&world, &format!("http://127.0.0.1:{port}/"), "proxy-loop");
}

#[test]
fn a_proxy_answers_that_a_request_goes_in_a_circle() {
    let world = World::new();
    let port = free_port();
    // It passes what it is asked to itself, and sees by its own mark (RFC 9110, 7.6.3: Via) that the
    // request was here before.
    let answer = format!(
        "        if 'dev' in self.headers.get('Via', ''): return self.say(508, 'loop detected')\n\
         \x20       import http.client\n\
         \x20       onward = http.client.HTTPConnection('127.0.0.1', {port})\n\
         \x20       onward.request(self.command, self.path, headers={{'Via': '1.1 dev'}})\n\
         \x20       got = onward.getresponse(); self.say(got.status, got.read().decode()); onward.close()"
    );
    let _server = answering(&world, port, &answer);
    explains(&world, &format!("http://127.0.0.1:{port}/"), "proxy-loop");
}

#[test]
fn two_servers_set_the_same_cookie() {
    let world = World::new();
    // Somebody's work: no other servers are asked for the sake of a cookie.
    world.write(".git/HEAD", "ref: refs/heads/main\n");
    let (one, other) = (free_port(), free_port());
    let answer = "        self.say(200 if trusted else 403, 'hello', Set_Cookie='session=secret; Path=/')";
    let _one = answering(&world, one, answer);
    let _other = answering(&world, other, answer);
    explains(&world, &format!("http://localhost:{one}/"), "shared-cookies");
}

#[test]
fn a_debugger_is_open_to_the_network() {
    let test = "a_debugger_is_open_to_the_network";
    if Command::new("node").arg("--version").output().is_err() {
        return skip(test, "there is no node");
    }
    let world = World::new();
    let port = free_port();
    let mut command = Command::new("node");
    command.args([
        &format!("--inspect=0.0.0.0:{port}"),
        "-e",
        "setInterval(() => {}, 1000)",
    ]);
    command.stderr(std::process::Stdio::null());
    let _debugged = Beside::start(&world, command);
    await_listener(port);
    explains(&world, &port.to_string(), "debugger-exposed");
}

#[test]
fn it_can_be_reached_from_the_network() {
    let world = World::new();
    // Somebody's work, and no service of the machine.
    world.write(".git/HEAD", "ref: refs/heads/main\n");
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
    // Somebody's work, and no service of the machine.
    world.write(".git/HEAD", "ref: refs/heads/main\n");
    let port = free_port();
    let _server = answering(
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

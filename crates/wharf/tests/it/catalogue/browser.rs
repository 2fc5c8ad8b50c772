//! What browsers and TLS make of it.

use std::net::TcpListener;

use super::wrong::answering;
use super::{explains, explains_command};
use crate::server::{Beside, free_port};
use crate::world::World;

#[test]
fn the_browser_will_insist_on_https() {
    let world = World::new();
    let port = free_port();
    let answer =
        "        self.say(200 if trusted else 403, 'hello', Strict_Transport_Security='max-age=31536000')";
    let _server = answering(&world, port, answer);
    explains(&world, &format!("http://localhost:{port}/"), "hsts");
}

#[test]
fn https_is_asked_of_plain_http() {
    let world = World::new();
    let port = free_port();
    let _server = answering(&world, port, "        self.say(200 if trusted else 403, 'hello')");
    explains(&world, &format!("https://localhost:{port}/"), "http-or-https");
}

#[test]
fn browsers_refuse_the_port() {
    let world = World::new();
    // Of the Fetch standard's bad ports, one that is free here.
    let listener = [6666, 6667, 6668, 6669, 6679, 6697, 10080]
        .into_iter()
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
        .expect("one of them is free");
    let port = listener.local_addr().expect("an address").port();
    explains(
        &world,
        &format!("http://localhost:{port}/"),
        "browser-blocked-port",
    );
}

#[test]
fn a_top_level_domain_is_https_only() {
    let world = World::new();
    let port = free_port();
    let answer = "        self.say(200 if trusted or host == 'shop.dev' else 403, 'hello')";
    let _server = answering(&world, port, answer);
    explains(&world, &format!("http://shop.dev:{port}/"), "preloaded-https");
}

#[test]
fn the_certificate_is_trusted_by_nobody() {
    let world = World::new();
    let port = free_port();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    world.write("cert.pem", &certified.cert.pem());
    world.write("key.pem", &certified.signing_key.serialize_pem());
    let program = "import http.server, ssl, sys\n\
        server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.BaseHTTPRequestHandler)\n\
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[2], sys.argv[3])\n\
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)\n\
        sys.stderr = open('/dev/null', 'w')\n\
        print('ready', flush=True); server.serve_forever()\n";
    let path = |name: &str| world.project().join(name).display().to_string();
    let _server = Beside::python(
        &world,
        program,
        &[&port.to_string(), &path("cert.pem"), &path("key.pem")],
    );
    explains(
        &world,
        &format!("https://localhost:{port}/"),
        "certificate-untrusted",
    );
}

/// A TLS server that takes HTTP/2 alone, and an HTTP/1.1 handshake of a WebSocket at it that fails.
#[test]
fn a_websocket_is_asked_of_http_2() {
    let world = World::new();
    let port = free_port();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    world.write("cert.pem", &certified.cert.pem());
    world.write("key.pem", &certified.signing_key.serialize_pem());
    // RFC 9113, 3.4: each side's preface; what is not the client's is answered by GOAWAY.
    let program = "import socket, ssl, sys, threading\n\
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[2], sys.argv[3])\n\
        context.set_alpn_protocols(['h2'])\n\
        server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n\
        def serve(client):\n\
        \x20   try:\n\
        \x20       with context.wrap_socket(client, server_side=True) as stream:\n\
        \x20           stream.sendall(bytes(3) + b'\\x04' + bytes(5)); stream.recv(4096)\n\
        \x20           stream.sendall(b'\\0\\0\\x08\\x07' + bytes(5) + bytes(7) + b'\\x01')\n\
        \x20   except OSError: pass\n\
        print('ready', flush=True)\n\
        while True:\n    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()\n";
    let path = |name: &str| world.project().join(name).display().to_string();
    let _server = Beside::python(
        &world,
        program,
        &[&port.to_string(), &path("cert.pem"), &path("key.pem")],
    );
    let client = "import socket, ssl, sys\n\
        context = ssl.create_default_context(cafile=sys.argv[2])\n\
        stream = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), server_hostname='localhost')\n\
        stream.sendall(b'GET /hmr HTTP/1.1\\r\\nHost: localhost\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\\n\
        Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n')\n\
        answer = stream.recv(4096)\n\
        if not answer.startswith(b'HTTP/1.1 101'):\n\
        \x20   sys.exit(f\"WebSocket connection to 'wss://localhost:{sys.argv[1]}/hmr' failed\")\n";
    explains_command(
        &world,
        &["python3", "-c", client, &port.to_string(), &path("cert.pem")],
        "websocket-refused",
    );
}

#[test]
fn what_a_browser_says_is_understood() {
    let world = World::new();
    let said = |text: &str, rule: &str| {
        explains_command(&world, &["sh", "-c", "echo \"$0\"; exit 1", text], rule);
    };
    said(
        "Access to fetch at 'http://127.0.0.1:3000/' from origin 'http://localhost:5173' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present.",
        "cors-localhost-or-address",
    );
    said(
        "Access to fetch at 'http://localhost:3000/' from origin 'https://shop.example' has been blocked by CORS policy: Permission was denied for this request to access the `loopback` address space.",
        "local-network-access",
    );
    said(
        "Error: ENOSPC: System limit for number of file watchers reached, watch '/src'\nport 3000",
        "inotify-limit",
    );
}

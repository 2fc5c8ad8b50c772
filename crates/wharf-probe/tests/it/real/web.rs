//! Servers of pages, HTTP/2, gRPC and WebSockets.

use wharf_facts::Spoken;

use super::{Real, check};

#[test]
fn python_http_server() {
    check(&Real {
        name: "python_http_server",
        needs: ("python3", "python3"),
        command: &["python3", "-m", "http.server", "PORT", "--bind", "127.0.0.1"],
        speaks: (
            Spoken::Http,
            "framework: Python http.server | title: Directory listing for /",
        ),
        to_strangers: Spoken::Http,
        complaints: &["Exception", "code 400"],
    });
}

#[test]
fn node_express_like() {
    check(&Real {
        name: "node_express_like",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "-e",
            "require('http').createServer((q, s) => { s.setHeader('X-Powered-By', 'Express'); s.setHeader('Set-Cookie', ['sid=secret; Path=/', 'theme=dark']); s.end('<!doctype html><TITLE>\\n Caf&eacute; &amp; \\x1b[31mbar</TITLE>') }).listen(PORT, '127.0.0.1')",
        ],
        speaks: (
            Spoken::Http,
            "framework: Express | title: Café & [31mbar | cookies: sid,theme",
        ),
        to_strangers: Spoken::Http,
        complaints: &["rror"],
    });
}

#[test]
fn node_inspector() {
    check(&Real {
        name: "node_inspector",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "--inspect=127.0.0.1:PORT",
            "-e",
            "setInterval(() => {}, 1e6)",
        ],
        speaks: (Spoken::Inspector, "node.js/v"),
        to_strangers: Spoken::Inspector,
        complaints: &["Debugger attached"],
    });
}

#[test]
fn node_http2() {
    check(&Real {
        name: "node_http2",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "-e",
            "require('http2').createServer((q, s) => s.end('<title>two</title>')).listen(PORT, '127.0.0.1')",
        ],
        speaks: (Spoken::H2c, "title: two"),
        to_strangers: Spoken::H2c,
        complaints: &["rror"],
    });
}

/// gRPC's answer to a method that is not there, as its document has it, by Node's HTTP/2.
#[test]
fn node_grpc() {
    check(&Real {
        name: "node_grpc",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "-e",
            "require('http2').createServer().on('stream', (s, h) => { if (h[':method'] !== 'POST') s.close(8); else { s.respond({':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12'}); s.end() } }).listen(PORT, '127.0.0.1')",
        ],
        speaks: (Spoken::Grpc, ""),
        to_strangers: Spoken::Grpc,
        complaints: &["rror"],
    });
}

#[test]
fn node_websocket() {
    check(&Real {
        name: "node_websocket",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "-e",
            "const h = require('http').createServer((q, s) => { s.writeHead(426, {Upgrade: 'websocket'}); s.end('Upgrade Required') }); h.on('upgrade', (q, s) => { const k = require('crypto').createHash('sha1').update(q.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64'); s.on('error', () => {}); s.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + k + '\\r\\n\\r\\n'); s.on('end', () => s.end()) }); h.listen(PORT, '127.0.0.1')",
        ],
        speaks: (Spoken::Websocket, "http: / 426"),
        to_strangers: Spoken::Websocket,
        complaints: &["rror"],
    });
}

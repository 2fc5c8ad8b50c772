//! Whom servers trust: two made by Node, one that looks at nothing and one that looks at all.

use std::fmt::Write;
use std::process::Command;

use wharf_probe::{Curiosity, Plan, Target, probe};

use crate::real::PATIENT;
use crate::server::{Port, Program, find};
use crate::skip;

const ACCEPTS: &str = "const accept = (q, s) => { const k = require('crypto').createHash('sha1').update(q.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64'); s.on('error', () => {}); s.on('end', () => s.end()); s.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + k + '\\r\\n\\r\\n') };";

fn examined(name: &str, script: &str) -> Option<String> {
    if find("node").is_none() {
        skip(name, "node is not installed (package nodejs)");
        return None;
    }
    let port = Port::held();
    let directory = tempfile::Builder::new()
        .prefix("wharf")
        .tempdir()
        .expect("a directory");
    let script = format!("{ACCEPTS} const PORT = {}; {script}", port.number);
    let mut command = Command::new("node");
    command.args(["-e", &script]);
    let program = Program::start(command, &port, directory.path());
    let target = Target::new(port.address())
        .and_then(|target| target.named("shop.test"))
        .expect("a target");
    let plan = Plan {
        curiosity: Curiosity::Trust,
        budget: PATIENT,
        ..Plan::default()
    };
    let met = probe(&target, &plan);
    let http = met
        .http
        .clone()
        .unwrap_or_else(|| panic!("no page: {met:?}\n{}", program.log()));
    let mut text = String::new();
    let _ = writeln!(text, "own page         {}", http.status);
    let _ = writeln!(text, "foreign Host     {:?}", http.foreign_host);
    let _ = writeln!(text, "foreign Origin   {:?}", http.foreign_origin);
    let _ = writeln!(text, "foreign socket   {:?}", http.foreign_websocket);
    let _ = writeln!(text, "Host shop.test   {:?}", http.named_host);
    for preflight in http.preflights.items() {
        let origin = preflight.origin.replace(&port.number.to_string(), "PORT");
        let _ = writeln!(text, "{origin:<23} {:?}", preflight.taken);
    }
    Some(text)
}

#[test]
fn one_that_looks_at_nothing() {
    let script = "const h = require('http').createServer((q, s) => { s.setHeader('Access-Control-Allow-Origin', '*'); s.end('<title>open</title>') }); h.on('upgrade', accept); h.listen(PORT, '127.0.0.1')";
    if let Some(text) = examined("one_that_looks_at_nothing", script) {
        insta::assert_snapshot!(text);
    }
}

#[test]
fn one_that_looks_at_all() {
    let script = "const own = `127.0.0.1:${PORT}`; const h = require('http').createServer((q, s) => { if (q.headers.host !== own) { s.statusCode = 403; return s.end('Blocked request') } if (q.headers.origin === `http://localhost:${PORT}`) s.setHeader('Access-Control-Allow-Origin', q.headers.origin); s.end('<title>shut</title>') }); h.on('upgrade', (q, s) => q.headers.origin === `http://${own}` ? accept(q, s) : s.end('HTTP/1.1 403 Forbidden\\r\\nConnection: close\\r\\n\\r\\n')); h.listen(PORT, '127.0.0.1')";
    if let Some(text) = examined("one_that_looks_at_all", script) {
        insta::assert_snapshot!(text);
    }
}

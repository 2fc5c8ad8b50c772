//! Debuggers. They are only asked where the user asked for it.

use wharf_facts::Spoken;

use super::Verdict;

/// JDWP's handshake, which both sides say (JDWP specification, "Communicating the handshake").
pub(super) const JDWP: &[u8] = b"JDWP-Handshake";

/// A DAP `initialize` request.
pub(super) const DAP: &[u8] = b"Content-Length: 102\r\n\r\n\
    {\"seq\":1,\"type\":\"request\",\"command\":\"initialize\",\"arguments\":{\"adapterID\":\"wharf\",\"clientID\":\"wharf\"}}";

/// GDB's remote protocol: `qSupported`, with its checksum.
pub(super) const GDB: &[u8] = b"+$qSupported#37";

pub(super) fn recognise(bytes: &[u8]) -> Option<Verdict> {
    if bytes.starts_with(JDWP) {
        return Some(Verdict::of(Spoken::Jdwp));
    }
    gdb(bytes).or_else(|| framed_json(bytes))
}

/// `+`, then a packet `$…#xx` that lists what it supports.
fn gdb(bytes: &[u8]) -> Option<Verdict> {
    let packet = bytes.strip_prefix(b"+").unwrap_or(bytes).strip_prefix(b"$")?;
    let end = packet.iter().position(|&byte| byte == b'#')?;
    let body = &packet[..end];
    let is_gdb = body.starts_with(b"PacketSize=") || body.windows(13).any(|part| part == b"QStartNoAckMod");
    is_gdb.then(|| Verdict::of(Spoken::Gdb))
}

/// `Content-Length: …` and JSON: DAP, or JSON-RPC as language servers speak it. Judged when it is whole.
fn framed_json(bytes: &[u8]) -> Option<Verdict> {
    let rest = bytes.strip_prefix(b"Content-Length: ")?;
    let text = String::from_utf8_lossy(rest);
    let (length, body) = text.split_once("\r\n\r\n")?;
    if length.trim().parse::<usize>().ok()? > body.len() {
        return None;
    }
    if body.contains("\"jsonrpc\"") {
        return Some(Verdict::of(Spoken::Other("json-rpc".to_owned())));
    }
    let is_dap = body.contains("\"seq\"") && (body.contains("\"event\"") || body.contains("\"response\""));
    let says: &[u8] = if body.contains("debugpy") || body.contains("ptvsd") {
        b"debugpy"
    } else {
        b""
    };
    is_dap.then(|| Verdict::of(Spoken::Dap).saying(says))
}

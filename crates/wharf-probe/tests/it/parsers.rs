//! No bytes make a verdict fail, and what is said of them is fit for a terminal.

use proptest::prelude::*;
use wharf_facts::Spoken;
use wharf_probe::recognise;

/// Beginnings that lead into each parser.
const STARTS: &[&[u8]] = &[
    b"",
    b"S",
    b"E\0\0\0\x3cSFATAL\0",
    b"\x4a\0\0\0\x0a",
    b"\x2e\0\0\0\xff\x69\x04",
    b"\x26\0\0\0\x01\0\0\0\x2a\0\0\0\xdd\x07\0\0",
    b"-ERR ",
    b"VERSION ",
    b"AMQP",
    b"\x01\0\0\0\0\0\x35\0\x0a\0\x0a\x07productS\xff\xff\xff\xff",
    b"\0\0\0\x10\0\0\0\x2a\0\0",
    b"\x20\x02\0",
    b"INFO {\"version\":\"",
    b"JDWP-Handshake",
    b"+$PacketSize=",
    b"Content-Length: 9\r\n\r\n",
    b"\x15\x03\x03\0\x02\x02",
    b"\0\x1bwf\x80",
    b"\0\0\x06\x04\0\0\0\0\0",
    b"HTTP/1.1 200 OK\r\n",
    b"\xff\xfd",
    b"SSH-2.0-",
    b"220 ",
    b"* OK ",
    b"RFB 0",
];

proptest! {
    #[test]
    fn any_bytes_have_a_verdict_or_none(
        start in prop::sample::select(STARTS),
        rest in prop::collection::vec(any::<u8>(), 0..200),
        cut in 0usize..220,
    ) {
        let mut bytes = start.to_vec();
        bytes.extend(rest);
        bytes.truncate(cut);
        if let Some(verdict) = recognise(&bytes) {
            let says = verdict.says.unwrap_or_default();
            prop_assert!(says.chars().count() <= 200);
            prop_assert!(!says.chars().any(char::is_control), "{says:?}");
        }
    }
}

/// Bytes that begin like a protocol's, and are another's or nobody's.
#[test]
fn what_only_looks_alike_is_not_taken() {
    for bytes in [
        &b"SN"[..],
        b"Sorry\r\n",
        b"N/A\r\n",
        b"E\0\0\0\x3cSODD\0",
        b"\x4a\0\0\0\x0a\x01\x02\0",
        b"\0\0\x05\x04\0\0\0\0\0",
        b"HTTP/2",
        b"VERSION",
        b"\x20\x02\x07\0",
        b"\0\x1bwf\0",
        b"Content-Length: 3\r\n\r\n{}\n",
        b"\x15\x09\x03\0\x02\x02\0",
        b"",
    ] {
        let verdict = recognise(bytes);
        assert_eq!(verdict, None, "{:?}", String::from_utf8_lossy(bytes));
    }
    let rpc = recognise(b"Content-Length: 17\r\n\r\n{\"jsonrpc\":\"2.0\"}   ").map(|verdict| verdict.spoken);
    assert_eq!(rpc, Some(Spoken::Other("json-rpc".to_owned())));
}

#[test]
fn debugpy_says_its_name() {
    let event = b"Content-Length: 60\r\n\r\n{\"seq\":1,\"type\":\"event\",\"event\":\"output\",\"output\":\"debugpy\"}";
    assert_eq!(recognise(&event[..event.len() - 1]), None, "it is not whole");
    let verdict = recognise(event).expect("a verdict");
    assert_eq!(
        (verdict.spoken, verdict.says.as_deref()),
        (Spoken::Dap, Some("debugpy"))
    );
}

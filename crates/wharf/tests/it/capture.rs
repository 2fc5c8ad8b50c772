//! Captures: a file that Wireshark reads.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use wharf_link::Size;
use wharf_stack::control::{Reply, Request};

use crate::http::get;
use crate::world::{World, eventually, kill, skip};

/// The types of the blocks of a pcapng file, checked as draft-ietf-opsawg-pcapng, section 3.1, has them:
/// type, length, body, the same length again.
pub(crate) fn blocks(file: &[u8]) -> Vec<u32> {
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(number(0), 0x0a0d_0d0a, "a section header comes first");
    assert_eq!(number(8), 0x1a2b_3c4d, "its byte-order magic");
    let mut types = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let length = number(at + 4) as usize;
        assert!(
            length >= 12 && length.is_multiple_of(4),
            "a block of {length} bytes at {at}"
        );
        assert_eq!(
            number(at + length - 4) as usize,
            length,
            "the block at {at} ends as it began"
        );
        types.push(number(at));
        at += length;
    }
    assert_eq!(at, file.len(), "the file ends with a block");
    types
}

#[test]
fn what_passes_is_written_until_ctrl_c() {
    const PACKET: u32 = 6;
    let world = World::new();
    world.file("[service.a]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n[service.b]\nrun = \"PEER hello\"\n");
    world.run(&["up", "-d"]).ok();
    let file = world.project().join("out.pcapng");
    let address = world.variable("a", "B_ADDR");
    let mut capture = world.start(&["capture", "a -> b", "-o", "out.pcapng"]);
    eventually("it is begun", || {
        world.run(&["logs"]).ok().contains("captured into")
    });
    world
        .run(&["capture", "a -> b", "-o", "other.pcapng"])
        .fails(2, &["it is being captured already"]);
    assert!(!world.project().join("other.pcapng").exists());
    for _ in 0..3 {
        get(&address, &address, "/captured").expect("an answer");
    }
    kill(capture.pid(), Signal::INT);
    let said = capture.wait().ok();
    let bytes = fs::read(&file).expect("the file");
    let mode = fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let types = blocks(&bytes);
    let packets = types.iter().filter(|kind| **kind == PACKET).count();
    // Each connection: a handshake of three, a request, an answer, and an end.
    assert!(packets >= 3 * 6, "{types:?}");
    assert_eq!(types[1], 1, "an interface is described before any packet");
    assert!(
        said.starts_with(&format!("{packets} packets, ")),
        "{said}: {packets}"
    );
    assert!(said.contains("out.pcapng"), "{said}");
    decode(&file.display().to_string());

    // One that is killed ends too, and its file is whole.
    let mut capture = world.start(&["capture", "a -> b", "-o", "out.pcapng"]);
    eventually("it is begun", || {
        world.run(&["logs"]).ok().matches("captured into").count() == 2
    });
    get(&address, &address, "/again").expect("an answer");
    kill(capture.pid(), Signal::KILL);
    capture.wait();
    eventually("it is ended", || {
        world.run(&["logs"]).ok().matches("no longer captured").count() == 2
    });
    assert!(blocks(&fs::read(&file).expect("the file")).contains(&PACKET));
    let timed = world
        .run(&["capture", "a -> b", "-o", "short.pcapng", "--seconds", "0"])
        .ok();
    assert!(timed.starts_with("0 packets, "), "{timed}");
    world.run(&["down"]).ok();
}

/// Whoever has ended a capture, and is late in saying so, ends no other.
#[test]
fn a_capture_that_is_over_ends_no_other() {
    let world = World::new();
    world.file("[service.a]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n[service.b]\nrun = \"PEER hello\"\n");
    world.run(&["up", "-d"]).ok();
    let client = world.client();
    let number = |reply: Reply| match reply {
        Reply::Captured { capture, .. } => Some(capture),
        _ => None,
    };
    let begin = |name: &str| {
        let request = Request::Capture {
            link: "a -> b".to_owned(),
            file: world.project().join(name),
            limit: Size::from_bytes(1 << 20),
        };
        let mut replies = client.ask_for_many(&request).expect("it is asked");
        let first = replies.next().expect("an answer").expect("understood");
        (number(first).expect("it is begun"), replies)
    };
    let stop = |capture| {
        let link = "a -> b".to_owned();
        let stopped = client.ask(&Request::StopCapture { link, capture });
        number(stopped.expect("an answer"))
    };
    let (first, _first_replies) = begin("first.pcapng");
    assert_eq!(stop(Some(first)), Some(first));
    let (second, _second_replies) = begin("second.pcapng");
    assert_ne!(first, second);
    assert_eq!(stop(Some(first)), None);
    let link = "a -> b".to_owned();
    let capture = Some(second);
    let figures = client.ask(&Request::Captured { link, capture });
    assert_eq!(number(figures.expect("an answer")), Some(second));
    assert_eq!(stop(None), Some(second));
    world.run(&["down"]).ok();
}

/// What Wireshark's own program makes of it.
fn decode(file: &str) {
    let tshark = Command::new("tshark")
        .args(["-r", file, "-T", "fields", "-e", "http.request.uri"])
        .stdin(Stdio::null())
        .output();
    let Ok(tshark) = tshark else {
        return skip("what_passes_is_written_until_ctrl_c", "tshark is not installed");
    };
    let decoded = String::from_utf8_lossy(&tshark.stdout).into_owned();
    let errors = String::from_utf8_lossy(&tshark.stderr).into_owned();
    assert_eq!(decoded.matches("/captured").count(), 3, "{decoded}\n{errors}");
}

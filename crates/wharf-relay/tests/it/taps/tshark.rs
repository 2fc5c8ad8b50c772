//! Wireshark's command line decodes what a link carried, whatever port the link had.

use std::io::{ErrorKind, Write};
use std::process::Command;

use super::file::Capture;
use crate::bed::{Bed, ends, latency, passes};

/// A question and its answer, which tshark decodes under this filter, and a field's text.
struct Case {
    question: &'static str,
    answer: &'static str,
    filter: &'static str,
    field: &'static str,
    text: &'static str,
}

const CASES: [Case; 3] = [
    Case {
        question: "GET /orders?page=2 HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
        answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        filter: "http.request",
        field: "http.request.uri",
        text: "/orders?page=2",
    },
    Case {
        question: "\0\0\0\x12\0\x03\0\0user\0ann\0\0Q\0\0\0\x1aSELECT * FROM orders\0\0",
        answer: "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05IC\0\0\0\x0dSELECT 0\0Z\0\0\0\x05I",
        filter: "pgsql.query",
        field: "pgsql.query",
        text: "SELECT * FROM orders",
    },
    Case {
        question: "*2\r\n$3\r\nGET\r\n$8\r\ngreeting\r\n",
        answer: "$5\r\nhello\r\n",
        filter: "resp",
        field: "_ws.col.Protocol",
        text: "RESP",
    },
];

#[test]
fn tshark_decodes_what_a_link_carried() {
    for case in CASES {
        let bed = Bed::with(latency(2));
        let capture = Capture::begin(&bed.relay, bed.link);
        let (client, server) = bed.pair();
        passes(&client, &server, case.question);
        passes(&server, &client, case.answer);
        drop(client);
        ends(&server);
        drop(server);
        bed.await_stats(|stats| stats.connections == 0);
        bed.relay.stop_capture(bed.link).expect("it stops");

        let fields = ["-Y", case.filter, "-T", "fields", "-e", case.field];
        let Some(decoded) = tshark(&capture, &fields) else {
            return;
        };
        assert!(decoded.contains(case.text), "{}: {decoded}", case.filter);
        let followed = tshark(&capture, &["-q", "-z", "follow,tcp,ascii,0"]).unwrap_or_default();
        for line in [case.question, case.answer].map(|text| text.lines().next().unwrap_or_default()) {
            // What cannot be printed is dots there.
            let readable = line.split(|c: char| c.is_control()).max_by_key(|part| part.len());
            assert!(followed.contains(readable.unwrap_or_default()), "{followed}");
        }
        let wrong = tshark(&capture, &["-Y", "tcp.analysis.flags || _ws.malformed"]);
        assert_eq!(wrong.as_deref(), Some(""));
    }
}

/// What tshark prints. `None`: there is none here.
fn tshark(capture: &Capture, arguments: &[&str]) -> Option<String> {
    // Preferences of whoever runs this must not matter.
    let home = tempfile::tempdir().expect("a directory");
    let run = Command::new("tshark")
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .arg("-r")
        .arg(capture.path())
        .args(arguments)
        .output();
    match run {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Past the test harness, which would keep it to itself.
            let line = "SKIPPED: tshark_decodes_what_a_link_carried: tshark: not found\n";
            let _ = std::io::stderr().write_all(line.as_bytes());
            None
        }
        Err(error) => panic!("run tshark: {error}"),
    }
}

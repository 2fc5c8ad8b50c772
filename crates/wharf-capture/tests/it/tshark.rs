//! Wireshark's command line follows the streams and decodes what is in them.

#![expect(
    clippy::disallowed_types,
    reason = "the crate runs no processes; this test runs an analyser"
)]

use std::io::Write;
use std::process::Command;

use crate::packets::Capture;
use crate::recording::read;

/// What `tshark` prints for a capture of the recordings, each at its protocol's port. `None`: there is
/// none here.
fn tshark(test: &str, recordings: &[(&str, u16)], arguments: &[&str]) -> Option<String> {
    let mut capture = Capture::new();
    for (name, port) in recordings {
        for recording in read(name) {
            let client = format!("127.0.0.1:{}", 40_000 + recording.number);
            capture.conversation(&recording, &client, &format!("127.0.0.1:{port}"));
        }
    }
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&capture.out).expect("it can be written");
    // Preferences of whoever runs this must not matter.
    let home = tempfile::tempdir().expect("a directory");
    let run = Command::new("tshark")
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .arg("-r")
        .arg(file.path())
        .args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"])
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
        Err(error) => {
            // Past the test harness, which would keep it to itself.
            let line = format!("SKIPPED: {test}: tshark: {error}\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            None
        }
    }
}

const ALL: [(&str, u16); 6] = [
    ("http1", 80),
    ("http2", 8080),
    ("mysql", 3306),
    ("postgres", 5432),
    ("redis", 6379),
    ("tls", 443),
];

/// `LRANGE`, `queue`, in hexadecimal, as the field is printed.
const LRANGE_QUEUE: &str = "4c52414e4745,7175657565";

#[test]
fn tshark_finds_nothing_wrong() {
    let test = "tshark_finds_nothing_wrong";
    let filter = "tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0 || (_ws.malformed && !mysql)";
    // What LOAD DATA sends is a malformed command to its dissector of MySQL.
    if let Some(found) = tshark(test, &ALL, &["-Y", filter]) {
        assert_eq!(found, "");
    }
}

#[test]
fn tshark_follows_a_stream() {
    let test = "tshark_follows_a_stream";
    if let Some(text) = tshark(test, &[("redis", 6379)], &["-q", "-z", "follow,tcp,ascii,0"]) {
        assert!(text.contains("Node 0: 127.0.0.1:40001"), "{text}");
        assert!(text.contains("greeting") && text.contains("+OK"), "{text}");
    }
}

#[test]
fn tshark_decodes_requests() {
    let test = "tshark_decodes_requests";
    let cases: [(&str, u16, &str, &str, &[&str]); 6] = [
        (
            "http1",
            80,
            "http.request",
            "http.request.uri",
            &["/missing", "/orders", "/login?user=ann&password=hunter2"],
        ),
        (
            "http1",
            80,
            "http.response",
            "http.response.code",
            &["200", "404", "304", "302", "201"],
        ),
        (
            "postgres",
            5432,
            "pgsql.query",
            "pgsql.query",
            &["SELECT * FROM nowhere;", "UPDATE t SET name = $1 WHERE id = $2"],
        ),
        (
            "redis",
            6379,
            "resp.bulk_string.value",
            "resp.bulk_string.value",
            &[LRANGE_QUEUE],
        ),
        (
            "mysql",
            3306,
            "mysql.query",
            "mysql.query",
            &["SELECT * FROM t WHERE id < 4", "CALL two()"],
        ),
        (
            "tls",
            443,
            "tls.handshake.type == 1",
            "tls.handshake.extensions_server_name",
            &["shop.test"],
        ),
    ];
    for (name, port, filter, field, wanted) in cases {
        let arguments = ["-Y", filter, "-T", "fields", "-e", field];
        let Some(text) = tshark(test, &[(name, port)], &arguments) else {
            return;
        };
        for line in wanted {
            assert!(
                text.lines().any(|found| found.contains(line)),
                "{name}: `{line}` in:\n{text}"
            );
        }
    }
}

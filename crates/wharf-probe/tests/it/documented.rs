//! Protocols whose servers are not at hand: fakes that say what the protocol's document says.

use std::fmt::Write as _;
use std::io::Write as _;

use wharf_facts::Spoken;
use wharf_probe::{By, Consent, Guess, Plan, Slot, Target, Touch, probe};

use crate::real::PATIENT;
use crate::server::{Fake, until_closed};
use crate::summary;

/// As if the owner were known to speak `spoken`.
fn known(spoken: Spoken) -> Guess {
    Guess {
        spoken: wharf_facts::Seen::Known(spoken),
        by: By::Program("it".to_owned()),
        slot: Slot::Many,
        touch: Touch::Freely,
    }
}

/// Answers HTTP: what `page` makes of the request's first line.
fn http(page: impl Fn(&str) -> String + Send + Sync + 'static) -> Fake {
    Fake::start(move |mut stream| {
        let mut said = Vec::new();
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = std::io::Read::read(&mut stream, &mut part) {
            said.extend_from_slice(&part[..count]);
            if said.ends_with(b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&said).into_owned();
                let _ = stream.write_all(page(text.lines().next().unwrap_or_default()).as_bytes());
                return;
            }
        }
    })
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Answers one question that begins so with these bytes.
fn says(question: &'static [u8], reply: &'static [u8]) -> Fake {
    Fake::answering(move |said| {
        if said.starts_with(question) {
            reply.to_vec()
        } else {
            Vec::new()
        }
    })
}

/// What is learnt of each: by its owner where that tells, else as a stranger.
#[test]
fn each_is_told_from_all_others() {
    let amqp = b"\x01\0\0\0\0\0\x35\0\x0a\0\x0a\0\x09\0\0\0\x27\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.10.8\0\0\0\0\xce";
    let mongodb =
        b"\x26\0\0\0\x01\0\0\0\x2a\0\0\0\xdd\x07\0\0\0\0\0\0\0\x11\0\0\0\x01ok\0\0\0\0\0\0\0\xf0\x3f\0";
    let kafka = b"\0\0\0\x10\0\0\0\x2a\0\0\0\0\0\x01\0\x12\0\0\0\x03";
    let mysql = b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0AAAAAAAA\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0AAAAAAAAAAAA\0caching_sha2_password\0";
    let blocked = b"\x2e\0\0\0\xff\x69\x04Host 'x' is blocked because of many errors.";
    let html = "200 OK\r\nContent-Type: text/html";
    let rows: Vec<(&str, Fake, Option<Spoken>)> = vec![
        ("SMTP", Fake::greeting(b"220 mail.test ESMTP Postfix\r\n"), None),
        ("FTP", Fake::greeting(b"220 ProFTPD Server ready.\r\n"), None),
        ("POP3", Fake::greeting(b"+OK Dovecot ready.\r\n"), None),
        ("IMAP", Fake::greeting(b"* OK [CAPABILITY IMAP4rev1] ready.\r\n"), None),
        ("VNC", Fake::greeting(b"RFB 003.008\n"), None),
        ("rsync", Fake::greeting(b"@RSYNCD: 31.0\n"), None),
        ("telnet", Fake::greeting(b"\xff\xfd\x18\xff\xfd\x20"), None),
        ("MySQL", Fake::greeting(mysql), None),
        ("MySQL that blocks", Fake::greeting(blocked), None),
        ("one that nobody knows", Fake::greeting(b"HELLO \x1b[31mthere\r\n"), None),
        ("AMQP, known", says(b"AMQP", amqp), Some(Spoken::Amqp)),
        ("AMQP, unknown", says(b"GET", b"AMQP\0\0\x09\x01"), None),
        ("MongoDB, known", says(b"\x34\0\0\0\x2a", mongodb), Some(Spoken::Mongodb)),
        (
            "MongoDB, unknown",
            http(|_| answer("200 OK\r\nContent-Type: text/plain", "It looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n")),
            None,
        ),
        ("Kafka", says(b"\0\0\0\x0f\0\x12", kafka), Some(Spoken::Kafka)),
        ("PostgreSQL that is full", says(b"\0\0\0\x08\x04\xd2", b"E\0\0\0\x3cSFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0"), None),
        (
            "Docker, known",
            http(|line| match line {
                "GET /_ping HTTP/1.1" => answer("200 OK\r\nApi-Version: 1.43\r\nServer: Docker/24.0.7 (linux)", "OK"),
                _ => answer("404 Not Found", ""),
            }),
            Some(Spoken::Docker),
        ),
        (
            "Docker, unknown",
            http(|line| match line {
                "GET /_ping HTTP/1.1" => answer("200 OK\r\nApi-Version: 1.43\r\nServer: Docker/24.0.7 (linux)", "OK"),
                _ => answer("404 Not Found\r\nContent-Type: application/json", "{\"message\":\"page not found\"}\n"),
            }),
            None,
        ),
        (
            "Chrome",
            http(|line| match line {
                "GET /json/version HTTP/1.1" => answer("200 OK\r\nContent-Type: application/json", "{\"Browser\": \"Chrome/120.0.1\", \"Protocol-Version\": \"1.3\"}"),
                _ => answer("404 Not Found", ""),
            }),
            Some(Spoken::Devtools),
        ),
        (
            "a page where an inspector was thought to be",
            http(move |line| match line {
                "GET / HTTP/1.1" => answer(html, "<title>mine</title><script src=/@vite/client>"),
                _ => answer("404 Not Found", "no"),
            }),
            Some(Spoken::Inspector),
        ),
        (
            "chunks that cut the title",
            http(move |_| format!("HTTP/1.1 {html}\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n<title>on\r\na\r\ne</title>ab\r\n0\r\n\r\n")),
            None,
        ),
        (
            "a proxy",
            http(move |_| answer("503 Service Unavailable\r\nVia: 1.1 squid\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\nServer: squid/5.7", "")),
            None,
        ),
        (
            "a redirect that could tell a secret",
            http(|_| {
                answer(
                    "302 Found\r\nLocation: https://localhost:5001/sign-in?code=s3cret#more\r\nStrict-Transport-Security: max-age=60",
                    "",
                )
            }),
            None,
        ),
        ("HTTP that fails", http(|_| answer("500 Internal Server Error\r\nServer: Werkzeug/3.0", "")), None),
        ("debugpy", Fake::greeting(b"Content-Length: 57\r\n\r\n{\"seq\":1,\"type\":\"event\",\"event\":\"output\",\"debugpy\":\"1.8\"}"), None),
        ("TLS that takes no one", says(b"\x16\x03\x01", b"\x15\x03\x03\0\x02\x02\x28"), None),
        ("one that closes", Fake::start(drop), None),
        ("one that says nothing", Fake::start(until_closed), None),
    ];
    let targets: Vec<Target> = rows
        .iter()
        .map(|(_, fake, spoken)| {
            let target = Target::new(fake.address()).expect("loopback");
            match spoken {
                Some(spoken) => target.guessed(known(spoken.clone())),
                None => target,
            }
        })
        .collect();
    let plan = Plan {
        consent: Consent::Asked,
        budget: PATIENT,
        ..Plan::default()
    };
    let mut table = String::new();
    for ((name, fake, _), target) in rows.iter().zip(&targets) {
        let _ = writeln!(table, "{name}\n    {}", summary(&probe(target, &plan)));
        assert!(
            fake.connections() <= wharf_probe::CONNECTIONS,
            "{name}: {}",
            fake.connections()
        );
    }
    insta::assert_snapshot!(table);
}

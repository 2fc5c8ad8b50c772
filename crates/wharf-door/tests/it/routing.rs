//! Names lead to services, and services hear what they should.

use std::io::Write;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Version};
use wharf_door::{Hostname, Registration, Route, Routes, RunDirRoutes};

use crate::support::backend::Backend;
use crate::support::client::{connect, get, parse, send, send2};
use crate::support::{Site, await_that};

/// A request in HTTP/1.1, and what the service must (or, with nothing, must not) have heard.
struct Carried {
    request: &'static str,
    line: &'static str,
    heard: &'static [(&'static str, Option<&'static str>)],
}

const CARRIED: &[Carried] = &[
    Carried {
        request: "GET /a?b=c HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\nX-Mine: 1\r\n",
        line: "GET /a?b=c HTTP/1.1",
        heard: &[
            ("host", Some("web.shop.localhost:PORT")),
            ("x-mine", Some("1")),
            ("x-forwarded-for", Some("127.0.0.1")),
            ("x-forwarded-host", Some("web.shop.localhost:PORT")),
            ("x-forwarded-proto", Some("http")),
            ("x-forwarded-port", Some("PORT")),
            (
                "forwarded",
                Some("for=127.0.0.1;host=\"web.shop.localhost:PORT\";proto=http"),
            ),
            ("connection", None),
            ("wharf-hops", Some("1")),
        ],
    },
    // A host has no case and may end in a dot; the service sees it as it was sent.
    Carried {
        request: "GET / HTTP/1.1\r\nHost: WEB.Shop.localhost.:PORT\r\n",
        line: "GET / HTTP/1.1",
        heard: &[("host", Some("WEB.Shop.localhost.:PORT"))],
    },
    Carried {
        request: "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\n",
        line: "GET / HTTP/1.1",
        heard: &[("host", Some("web.shop.localhost"))],
    },
    // RFC 9112 section 3.2.2: the absolute form wins over Host.
    Carried {
        request: "GET http://web.shop.localhost:PORT/x HTTP/1.1\r\nHost: evil.example\r\n",
        line: "GET /x HTTP/1.1",
        heard: &[("host", Some("web.shop.localhost:PORT"))],
    },
    Carried {
        request: "OPTIONS * HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\n",
        line: "OPTIONS * HTTP/1.1",
        heard: &[],
    },
    // What the client says about its way here is replaced.
    Carried {
        request: "GET / HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\nForwarded: for=9.9.9.9\r\n\
                  X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Prefix: /x\r\nX-Real-IP: 9.9.9.9\r\n",
        line: "GET / HTTP/1.1",
        heard: &[
            ("x-forwarded-for", Some("127.0.0.1")),
            ("x-forwarded-prefix", None),
            ("x-real-ip", None),
        ],
    },
    // What belongs to one hop ends here, as does what Connection names.
    Carried {
        request: "GET / HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\nConnection: x-hop, keep-alive\r\nX-Hop: 1\r\n\
                  Keep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: x\r\n",
        line: "GET / HTTP/1.1",
        heard: &[
            ("x-hop", None),
            ("keep-alive", None),
            ("te", None),
            ("proxy-connection", None),
        ],
    },
    // h2c inside a tunnel would pass the guard by: the wish is not heard.
    Carried {
        request: "GET / HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                  Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        line: "GET / HTTP/1.1",
        heard: &[("upgrade", None), ("http2-settings", None), ("connection", None)],
    },
    // Of a length and a coding, in either order, one framing goes on.
    Carried {
        request: "POST / HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        line: "POST / HTTP/1.1",
        heard: &[("content-length", None), ("transfer-encoding", Some("chunked"))],
    },
    Carried {
        request: "POST / HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        line: "POST / HTTP/1.1",
        heard: &[("content-length", None), ("transfer-encoding", Some("chunked"))],
    },
];

#[test]
fn services_hear_what_they_should() {
    let mut site = Site::new();
    let backend = Backend::echo("");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let port = site.port.number.to_string();
    for case in CARRIED {
        let mut request = case.request.replace("PORT", &port);
        if !request.contains("Connection:") {
            request.push_str("Connection: close\r\n");
        } else {
            request.push_str("Connection: close, x-nothing\r\n");
        }
        request.push_str("\r\n");
        if request.contains("chunked") {
            request.push_str("0\r\n\r\n");
        }
        let reply = send(site.v4(), &request);
        assert_eq!(reply.status, 200, "{request}{reply:?}");
        let (head, _) = reply.body.split_once("\n\n").expect("an echo");
        assert_eq!(head.lines().next(), Some(case.line), "{request}");
        for (name, value) in case.heard {
            let value = value.map(|value| value.replace("PORT", &port));
            let heard: Vec<_> = head
                .lines()
                .skip(1)
                .filter_map(|line| line.split_once(": "))
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
                .collect();
            assert_eq!(heard, Vec::from_iter(value), "{name} of {request}");
        }
    }
}

#[test]
fn a_length_and_a_coding_end_the_connection() {
    let mut site = Site::new();
    let backend = Backend::echo("");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    // What follows the chunked body would be a second request for one who believed the length to be shorter.
    let reply = send(
        site.v4(),
        "POST /one HTTP/1.1\r\nHost: web.shop.localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n",
    );
    assert_eq!(reply.status, 200);
    assert!(!reply.body.contains("smuggled"), "{reply:?}");
    assert!(!reply.head.contains("smuggled"), "{reply:?}");
}

#[test]
fn both_families_serve_and_strict_transport_security_is_taken_off() {
    let mut site = Site::new();
    let backend = Backend::echo("Strict-Transport-Security: max-age=1\r\nX-Kept: yes\r\n");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    for (address, peer) in [(site.v4(), "for=127.0.0.1;"), (site.v6(), "for=\"[::1]\";")] {
        let reply = get(address, "web.shop.localhost", "");
        assert_eq!(reply.status, 200);
        assert!(reply.body.contains(peer), "{reply:?}");
        assert_eq!(reply.field("strict-transport-security"), None);
        assert_eq!(reply.field("x-kept"), Some("yes"));
    }
}

#[test]
fn a_kept_connection_keeps_one_connection_to_the_service() {
    let mut site = Site::new();
    let backend = Backend::says("hello");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let mut stream = connect(site.v4());
    for _ in 0..5 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n")
            .expect("write");
        let mut got = Vec::new();
        let mut piece = [0; 1024];
        while parse(&got).is_none() {
            let read = std::io::Read::read(&mut stream, &mut piece).expect("read");
            assert_ne!(read, 0, "closed early");
            got.extend_from_slice(&piece[..read]);
        }
    }
    assert_eq!(backend.connections(), 1);
}

#[test]
fn http2_reaches_a_service_of_http1() {
    let mut site = Site::new();
    let backend = Backend::echo("");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let uri = format!("http://web.shop.localhost:{}/a?b", site.port.number);
    let request = Request::post(uri)
        .version(Version::HTTP_2)
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(Full::new(Bytes::from_static(b"a body")))
        .expect("a request");
    let reply = send2(site.v6(), request);
    assert_eq!(reply.status, 200);
    assert!(reply.body.starts_with("POST /a?b HTTP/1.1\n"), "{reply:?}");
    let lower = reply.body.to_lowercase();
    let host = format!("host: web.shop.localhost:{}\n", site.port.number);
    assert!(lower.contains(&host), "{reply:?}");
    assert!(lower.contains("cookie: a=1; b=2\n"), "{reply:?}");
    assert!(reply.body.ends_with("\n\na body"), "{reply:?}");
}

#[test]
fn registrations_come_and_go_while_the_door_serves() {
    let mut site = Site::new();
    let _door = site.open();
    let status = |host: &str| get(site.v4(), host, "").status;
    assert_eq!(status("web.shop.localhost"), 421);
    let (web, api) = (Backend::says("web"), Backend::says("api"));
    let address = site.v4();
    let ask = |host: &str| get(address, host, "");
    site.register("shop", &[("web.shop.localhost", web.address)]);
    assert_eq!(ask("web.shop.localhost").body, "web");
    // Within the same tick of the file system's clock, maybe.
    site.register("other", &[("api.other.localhost", api.address)]);
    assert_eq!(ask("api.other.localhost").body, "api");
    site.unregister_all();
    await_that("the name is forgotten", || {
        ask("web.shop.localhost").status == 421
    });
}

#[test]
fn the_living_and_the_first_have_a_name() {
    let site = Site::new();
    let routes = RunDirRoutes::new(site.path());
    let host: Hostname = "web.shop.localhost".parse().expect("a name");
    let address = |port| ([127, 0, 0, 1], port).into();
    let registration = |stack: &str, port| {
        Registration::of_this_process(
            stack,
            [(host.to_string(), vec![address(port)])].into_iter().collect(),
        )
    };
    let route = || match routes.route(&host) {
        Route::To(target) => Some(target.stack.clone()),
        Route::Unknown => None,
    };

    std::fs::write(site.path().join("x.door.json"), "{\"stack\": 7").expect("write");
    std::fs::write(site.path().join("y.door.json"), [0xff; 100]).expect("write");
    assert_eq!(route(), None);

    let mut dead = registration("dead", 1);
    dead.start_time += 1;
    let _dead = dead.publish(site.path(), "a").expect("publish");
    assert_eq!(route(), None);

    let mine = registration("mine", 2);
    let _mine = mine.publish(site.path(), "b").expect("publish");
    assert_eq!(route().as_deref(), Some("mine"));

    // Process 1 started before anything else.
    let mut first = registration("first", 3);
    first.pid = 1;
    first.start_time = start_time_of_process_one();
    let first = first.publish(site.path(), "c").expect("publish");
    assert_eq!(route().as_deref(), Some("first"));
    drop(first);
    await_that("the name falls back", || route().as_deref() == Some("mine"));
}

fn start_time_of_process_one() -> u64 {
    let stat = std::fs::read_to_string("/proc/1/stat").expect("stat of process 1");
    let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
    let field = rest.split_whitespace().nth(19).expect("field 22");
    field.parse().expect("a number")
}

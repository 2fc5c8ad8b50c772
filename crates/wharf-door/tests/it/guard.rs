//! What must not get through, as data. Each request is sent to a door that knows `web.shop.localhost` and
//! `api.shop.localhost` of one stack and `web.other.localhost` of another.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Version};

use crate::support::Site;
use crate::support::backend::Backend;
use crate::support::client::{Reply, get, send, send2};

const UNKNOWN: &str = "421: no such name here.\n";
const FOREIGN: &str = "403: requests of this origin are not carried.\n";
const MALFORMED: &str = "400: this request is malformed.\n";

struct Shop {
    site: Site,
    web: Backend,
}

fn shop() -> (Shop, wharf_door::DoorHandle) {
    let mut site = Site::new();
    let web = Backend::says("web");
    site.register(
        "shop",
        &[
            ("web.shop.localhost", web.address),
            ("api.shop.localhost", web.address),
        ],
    );
    site.register("other", &[("web.other.localhost", web.address)]);
    let door = site.open();
    (Shop { site, web }, door)
}

/// Sends `request` (`PORT` is the door's port) and compares status and body. What is refused must not have reached
/// a service.
fn check(shop: &Shop, request: &str, status: u16, body: &str) -> Reply {
    let request = request.replace("PORT", &shop.site.port.number.to_string());
    let before = shop.web.connections();
    let reply = send(shop.site.v4(), &request);
    assert_eq!((reply.status, reply.body.as_str()), (status, body), "{request:?}");
    if status != 200 {
        assert_eq!(shop.web.connections(), before, "{request:?}");
    }
    reply
}

#[test]
fn hosts() {
    let (shop, _door) = shop();
    let cases: &[(&str, u16, &str)] = &[
        ("web.shop.localhost:PORT", 200, "web"),
        ("web.shop.localhost", 200, "web"),
        ("web.shop.localhost:", 200, "web"),
        // Not ours.
        ("evil.example:PORT", 421, UNKNOWN),
        ("evil.example", 421, UNKNOWN),
        ("localhost:PORT", 421, UNKNOWN),
        ("127.0.0.1:PORT", 421, UNKNOWN),
        ("[::1]:PORT", 421, UNKNOWN),
        ("0.0.0.0:PORT", 421, UNKNOWN),
        ("2130706433", 421, UNKNOWN),
        ("0x7f.1", 421, UNKNOWN),
        ("shop.localhost", 421, UNKNOWN),
        ("xweb.shop.localhost", 421, UNKNOWN),
        ("web.shop.localhost.evil.example", 421, UNKNOWN),
        // Not our port.
        ("web.shop.localhost:80", 421, UNKNOWN),
        ("web.shop.localhost:1", 421, UNKNOWN),
        // Not hosts.
        ("", 400, MALFORMED),
        ("web.shop.localhost:99999", 400, MALFORMED),
        ("web.shop.localhost:+PORT", 400, MALFORMED),
        ("web.shop.localhost:PORT:PORT", 400, MALFORMED),
        ("web.shop.localhost:PORT@evil.example", 400, MALFORMED),
        ("user@web.shop.localhost:PORT", 400, MALFORMED),
        ("web.shop.localhost:PORT/", 400, MALFORMED),
        ("web.shop.localhost, evil.example", 400, MALFORMED),
        ("web.shop.localhost evil.example", 400, MALFORMED),
        ("web%2eshop.localhost", 400, MALFORMED),
        ("web..shop.localhost", 400, MALFORMED),
        ("web.shop.localhost..", 400, MALFORMED),
        ("[::1", 400, MALFORMED),
        ("[web.shop.localhost]", 400, MALFORMED),
        ("w\u{e9}b.shop.localhost", 400, MALFORMED),
    ];
    for (host, status, body) in cases {
        for more in ["", UPGRADE] {
            let close = if more.is_empty() {
                "Connection: close\r\n"
            } else {
                ""
            };
            if *status == 200 && !more.is_empty() {
                continue; // Upgrades that pass: tests of streams.
            }
            let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{more}{close}\r\n");
            if more.is_empty() {
                check(&shop, &request, *status, body);
            } else {
                check_open(&shop, &request, *status, body);
            }
        }
    }
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// As [`check`], for a request that cannot say `Connection: close`: a second one does.
fn check_open(shop: &Shop, request: &str, status: u16, body: &str) {
    let second = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    check(shop, &format!("{request}{second}"), status, body);
}

#[test]
fn forms_of_requests() {
    let (shop, _door) = shop();
    let cases: &[(&str, u16, &str)] = &[
        (
            "GET http://web.shop.localhost:PORT/ HTTP/1.1\r\nHost: evil.example\r\n",
            200,
            "web",
        ),
        (
            "GET http://evil.example/ HTTP/1.1\r\nHost: web.shop.localhost\r\n",
            421,
            UNKNOWN,
        ),
        (
            "GET http://evil.example:PORT/ HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\n",
            421,
            UNKNOWN,
        ),
        (
            "GET https://web.shop.localhost:PORT/ HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\n",
            421,
            UNKNOWN,
        ),
        ("GET http://web.shop.localhost:PORT/ HTTP/1.1\r\n", 400, MALFORMED),
        (
            "GET http://user@web.shop.localhost:PORT/ HTTP/1.1\r\nHost: web.shop.localhost\r\n",
            400,
            MALFORMED,
        ),
        ("GET / HTTP/1.1\r\n", 400, MALFORMED),
        ("GET / HTTP/1.0\r\n", 400, MALFORMED),
        (
            "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nHost: web.shop.localhost\r\n",
            400,
            MALFORMED,
        ),
        (
            "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nHost: evil.example\r\n",
            400,
            MALFORMED,
        ),
        (
            "CONNECT web.shop.localhost:PORT HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\n",
            405,
            "405: CONNECT is not carried.\n",
        ),
        (
            "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n",
            405,
            "405: CONNECT is not carried.\n",
        ),
        (
            "POST / HTTP/1.1\r\nHost: web.shop.localhost\r\nTransfer-Encoding: gzip, chunked\r\n",
            501,
            "501: this transfer coding is not carried.\n",
        ),
        (
            "POST / HTTP/1.1\r\nHost: web.shop.localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            501,
            "501: this transfer coding is not carried.\n",
        ),
        (
            "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nWharf-Hops: many\r\n",
            400,
            MALFORMED,
        ),
        (
            "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nWharf-Hops: 4294967295\r\n",
            400,
            MALFORMED,
        ),
        (
            "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nWharf-Hops: 1\r\nWharf-Hops: 1\r\n",
            400,
            MALFORMED,
        ),
    ];
    for (request, status, body) in cases {
        check(
            &shop,
            &format!("{request}Connection: close\r\n\r\n"),
            *status,
            body,
        );
    }
    // hyper itself refuses these, without a body.
    for request in [
        "POST / HTTP/1.1\r\nHost: web.shop.localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: web.shop.localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: web.shop.localhost\r\nContent-Length: +1\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: web.shop.localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : web.shop.localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\n X: folded\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        check(&shop, request, 400, "");
    }
}

#[test]
fn origins() {
    let (shop, _door) = shop();
    let cases: &[(&str, u16)] = &[
        ("http://web.shop.localhost:PORT", 200),
        ("http://api.shop.localhost:PORT", 200),
        ("http://API.shop.localhost:PORT", 200),
        // Another stack's, another port's, another scheme's.
        ("http://web.other.localhost:PORT", 403),
        ("http://web.shop.localhost", 403),
        ("http://web.shop.localhost:1", 403),
        ("https://web.shop.localhost:PORT", 403),
        ("http://shop.localhost:PORT", 403),
        // Nobody's.
        ("null", 403),
        ("", 403),
        ("*", 403),
        ("http://127.0.0.1:PORT", 403),
        ("http://[::1]:PORT", 403),
        ("http://localhost:PORT", 403),
        ("http://evil.example", 403),
        ("http://evil.example:PORT", 403),
        ("http://web.shop.localhost.evil.example:PORT", 403),
        ("http://web.shop.localhost:PORT http://evil.example", 403),
        ("http://web.shop.localhost:PORT, http://evil.example", 403),
        ("http://web.shop.localhost:PORT/", 403),
        ("http://evil.example@web.shop.localhost:PORT", 403),
        ("chrome-extension://abcdefghijklmnop", 403),
        ("file://", 403),
        ("web.shop.localhost:PORT", 403),
    ];
    for (origin, status) in cases {
        let body = if *status == 200 { "web" } else { FOREIGN };
        for method in ["GET", "POST", "OPTIONS"] {
            let request = format!(
                "{method} / HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"
            );
            check(&shop, &request, *status, body);
        }
        if *status == 403 {
            let request = format!(
                "GET / HTTP/1.1\r\nHost: web.shop.localhost:PORT\r\nOrigin: {origin}\r\n{UPGRADE}\r\n"
            );
            check_open(&shop, &request, 403, FOREIGN);
        }
    }
    // Two of them, even good ones.
    check(
        &shop,
        "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nOrigin: http://web.shop.localhost:PORT\r\n\
         Origin: http://web.shop.localhost:PORT\r\nConnection: close\r\n\r\n",
        403,
        FOREIGN,
    );
    // DNS rebinding: Origin equals Host, and both are the attacker's.
    check(
        &shop,
        "GET / HTTP/1.1\r\nHost: evil.example:PORT\r\nOrigin: http://evil.example:PORT\r\nConnection: close\r\n\r\n",
        421,
        UNKNOWN,
    );
}

#[test]
fn an_unknown_host_learns_nothing() {
    let (shop, _door) = shop();
    let one = get(shop.site.v4(), "evil.example", "Accept: text/html\r\n");
    let other = get(shop.site.v6(), "no.such.localhost", "Origin: null\r\n");
    let constant = |reply: &Reply| {
        let fields = reply.head.lines();
        let fields = fields.filter(|line| !line.to_lowercase().starts_with("date:"));
        (fields.collect::<Vec<_>>().join("\n"), reply.body.clone())
    };
    assert_eq!(constant(&one), constant(&other));
    for word in ["shop", "web", "other", "wharf", &shop.web.address.to_string()] {
        assert!(!one.head.contains(word), "{word} in {one:?}");
        assert!(!one.body.contains(word), "{word} in {one:?}");
    }
    assert_eq!(one.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(one.field("access-control-allow-origin"), None);
}

/// A URI, fields, and the status and body that they get.
type Case2 = (
    &'static str,
    &'static [(&'static str, &'static str)],
    u16,
    &'static str,
);

#[test]
fn http2() {
    let (shop, _door) = shop();
    let port = shop.site.port.number;
    let cases: &[Case2] = &[
        ("http://web.shop.localhost:PORT/", &[], 200, "web"),
        (
            "http://web.shop.localhost:PORT/",
            &[("host", "web.shop.localhost:PORT")],
            200,
            "web",
        ),
        ("http://evil.example:PORT/", &[], 421, UNKNOWN),
        ("http://127.0.0.1:PORT/", &[], 421, UNKNOWN),
        ("http://web.shop.localhost:1/", &[], 421, UNKNOWN),
        (
            "http://evil.example:PORT/",
            &[("host", "web.shop.localhost:PORT")],
            400,
            MALFORMED,
        ),
        (
            "http://web.shop.localhost:PORT/",
            &[("host", "evil.example")],
            400,
            MALFORMED,
        ),
        (
            "http://web.shop.localhost:PORT/",
            &[("origin", "http://api.shop.localhost:PORT")],
            200,
            "web",
        ),
        (
            "http://web.shop.localhost:PORT/",
            &[("origin", "http://evil.example")],
            403,
            FOREIGN,
        ),
        (
            "http://web.shop.localhost:PORT/",
            &[("origin", "null")],
            403,
            FOREIGN,
        ),
        (
            "http://web.shop.localhost:PORT/",
            &[
                ("origin", "http://evil.example"),
                ("content-type", "application/grpc"),
            ],
            403,
            FOREIGN,
        ),
        (
            "http://evil.example:PORT/",
            &[("content-type", "application/grpc")],
            421,
            UNKNOWN,
        ),
    ];
    for (uri, fields, status, body) in cases {
        let here = |text: &str| text.replace("PORT", &port.to_string());
        let mut request = Request::get(here(uri)).version(Version::HTTP_2);
        for (name, value) in *fields {
            request = request.header(*name, here(value));
        }
        let request = request.body(Full::new(Bytes::new())).expect("a request");
        let reply = send2(shop.site.v4(), request);
        assert_eq!(
            (reply.status.as_u16(), reply.body.as_str()),
            (*status, *body),
            "{uri} {fields:?} {:?}",
            reply.head
        );
    }
}

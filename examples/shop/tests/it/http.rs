//! The server's HTTP, byte by byte.

use std::io::{Read, Write};

use crate::running::Running;

fn web() -> Running {
    // Nothing listens on port 9 of the address it is given, and nothing here needs it.
    Running::web(([127, 0, 0, 1], 9).into())
}

#[test]
fn the_page_is_served() {
    let web = web();
    let page = web.exchange(b"GET /?x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(
        page.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n"),
        "{page}"
    );
    assert!(page.ends_with("</html>\n"), "{page}");
    let head = web.exchange(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(
        page.starts_with(&head),
        "a HEAD is answered with the head alone: {head}"
    );
}

#[test]
fn bad_requests_get_their_status() {
    let web = web();
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(20_000));
    for (request, status) in [
        (
            "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "404",
        ),
        ("PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "400"),
        (
            "POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "501",
        ),
        (
            "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
            "400",
        ),
        (
            "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "400",
        ),
        (
            "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
            "413",
        ),
        (
            "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "413",
        ),
        ("\u{0}\u{1}\r\n\r\n", "400"),
    ] {
        let answer = web.exchange(request.as_bytes());
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:?}: {answer}"
        );
    }
    let mut stream = web.connect();
    stream
        .write_all(long.as_bytes())
        .expect("it takes what is too long as well");
    let mut answer = Vec::new();
    // It closes without an answer; with unread bytes that is a reset.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(web.get("/health").0, 200, "and it serves on");
}

#[test]
fn connections_stay_open_and_requests_may_come_together() {
    let web = web();
    let health = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /health HTTP/1.0\r\n\r\n";
    let answers = web.exchange(format!("{health}{health}{last}").as_bytes());
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(answers.matches("connection: keep-alive").count(), 2, "{answers}");
    assert!(answers.ends_with("connection: close\r\n\r\n{}"), "{answers}");
}

#[test]
fn a_body_is_asked_for_where_the_client_waits() {
    let web = web();
    let mut stream = web.connect();
    let head = "POST /orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it takes the head");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("it says to go on");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").expect("it takes the body");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
}

#[test]
fn it_listens_on_both_families() {
    let web = web();
    let six = std::net::SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, web.address.port()));
    match std::net::TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0)) {
        Ok(_) => drop(crate::running::connect(six)),
        Err(error) => {
            use std::io::stderr;
            writeln!(
                stderr(),
                "SKIPPED: it_listens_on_both_families: no ::1 here: {error}"
            )
            .expect("stderr");
        }
    }
}

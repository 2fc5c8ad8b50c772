//! HTTP/1 passes as the bytes that it was, and ends as it ended.

use std::net::TcpListener;
use std::sync::mpsc;

use wharf_http::{Carries, HttpStage};

use crate::support::provider::Provider;
use crate::support::script::{Peer, Script};
use crate::support::{config, stage, until};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// What one side says must come to the other byte for byte, in however many pieces it is said.
fn check_exchanges(exchanges: &'static [(&str, &str)]) {
    for step in [usize::MAX, 7, 1] {
        let provider = Script::start(move |mut peer| {
            for (request, answer) in exchanges {
                peer.hear(request);
                peer.say_in_pieces(answer, step);
            }
            peer.hear_end();
        });
        let stage = stage(provider.address, "path=/elsewhere status=500");
        let mut client = Peer::connect(stage.address());
        for (request, answer) in exchanges {
            client.say_in_pieces(request, step);
            client.hear(answer);
        }
        client.half_close();
        provider.done();
        client.hear_end();
        assert_eq!(stage.stats().unread, 0);
    }
}

#[test]
fn heads_and_bodies_are_not_rewritten() {
    check_exchanges(&[
        (
            "GET /a?b=%20 HTTP/1.1\r\nhOST: x\r\nX-Two:  spaces \r\nx-a: 1\r\nX-B: 2\r\nx-a: 3\r\n\r\n",
            "HTTP/1.1 299 Very Much OK\r\nSet-Cookie: a\r\nx: y\r\nSET-COOKIE: b\r\ncontent-length: 3\r\n\r\nabc",
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n03;ext=1\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             1\r\na\r\n002;x=\"y\"\r\nbc\r\n0\r\nTrailer: 1\r\n\r\n",
        ),
        (
            "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        ),
        (
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        ),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 204 \r\n\r\n"),
        (
            "GET http://x/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        ),
    ]);
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let provider = Script::start(|mut peer| {
        peer.hear(&REQUEST.repeat(2));
        peer.say(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2",
        );
        peer.hear_end();
        peer.say("");
    });
    let stage = stage(provider.address, "path=/own status=503");
    let mut client = Peer::connect(stage.address());
    client.say(format!("{REQUEST}{REQUEST}GET /own HTTP/1.1\r\n\r\n"));
    // All of it is sent, and this direction is ended.
    client.half_close();
    client.hear("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    client.hear("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    client.hear("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    client.hear_end();
    provider.done();
}

#[test]
fn a_body_waits_for_its_100_continue() {
    let provider = Script::start(|mut peer| {
        let head = peer.hear_head();
        assert!(head.contains("Expect: 100-continue"), "{head}");
        peer.hear_nothing();
        peer.say("HTTP/1.1 100 Continue\r\n\r\n");
        peer.hear("body");
        peer.say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        peer.hear_end();
    });
    let stage = stage(provider.address, "path=/own status=401");
    let mut client = Peer::connect(stage.address());
    client.say("PUT / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    client.hear("HTTP/1.1 100 Continue\r\n\r\n");
    client.say("body");
    client.hear("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    // A rule's own answer does not ask for the body.
    client.say("PUT /own HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    client.hear("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    client.hear_end();
    drop(client);
    provider.done();
}

#[test]
fn a_websocket_passes() {
    let provider = Script::start(|mut peer| {
        peer.hear_head();
        // Head and first frame in one piece.
        peer.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nhello");
        peer.hear("GET / HTTP/1.1\r\n\r\n is no request here");
        peer.hear_end();
        peer.say("bye");
    });
    let stage = stage(provider.address, "status=500 method=DELETE");
    let mut client = Peer::connect(stage.address());
    client.say("GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    client.hear("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nhello");
    client.say("GET / HTTP/1.1\r\n\r\n is no request here");
    client.half_close();
    client.hear("bye");
    client.hear_end();
    provider.done();
    assert_eq!(stage.stats().requests, 1);
    assert_eq!(stage.stats().unread, 0);
}

#[test]
fn a_refused_upgrade_leaves_http() {
    check_exchanges(&[
        (
            "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        ),
        (REQUEST, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny"),
    ]);
}

#[test]
fn a_tunnel_by_connect_passes() {
    check_exchanges(&[
        (
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
        ),
        ("\x16anything", "\x16at all"),
    ]);
}

#[test]
fn events_arrive_one_by_one() {
    let (seen, wait) = mpsc::channel::<()>();
    let provider = Script::start(move |mut peer| {
        peer.hear_head();
        peer.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
            peer.say(event);
            wait.recv().expect("the client has it");
        }
    });
    let stage = stage(provider.address, "path=/other status=500");
    let mut client = Peer::connect(stage.address());
    client.say(REQUEST);
    client.hear_head();
    for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
        client.hear(event);
        seen.send(()).expect("the provider waits");
    }
    client.hear_end();
    provider.done();
}

#[test]
fn a_client_that_gives_up_is_noticed_by_the_provider() {
    let provider = Script::start(|mut peer| {
        peer.hear(REQUEST);
        peer.hear_end();
    });
    let stage = stage(provider.address, "path=/other status=500");
    let mut client = Peer::connect(stage.address());
    client.say(REQUEST);
    drop(client);
    provider.done();
}

#[test]
fn an_early_answer_does_not_end_the_request() {
    let answer = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let provider = Script::start(move |mut peer| {
        peer.hear_head();
        peer.say(answer);
        peer.half_close();
        peer.hear("body");
        peer.hear_end();
    });
    let stage = stage(provider.address, "path=/other status=500");
    let mut client = Peer::connect(stage.address());
    client.say("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n");
    client.hear(answer);
    client.hear_end();
    client.say("body");
    client.half_close();
    provider.done();
}

#[test]
fn resets_pass_both_ways() {
    let (seen, wait) = mpsc::channel::<()>();
    let provider = Script::start(move |mut peer| {
        peer.hear(REQUEST);
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun");
        wait.recv().expect("the client has it");
        peer.reset();
    });
    let staged = stage(provider.address, "");
    let mut client = Peer::connect(staged.address());
    client.say(REQUEST);
    client.hear("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun");
    seen.send(()).expect("the provider waits");
    assert_eq!(client.hear_reset(), "");
    provider.done();

    let provider = Script::start(|mut peer| {
        peer.hear_head();
        peer.hear("half");
        peer.say("HTTP/1.1 100 Continue\r\n\r\n");
        peer.hear_reset();
    });
    let staged = stage(provider.address, "");
    let mut client = Peer::connect(staged.address());
    client.say("POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\nhalf");
    client.hear("HTTP/1.1 100 Continue\r\n\r\n");
    client.reset();
    provider.done();
}

#[test]
fn a_body_that_ends_too_early_is_passed_on_as_that() {
    let provider = Script::start(|mut peer| {
        peer.hear(REQUEST);
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun");
    });
    let stage = stage(provider.address, "path=/other status=500");
    let mut client = Peer::connect(stage.address());
    client.say(REQUEST);
    client.hear("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun");
    client.hear_end();
    provider.done();
}

#[test]
fn a_refusal_is_a_reset_behind_what_came_before() {
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let stage = stage(nobody.expect("an address"), "path=/own status=200 body=own");
    let mut client = Peer::connect(stage.address());
    client.say(format!("GET /own HTTP/1.1\r\n\r\n{REQUEST}"));
    let heard = client.hear_reset();
    assert!(heard.is_empty() || heard.ends_with("own"), "{heard}");
    let mut client = Peer::connect(stage.address());
    client.say("GET /own HTTP/1.1\r\n\r\n");
    client.hear("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown");
    client.say(REQUEST);
    assert_eq!(client.hear_reset(), "");
    until(2, || stage.stats().refused);
    let failure = stage.stats().last_failure.expect("a failure");
    assert!(failure.starts_with("dial 127.0.0.1:"), "{failure}");
    assert!(failure.contains("refused"), "{failure}");
}

#[test]
fn what_is_not_http_is_carried_unread() {
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(300_000));
    for request in ["\x16\x03\x01 is TLS", "EHLO me\r\n", "GET / HT", &long] {
        let expected = request.to_owned();
        let provider = Script::start(move |mut peer| {
            peer.hear(&expected);
            peer.say("whatever");
            peer.hear_end();
        });
        let stage = stage(provider.address, "status=500");
        let mut client = Peer::connect(stage.address());
        client.say(request);
        client.half_close();
        client.hear("whatever");
        client.hear_end();
        provider.done();
        assert_eq!(stage.stats().unread, 1);
    }
}

#[test]
fn answers_that_cannot_be_read_are_carried_unread() {
    let garbled = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk";
    for answer in [
        "ICY 200 OK\r\n\r\nmusic",
        garbled,
        "HTTP/1.1 101 Unasked\r\n\r\nbytes",
    ] {
        let provider = Script::start(move |mut peer| {
            peer.hear(REQUEST);
            peer.say(answer);
            // More than there is room for notes.
            peer.hear(&REQUEST.repeat(1000));
            peer.say("the end");
            peer.hear_reset();
        });
        let stage = stage(provider.address, "path=/own status=500");
        let mut client = Peer::connect(stage.address());
        client.say(REQUEST);
        client.hear(answer);
        client.say(REQUEST.repeat(1000));
        client.hear("the end");
        // A rule's answer would have no place here.
        client.say("GET /own HTTP/1.1\r\n\r\n");
        assert_eq!(client.hear_reset(), "");
        provider.done();
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_passed_on() {
    let (seen, wait) = mpsc::channel::<()>();
    let provider = Script::start(move |mut peer| {
        peer.hear(REQUEST);
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        wait.recv().expect("the client has it");
        peer.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
        peer.half_close();
        peer.hear_end();
    });
    let stage = stage(provider.address, "path=/other status=500");
    let mut client = Peer::connect(stage.address());
    client.say(REQUEST);
    client.hear("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    seen.send(()).expect("the provider waits");
    client.hear("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    client.hear_end();
    client.half_close();
    provider.done();
}

#[test]
fn raw_bytes_pass_with_their_ends() {
    let provider = Script::start(|mut peer| {
        peer.say("+OK server speaks first\r\n");
        peer.hear("QUIT\r\n");
        peer.hear_end();
        peer.say("bye");
    });
    let mut config = config(provider.address, "status=500");
    config.carries = Carries::Raw;
    let stage = HttpStage::start(config).expect("a stage");
    let mut client = Peer::connect(stage.address());
    client.hear("+OK server speaks first\r\n");
    client.say("QUIT\r\n");
    client.half_close();
    client.hear("bye");
    client.hear_end();
    provider.done();
}

#[test]
fn a_stalled_body_stalls_until_the_client_goes() {
    let provider = Provider::start();
    let stage = stage(provider.address, "stall=4B");
    let mut client = Peer::connect(stage.address());
    client.say("GET /ten HTTP/1.1\r\nHost: x\r\n\r\n");
    client.hear_head();
    client.hear("0123");
    client.hear_nothing();
    until(1, || stage.stats().connections);
    assert_eq!(stage.stats().stalled, 1);
    drop(client);
    until(0, || stage.stats().connections);
}

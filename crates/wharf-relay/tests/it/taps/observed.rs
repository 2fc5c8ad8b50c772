//! What is observed, while everything else goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use wharf_link::Size;
use wharf_relay::Observe;
use wharf_relay::wharf_capture::{Exchange, Outcome};

use super::file::Capture;
use crate::bed::{Bed, all_kinds, ends, latency, passes};

impl Bed {
    fn observe(&self, observe: Observe) {
        self.relay.observe(self.link, observe).expect("the link is there");
    }

    /// Waits for so many exchanges.
    #[track_caller]
    fn await_exchanges(&self, count: usize) -> Vec<Exchange> {
        for _ in 0..3_000 {
            let news = self.relay.exchanges(self.link, 0).expect("the link is there");
            if news.exchanges.len() >= count {
                return news.exchanges;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("they never came: {:?}", self.relay.exchanges(self.link, 0));
    }
}

fn lines(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().map(ToString::to_string).collect()
}

fn answer(size: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{}",
        "x".repeat(size)
    )
}

fn receive(mut stream: &TcpStream, size: usize) -> Vec<u8> {
    let mut buffer = vec![0; size];
    stream.read_exact(&mut buffer).expect("it arrives");
    buffer
}

#[test]
fn requests_under_every_condition() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        bed.observe(Observe::heads());
        let (client, server) = bed.pair();
        passes(
            &client,
            &server,
            "GET /orders?token=abc HTTP/1.1\r\nCookie: a=b\r\n\r\n",
        );
        passes(&server, &client, &answer(10));
        passes(&client, &server, "GET /next HTTP/1.1\r\n\r\n");
        drop(client);
        ends(&server);
        drop(server);
        let exchanges = bed.await_exchanges(2);
        assert_eq!(
            lines(&exchanges),
            ["GET /orders?token=[redacted] → 200", "GET /next → no answer"]
        );
        assert_eq!(
            exchanges[0].request.fields,
            [("cookie".to_owned(), "[redacted]".to_owned())]
        );
        assert_eq!(exchanges[0].response.bytes, answer(10).len() as u64);
        assert_eq!(exchanges[1].outcome, Outcome::Unanswered);
    }
}

#[test]
fn times_are_those_of_the_consumer() {
    let bed = Bed::with(latency(30));
    bed.observe(Observe::heads());
    let (client, server) = bed.pair();
    passes(&client, &server, "GET / HTTP/1.1\r\n\r\n");
    passes(&server, &client, &answer(10));
    let exchange = bed.await_exchanges(1).remove(0);
    let took = exchange.ended.since(exchange.started);
    assert!(took >= Duration::from_millis(60), "{took:?}");
}

#[test]
fn bulk_passes_and_is_counted() {
    for capture in [false, true] {
        let bed = Bed::new();
        bed.observe(Observe::heads());
        let capture = capture.then(|| Capture::begin(&bed.relay, bed.link));
        let (client, server) = bed.pair();
        for size in [30_000_000, 5, 2_000_000] {
            let request = format!("PUT /{size} HTTP/1.1\r\nContent-Length: {size}\r\n\r\n");
            let sent = [request.as_bytes(), &vec![7; size]].concat();
            let answer = answer(size);
            std::thread::scope(|scope| {
                scope.spawn(|| (&client).write_all(&sent).expect("it can be sent"));
                assert!(receive(&server, sent.len()) == sent, "it arrives as it was sent");
                scope.spawn(|| (&server).write_all(answer.as_bytes()).expect("it can be sent"));
                assert!(receive(&client, answer.len()) == answer.as_bytes());
            });
        }
        let exchanges = bed.await_exchanges(3);
        let sizes: Vec<(&str, bool, bool)> = exchanges
            .iter()
            .map(|exchange| {
                let size: u64 = exchange.subject[1..].parse().expect("a size");
                let [up, down] =
                    [&exchange.request, &exchange.response].map(|message| message.bytes - size < 100);
                (exchange.subject.as_str(), up, down)
            })
            .collect();
        assert_eq!(
            sizes,
            [
                ("/30000000", true, true),
                ("/5", true, true),
                ("/2000000", true, true)
            ]
        );
        drop(capture);
    }
}

#[test]
fn bulk_of_who_knows_what_passes() {
    let bed = Bed::new();
    bed.observe(Observe::heads());
    let (client, server) = bed.pair();
    let noise = vec![0xAA; 20_000_000];
    std::thread::scope(|scope| {
        scope.spawn(|| (&client).write_all(&noise).expect("it can be sent"));
        assert!(receive(&server, noise.len()) == noise);
    });
    drop(client);
    ends(&server);
    drop(server);
    bed.await_stats(|stats| stats.connections == 0);
    assert_eq!(
        bed.relay
            .exchanges(bed.link, 0)
            .expect("the link is there")
            .exchanges,
        []
    );
}

#[test]
fn it_begins_and_ends_at_any_time() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    let ask = |path: &str| {
        passes(&client, &server, &format!("GET {path} HTTP/1.1\r\n\r\n"));
        passes(&server, &client, &answer(3));
    };
    ask("/before");
    bed.observe(Observe::heads());
    ask("/seen");
    bed.await_exchanges(1);
    bed.observe(Observe::Off);
    ask("/unseen");
    bed.observe(Observe::bodies("2B".parse::<Size>().expect("a size")));
    ask("/seen/again");
    let exchanges = bed.await_exchanges(2);
    assert_eq!(lines(&exchanges), ["GET /seen → 200", "GET /seen/again → 200"]);
    assert_eq!(exchanges[0].response.body, None);
    assert_eq!(exchanges[1].response.body.as_deref(), Some(&b"xx"[..]));
    let news = bed.relay.exchanges(bed.link, 1).expect("the link is there");
    assert_eq!(
        (news.first, news.next, lines(&news.exchanges)),
        (1, 2, vec!["GET /seen/again → 200".to_owned()])
    );
}

#[test]
fn it_begins_amid_an_answer() {
    let bed = Bed::new();
    let (client, mut server) = bed.pair();
    passes(&client, &server, "GET /bulk HTTP/1.1\r\n\r\n");
    let answer = answer(20_000_000);
    std::thread::scope(|scope| {
        scope.spawn(|| server.write_all(answer.as_bytes()).expect("it can be sent"));
        bed.await_stats(|stats| stats.bytes_down > 100_000);
        bed.observe(Observe::heads());
        assert!(receive(&client, answer.len()) == answer.as_bytes());
    });
    passes(&client, &server, "GET /after HTTP/1.1\r\n\r\n");
    passes(&server, &client, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(lines(&bed.await_exchanges(1)), ["GET /after → 204"]);
}

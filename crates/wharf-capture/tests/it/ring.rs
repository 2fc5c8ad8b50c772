//! The ring keeps the last, and says what is new.

use wharf_capture::observe::{Observer, Options};
use wharf_capture::{Direction, Exchange, Ring, RingLimits, Timestamp};

/// Exchanges whose subjects are their numbers.
fn exchanges(count: usize) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let mut observer = Observer::new(1, Options::default());
    let now = Timestamp::default();
    for number in 0..count {
        let request = format!("GET /{number} HTTP/1.1\r\n\r\n");
        observer.saw(Direction::Up, now, request.as_bytes(), &mut |_| {});
        let response = b"HTTP/1.1 204 No Content\r\n\r\n";
        observer.saw(Direction::Down, now, response, &mut |exchange| {
            exchanges.push(exchange)
        });
    }
    exchanges
}

fn subjects(exchanges: &[Exchange]) -> Vec<&str> {
    exchanges
        .iter()
        .map(|exchange| exchange.subject.as_str())
        .collect()
}

#[test]
fn bounded_by_count() {
    let mut ring = Ring::new(RingLimits {
        exchanges: 3,
        bytes: 1 << 20,
    });
    assert!(ring.is_empty());
    assert_eq!(ring.since(0).next, 0);
    for exchange in exchanges(5) {
        ring.push(exchange);
    }
    assert_eq!(ring.len(), 3);
    let news = ring.since(0);
    assert_eq!((news.first, news.next), (2, 5), "two have gone");
    assert_eq!(subjects(&news.exchanges), ["/2", "/3", "/4"]);
    let news = ring.since(4);
    assert_eq!((news.first, subjects(&news.exchanges)), (4, vec!["/4"]));
    let news = ring.since(news.next);
    assert_eq!((news.first, news.next, news.exchanges.len()), (5, 5, 0));
    assert_eq!(ring.since(99).first, 2, "a number from before gets all there is");
}

#[test]
fn bounded_by_memory() {
    let limit = 20_000;
    let mut ring = Ring::new(RingLimits {
        exchanges: 1_000_000,
        bytes: limit,
    });
    for exchange in exchanges(500) {
        ring.push(exchange);
        assert!(ring.bytes() <= limit);
    }
    assert!((20..500).contains(&ring.len()), "{}", ring.len());
    assert_eq!(ring.since(0).next, 500);
    assert_eq!(ring.since(499).exchanges.len(), 1, "the newest is there");
}

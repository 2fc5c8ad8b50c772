//! Loss on a stream: every byte arrives, in order, and late.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use wharf_link::{Conditions, Probability, Seed, Size, StreamModel};
use wharf_relay::SegmentSpec;

use crate::bed::{Bed, ends, is_reset, latency, passes, rate, reset};

fn lossy(loss: &str, conditions: Conditions) -> Conditions {
    Conditions {
        loss: Some(loss.parse().expect("a loss")),
        ..conditions
    }
}

fn windowed(bytes: u64, conditions: Conditions) -> Conditions {
    let window = Some(Size::from_bytes(bytes));
    Conditions {
        stream: StreamModel {
            window,
            ..StreamModel::DEFAULT
        },
        ..conditions
    }
}

/// Sends so much one way, checked byte by byte; how long it took.
fn transfer(bed: &Bed, count: usize) -> Duration {
    let (client, server) = bed.pair();
    passes(&client, &server, "settled");
    let data: Vec<u8> = (0..count).map(|index| (index * 7 / 3) as u8).collect();
    let begin = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            { &client }.write_all(&data).expect("sent");
            client.shutdown(Shutdown::Write).expect("half-close");
        });
        let mut got = Vec::new();
        { &server }.read_to_end(&mut got).expect("it arrives");
        assert!(got == data, "{} of {}", got.len(), data.len());
    });
    let took = begin.elapsed();
    passes(&server, &client, "the other way is open");
    drop(server);
    ends(&client);
    took
}

#[test]
fn what_is_lost_is_sent_again_and_costs_time() {
    let bed = Bed::made(|spec| {
        spec.up = lossy("4%", latency(5));
        spec.down = latency(5);
    });
    transfer(&bed, 1_500_000);
    let stats = bed.await_stats(|stats| stats.connections == 0);
    let causes = stats.causes_up;
    // 1036 segments: 4 % are 41, and each is repaired by at least one more.
    assert!((15..=90).contains(&causes.lost), "{causes:?}");
    assert!(causes.sent_again >= causes.lost, "{causes:?}");
    assert_eq!(stats.causes_down.lost, 0);
}

/// What is lost on a segment has passed the link, and is sent over both again.
#[test]
fn a_segment_may_lose_too() {
    let bed = Bed::new();
    let home = SegmentSpec {
        name: "home".to_owned(),
        up: Conditions::CLEAR,
        down: lossy("5%", latency(1)),
        seed: Seed(3),
    };
    let home = bed.relay.add_segment(home).expect("the relay runs");
    let bed = bed.over_segment(home);
    let (client, server) = bed.pair();
    let data = vec![3; 500_000];
    thread::scope(|scope| {
        scope.spawn(|| { &server }.write_all(&data).expect("sent"));
        let mut got = vec![0; data.len()];
        { &client }.read_exact(&mut got).expect("it arrives");
        assert!(got == data);
    });
    let lost = bed.relay.segment_stats(home).expect("it is there").lost_down;
    let causes = bed.stats().causes_down;
    assert_eq!(
        (causes.lost + causes.lost_handshakes, lost > 0),
        (lost, true),
        "{causes:?}"
    );
    assert_eq!(bed.stats().causes_up.lost, 0);
}

/// A window over a round trip is the most that TCP has.
#[test]
fn a_window_bounds_the_rate() {
    let bed = Bed::made(|spec| {
        spec.up = windowed(32 * 1024, latency(10));
        spec.down = latency(10);
    });
    // 32 KiB each 20 ms: 320 KiB take 180 ms at the least, and no burst at the start is more.
    let took = transfer(&bed, 320 * 1024);
    assert!(took >= Duration::from_millis(170), "{took:?}");
}

#[test]
fn ends_pass_a_lossy_link() {
    for conditions in [lossy("20%", latency(2)), lossy("10%", rate("20mbit"))] {
        let bed = Bed::with(conditions);
        let (client, server) = bed.pair();
        passes(&client, &server, "hello");
        passes(&server, &client, "and hello");
        reset(client);
        is_reset(&server);
        transfer(&bed, 40_000);
        bed.await_stats(|stats| stats.connections == 0);
    }
}

/// Every SYN is lost until the link gets better: the next comes a second after the first.
#[test]
fn a_lost_handshake_is_tried_again() {
    let bed = Bed::made(|spec| spec.up = lossy("100%", Conditions::CLEAR));
    let begin = Instant::now();
    let client = bed.connect();
    bed.await_stats(|stats| stats.causes_up.lost_handshakes == 1);
    bed.set(Conditions::CLEAR);
    let server = bed.accept();
    assert!(begin.elapsed() >= Duration::from_secs(1));
    passes(&client, &server, "at last");
}

/// Loss comes and goes while bytes flow, and none is missing.
#[test]
fn loss_comes_and_goes() {
    let bed = Bed::new();
    thread::scope(|scope| {
        let transfer = scope.spawn(|| transfer(&bed, 3_000_000));
        let kinds = [
            lossy("3%", latency(1)),
            latency(1),
            windowed(64 * 1024, Conditions::CLEAR),
            lossy("1%", rate("200mbit")),
            Conditions::CLEAR,
        ];
        for kind in kinds.iter().cycle().take(60) {
            bed.set(kind.clone());
            thread::sleep(Duration::from_millis(5));
        }
        bed.set(Conditions::CLEAR);
        transfer.join().expect("transferred");
    });
    bed.await_stats(|stats| stats.connections == 0);
}

/// On a link that loses everything, those connections pass that are not to meet its loss.
#[test]
fn who_is_spared_meets_no_loss() {
    let bed = Bed::made(|spec| spec.up = lossy("100%", latency(1)));
    bed.relay
        .set_loss_share(bed.link, Probability::NEVER, Probability::NEVER)
        .expect("a link");
    transfer(&bed, 100_000);
}

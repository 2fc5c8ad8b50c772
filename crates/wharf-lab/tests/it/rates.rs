//! How much passes, and how long it waits.

use crate::lab::{Ran, alone, each_way, listener, run, serve};

/// A download of so many bytes over these conditions downwards.
fn download(bytes: usize, down: &str) -> Ran {
    let (listener, port) = listener();
    let server = serve(listener, bytes);
    let ran = run(each_way("latency=5ms", down), &["download", &port]);
    server.join().expect("served");
    assert_eq!(ran.number(), bytes as u64, "{ran:?}");
    ran
}

/// Bytes a second of the payload, by the receiver's clock.
fn goodput(ran: &Ran) -> f64 {
    let numbers = ran.numbers();
    numbers[0].expect("bytes") as f64 / numbers[1].expect("ns") as f64 * 1e9
}

#[test]
fn a_rate_is_what_tcp_gets_of_it() {
    let _alone = alone();
    let ran = download(6_000_000, "latency=5ms rate=20mbit");
    // 20 Mbit/s less the headers of IP and TCP (1448 of 1500 bytes), and a slow start of some round trips.
    let most = 20e6 / 8.0 * 1448.0 / 1500.0;
    let got = goodput(&ran);
    assert!(got <= most * 1.01, "{got} of at most {most}");
    assert!(got >= most * 0.85, "{got} of at most {most}: {ran:?}");
}

#[test]
fn a_stream_gets_through_loss_whole() {
    let _alone = alone();
    let ran = download(2_000_000, "latency=5ms loss=2%");
    assert!(ran.figures.down.segments[0].loss > 0, "{ran:?}");
    assert!(
        ran.figures.down.pieces > 1000,
        "each packet has its own fate: {ran:?}"
    );
}

#[test]
fn trains_stay_whole_where_nothing_tells_their_packets_apart() {
    let _alone = alone();
    let ran = download(20_000_000, "latency=1ms");
    assert_eq!(ran.figures.down.pieces, 0, "{ran:?}");
    assert!(ran.figures.down.trains > 100, "{ran:?}");
    assert!(ran.figures.down.read < 20_000_000 / 1448, "{ran:?}");
}

#[test]
fn a_full_queue_drops_and_is_counted() {
    let _alone = alone();
    let ran = download(3_000_000, "latency=5ms rate=20mbit queue=20packets");
    assert!(ran.figures.down.segments[0].queue > 0, "{ran:?}");
}

#[test]
fn codel_drops_before_the_queue_is_full() {
    let _alone = alone();
    let ran = download(
        4_000_000,
        "latency=5ms rate=10mbit queue=1000packets discipline=codel",
    );
    let segment = &ran.figures.down.segments[0];
    assert!(segment.aqm > 0, "{ran:?}");
}

//! The kernel's own TCP behind a link, against what is known of it.

use std::io::Read;
use std::time::Instant;

use wharf_lab::{LaneFigures, Segment};

use crate::lab::{alone, conditions, listener, skip, spec, start};

/// An upload of so many bytes: what passed, and how many bytes a second the far side read between the end of
/// the first quarter and the last byte.
fn upload(congestion: &str, bytes: u64, up: &str, down: &str) -> (LaneFigures, f64) {
    let (listener, port) = listener();
    let reader = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let (mut block, mut read) = (vec![0; 64 * 1024], 0_u64);
        let mut quarter = None;
        loop {
            match stream.read(&mut block).expect("read") {
                0 => break,
                count => read += count as u64,
            }
            if read >= bytes / 4 {
                quarter.get_or_insert((read, Instant::now()));
            }
        }
        let (before, since) = quarter.expect("so many bytes");
        (read - before) as f64 / since.elapsed().as_secs_f64()
    });
    let path = vec![Segment {
        name: "link".to_owned(),
        up: conditions(up),
        down: conditions(down),
    }];
    let mut spec = spec(path, &["upload", &port, &bytes.to_string()]);
    spec.congestion = Some(congestion.to_owned());
    let ran = start(&spec).finish();
    let rate = reader.join().expect("the reader");
    assert_eq!(ran.exit, wharf_lab::Exit::Code(0), "{ran:?}");
    (ran.figures.up, rate)
}

/// Bytes of payload in a packet of 1500: IPv4, TCP, and its timestamps.
const MSS: f64 = 1448.0;

/// Mathis, Semke, Mahdavi and Ott, "The macroscopic behavior of the TCP congestion avoidance algorithm" (CCR 1997):
/// a rate of MSS / RTT × √(3/2) / √p, where each packet is acknowledged. Linux counts the packets that an
/// acknowledgement covers, and so grows as if each were.
#[test]
fn reno_is_as_fast_as_mathis_says() {
    let _alone = alone();
    for (loss, bytes) in [("2%", 8_000_000), ("1%", 14_000_000), ("0.5%", 16_000_000)] {
        let (figures, rate) = upload(
            "reno",
            bytes,
            &format!("latency=10ms loss={loss}"),
            "latency=10ms",
        );
        let segment = &figures.segments[0];
        let p = segment.loss as f64 / segment.offered as f64;
        let expected = MSS / 0.020 * 1.5_f64.sqrt() / p.sqrt();
        let ratio = rate / expected;
        assert!(
            (0.85..=1.15).contains(&ratio),
            "{loss}: {rate:.0} of {expected:.0} bytes/s, p {p:.5}: {ratio:.3}"
        );
    }
}

/// BBR paces by what was delivered, and takes no loss for a sign of a full queue (below 2 % in version 1 none): it
/// gets what the link has, less what is lost.
#[test]
fn bbr_gets_what_is_not_lost() {
    let allowed =
        std::fs::read_to_string("/proc/sys/net/ipv4/tcp_allowed_congestion_control").unwrap_or_default();
    if !allowed.contains("bbr") {
        return skip(
            "bbr_gets_what_is_not_lost",
            "this host does not allow bbr to everyone",
        );
    }
    let _alone = alone();
    let (figures, rate) = upload(
        "bbr",
        25_000_000,
        "latency=10ms rate=20mbit loss=1%",
        "latency=10ms",
    );
    let segment = &figures.segments[0];
    let p = segment.loss as f64 / segment.offered as f64;
    let expected = 20e6 / 8.0 * MSS / 1500.0 * (1.0 - p);
    let ratio = rate / expected;
    assert!(
        (0.85..=1.01).contains(&ratio),
        "{rate:.0} of {expected:.0} bytes/s, p {p:.5}: {ratio:.3}"
    );
}

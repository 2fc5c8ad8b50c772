//! The kernel's own TCP behind a link, against what is known of it.

use std::io::Read;
use std::time::{Duration, Instant};

use wharf_lab::{Exit, LaneFigures, Tools};

use crate::lab::{alone, each_way, listener, skip, spec, start};

/// Bytes of payload in a packet of 1500: IPv4, TCP, and its timestamps.
const MSS: u64 = 1448;

/// What the far side had read, and when.
type Progress = Vec<(Duration, u64)>;

/// What came of an upload.
struct Upload {
    figures: LaneFigures,
    progress: Progress,
    /// The mean of the round trips that the sender's kernel knew of, in seconds. On a machine that is elsewhere now and
    /// then it is more than the link's.
    rtt: f64,
}

/// An upload of so many full packets: what passed, and how the far side read it.
#[track_caller]
fn upload(congestion: &str, packets: u64, up: &str, down: &str) -> Upload {
    let (listener, port) = listener();
    let reader = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let begun = Instant::now();
        let (mut block, mut progress, mut read) = (vec![0; 64 * 1024], Vec::new(), 0);
        loop {
            match stream.read(&mut block).expect("read") {
                0 => return progress,
                count => read += count as u64,
            }
            progress.push((begun.elapsed(), read));
        }
    });
    let command = ["upload", &port, &(packets * MSS).to_string(), congestion];
    let mut spec = spec(each_way(up, down), &command);
    // A namespace may have only what the host allows everyone; a socket whatever there is, if its owner may
    // administer the network.
    spec.tools = Tools::Network;
    let ran = start(&spec).finish();
    assert_eq!(ran.exit, Exit::Code(0), "{ran:?}");
    let progress = reader.join().expect("the reader");
    assert_eq!(progress.last().map(|last| last.1), Some(packets * MSS));
    Upload {
        rtt: ran.numbers()[1].expect("the mean RTT") as f64 / 1e6,
        figures: ran.figures.up,
        progress,
    }
}

/// What is left once a quarter has come: until then a connection finds its pace.
fn steady(progress: &Progress) -> &[(Duration, u64)] {
    let all = progress.last().expect("something came").1;
    let quarter = progress.partition_point(|(_, read)| *read < all / 4);
    &progress[quarter..]
}

/// Bytes a second from first to last.
fn mean(progress: &[(Duration, u64)]) -> f64 {
    let [first, .., last] = progress else {
        panic!("something came")
    };
    (last.1 - first.1) as f64 / (last.0 - first.0).as_secs_f64()
}

/// The median of the rates of so long stretches: one in which the machine was elsewhere, and the sender timed out, is
/// none of the link's.
fn usual(progress: &[(Duration, u64)], stretch: Duration) -> f64 {
    let number = |at: &(Duration, u64)| at.0.as_nanos() / stretch.as_nanos();
    let mut rates: Vec<f64> = progress
        .chunk_by(|one, other| number(one) == number(other))
        .filter(|stretch| stretch.len() > 1)
        .map(mean)
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// The share of packets that was lost.
fn lost(figures: &LaneFigures) -> f64 {
    let segment = &figures.segments[0];
    segment.loss as f64 / segment.offered as f64
}

#[track_caller]
fn assert_within(share: f64, rate: f64, expected: f64, p: f64) {
    let ratio = rate / expected;
    assert!(
        (1.0 - share..=1.0 + share).contains(&ratio),
        "{rate:.0} of {expected:.0} bytes/s, p {p:.5}: {ratio:.3}"
    );
}

fn is_available(congestion: &str) -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control")
        .is_ok_and(|names| names.split_whitespace().any(|name| name == congestion))
}

/// Mathis, Semke, Mahdavi and Ott, "The macroscopic behavior of the TCP congestion avoidance algorithm" (CCR 1997):
/// a rate of MSS / RTT × √(3/2) / √p, where each packet is acknowledged. Linux counts the packets that an
/// acknowledgement covers, and so grows as if each were.
#[test]
fn reno_is_as_fast_as_mathis_says() {
    let _alone = alone();
    // They take no time but their round trips': side by side.
    std::thread::scope(|scope| {
        for (loss, packets) in [("2%", 6_000), ("1%", 8_500), ("0.5%", 12_000)] {
            scope.spawn(move || {
                let up = format!("latency=10ms loss={loss}");
                let Upload {
                    figures,
                    progress,
                    rtt,
                } = upload("reno", packets, &up, "latency=10ms");
                assert!(rtt >= 0.020, "{rtt}");
                let p = lost(&figures);
                assert_within(
                    0.15,
                    mean(steady(&progress)),
                    MSS as f64 / rtt * (1.5 / p).sqrt(),
                    p,
                );
            });
        }
    });
}

/// The loss of CUBIC's and Reno's response functions: one packet in every so many, the first after `first`.
fn one_in(count: usize, first: usize) -> String {
    let (before, after) = ("0".repeat(first), "0".repeat(count - first - 1));
    format!("loss=pattern+{before}1{after}")
}

/// CUBIC with a round trip of so many ms where one packet in so many is lost: the rate, p, and the round trip in
/// seconds.
#[track_caller]
fn cubic(rtt: u32, count: usize, first: usize, packets: u64) -> (f64, f64, f64) {
    let latency = format!("latency={}ms", rtt / 2);
    let up = format!("{latency} {}", one_in(count, first));
    let Upload {
        figures,
        progress,
        rtt,
    } = upload("cubic", packets, &up, &latency);
    (mean(steady(&progress)), lost(&figures), rtt)
}

/// Where CUBIC would be slower than Reno it is as Reno (RFC 9438, 4.3): by AVG_AIMD, with α of 3 (1 − β) / (1 + β), the
/// window is √(3/2) / √p. Six of its rounds, after two.
#[test]
fn cubic_is_as_reno_where_that_is_faster() {
    if !is_available("cubic") {
        return skip(
            "cubic_is_as_reno_where_that_is_faster",
            "this kernel has no cubic",
        );
    }
    let _alone = alone();
    let (rate, p, rtt) = cubic(50, 1_000, 60, 8_000);
    assert_within(0.2, rate, MSS as f64 / rtt * (1.5 / p).sqrt(), p);
}

/// Packets a second of CUBIC where one packet in 1/p is lost, as RFC 9438 has it (section 5.1, with β of 0.7 and C of
/// 0.4): between two losses the window is W(t) = C (t + RTT − K)³ + W_max with K = ∛(W_max (1 − β) / C), since the target is a
/// round trip ahead (section 4.2), and 1/p packets pass. Equation 5 leaves the RTT there out, which is 4 % here.
fn response(rtt: f64, p: f64) -> f64 {
    let period = |most: f64| (most * 0.3 / 0.4).cbrt() - rtt;
    let packets = |most: f64| {
        let period = period(most).max(0.0);
        (most * period - 0.4 * period.powi(4) / 4.0) / rtt
    };
    let (mut low, mut high) = (1.0, 1e6);
    for _ in 0..100 {
        let middle: f64 = f64::midpoint(low, high);
        if packets(middle) < 1.0 / p {
            low = middle;
        } else {
            high = middle;
        }
    }
    1.0 / p / period(low)
}

/// Three of its rounds, after one.
#[test]
fn cubic_is_as_fast_as_its_response_function_says() {
    if !is_available("cubic") {
        return skip(
            "cubic_is_as_fast_as_its_response_function_says",
            "this kernel has no cubic",
        );
    }
    let _alone = alone();
    let (rate, p, rtt) = cubic(200, 3_000, 180, 12_000);
    assert_within(0.2, rate, MSS as f64 * response(rtt, p), p);
}

/// BBR paces by what was delivered, and takes no loss for a sign of a full queue (below 2 % in version 1 none): it
/// gets what the link has, less what is lost.
#[test]
fn bbr_gets_what_is_not_lost() {
    if !is_available("bbr") {
        return skip("bbr_gets_what_is_not_lost", "this kernel has no bbr");
    }
    let _alone = alone();
    let up = "latency=10ms rate=20mbit loss=1%";
    let Upload {
        figures, progress, ..
    } = upload("bbr", 17_000, up, "latency=10ms");
    // A round of probing is eight round trips: two of them.
    let rate = usual(steady(&progress), Duration::from_millis(320));
    let p = lost(&figures);
    let most = 20e6 / 8.0 * MSS as f64 / 1500.0 * (1.0 - p);
    assert_within(0.15, rate, most, p);
    assert!(rate <= most * 1.05, "{rate:.0} of at most {most:.0} bytes/s");
}

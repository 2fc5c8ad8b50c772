//! What the kernels at both ends have counted is what the link has done.

use std::net::UdpSocket;
use std::time::Duration;

use wharf_lab::LabSpec;

use crate::kernel::{Counted, counted};
use crate::lab::{alone, datagrams, each_way, listener, read_all, spec};

/// An upload over these conditions, with these settings of the command's network.
#[track_caller]
fn upload(bytes: u64, up: &str, down: &str, settings: &[(&str, &str)]) -> Counted {
    let (listener, port) = listener();
    let server = read_all(listener);
    let spec = LabSpec {
        congestion: Some("reno".to_owned()),
        ..spec(each_way(up, down), &["upload", &port, &bytes.to_string()])
    };
    let got = counted(spec, settings, || ());
    assert_eq!(server.join().expect("served").len() as u64, bytes, "{got:?}");
    got
}

/// What an upload says of its connection.
#[track_caller]
fn said(got: &Counted) -> [u64; 6] {
    let numbers: Vec<u64> = got.ran.numbers().into_iter().flatten().collect();
    numbers.try_into().expect("six numbers")
}

/// CoDel marks where it would drop (RFC 8289, 5.1.2 of RFC 3168 for routers), and each mark comes to the receiver's
/// kernel, which tells the sender (RFC 3168, 6.1).
#[test]
fn each_mark_is_seen_and_nothing_is_dropped() {
    let _alone = alone();
    let got = upload(
        5_000_000,
        "latency=5ms rate=20mbit queue=1000packets discipline=codel+ecn",
        "latency=5ms",
        &[("ipv4/tcp_ecn", "1")],
    );
    let segment = &got.ran.figures.up.segments[0];
    assert!(segment.marked > 0, "{got:?}");
    assert_eq!(segment.dropped(), 0, "{got:?}");
    assert_eq!(got.far.get("IpExt.InCEPkts"), segment.marked, "{got:?}");
    let [.., acknowledged_as_marked] = said(&got);
    assert!(acknowledged_as_marked >= segment.marked, "{got:?}");
}

/// Packets that overtake wait at the receiver for those before them, and the sender learns by selective
/// acknowledgements that they have overtaken, and that nothing is lost: as they overtake by 2 ms, and a
/// quarter of a round trip is waited for them (RFC 8985, 6.2 step 4).
#[test]
fn what_overtakes_waits_at_the_receiver_and_is_not_taken_for_loss() {
    let _alone = alone();
    let got = upload(
        3_000_000,
        "latency=2ms rate=20mbit queue=4MiB reorder=3%",
        "latency=40ms",
        &[],
    );
    let segment = &got.ran.figures.up.segments[0];
    let overtook = segment.reordered;
    // Of 2072 packets; five standard deviations are 39.
    assert!((24..=101).contains(&overtook), "{got:?}");
    assert_eq!(segment.dropped(), 0, "{got:?}");
    // Whatever had nobody before it came in order.
    let waited = got.far.get("TcpExt.TCPOFOQueue");
    assert!((overtook * 9 / 10..=overtook).contains(&waited), "{got:?}");
    // In 2 ms 20 Mbit/s are three packets: each that was overtaken can tell of it.
    let [_, _, _, retransmitted, reorderings, _] = said(&got);
    assert!(
        (overtook / 2..=overtook * 4).contains(&reorderings),
        "{reorderings}: {got:?}"
    );
    // By what it was found: acknowledgements, or timestamps where something was sent again.
    let found = got.near.get("TcpExt.TCPSACKReorder") + got.near.get("TcpExt.TCPTSReorder");
    assert_eq!(found, reorderings, "{got:?}");
    // But for the probe of a tail (RFC 8985, 7) when the machine was elsewhere.
    assert!(retransmitted < overtook / 4, "{got:?}");
}

/// What a flipped bit has made of a packet: the checksum of its transport or of IP is wrong, or it is of no version
/// of IP, or of the other one.
#[track_caller]
fn found_broken(got: &Counted, transport: &str) -> u64 {
    let counted = [
        transport,
        "Ip.InHdrErrors",
        "Ip6InHdrErrors",
        "Ip6InTruncatedPkts",
        "Ip6InAddrErrors",
        "Ip6InNoRoutes",
    ];
    let counted: u64 = counted.iter().map(|name| got.far.get(name)).sum();
    counted + got.ran.figures.up.not_taken
}

#[test]
fn each_broken_packet_of_tcp_is_counted_and_the_stream_is_whole() {
    let _alone = alone();
    let (listener, port) = listener();
    let server = read_all(listener);
    let path = each_way("latency=5ms corrupt=2%", "latency=5ms");
    let got = counted(spec(path, &["upload", &port, "3000000"]), &[], || ());
    let corrupted = got.ran.figures.up.segments[0].corrupted;
    assert!(corrupted > 0, "{got:?}");
    assert_eq!(found_broken(&got, "Tcp.InErrs"), corrupted, "{got:?}");
    // By whose checksum it was found is all but always TCP's.
    let by_checksum = got.far.get("Tcp.InCsumErrors");
    assert!(by_checksum > corrupted / 2, "{got:?}");
    let bytes = server.join().expect("served");
    assert_eq!(bytes.len(), 3_000_000);
    let expected = (0..=u8::MAX).cycle();
    assert!(
        bytes.into_iter().eq(expected.take(3_000_000)),
        "what came is what was sent"
    );
}

#[test]
fn each_broken_datagram_is_counted() {
    let _alone = alone();
    let (socket, port) = datagrams();
    let path = each_way("corrupt=10%", "");
    // So few that no queue on their way can be full: neither the gate's nor, for a third of a second, a socket's.
    let spec = spec(path, &["datagrams", &port, "1000", "200", "500"]);
    let reader = std::thread::spawn(move || count(&socket));
    let mut read = 0;
    // A datagram's checksum is looked at when it is read.
    let got = counted(spec, &[], || read = reader.join().expect("the reader"));
    let corrupted = got.ran.figures.up.segments[0].corrupted;
    assert!(corrupted > 0, "{got:?}");
    assert_eq!(found_broken(&got, "Udp.InErrors"), corrupted, "{got:?}");
    assert!(read > 0 && read <= 1000 - corrupted, "{read}: {got:?}");
}

/// How many datagrams come, until none does for two seconds.
fn count(socket: &UdpSocket) -> u64 {
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("set");
    let mut count = 0;
    while socket.recv(&mut [0; 2048]).is_ok() {
        count += 1;
    }
    count
}

//! Segments that links for datagrams share, with each other and with links for connections.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use wharf_link::{Conditions, Seed};
use wharf_relay::{
    CutDirection, DatagramCounts, Error, LinkSpec, ParkLimits, Provider, SegmentId, SegmentSpec,
};

use super::bed::{Bed, conditions, on_v4, own, spec};
use crate::bed::PATIENCE;

/// A provider, and a link to it that runs over one segment.
struct Over {
    bed: Bed,
    home: SegmentId,
    front: std::net::SocketAddr,
}

impl Over {
    fn segment(settings: &[(&str, &str)]) -> Self {
        let bed = Bed::new();
        let home = bed
            .relay
            .add_segment(SegmentSpec {
                name: "home".to_owned(),
                up: conditions(settings),
                down: conditions(settings),
                seed: Seed(1),
            })
            .expect("the relay runs");
        let socket = on_v4();
        let front = own(&socket);
        let link = Self::link(&bed, socket, &[home], Conditions::CLEAR);
        Self {
            bed: Bed { link, ..bed },
            home,
            front,
        }
    }

    fn link(bed: &Bed, socket: UdpSocket, via: &[SegmentId], own_way: Conditions) -> wharf_relay::LinkId {
        let mut spec = spec(socket, Provider::Ready(vec![own(&bed.provider)]));
        spec.name = "web -> dns".to_owned();
        spec.via = via.to_vec();
        (spec.up, spec.down) = (own_way.clone(), own_way);
        bed.relay.add_datagrams(spec).expect("a link")
    }

    fn client(&self) -> UdpSocket {
        let client = on_v4();
        client.connect(self.front).expect("an address to speak to");
        client
    }

    fn up(&self) -> DatagramCounts {
        self.bed.datagrams().up
    }
}

#[test]
fn latencies_of_a_way_add_up_both_ways() {
    let over = Over::segment(&[("latency", "10ms")]);
    let bed = &over.bed;
    let backbone = SegmentSpec {
        name: "backbone".to_owned(),
        up: conditions(&[("latency", "15ms")]),
        down: conditions(&[("latency", "15ms")]),
        seed: Seed(1),
    };
    let backbone = bed.relay.add_segment(backbone).expect("the relay runs");
    let socket = on_v4();
    let front = own(&socket);
    let way = [over.home, backbone];
    Over::link(bed, socket, &way, conditions(&[("latency", "5ms")]));
    let client = on_v4();
    client.connect(front).expect("an address to speak to");
    let begin = Instant::now();
    bed.converses(&client, "ping");
    assert!(begin.elapsed() >= Duration::from_millis(60));
    let stats = bed.relay.segment_stats(backbone).expect("it is there");
    // Headers of IPv4 and UDP count, as they do on the link.
    assert_eq!((stats.bytes_up, stats.bytes_down), (28 + 4, 28 + 9));
}

/// A queue of ten packets: of a hundred that come at once eleven get through, one of them being on the
/// line at first.
#[test]
fn what_finds_the_queue_full_is_dropped_and_counted() {
    let over = Over::segment(&[("rate", "1mbit"), ("queue", "10 packets")]);
    let client = over.client();
    let begin = Instant::now();
    for number in 0..100_u8 {
        client.send(&[number; 1_000]).expect("it can be sent");
    }
    let stats = over
        .bed
        .await_stats(|_, datagrams| datagrams.up.delivered + datagrams.up.queue_dropped == 100);
    let took = begin.elapsed();
    let up = stats.datagrams.expect("a link for datagrams").up;
    let segment = over.bed.relay.segment_stats(over.home).expect("it is there");
    assert_eq!(segment.dropped_up, up.queue_dropped, "{segment:?}");
    assert_eq!(segment.bytes_up, up.delivered * 1_028, "{segment:?}");
    // 1028 bytes at 1 Mbit/s. More get in than the queue holds only as time passes.
    let line = 1_028.0 * 8.0 / 1e6;
    assert!(up.delivered >= 10, "{up:?}");
    assert!(
        (up.delivered as f64 - 12.0) * line <= took.as_secs_f64(),
        "{up:?} in {took:?}"
    );
    let (first, _) = over.bed.hear();
    assert_eq!(first, [0; 1_000]);
}

#[test]
fn what_befalls_a_datagram_on_a_segment_is_counted_for_its_link() {
    /// So many of a hundred.
    fn count(settings: &[(&str, &str)], of: impl Fn(&DatagramCounts) -> u64) -> u64 {
        let over = Over::segment(settings);
        let client = over.client();
        for number in 0..100_u8 {
            client.send(&[number; 200]).expect("it can be sent");
        }
        let dropped = |up: &DatagramCounts| up.lost + up.too_big + up.cut_dropped + up.queue_dropped;
        over.bed.await_stats(|_, datagrams| {
            let up = &datagrams.up;
            up.accepted == 100 && up.delivered + dropped(up) == 100 + up.duplicated
        });
        of(&over.up())
    }
    assert_eq!(count(&[("latency", "1ms")], |up| up.delivered), 100);
    assert_eq!(count(&[("loss", "100%")], |up| up.lost), 100);
    assert_eq!(count(&[("mtu", "100B")], |up| up.too_big), 100);
    assert_eq!(count(&[("duplicate", "100%")], |up| up.delivered), 200);
    assert_eq!(count(&[("corrupt", "100%")], |up| up.corrupted), 100);
    let lost = count(&[("loss", "30%")], |up| up.lost);
    // Binomial: four standard deviations of 4.6 either way.
    assert!((12..=48).contains(&lost), "{lost}");
}

#[test]
fn a_cut_segment_loses_datagrams_until_healed() {
    let over = Over::segment(&[("latency", "1ms")]);
    let client = over.client();
    over.bed.converses(&client, "before");
    for direction in [CutDirection::Both, CutDirection::Up] {
        let before = over.up().cut_dropped;
        over.bed
            .relay
            .cut_segment(over.home, direction)
            .expect("it is there");
        client.send(b"lost").expect("it can be sent");
        over.bed
            .await_stats(|_, datagrams| datagrams.up.cut_dropped == before + 1);
        over.bed.relay.heal_segment(over.home).expect("it is there");
        over.bed.converses(&client, "after");
    }
}

/// A stream that fills the queue all the time, and a look-up every now and then.
#[test]
fn streams_leave_room_for_datagrams_and_both_keep_to_one_rate() {
    let over = Over::segment(&[("rate", "8mbit"), ("queue", "16KiB")]);
    let provider = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let front = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = front.local_addr().expect("an address");
    let link = LinkSpec {
        name: "web -> files".to_owned(),
        listeners: vec![front],
        provider: Provider::Ready(vec![provider.local_addr().expect("an address")]),
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        via: vec![over.home],
        seed: Seed(1),
        park: ParkLimits::default(),
    };
    over.bed.relay.add(link).expect("a link");
    let mut sender = TcpStream::connect(address).expect("it listens");
    let (mut receiver, _) = provider.accept().expect("a connection");
    receiver.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let begin = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            sender.write_all(&vec![7; 1_000_000]).expect("sent");
        });
        let reader = scope.spawn(move || {
            let mut all = Vec::new();
            receiver.read_to_end(&mut all).expect("it arrives");
            (all.len(), begin.elapsed())
        });
        let client = over.client();
        for number in 0..20 {
            over.bed.converses(&client, &format!("look-up {number}"));
        }
        let (bytes, took) = reader.join().expect("read");
        assert_eq!(bytes, 1_000_000);
        assert!(took >= Duration::from_millis(980), "{took:?}");
    });
    let stats = over.bed.relay.segment_stats(over.home).expect("it is there");
    assert_eq!((stats.dropped_up, stats.dropped_down), (0, 0));
}

#[test]
fn a_segment_in_use_stays() {
    let over = Over::segment(&[]);
    over.bed.converses(&over.client(), "hello");
    let error = over
        .bed
        .relay
        .remove_segment(over.home)
        .expect_err("it is in use");
    assert_eq!(
        error.to_string(),
        "remove segment `home`: link `web -> dns` runs over it"
    );
    over.bed.relay.remove(over.bed.link).expect("it was there");
    over.bed
        .relay
        .remove_segment(over.home)
        .expect("nothing runs over it");
    let mut spec = spec(on_v4(), Provider::Down);
    spec.via = vec![over.home];
    let error = over.bed.relay.add_datagrams(spec).expect_err("there is none");
    assert!(matches!(error, Error::NoSuchSegment(_)), "{error}");
}

/// Conditions come and go while datagrams pass: none of what was sent is unaccounted for.
#[test]
fn what_enters_is_delivered_or_counted_whatever_changes() {
    let over = Over::segment(&[]);
    let client = over.client();
    let all = [
        conditions(&[]),
        conditions(&[("latency", "3ms"), ("jitter", "2ms")]),
        conditions(&[("rate", "5mbit"), ("queue", "5 packets"), ("loss", "10%")]),
        conditions(&[("rate", "20mbit"), ("duplicate", "20%"), ("mtu", "600B")]),
        conditions(&[("outage", "on 3ms off 2ms")]),
    ];
    for round in 0..200_usize {
        let [up, down] = [&all[round % all.len()], &all[round / 2 % all.len()]];
        let relay = &over.bed.relay;
        relay
            .set_segment_conditions(over.home, up.clone(), down.clone())
            .expect("it is there");
        for length in [10, 500, 1_000] {
            client.send(&vec![1; length]).expect("it can be sent");
        }
        match round % 20 {
            7 => relay.cut_segment(over.home, CutDirection::Both).expect("cut"),
            11 => relay.heal_segment(over.home).expect("healed"),
            _ => {}
        }
    }
    over.bed.relay.heal_segment(over.home).expect("healed");
    over.bed.await_stats(|_, datagrams| {
        let up = &datagrams.up;
        let gone = up.lost + up.too_big + up.queue_dropped + up.cut_dropped + up.undeliverable;
        up.accepted == 600 && up.delivered + gone == 600 + up.duplicated
    });
}

//! Stretches of network that links share.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use wharf_link::{Conditions, QueueLimit, Seed, Size};
use wharf_relay::{CutDirection, Error, LinkId, Provider, SegmentId, SegmentSpec};

use crate::bed::{
    Bed, PATIENCE, all_kinds, ends, is_reset, latency, listener, passes, patient, rate, reset, spec,
};

impl Bed {
    fn segment(&self, name: &str, conditions: Conditions) -> SegmentId {
        let spec = SegmentSpec {
            name: name.to_owned(),
            up: conditions.clone(),
            down: conditions,
            seed: Seed(1),
        };
        self.relay.add_segment(spec).expect("the relay runs")
    }

    /// One more link over segments, and a connection over it: client, server.
    fn over(&self, via: &[SegmentId], conditions: Conditions) -> (LinkId, TcpStream, TcpStream) {
        let front = listener();
        let address = front.local_addr().expect("an address");
        let provider = self.provider.local_addr().expect("an address");
        let mut spec = spec(front, Provider::Ready(vec![provider]));
        spec.via = via.to_vec();
        spec.up = conditions.clone();
        spec.down = conditions;
        let link = self.relay.add(spec).expect("a link");
        let client = patient(TcpStream::connect(address).expect("it listens"));
        (link, client, self.accept())
    }
}

#[test]
fn latencies_of_a_way_add_up_both_ways() {
    let bed = Bed::new();
    let home = bed.segment("home", latency(10));
    let backbone = bed.segment("backbone", latency(15));
    let (_, client, server) = bed.over(&[home, backbone], latency(5));
    passes(&client, &server, "settled");
    for (from, to) in [(&client, &server), (&server, &client)] {
        let begin = Instant::now();
        passes(from, to, "ping");
        assert!(begin.elapsed() >= Duration::from_millis(30));
    }
    bed.relay
        .set_segment_conditions(home, latency(40), Conditions::CLEAR)
        .expect("it is there");
    let begin = Instant::now();
    passes(&client, &server, "ping");
    assert!(begin.elapsed() >= Duration::from_millis(60));
    let conditions = bed.relay.segment_conditions(home).expect("it is there");
    assert_eq!(conditions, [latency(40), Conditions::CLEAR]);
}

#[test]
fn streams_and_their_ends_pass_segments_whole() {
    for conditions in all_kinds() {
        for link in [Conditions::CLEAR, latency(1), rate("500mbit")] {
            let bed = Bed::new();
            let segment = bed.segment("home", conditions.clone());
            let (_, client, server) = bed.over(&[segment], link);
            let data: Vec<u8> = (0..400_000u32).map(|number| (number % 251) as u8).collect();
            let data = &data;
            thread::scope(|scope| {
                for (mut from, mut to) in [(&client, &server), (&server, &client)] {
                    scope.spawn(move || from.write_all(data).expect("sent"));
                    scope.spawn(move || {
                        let mut got = vec![0; data.len()];
                        to.read_exact(&mut got).expect("it arrives");
                        assert!(got == *data);
                    });
                }
            });
            client.shutdown(std::net::Shutdown::Write).expect("half-close");
            ends(&server);
            passes(&server, &client, "the last word");
            reset(server);
            is_reset(&client);
        }
    }
}

/// Two links over one segment share its rate, connection by connection, and never exceed it.
#[test]
fn a_segment_has_one_queue_for_all() {
    let bed = Bed::new();
    let narrow = Conditions {
        queue: Some(QueueLimit::Bytes(Size::from_bytes(64 * 1024))),
        ..rate("16mbit")
    };
    let home = bed.segment("home", narrow);
    let ways: Vec<_> = (0..4)
        .map(|number| bed.over(&[home], if number < 2 { Conditions::CLEAR } else { latency(3) }))
        .collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    let done = &done;
    thread::scope(|scope| {
        for (_, _, server) in &ways {
            scope.spawn(move || while { server }.write_all(&[1; 1 << 14]).is_ok() {});
        }
        let readers: Vec<_> = ways
            .iter()
            .map(|(_, client, _)| {
                scope.spawn(move || {
                    let mut total = 0;
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        total += { client }.read(&mut [0; 1 << 14]).expect("bytes arrive");
                    }
                    total as f64
                })
            })
            .collect();
        let count = || bed.relay.segment_stats(home).expect("it is there").bytes_down as f64;
        thread::sleep(Duration::from_millis(300));
        let (before, begin) = (count(), Instant::now());
        thread::sleep(Duration::from_millis(1_500));
        let passed = count() - before;
        let allowed = 2_000_000.0 * begin.elapsed().as_secs_f64();
        assert!(passed <= allowed + 10_000.0, "{passed} of {allowed}");
        assert!(passed >= allowed * 0.8, "{passed} of {allowed}");
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        let shares: Vec<f64> = readers
            .into_iter()
            .map(|reader| reader.join().expect("read"))
            .collect();
        assert!(jain(&shares) > 0.9, "{shares:?}");
        for (_, client, server) in &ways {
            for stream in [client, server] {
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
        }
    });
}

/// Jain's index of fairness: 1 where all have the same, 1/n where one has all.
pub(crate) fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    sum * sum / (shares.len() as f64 * squares)
}

#[test]
fn a_cut_segment_holds_all_links_over_it_until_healed() {
    for conditions in [Conditions::CLEAR, latency(2)] {
        let bed = Bed::new();
        let home = bed.segment("home", conditions);
        let (_, client, server) = bed.over(&[home], Conditions::CLEAR);
        let (_, other, far) = bed.over(&[home], latency(1));
        let (free, peer) = bed.pair();
        for direction in [CutDirection::Both, CutDirection::Up] {
            bed.relay.cut_segment(home, direction).expect("it is there");
            for (mut from, mut to) in [(&client, &server), (&other, &far)] {
                from.write_all(b"held").expect("sent");
                to.set_read_timeout(Some(Duration::from_millis(80)))
                    .expect("a time-out");
                to.read(&mut [0; 4]).expect_err("nothing arrives");
                to.set_read_timeout(Some(PATIENCE)).expect("a time-out");
            }
            if direction == CutDirection::Up {
                passes(&server, &client, "down passes");
            }
            passes(&free, &peer, "what goes elsewhere passes");
            bed.relay.heal_segment(home).expect("it is there");
            for mut to in [&server, &far] {
                let mut buffer = [0; 4];
                to.read_exact(&mut buffer).expect("it arrives");
                assert_eq!(&buffer, b"held");
            }
        }
    }
}

#[test]
fn a_segment_in_use_stays() {
    let bed = Bed::new();
    let home = bed.segment("home", latency(1));
    let (link, client, server) = bed.over(&[home], Conditions::CLEAR);
    passes(&client, &server, "hello");
    let error = bed.relay.remove_segment(home).expect_err("it is in use");
    assert_eq!(
        error.to_string(),
        "remove segment `home`: link `web -> api` runs over it"
    );
    bed.relay.remove(link).expect("it was there");
    bed.relay.remove_segment(home).expect("nothing runs over it");
    let error = bed.relay.segment_stats(home).expect_err("it is gone");
    assert!(matches!(error, Error::NoSuchSegment(_)), "{error}");
    let mut spec = spec(listener(), Provider::Down);
    spec.via = vec![home];
    let error = bed.relay.add(spec).expect_err("there is no such segment");
    assert!(matches!(error, Error::NoSuchSegment(_)), "{error}");
}

//! What each connection passes on its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use wharf_link::{Conditions, Probability, Scope, Size};
use wharf_relay::{Effect, OnRemoval, Provider, Stage, StageId};

use crate::bed::{Bed, all_kinds, ends, is_reset, latency, passes, rate};

pub(crate) fn stage(id: u64, effect: Effect) -> Stage {
    Stage {
        id: StageId(id),
        toxicity: Probability::ALWAYS,
        effect,
    }
}

fn timeout(millis: u64, on_removal: OnRemoval) -> Effect {
    Effect::Timeout {
        after: (millis > 0).then(|| Duration::from_millis(millis)),
        on_removal,
    }
}

impl Bed {
    fn up(&self, stages: Vec<Stage>) {
        self.set_stages(stages, Vec::new());
    }

    pub(crate) fn set_stages(&self, up: Vec<Stage>, down: Vec<Stage>) {
        let result = self.relay.set_stages(self.link, up, down);
        result.expect("the link is there");
    }
}

/// Reads to the end, however it comes: what came, and whether it ended in good order.
fn rest(mut stream: &TcpStream) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (all, true),
            Ok(count) => all.extend(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (all, false),
            Err(error) => panic!("{error}"),
        }
    }
}

#[track_caller]
fn is_silent(mut stream: &TcpStream) {
    let patience = stream.read_timeout().expect("a time-out");
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("a time-out");
    let error = stream.read(&mut [0; 16]).expect_err("nothing arrives");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    stream.set_read_timeout(patience).expect("a time-out");
}

#[test]
fn a_connection_has_conditions_of_its_own_also_while_it_lives() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    passes(&client, &server, "at once");
    bed.up(vec![stage(1, Effect::Conditions(latency(30)))]);
    let other = bed.pair();
    for (client, server) in [(&client, &server), (&other.0, &other.1)] {
        let begin = Instant::now();
        passes(client, server, "later");
        assert!(begin.elapsed() >= Duration::from_millis(30));
        passes(server, client, "the other way is free");
    }
    bed.up(Vec::new());
    passes(&client, &server, "at once again");
}

/// A rate of a stage is each connection's: two take no longer than one.
#[test]
fn a_rate_of_a_stage_is_each_connections() {
    let bed = Bed::new();
    bed.up(vec![stage(1, Effect::Conditions(rate("8mbit")))]);
    let pairs = [bed.pair(), bed.pair(), bed.pair()];
    let begin = Instant::now();
    thread::scope(|scope| {
        for (client, server) in &pairs {
            scope.spawn(move || {
                { client }.write_all(&[5; 200_000]).expect("sent");
                client.shutdown(Shutdown::Write).expect("half-close");
            });
            scope.spawn(move || {
                let (got, in_order) = rest(server);
                assert!(in_order && got.len() == 200_000 && got.iter().all(|&byte| byte == 5));
                // 200 ms at the rate, which was never exceeded.
                assert!(begin.elapsed() >= Duration::from_millis(195));
            });
        }
    });
}

#[test]
fn a_limit_passes_so_much_and_closes_both_ways() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        bed.up(vec![stage(1, Effect::Limit(Size::from_bytes(1_000)))]);
        let (client, server) = bed.pair();
        passes(&server, &client, "greeting");
        for _ in 0..10 {
            { &client }.write_all(&[7; 99]).expect("sent");
        }
        passes(&server, &client, "below the limit");
        { &client }.write_all(&[7; 99]).expect("sent");
        let (got, in_order) = rest(&server);
        assert!(in_order);
        assert_eq!(got, [7; 1_000]);
        rest(&client);
        bed.await_stats(|stats| stats.connections == 0);
    }
}

#[test]
fn a_slow_close_keeps_the_end_back() {
    let bed = Bed::new();
    bed.up(vec![stage(1, Effect::SlowClose(Duration::from_millis(80)))]);
    let (client, server) = bed.pair();
    passes(&client, &server, "hello");
    let begin = Instant::now();
    client.shutdown(Shutdown::Write).expect("half-close");
    ends(&server);
    assert!(begin.elapsed() >= Duration::from_millis(80));
    passes(&server, &client, "still open this way");
    // Taken away while it waits: the end passes at once.
    bed.up(vec![stage(2, Effect::SlowClose(Duration::from_secs(3_600)))]);
    let (client, server) = bed.pair();
    client.shutdown(Shutdown::Write).expect("half-close");
    is_silent(&server);
    bed.up(Vec::new());
    ends(&server);
}

#[test]
fn a_timeout_is_silent_and_then_closes() {
    let bed = Bed::new();
    bed.up(vec![stage(1, timeout(150, OnRemoval::Close))]);
    let (client, server) = bed.pair();
    { &client }.write_all(b"into the void").expect("sent");
    passes(&server, &client, "the other way is free");
    assert_eq!(rest(&server), (Vec::new(), true));
    ends(&client);
    bed.await_stats(|stats| stats.connections == 0);
}

#[test]
fn a_timeout_that_goes_resumes_or_closes() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    bed.up(vec![stage(1, timeout(0, OnRemoval::Resume))]);
    for part in ["nothing ", "is ", "lost"] {
        { &client }.write_all(part.as_bytes()).expect("sent");
        is_silent(&server);
    }
    bed.up(Vec::new());
    let mut buffer = [0; 15];
    { &server }.read_exact(&mut buffer).expect("it arrives");
    assert_eq!(&buffer, b"nothing is lost");
    passes(&client, &server, "and on it goes");

    bed.up(vec![stage(1, timeout(0, OnRemoval::Close))]);
    // More than anything would hold: it is swallowed.
    { &client }.write_all(&vec![0; 32 << 20]).expect("sent");
    is_silent(&server);
    bed.up(Vec::new());
    assert_eq!(rest(&server), (Vec::new(), true));
    rest(&client);
    bed.await_stats(|stats| stats.connections == 0);
}

#[test]
fn a_reset_is_a_reset_on_new_and_on_live_connections() {
    for conditions in all_kinds() {
        let bed = Bed::with(conditions);
        let reset = || vec![stage(1, Effect::Reset(Duration::from_millis(20)))];
        let (client, server) = bed.pair();
        passes(&client, &server, "hello");
        bed.up(reset());
        passes(&server, &client, "nothing has come to the stage yet");
        let begin = Instant::now();
        { &client }.write_all(b"now").expect("sent");
        is_reset(&client);
        assert!(begin.elapsed() >= Duration::from_millis(20));
        is_reset(&server);

        let (client, server) = bed.pair();
        { &client }.write_all(b"now").expect("sent");
        is_reset(&client);
        is_reset(&server);
        bed.await_stats(|stats| stats.connections == 0);
    }
}

#[test]
fn slices_arrive_one_by_one() {
    let bed = Bed::new();
    let pause = Duration::from_millis(10);
    bed.up(vec![stage(
        1,
        Effect::Slice {
            average: Size::from_bytes(3),
            vary: Size::from_bytes(1),
            delay: pause,
        },
    )]);
    let (client, server) = bed.pair();
    let begin = Instant::now();
    { &client }.write_all(b"0123456789abcdef").expect("sent");
    client.shutdown(Shutdown::Write).expect("half-close");
    let (got, in_order) = rest(&server);
    assert_eq!((&got[..], in_order), (&b"0123456789abcdef"[..], true));
    // Four pieces at the least, and the end behind the last pause.
    assert!(begin.elapsed() >= pause * 4);
}

#[test]
fn a_toxicity_of_zero_has_no_effect_whatever() {
    let bed = Bed::new();
    let mut resets = stage(1, Effect::Reset(Duration::ZERO));
    resets.toxicity = Probability::NEVER;
    bed.set_stages(vec![resets.clone()], vec![resets]);
    for _ in 0..50 {
        let (client, server) = bed.pair();
        passes(&client, &server, "hello");
        client.shutdown(Shutdown::Write).expect("half-close");
        ends(&server);
        passes(&server, &client, "and goodbye");
        drop(server);
        ends(&client);
    }
}

/// The same seed gives the same connections their fate, and raising the toxicity adds to them.
#[test]
fn toxicity_follows_from_the_seed() {
    let fates = |parts: u32| -> Vec<bool> {
        let bed = Bed::new();
        let mut closes = stage(8, Effect::Limit(Size::from_bytes(0)));
        closes.toxicity = Probability::from_parts_per_billion(parts).expect("below one");
        bed.up(vec![closes]);
        (0..24)
            .map(|_| {
                let (client, server) = bed.pair();
                { &client }.write_all(b"x").expect("sent");
                let count = { &server }.read(&mut [0]).expect("it comes or ends");
                count == 0
            })
            .collect()
    };
    let half = fates(500_000_000);
    assert_eq!(half, fates(500_000_000));
    let closed = half.iter().filter(|&&closed| closed).count();
    assert!((3..=21).contains(&closed), "{closed}");
    let more = fates(800_000_000);
    assert!(half.iter().zip(&more).all(|(half, more)| !half || *more));
}

/// Stages are no part of making a connection: a refusal passes them.
#[test]
fn a_refusal_passes_stages() {
    let bed = Bed::made(|spec| spec.provider = Provider::Ready(vec![]));
    let void = || vec![stage(1, timeout(0, OnRemoval::Close))];
    bed.set_stages(void(), void());
    is_reset(&bed.connect());
    bed.await_stats(|stats| stats.connections == 0);
}

/// With a reader that stalls, what a stage holds is bounded, and its connection alone stands.
#[test]
fn a_held_connection_pushes_its_sender_back() {
    let bed = Bed::new();
    bed.up(vec![stage(1, timeout(0, OnRemoval::Resume))]);
    let (held, server) = bed.pair();
    held.set_write_timeout(Some(Duration::from_millis(300)))
        .expect("a time-out");
    let block = vec![9; 1 << 20];
    let mut sent = 0;
    while { &held }.write_all(&block).is_ok() {
        sent += block.len();
        assert!(sent < 64 << 20, "nothing pushes back");
    }
    bed.up(vec![
        stage(1, timeout(0, OnRemoval::Resume)),
        stage(2, Effect::Noop),
    ]);
    is_silent(&server);
    bed.up(Vec::new());
    let mut buffer = vec![0; sent];
    { &server }.read_exact(&mut buffer).expect("it arrives");
    assert!(buffer.iter().all(|&byte| byte == 9));
    assert!(sent > 0);
}

/// What a link's conditions do to connections: faults, and a rate that is each connection's own.
#[test]
fn conditions_have_stages_too() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    passes(&client, &server, "hello");
    bed.set(Conditions {
        faults: Some(["limit 10B".parse().expect("a fault")].into()),
        ..latency(1)
    });
    { &client }.write_all(b"0123456789abc").expect("sent");
    assert_eq!(rest(&server), (b"0123456789".to_vec(), true));
    rest(&client);
    let stats = bed.await_stats(|stats| stats.connections == 0);
    assert_eq!((stats.causes_up.closes, stats.causes_up.swallowed), (1, 3));

    bed.set(Conditions {
        scope: Scope::Connection,
        ..rate("8mbit")
    });
    let [up, down] = bed.relay.conditions(bed.link).expect("the link is there");
    assert_eq!(up, down);
    let pairs = [bed.pair(), bed.pair(), bed.pair(), bed.pair()];
    let begin = Instant::now();
    thread::scope(|scope| {
        for (client, server) in &pairs {
            scope.spawn(move || {
                { client }.write_all(&[5; 100_000]).expect("sent");
                client.shutdown(Shutdown::Write).expect("half-close");
            });
            scope.spawn(move || {
                assert_eq!(rest(server).0.len(), 100_000);
                assert!(begin.elapsed() >= Duration::from_millis(95));
            });
        }
    });
}

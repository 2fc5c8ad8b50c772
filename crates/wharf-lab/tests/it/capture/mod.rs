//! What a capture shows is what has happened: every packet at every point, every drop with its cause, and as
//! many of each as the switch has counted.

mod file;
mod tshark;

use std::sync::Arc;

use wharf_lab::{Capture, Drops, Exit, Figures, LabSpec, LaneFigures, Point, Segment, SegmentFigures};
use wharf_link::Size;

use self::file::{Contents, Way};
use crate::lab::{alone, both, datagrams, listener, serve, spec, start};

/// A lab that has run, its capture and its figures.
struct Captured {
    contents: Contents,
    figures: Figures,
    /// Those of just after it had ended: something may have passed in between.
    after: Figures,
    file: tempfile::NamedTempFile,
    said: String,
}

/// Runs a script in a lab whose capture has these points.
fn capture(path: Vec<Segment>, script: &str, points: Vec<Point>, limit: &str) -> Captured {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mut spec: LabSpec = spec(path, &[]);
    let traveller = spec.command[0].clone();
    spec.command = ["sh".into(), "-c".into(), script.into(), traveller].into();
    spec.capture = Some(Capture {
        file: Arc::new(file.reopen().expect("the file")),
        limit: limit.parse::<Size>().expect("a size"),
        points,
        drops: Drops::Shown,
    });
    let (ran, (figures, ended)) = start(&spec).finish_with(|lab| {
        let figures = lab.figures().expect("the switch runs");
        let ended = lab.end_capture().expect("written").expect("a capture");
        assert!(lab.end_capture().expect("written").is_none(), "it has ended");
        (figures, ended)
    });
    assert_eq!(ran.exit, Exit::Code(0), "{script}: {}", ran.err);
    let contents = Contents::read(&std::fs::read(file.path()).expect("the file"));
    assert_eq!(
        ended.packets - ended.dropped - ended.beyond_limit,
        contents.packets.len() as u64
    );
    assert_eq!(ended.dropped, 0, "it was written fast enough");
    Captured {
        contents,
        figures,
        after: ran.figures,
        file,
        said: ran.out,
    }
}

/// One of the figures of a segment.
type Figure = fn(&SegmentFigures) -> u64;

impl Captured {
    /// A count is the switch's own.
    #[track_caller]
    fn is(&self, seen: usize, way: Way, count: impl Fn(&LaneFigures) -> u64, what: &str) {
        let [before, after] = [&self.figures, &self.after].map(|figures| match way {
            Way::Up => count(&figures.up),
            Way::Down => count(&figures.down),
        });
        assert!(
            (before..=after).contains(&(seen as u64)),
            "{way:?} {what}: {seen}, counted {before} before the end and {after} after it"
        );
    }

    /// How many packets at an interface, going this way, have this in their comment.
    fn count(&self, at: &str, way: Way, text: &str) -> usize {
        self.contents
            .at(at, way)
            .filter(|seen| seen.comment.contains(text))
            .count()
    }
}

/// Runs a script behind a path, with everything captured, and compares all that was counted with what is in the
/// file. Packets must be cut if they are trains.
fn check(path: Vec<Segment>, script: &str) -> Captured {
    let names: Vec<String> = path.iter().map(|segment| segment.name.clone()).collect();
    let captured = capture(path, script, Point::all(names.len()), "1GiB");
    let contents = &captured.contents;
    for way in [Way::Up, Way::Down] {
        let [first, last] = match way {
            Way::Up => ["command", "gateway"],
            Way::Down => ["gateway", "command"],
        };
        let taken_in = |lane: &LaneFigures| lane.read - lane.trains + lane.pieces;
        captured.is(contents.at(first, way).count(), way, taken_in, "came");
        let left = |lane: &LaneFigures| lane.written + lane.not_taken;
        captured.is(contents.at(last, way).count(), way, left, "left");
        for (segment, name) in names.iter().enumerate() {
            let at = format!("dropped by {name}");
            // Figures are in the order in which packets pass.
            let position = match way {
                Way::Up => segment,
                Way::Down => names.len() - 1 - segment,
            };
            let of: [(String, Figure); 5] = [
                (format!("dropped: loss of {name}"), |figures| figures.loss),
                (format!("dropped: outage of {name}"), |figures| figures.outage),
                (format!("dropped: queue of {name} ("), |figures| figures.queue),
                (format!("dropped: MTU of {name} ("), |figures| figures.mtu),
                (format!(" of {name}, after "), |figures| figures.aqm),
            ];
            for (text, figure) in of {
                let counted = |lane: &LaneFigures| figure(&lane.segments[position]);
                captured.is(captured.count(&at, way, &text), way, counted, &text);
            }
        }
    }
    // A segment's deeds are seen behind it; a pair's second packet has them as well, and says so.
    if let [name] = &names[..] {
        for (way, at) in [(Way::Up, "gateway"), (Way::Down, "command")] {
            let copies = format!("duplicated by {name}");
            let pairs = |lane: &LaneFigures| lane.segments[0].duplicated;
            captured.is(captured.count(at, way, &copies), way, pairs, "pairs");
            let of: [(_, Figure); 2] = [
                ("corrupted by ", |figures| figures.corrupted),
                ("marked CE by ", |figures| figures.marked),
            ];
            for (deed, figure) in of {
                let done = contents.at(at, way).filter(|seen| seen.comment.contains(deed));
                let once = done.filter(|seen| !seen.comment.contains(&copies)).count();
                captured.is(once, way, |lane| figure(&lane.segments[0]), deed);
            }
        }
    }
    // The statistics of each interface.
    assert_eq!(contents.counted.len(), contents.interfaces.len());
    for (name, counted) in contents.interfaces.iter().zip(&contents.counted) {
        let there = contents.packets.iter().filter(|seen| seen.at == *name).count() as u64;
        assert_eq!((counted.received, counted.dropped), (there, 0), "{name}");
        assert_eq!(counted.comment, "");
    }
    captured
}

/// So many pings, 2 ms apart: what an ordinary user may send. Each waits for the answer to the last but two.
fn ping(count: u32, more: &str) -> String {
    format!("ping -4 -n -q -c {count} -i 0.002 -W 1 -l 3 {more} 198.18.0.1 || true")
}

/// The same by four at a time, so that a queue is never empty.
fn pings(count: u32, more: &str) -> String {
    format!("for i in 1 2 3 4; do ({}) & done; wait", ping(count, more))
}

#[test]
fn what_is_lost_says_so() {
    let _alone = alone();
    let captured = check(vec![both("link", "loss=10%")], &ping(300, ""));
    assert!(
        captured.figures.up.segments[0].loss > 10,
        "{:?}",
        captured.figures
    );
    let captured = check(
        vec![both("link", "latency=1ms outage=on+50ms+off+50ms")],
        &ping(200, ""),
    );
    assert!(
        captured.figures.up.segments[0].outage > 10,
        "{:?}",
        captured.figures
    );
}

#[test]
fn what_a_queue_drops_says_how_full_it_was() {
    let _alone = alone();
    // Four times what the link carries.
    let (socket, port) = datagrams();
    let script = format!("\"$0\" datagrams {port} 200 1000 500 >/dev/null");
    for (discipline, text) in [
        ("drop-tail", "dropped: queue of link (10 of 10 packets)"),
        ("drop-head", "dropped: queue of link (10 of 10 packets)"),
    ] {
        let conditions = format!("rate=1mbit queue=10packets discipline={discipline}");
        let captured = check(vec![both("link", &conditions)], &script);
        let said = captured.count("dropped by link", Way::Up, text);
        captured.is(said, Way::Up, |lane| lane.segments[0].queue, discipline);
        assert!(said > 50, "{discipline}: {said}");
    }
    let captured = check(vec![both("link", "rate=1mbit queue=20000B")], &script);
    drop(socket);
    let text = "of 20000 bytes)";
    assert!(captured.count("dropped by link", Way::Up, text) > 50);
}

#[test]
fn what_a_discipline_drops_or_marks_says_so() {
    let _alone = alone();
    let conditions = "rate=1mbit discipline=codel+target+5ms+interval+20ms";
    let captured = check(vec![both("link", conditions)], &pings(100, "-s 1000"));
    let text = "dropped: codel of link, after ";
    assert!(
        captured.count("dropped by link", Way::Up, text) > 5,
        "{:?}",
        captured.figures
    );
    // It was let in, and so it is seen both where it came from and where it ended; and not where it went.
    let lost = captured
        .contents
        .at("dropped by link", Way::Up)
        .next()
        .expect("one");
    let seen = |at| {
        captured
            .contents
            .at(at, Way::Up)
            .filter(|seen| seen.bytes == lost.bytes)
    };
    assert_eq!((seen("command").count(), seen("gateway").count()), (1, 0));
    let came = seen("command").next().expect("one").time;
    assert!(lost.time >= came + 5_000_000, "after the target at the least");
    // With ECN (-Q 2 is ECT(0)) it is marked in place of that.
    let conditions = format!("{conditions}+ecn");
    let captured = check(vec![both("link", &conditions)], &pings(100, "-Q 2 -s 1000"));
    let (contents, figures) = (&captured.contents, &captured.figures);
    assert!(figures.up.segments[0].marked > 5, "{figures:?}");
    assert_eq!(figures.up.segments[0].aqm, 0, "{figures:?}");
    for seen in contents.at("gateway", Way::Up) {
        let is_marked = seen.ecn() == wharf_packet::Ecn::Ce;
        assert_eq!(is_marked, seen.comment.contains("marked CE by link"), "{seen:?}");
    }
}

#[test]
fn a_bit_that_was_flipped_is_the_one_that_is_said() {
    let _alone = alone();
    let captured = check(vec![both("link", "corrupt=30% duplicate=20%")], &ping(200, ""));
    let mut flipped = 0;
    for seen in captured.contents.at("gateway", Way::Up) {
        let Some((_, rest)) = seen.comment.split_once("corrupted by link (bit ") else {
            assert!(seen.holds(), "{seen:?}");
            continue;
        };
        let bit: u64 = rest
            .split(')')
            .next()
            .expect("a number")
            .parse()
            .expect("a number");
        let mut bytes = seen.bytes.clone();
        assert!(wharf_packet::flip_bit(&mut bytes, bit));
        let before = captured
            .contents
            .at("command", Way::Up)
            .filter(|before| before.bytes == bytes);
        assert_eq!(before.count(), 1, "{seen:?}");
        flipped += 1;
    }
    assert!(flipped > 20, "{flipped}");
}

#[test]
fn a_path_is_seen_at_each_of_its_routers() {
    let _alone = alone();
    let path = vec![
        both("a", "latency=2ms"),
        both("b", "latency=3ms"),
        both("c", "latency=4ms"),
    ];
    let captured = check(
        path,
        &(ping(5, "") + "; ping -4 -n -c 1 -t 2 -W 1 198.18.0.1 || true"),
    );
    let contents = &captured.contents;
    let points = ["command", "router 1", "router 2", "gateway"];
    assert_eq!(contents.interfaces[..4], points);
    // Each way: as many hops fewer as were passed, and so much later.
    let [first, last] = [contents.at("command", Way::Up), contents.at("gateway", Way::Up)];
    let (sent, arrived): (Vec<_>, Vec<_>) = (first.collect(), last.collect());
    let echo = sent.iter().find(|seen| seen.bytes[9] == 1).expect("a ping");
    let id = &echo.bytes[24..];
    let times = points.map(|at| {
        let mut there = contents.at(at, Way::Up).filter(|seen| seen.bytes[24..] == *id);
        let seen = there.next().expect("it passed");
        (seen.ttl(), seen.time)
    });
    assert_eq!(times.map(|(ttl, _)| ttl), [64, 63, 62, 62]);
    for (pair, latency) in times.windows(2).zip([2_000_000, 3_000_000, 4_000_000]) {
        let took = pair[1].1 - pair[0].1;
        // At routers ideal times, at the ends true ones: never early, and late only at the far end.
        assert!(took >= latency, "{times:?}");
        assert!(took < latency + 1_000_000 || pair[1].1 == times[3].1, "{times:?}");
    }
    assert!(arrived.len() < sent.len());
    let expired = "dropped: its time to live ended at 198.18.1.2, behind b";
    assert_eq!(captured.count("dropped by b", Way::Up, expired), 1);
}

#[test]
fn what_is_too_long_says_what_became_of_it() {
    let _alone = alone();
    let path = || vec![both("narrow", "mtu=600")];
    let captured = check(path(), &ping(3, "-M dont -s 1400"));
    let text = "dropped: MTU of narrow (1428 of 600 bytes), its fragments go on";
    assert_eq!(captured.count("dropped by narrow", Way::Up, text), 3);
    let captured = check(path(), &ping(3, "-M do -s 1400"));
    // The kernel knows the MTU from the first answer on, and sends no more.
    let text = "dropped: MTU of narrow (1428 of 600 bytes)";
    assert!(captured.count("dropped by narrow", Way::Up, text) >= 1);
}

/// A train that stays whole is one packet; its checksum, which its sender's kernel had left open, is there.
#[test]
fn checksums_are_complete() {
    let _alone = alone();
    let (socket, port) = datagrams();
    let script = format!("\"$0\" datagrams {port} 50 100 1000 >/dev/null");
    let captured = check(vec![both("link", "latency=1ms")], &script);
    drop(socket);
    let datagrams = captured.contents.at("command", Way::Up).filter(|seen| {
        let Ok(packet) = wharf_packet::Packet::parse(&seen.bytes) else {
            return false;
        };
        matches!(packet.transport(), wharf_packet::Transport::Udp(_))
    });
    let datagrams: Vec<_> = datagrams.collect();
    assert!(datagrams.len() >= 50, "{}", datagrams.len());
    assert!(datagrams.iter().all(|seen| seen.holds()), "{datagrams:?}");
    let (listener, port) = listener();
    let server = serve(listener, 2_000_000);
    let path = vec![both("link", "latency=5ms")];
    let script = format!("\"$0\" download {port} >/dev/null");
    let captured = capture(path, &script, vec![Point::Command], "1GiB");
    server.join().expect("served");
    let segments: Vec<_> = captured.contents.at("command", Way::Down).collect();
    let trains = segments.iter().filter(|seen| seen.bytes.len() > 1500).count();
    assert!(
        trains > 10 && captured.figures.down.trains >= trains as u64,
        "{trains}"
    );
    for seen in segments {
        assert!(seen.holds(), "{} bytes", seen.bytes.len());
    }
}

#[test]
fn a_file_that_is_full_says_what_is_missing() {
    let _alone = alone();
    let script = ping(100, "-s 500");
    let captured = capture(vec![both("link", "")], &script, vec![Point::Command], "20kB");
    assert!(
        captured.file.path().metadata().expect("there").len() <= 20_000 + 1_000,
        "statistics apart"
    );
    let counted = &captured.contents.counted[0];
    let there = captured.contents.packets.len() as u64;
    assert!(there > 10 && counted.dropped > 50, "{counted:?}");
    assert_eq!(counted.received, there + counted.dropped);
    let text = format!(
        "{} packets came after the file had reached its limit",
        counted.dropped
    );
    assert_eq!(counted.comment, text);
    assert!(
        captured.said.contains("0% packet loss"),
        "the link carries all the same"
    );
}

#[test]
fn a_router_that_there_is_not_is_named() {
    let mut spec = spec(vec![both("link", "")], &["say", "x"]);
    spec.capture = Some(Capture {
        file: Arc::new(tempfile::tempfile().expect("a file")),
        limit: Size::from_bytes(1 << 20),
        points: vec![Point::Router(1)],
        drops: Drops::LeftOut,
    });
    let null = std::fs::File::open("/dev/null").expect("/dev/null");
    let streams = [&null; 3].map(std::os::fd::AsFd::as_fd);
    let error = wharf_lab::Lab::start(&spec, streams).expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "capture at router 1: the path has 0, one between each two segments"
    );
}

//! What a lab's link carries, and how true its delays are. As root: the far ends of the traffic are in the
//! gateway's own network, so that nothing but the switch is measured.
//!
//! `cargo bench -p wharf-lab`; a word selects: `start`, `delay`, `packets`, `tcp`, `capture`.

#[path = "../examples/traveller/stream.rs"]
mod stream;
#[path = "../examples/traveller/tcp_info.rs"]
mod tcp_info;
#[path = "../examples/traveller/traffic.rs"]
mod traffic;

use std::fs::File;
use std::io::{Read, pipe};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use wharf_lab::{Allow, Capture, Drops, Figures, Lab, LabSpec, Point, Segment, Tools, Waiting};
use wharf_link::{Conditions, Seed, Settings, Size};

/// The port of what listens at the gateway.
const PORT: u16 = 7007;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments
        .peek()
        .is_some_and(|first| *first == *wharf_lab::ARGUMENT)
    {
        return wharf_lab::run_stage(arguments.skip(1))
            .unwrap_or_else(|not_run| ExitCode::from(not_run.code));
    }
    let words: Vec<String> = arguments
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    if words.first().is_some_and(|word| word == "travel") {
        return match traffic::run(&words[1..]) {
            Ok(said) => {
                traffic::say(&said);
                ExitCode::SUCCESS
            }
            Err(error) => {
                traffic::complain(&error.to_string());
                ExitCode::FAILURE
            }
        };
    }
    if !rustix::process::geteuid().is_root() {
        traffic::say("SKIPPED: lab: it enters the gateway's network, for which it must be root");
        return ExitCode::SUCCESS;
    }
    let wanted =
        |name: &str| words.iter().all(|word| word.starts_with('-')) || words.iter().any(|word| word == name);
    if wanted("start") {
        start_time();
    }
    if wanted("delay") {
        delays();
    }
    if wanted("packets") {
        packets();
    }
    if wanted("tcp") {
        tcp();
    }
    if wanted("capture") {
        capture();
    }
    ExitCode::SUCCESS
}

fn conditions(text: &str) -> Conditions {
    let mut settings = Settings::default();
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=').expect("key=value");
        settings.set(key, value).expect("a setting");
    }
    settings
        .resolve(&Conditions::CLEAR, &mut |_| Err("no files here".to_owned()))
        .expect("conditions")
}

/// What came of a lab.
struct Outcome<T> {
    said: String,
    figures: Figures,
    /// How long the lane from the command was on a processor.
    cpu: Duration,
    far: T,
}

/// A lab with these conditions each way, in which `command` runs; `at_gateway` has its turn before that, in the
/// gateway's network, and what it returns goes on in a thread there. What the command printed, and the figures.
fn lab<T>(text: &str, command: &[&str], at_gateway: impl FnOnce() -> T + Send + 'static) -> Outcome<T>
where
    T: Send + 'static,
{
    captured_lab(text, None, command, at_gateway)
}

fn captured_lab<T>(
    text: &str,
    capture: Option<Capture>,
    command: &[&str],
    at_gateway: impl FnOnce() -> T + Send + 'static,
) -> Outcome<T>
where
    T: Send + 'static,
{
    let exe = std::env::current_exe().expect("a path");
    // The command waits for a line, so that the far end is there first.
    let script = "read _; exec \"$0\" \"$@\"";
    let mut words = vec![
        "sh".into(),
        "-c".into(),
        script.into(),
        exe.clone().into_os_string(),
        "travel".into(),
    ];
    words.extend(command.iter().map(Into::into));
    let spec = LabSpec {
        exe,
        command: words,
        path: vec![Segment {
            name: "link".to_owned(),
            up: conditions(text),
            down: conditions(text),
        }],
        seed: Seed(1),
        allow: Allow::Only(Vec::new()),
        local: Vec::new(),
        waiting: Waiting::Asleep,
        congestion: None,
        tools: Tools::Ordinary,
        tun: "/dev/net/tun".into(),
        capture,
    };
    let (input, go) = pipe().expect("a pipe");
    let (mut out, out_end) = pipe().expect("a pipe");
    let error = std::io::stderr();
    let lab = Lab::start(&spec, [input.as_fd(), out_end.as_fd(), error.as_fd()]).expect("a lab");
    drop(out_end);
    // Read while it runs: a pipe holds less than some have to say.
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        out.read_to_string(&mut said).map(|_| said)
    });
    let network = File::open(format!("/proc/{}/ns/net", lab.facts().keeper)).expect("the gateway's network");
    let far = std::thread::spawn(move || {
        setns(network, CloneFlags::CLONE_NEWNET).expect("entered");
        at_gateway()
    });
    let far = far.join().expect("the far end");
    std::io::Write::write_all(&mut &go, b"\n").expect("written");
    let exit = lab.wait().expect("it ran");
    assert_eq!(exit, wharf_lab::Exit::Code(0), "{command:?}");
    let figures = lab.figures().expect("the switch runs");
    let cpu = on_processor("wharf-lab-up");
    drop(lab);
    let said = said.join().expect("the reader").expect("read");
    Outcome {
        said,
        figures,
        cpu,
        far,
    }
}

/// How long a lane's thread has been on a processor. Where the machine is busy with other things, this says more
/// than what passed in a second.
fn on_processor(lane: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads");
    let paths = tasks.flatten().map(|task| task.path());
    let mut lanes = paths.filter(|path| {
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        name.trim() == lane
    });
    let path = lanes.next().expect("the lane's thread");
    let text = std::fs::read_to_string(path.join("schedstat")).expect("readable");
    let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.expect("a number"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn start_time() {
    let exe = std::env::current_exe().expect("a path");
    let times = (0..15).map(|_| {
        let begun = Instant::now();
        let spec = LabSpec {
            exe: exe.clone(),
            command: vec!["true".into()],
            path: Vec::new(),
            seed: Seed(1),
            allow: Allow::All,
            local: Vec::new(),
            waiting: Waiting::Asleep,
            congestion: None,
            tools: Tools::Ordinary,
            tun: "/dev/net/tun".into(),
            capture: None,
        };
        let null = File::open("/dev/null").expect("/dev/null");
        let lab = Lab::start(&spec, [null.as_fd(), null.as_fd(), null.as_fd()]).expect("a lab");
        let up = lab.facts().start.as_secs_f64() * 1e3;
        let _ = lab.wait();
        drop(lab);
        (up, begun.elapsed().as_secs_f64() * 1e3)
    });
    let (up, whole): (Vec<f64>, Vec<f64>) = times.unzip();
    traffic::say(&format!(
        "start: {:.1} ms until the command starts, {:.1} ms for `true` from start to end",
        median(up),
        median(whole)
    ));
}

fn delays() {
    for (latency, count, interval) in [
        ("0ms", 2000, 1000),
        ("1ms", 2000, 1000),
        ("20ms", 2000, 1000),
        ("100ms", 2000, 1000),
        ("20ms", 20_000, 50),
    ] {
        let text = format!("latency={latency}");
        let command = ["ping", &count.to_string(), &interval.to_string(), "4"];
        let Outcome { said, figures, .. } = lab(&text, &command, || ());
        let asked = conditions(&text).latency.duration() * 2;
        let mut errors: Vec<f64> = said
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .map(|nanos| (Duration::from_nanos(nanos).as_secs_f64() - asked.as_secs_f64()) * 1e6)
            .collect();
        errors.sort_by(f64::total_cmp);
        let at = |share: usize| errors[(errors.len() * share / 100).min(errors.len() - 1)];
        traffic::say(&format!(
            "delay {latency} each way, every {interval} µs: round trip +{:.0} µs p50, +{:.0} µs p99 ({} of {count}); one way late p50 {:.0} µs, p99 {:.0} µs",
            at(50),
            at(99),
            errors.len(),
            figures.up.lateness.p50 as f64 / 1e3,
            figures.up.lateness.p99 as f64 / 1e3,
        ));
    }
}

/// Counts datagrams in the gateway's network until none has come for a while.
fn counter() -> std::thread::JoinHandle<(u64, Duration)> {
    let socket = UdpSocket::bind((wharf_lab::FAR_V4, PORT)).expect("bound");
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("set");
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(8 << 20);
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        let (mut count, mut first, mut last) = (0, None, Instant::now());
        while socket.recv(&mut buffer).is_ok() {
            count += 1;
            last = Instant::now();
            first.get_or_insert(last);
        }
        (count, first.map_or(Duration::ZERO, |first| last - first))
    })
}

fn packets() {
    for (text, rate) in [
        ("", 0),
        ("latency=20ms", 0),
        ("latency=20ms loss=1%", 0),
        ("latency=20ms", 50_000),
        ("latency=20ms", 100_000),
        ("latency=20ms", 180_000),
    ] {
        let count = if rate == 0 { 600_000 } else { rate * 3 };
        let command = [
            "datagrams",
            &PORT.to_string(),
            &count.to_string(),
            "36",
            &rate.to_string(),
        ];
        let Outcome {
            said,
            figures,
            cpu,
            far,
        } = lab(text, &command, counter);
        let (received, took) = far.join().expect("the counter");
        let sent: Vec<f64> = said
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        traffic::say(&format!(
            "packets of 64 B, {}, {}: {:.0} sent a second, {:.0} received ({:.2} %); written {:.2} %; late p50 {:.0} µs, p99 {:.0} µs; {:.2} µs of a processor each",
            if text.is_empty() { "clear" } else { text },
            if rate == 0 {
                "unbounded".to_owned()
            } else {
                format!("{rate}/s")
            },
            count as f64 / sent[0] * 1e9,
            received as f64 / took.as_secs_f64(),
            received as f64 / count as f64 * 100.0,
            figures.up.written as f64 / count as f64 * 100.0,
            figures.up.lateness.p50 as f64 / 1e3,
            figures.up.lateness.p99 as f64 / 1e3,
            cpu.as_secs_f64() * 1e6 / figures.up.read as f64,
        ));
    }
}

/// What it costs to look: the same packets with and without a capture of everything, into a file that takes all.
fn capture() {
    const COUNT: u64 = 300_000;
    for _ in 0..3 {
        let costs = [None, Some(Point::all(1))].map(|points| {
            let capture = points.map(|points| Capture {
                file: Arc::new(File::options().write(true).open("/dev/null").expect("/dev/null")),
                limit: Size::from_bytes(u64::MAX),
                points,
                drops: Drops::Shown,
            });
            let command = ["datagrams", &PORT.to_string(), &COUNT.to_string(), "36", "50000"];
            let outcome = captured_lab("latency=20ms loss=1%", capture, &command, counter);
            outcome.far.join().expect("the counter");
            outcome.cpu.as_secs_f64() * 1e6 / outcome.figures.up.read as f64
        });
        traffic::say(&format!(
            "capture at both ends: {:.2} µs of a processor each packet of 64 B, without {:.2}",
            costs[1], costs[0],
        ));
    }
}

/// Reads streams to their ends in the gateway's network.
fn sink(streams: usize) -> std::thread::JoinHandle<()> {
    let listener = TcpListener::bind((wharf_lab::FAR_V4, PORT)).expect("bound");
    std::thread::spawn(move || {
        let readers: Vec<_> = (0..streams)
            .map(|_| {
                let (mut stream, _) = listener.accept().expect("a connection");
                std::thread::spawn(move || {
                    let mut block = vec![0; 256 * 1024];
                    while matches!(stream.read(&mut block), Ok(1..)) {}
                })
            })
            .collect();
        for reader in readers {
            reader.join().expect("a reader");
        }
    })
}

fn tcp() {
    for (text, bytes) in [
        ("", 4_000_000_000_u64),
        ("latency=1ms", 1_000_000_000),
        ("corrupt=0.000001%", 2_000_000_000),
        ("rate=10gbit", 2_000_000_000),
    ] {
        let command = ["upload", &PORT.to_string(), &bytes.to_string()];
        let Outcome {
            said,
            figures,
            cpu,
            far,
        } = lab(text, &command, || sink(1));
        far.join().expect("the sink");
        let nanos = said.split_whitespace().next().and_then(|word| word.parse().ok());
        let nanos: f64 = nanos.expect("a number");
        traffic::say(&format!(
            "TCP, one stream, {}: {:.2} Gbit/s, {:.3} s of a processor each Gbit; {} packets read, {} written",
            if text.is_empty() { "clear" } else { text },
            bytes as f64 * 8.0 / nanos,
            cpu.as_secs_f64() / (bytes as f64 * 8.0 / 1e9),
            figures.up.read,
            figures.up.written,
        ));
    }
}

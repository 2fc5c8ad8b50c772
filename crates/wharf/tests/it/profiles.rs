//! Every profile does what it states: round trips and rates, measured over links of a stack.
//!
//! What must not be is asserted exactly, and no load of the machine can bring it about: a round trip
//! shorter than stated, a rate above what is stated. What load can bring about has generous bounds.
//!
//! Profiles with losses or outages: their round trips are bounded from below alone, since one may wait
//! for what TCP does about a loss, or for the end of an outage; their rates are measured with losses and
//! outages taken away, since a rate is what is left by them. Of `offline` it is asserted that nothing
//! passes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use wharf_link::{Conditions, Profile, profiles};

use crate::world::{PATIENCE, World};

/// What a loaded machine may add.
const LOAD: Duration = Duration::from_secs(2);

/// A server of three services, by the first byte: `e` echoes; `d` and `u`, with a number of eight bytes,
/// send so much, and take so much and then say so.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let count = u64::from_le_bytes(head[1..].try_into().expect("eight bytes"));
    match head[0] {
        b'e' => {
            let mut byte = [0; 1];
            while stream.read(&mut byte)? > 0 {
                stream.write_all(&byte)?;
            }
        }
        b'd' => drop(std::io::copy(&mut std::io::repeat(7).take(count), &mut stream)?),
        _ => {
            std::io::copy(&mut (&stream).take(count), &mut std::io::sink())?;
            stream.write_all(b"!")?;
        }
    }
    Ok(())
}

fn open(address: &str, service: u8, count: u64) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_nodelay(true).expect("set");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut head = vec![service];
    head.extend(count.to_le_bytes());
    stream.write_all(&head).expect("written");
    stream
}

fn is_lossy(conditions: &Conditions) -> bool {
    conditions.loss.is_some() || conditions.outage.is_some()
}

/// The most that jitter changes a delay, as the tests count: four times its spread.
fn four_spreads(conditions: &Conditions) -> Duration {
    let spread = |text: String| -> Duration {
        let first = text.split(' ').next().expect("a word").to_owned();
        first.parse::<wharf_link::Latency>().expect("a time").duration()
    };
    conditions
        .jitter
        .as_ref()
        .map_or(Duration::ZERO, |jitter| 4 * spread(jitter.to_string()))
}

/// The median of some echoes of one byte.
fn check_round_trip(profile: &Profile, address: &str) {
    let name = profile.name;
    let mut stream = open(address, b'e', 0);
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        stream.write_all(b"x").expect("written");
        stream.read_exact(&mut [0; 1]).expect("an echo");
        times.push(begun.elapsed());
    }
    times.sort();
    let (least, median) = (times[0], times[2]);
    let jitter = four_spreads(&profile.up) + four_spreads(&profile.down);
    let floor = profile.rtt().saturating_sub(jitter);
    assert!(least >= floor, "{name}: {least:?} is less than {floor:?}");
    let ceiling = profile.rtt() + jitter + LOAD;
    if !is_lossy(&profile.up) && !is_lossy(&profile.down) {
        assert!(median <= ceiling, "{name}: {median:?} is more than {ceiling:?}");
    }
}

/// How long so many bytes take: never shorter than at the stated rate, less two in a hundred.
fn check_rate(profile: &Profile, address: &str, service: u8, conditions: &Conditions, lasts: Duration) {
    let Some(rate) = &conditions.rate else {
        return;
    };
    let bits = rate.bits() as f64;
    let count = (bits * lasts.as_secs_f64() / 8.0) as u64;
    let begun = Instant::now();
    let mut stream = open(address, service, count);
    match service {
        b'd' => {
            let came = std::io::copy(&mut stream, &mut std::io::sink()).expect("read");
            assert_eq!(came, count);
        }
        _ => {
            let mut sending = std::io::repeat(7).take(count);
            std::io::copy(&mut sending, &mut stream).expect("written");
            stream.read_exact(&mut [0; 1]).expect("its answer");
        }
    }
    let took = begun.elapsed();
    let name = format!("{} {}", profile.name, service as char);
    let ideal = Duration::from_secs_f64(count as f64 * 8.0 / bits);
    assert!(
        took.as_secs_f64() >= ideal.as_secs_f64() / 1.02,
        "{name}: {took:?} for {ideal:?}"
    );
    // A request there, the answer back; slow start; then what the loss of throughput may add.
    let most = ideal.mul_f64(1.0 / 0.8)
        + (2 + slow_start(count, bits, profile.rtt())) * profile.rtt()
        + four_spreads(conditions)
        + LOAD;
    // Where something may be lost, it is TCP's answer to that which decides, and not the rate.
    if bits <= 100e6 && !is_lossy(conditions) {
        assert!(took <= most, "{name}: {took:?}, and at most {most:?}");
    }
}

/// How many round trips it takes until a window is open: ten packets (RFC 6928), and twice as many in each, up to
/// what the way holds or is to be sent (RFC 5681, section 3.1).
fn slow_start(bytes: u64, bits: f64, rtt: Duration) -> u32 {
    let full = (bits / 8.0 * rtt.as_secs_f64()).min(bytes as f64);
    (full / 14_480.0 + 1.0).log2().ceil() as u32
}

fn nothing_passes(address: &str) {
    let mut stream = open(address, b'e', 0);
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("set");
    stream.write_all(b"x").expect("written");
    let error = stream.read(&mut [0; 1]).expect_err("nothing comes");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

/// Does every task, so many at once.
fn at_once<T: Send>(tasks: Vec<T>, workers: usize, work: impl Fn(T) + Sync) {
    let tasks = Mutex::new(tasks);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let task = tasks.lock().expect("not poisoned").pop();
                    let Some(task) = task else { return };
                    work(task);
                }
            });
        }
    });
}

#[test]
fn every_profile_does_what_it_states() {
    let world = World::new();
    let port = server();
    let text: String = (0..)
        .zip(profiles())
        .map(|(number, profile)| {
            format!(
                "[external.e{number}]\naddress = \"127.0.0.1:{port}\"\nprotocol = \"test\"\n\
                 [link.\"client -> e{number}\"]\nprofile = \"{}\"\nobserve = \"off\"\n",
                profile.name
            )
        })
        .collect();
    world.file(&text);
    world.run(&["up", "-d"]).ok();
    let links: serde_json::Value = serde_json::from_str(&world.run(&["links", "--json"]).ok()).expect("JSON");
    let address_of = |number: usize| {
        let name = format!("client -> e{number}");
        let mut links = links.as_array().expect("links").iter();
        let link = links
            .find(|link| link["name"] == name.as_str())
            .expect("the link");
        link["address"].as_str().expect("an address").to_owned()
    };
    let all: Vec<(&Profile, String)> = (0..)
        .zip(profiles())
        .map(|(number, profile)| (profile, address_of(number)))
        .collect();
    assert!(all.len() > 50, "{}", all.len());

    at_once(all.clone(), 64, |(profile, address)| match profile.name {
        "offline" => nothing_passes(&address),
        _ => check_round_trip(profile, &address),
    });
    for (number, (profile, _)) in all.iter().enumerate() {
        if is_lossy(&profile.up) || is_lossy(&profile.down) {
            let link = format!("client -> e{number}");
            world
                .run(&["set", &link, "--loss", "none", "--outage", "none"])
                .ok();
        }
    }
    // The slow ones all at once; of the fast ones as many as the machine bears beside other work.
    let measured: Vec<_> = all
        .into_iter()
        .flat_map(|(profile, address)| {
            [
                (profile, address.clone(), b'd', &profile.down),
                (profile, address, b'u', &profile.up),
            ]
        })
        .collect();
    let between = |least: f64, most: f64| {
        let rate = |conditions: &Conditions| conditions.rate.as_ref().map(|rate| rate.bits() as f64);
        let mut some = measured.clone();
        some.retain(|(_, _, _, conditions)| {
            rate(conditions).is_some_and(|rate| rate > least && rate <= most)
        });
        some
    };
    for (tasks, workers, lasts) in [
        (between(0.0, 5e6), 100, 1000),
        (between(5e6, 30e6), 6, 500),
        (between(30e6, 1e9), 1, 150),
    ] {
        at_once(tasks, workers, |(profile, address, service, conditions)| {
            check_rate(
                profile,
                &address,
                service,
                conditions,
                Duration::from_millis(lasts),
            );
        });
    }
    world.run(&["down"]).ok();
}

//! A crowd: 200 processes lease 10 ports each, at once, while others take what ports they can get.

use std::collections::{BTreeSet, HashSet};
use std::io::BufRead;
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use wharf_facts::PortRange;
use wharf_lease::{Checkout, Error, Hold, HoldPolicy, Key, LeaseRange, Registry, RegistryConfig, StateDir};

use crate::worker::{self, Worker, command};
use crate::{Place, Reuse, bind, serve, v4, v6};

const WORKERS: usize = 200;
const PORTS: usize = 10;
const NOISY: usize = 50;
/// How many sockets a noisy process keeps once every lease is given.
const KEPT: usize = 4;

/// One crowd at a time: two would be 500 processes.
pub(crate) static ALONE: Mutex<()> = Mutex::new(());

/// What a crowd is made of.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) config: RegistryConfig,
    /// How many bind explicit ports of the range without SO_REUSEADDR.
    pub(crate) rude: usize,
    /// Where the noisy connect to.
    pub(crate) sink: SocketAddr,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Different ports that were leased.
    pub(crate) leased: usize,
    /// Binds or listens of a leased port that failed.
    pub(crate) collisions: usize,
    /// Leased ports that somebody else was given, or could bind, while they were leased.
    pub(crate) strayed: usize,
}

impl Crowd {
    pub(crate) fn run(self) -> Outcome {
        let place = Place::with(self.config);
        let sink = TcpListener::bind(self.sink).expect("a sink");
        let address = sink.local_addr().expect("an address");
        std::thread::spawn(move || swallow(&sink));

        let range = place.registry.range();
        let mut others: Vec<Worker> = (0..NOISY)
            .map(|_| start("noise", &[&address.to_string()]))
            .chain((0..self.rude).map(|seed| start("rude", &[&range.to_string(), &seed.to_string()])))
            .collect();
        let policy = match self.config.hold {
            HoldPolicy::Bind => "bind",
            HoldPolicy::RowOnly => "row only",
        };
        let directory = place.directory.path().to_str().expect("a path");
        let mut workers: Vec<Worker> = (0..WORKERS)
            .map(|index| {
                let exactly = match self.config.range {
                    LeaseRange::Exactly(range) => range.to_string(),
                    LeaseRange::BelowEphemeral => String::new(),
                };
                start("crowd", &[directory, &index.to_string(), policy, &exactly])
            })
            .collect();

        let mut leased = BTreeSet::new();
        for worker in &mut workers {
            let ports = worker.next().expect("its leases");
            leased.extend(ports.split(' ').map(|port| port.parse::<u16>().expect("a port")));
        }
        for other in &mut others {
            other.tell("watch");
        }
        for other in &mut others {
            other.expect("watching");
        }
        for worker in &mut workers {
            worker.tell("bind");
        }
        let mut collisions = 0;
        for worker in &mut workers {
            let count = worker.next().expect("its collisions");
            collisions += count.parse::<usize>().expect("a count");
        }
        let mut strayed = 0;
        for other in &mut others {
            other.tell("stop");
            let got = other.next().expect("its ports");
            strayed += got
                .split_ascii_whitespace()
                .filter(|port| leased.contains(&port.parse().expect("a port")))
                .count();
            other.end();
        }
        for worker in &mut workers {
            worker.end();
        }
        Outcome {
            leased: leased.len(),
            collisions,
            strayed,
        }
    }
}

fn start(role: &str, told: &[&str]) -> Worker {
    let mut worker = Worker::start(command(role)).expect("a worker");
    for words in told {
        worker.tell(words);
    }
    worker
}

/// Takes connections and resets them, so that nothing rests in TIME_WAIT.
fn swallow(sink: &TcpListener) {
    while let Ok((connection, _)) = sink.accept() {
        let _ = Socket::from(connection).set_linger(Some(Duration::ZERO));
    }
}

/// Leases, waits for the word, and binds what it leased as a server would.
pub(crate) fn worker() {
    let told = || worker::hear().expect("a word");
    let (directory, index, policy, exactly) = (told(), told(), told(), told());
    let config = RegistryConfig {
        range: match exactly.as_str() {
            "" => LeaseRange::BelowEphemeral,
            range => LeaseRange::Exactly(range.parse().expect("a range")),
        },
        hold: if policy == "bind" {
            HoldPolicy::Bind
        } else {
            HoldPolicy::RowOnly
        },
    };
    let registry = Registry::open(&StateDir::at(&directory), config).expect("a registry");
    let checkout = Checkout::at(directory.as_ref()).expect("a checkout");
    let mut holds = Vec::new();
    for number in 0..PORTS {
        let key = Key::main(checkout.clone(), format!("{index}-{number}"));
        holds.push(lease(&registry, &key));
    }
    let ports: Vec<String> = holds.iter().map(|hold| hold.port().to_string()).collect();
    worker::say(ports.join(" "));

    told();
    let mut collisions = 0;
    let mut servers = Vec::new();
    for hold in &holds {
        let mut addresses = vec![v4(hold.port())];
        if hold.missing().is_none() {
            addresses.push(v6(hold.port()));
        }
        for address in addresses {
            match serve(address, Reuse::Yes) {
                Ok(server) => servers.push(server),
                Err(_) => collisions += 1,
            }
        }
    }
    worker::say(collisions);
    worker::hear();
}

/// A lease; again, when each port is taken for the moment by those who come and go.
fn lease(registry: &Registry, key: &Key) -> Hold {
    for _ in 0..5000 {
        match registry.lease_held(key) {
            Ok((_, hold)) => return hold,
            Err(Error::Exhausted { .. }) => std::thread::sleep(Duration::from_millis(2)),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no port was left for {key}");
}

/// What the test has told one of those who come and go.
#[derive(Default)]
struct Told {
    watch: AtomicBool,
    stop: AtomicBool,
}

/// Does `work` again and again, which gives the ports that it got, until told to stop. Says which
/// ports it got since it was told to watch.
fn come_and_go(told: &Told, mut work: impl FnMut(bool, &mut HashSet<u16>)) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for word in std::io::stdin().lock().lines() {
                match word.as_deref() {
                    Ok("watch") => told.watch.store(true, Ordering::SeqCst),
                    _ => break,
                }
            }
            told.stop.store(true, Ordering::SeqCst);
        });
        let mut got = HashSet::new();
        let mut since = 0;
        while !told.stop.load(Ordering::SeqCst) {
            let watches = told.watch.load(Ordering::SeqCst);
            // Also in the first round of watching: what the round before it got was let go again, and
            // may have been leased since.
            if since == 0 {
                got.clear();
            }
            work(watches, &mut got);
            since += u32::from(watches);
            if since == 20 {
                worker::say("watching");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        worker::say(got.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    });
}

/// Loops on bind(0) and on connect().
pub(crate) fn noise() {
    let sink: SocketAddr = worker::hear().expect("a sink").parse().expect("an address");
    let mut kept = Vec::new();
    let mut round = 0_u32;
    come_and_go(&Told::default(), |watches, got| {
        round = round.wrapping_add(1);
        let any = if round.is_multiple_of(4) { v6(0) } else { v4(0) };
        let reuse = if round.is_multiple_of(2) {
            Reuse::Yes
        } else {
            Reuse::No
        };
        // Failure is no news: every port of the range may be taken.
        if let Ok(listener) = serve(any, reuse) {
            got.insert(listener.local_addr().expect("an address").port());
            kept.push(listener);
        }
        if let Ok(connection) = connect(sink) {
            got.insert(port_of(&connection));
        }
        if !watches || kept.len() > KEPT {
            kept.clear();
        }
    });
}

fn connect(sink: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_linger(Some(Duration::ZERO))?;
    socket.connect_timeout(&sink.into(), Duration::from_secs(1))?;
    Ok(socket)
}

fn port_of(socket: &Socket) -> u16 {
    let address = socket.local_addr().ok().and_then(|address| address.as_socket());
    address.map_or(0, |address| address.port())
}

/// Binds ports of the range without SO_REUSEADDR, and does not ask whose they are.
pub(crate) fn rude() {
    let range: PortRange = worker::hear().expect("a range").parse().expect("a range");
    let mut seed: u64 = worker::hear().expect("a seed").parse().expect("a seed");
    let mut kept = None;
    come_and_go(&Told::default(), |watches, got| {
        // Knuth's generator: any will do.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let port = range.first() + ((seed >> 33) % u64::from(range.count())) as u16;
        if let Ok(socket) = bind(v4(port), Reuse::No) {
            got.insert(port);
            kept = watches.then_some(socket);
        }
    });
}

#[test]
fn two_hundred_processes_and_fifty_noisy_ones_do_not_collide() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Below the ephemeral floor as the usual range is, but not that: the other tests of this binary
    // lease there, by registries that know nothing of this one.
    let config = RegistryConfig {
        range: LeaseRange::Exactly("10000-17999".parse().expect("a range")),
        ..RegistryConfig::default()
    };
    let crowd = Crowd {
        config,
        rude: 0,
        sink: v4(0),
    };
    let expected = Outcome {
        leased: WORKERS * PORTS,
        collisions: 0,
        strayed: 0,
    };
    assert_eq!(crowd.run(), expected);
}

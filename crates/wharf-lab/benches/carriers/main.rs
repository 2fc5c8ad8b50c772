//! The same work over the same profile, by relay and by lab: what a page, a download and many small requests
//! take, as the program that fetches them sees it.
//!
//!     cargo bench -p wharf-lab --bench carriers
//!     cargo bench -p wharf-lab --bench carriers -- --profiles '4g,latency=5ms loss=3%' --works page,bulk --samples 48
//!
//! In a lab the kernel's own TCP meets delay and loss; a relay ends TCP, and models what it would have done
//! ([`wharf_link::stream`]). The two should agree, and the last column says how far they do: a ratio of
//! medians, marked where it is off by more than a fifth.
//!
//! **How it is measured.** Each sample is one connection in a link of its own (a relay, or a lab, started for
//! it), with a seed of its own. The time is taken by the client, from before connect() to the last byte. What
//! is not done after [`LONGEST`] is cut there and scaled up to the whole; such cells are marked `~`. Samples run
//! side by side where the profile leaves the machine idle. As root: the lab's server is in the gateway's own
//! network, where its congestion control can be set, whatever the host allows to all.
//!
//! **What the two must differ in.** A relay's client is connected at once, by the kernel, before the relay
//! knows of it; the round trip of the handshake is charged to the first byte. So the times here agree, and
//! the time that connect() takes does not.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

mod by_lab;
mod by_relay;
mod table;
mod work;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use wharf_link::stream::Congestion;
use wharf_link::{Conditions, Profile, Seed, Settings};

use table::Cell;
use work::{Outcome, Work};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The most that one sample takes.
const LONGEST: Duration = Duration::from_secs(20);

/// How many samples run side by side, up to [`QUIET`].
const SIDE_BY_SIDE: usize = 8;

/// Bits a second above which a profile keeps a processor busy, so that its samples run one by one.
const QUIET: u64 = 120_000_000;

#[derive(Debug, Parser)]
struct Options {
    /// Profiles by name, and conditions that are written out.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "lan,wifi,cable,4g,4g-bad,3g,eu-us,starlink,geo,latency=10ms loss=0.5%,latency=10ms loss=1%,latency=10ms loss=2%"
    )]
    profiles: Vec<String>,
    /// What is fetched.
    #[arg(
        long,
        value_delimiter = ',',
        value_enum,
        default_value = "small,page,bulk,requests"
    )]
    works: Vec<Work>,
    /// How many samples of `small` and `page` there are; of the long ones a quarter.
    #[arg(long, default_value_t = 32)]
    samples: usize,
    /// The congestion control of both carriers' servers.
    #[arg(long, default_value = "cubic")]
    congestion: Congestion,
    /// By what it is carried.
    #[arg(long, value_delimiter = ',', value_enum, default_value = "relay,lab")]
    carriers: Vec<Carrier>,
    /// `cargo bench` says this.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Carrier {
    Relay,
    Lab,
}

/// The conditions of a sample, both ways, and its luck.
#[derive(Debug, Clone)]
struct Link {
    up: Conditions,
    down: Conditions,
    seed: Seed,
}

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
    let done = match words.split_first() {
        Some((first, rest)) if first == work::FETCH => work::fetch_as_told(rest),
        _ => run(&Options::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "carriers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: carriers: it enters the gateway's network, for which it must be root");
        return Ok(());
    }
    println!("congestion control: {}", options.congestion);
    println!("{}", table::HEAD);
    for profile in &options.profiles {
        let link = link_of(profile, options.congestion)?;
        for &work in &options.works {
            let [relay, lab] = [Carrier::Relay, Carrier::Lab].map(|carrier| -> Result<_> {
                match options.carriers.contains(&carrier) {
                    true => sample(carrier, &link, work, options).map(Some),
                    false => Ok(None),
                }
            });
            let (relay, lab) = (relay?, lab?);
            println!(
                "{}",
                Cell {
                    profile,
                    work,
                    relay,
                    lab
                }
            );
        }
    }
    Ok(())
}

/// The conditions of a profile, or those that are written out: `latency=10ms loss=1%`, `jitter=2ms+normal`.
fn link_of(name: &str, congestion: Congestion) -> Result<Link> {
    let [mut up, mut down] = match Profile::named(name) {
        Some(profile) => [profile.up.clone(), profile.down.clone()],
        None => {
            let mut settings = Settings::default();
            for word in name.split_whitespace() {
                let unknown =
                    || format!("{name}: no profile, and no conditions such as `latency=10ms loss=1%`");
                let (key, value) = word.split_once('=').ok_or_else(unknown)?;
                settings.set(key, &value.replace('+', " "))?;
            }
            let mut no_files = |_: &str| Err("there are no files here".to_owned());
            let conditions = settings.resolve(&Conditions::CLEAR, &mut no_files)?;
            [conditions.clone(), conditions]
        }
    };
    for conditions in [&mut up, &mut down] {
        conditions.stream.congestion = congestion;
    }
    Ok(Link {
        up,
        down,
        seed: Seed(0),
    })
}

/// All samples of a cell by one carrier.
fn sample(carrier: Carrier, link: &Link, work: Work, options: &Options) -> Result<Vec<Outcome>> {
    let count = match work {
        Work::Small | Work::Page => options.samples,
        Work::Bulk | Work::Requests => options.samples.div_ceil(4),
    };
    let rate = link.down.mean_rate().map_or(0, |rate| rate.bits());
    let unbounded = link.down.mean_rate().is_none() && work == Work::Bulk && link.down.loss.is_none();
    let abreast = match rate > QUIET || unbounded {
        true => 1,
        false => SIDE_BY_SIDE,
    };
    let links: Vec<Link> = (1..=count as u64)
        .map(|seed| Link {
            seed: Seed(seed),
            ..link.clone()
        })
        .collect();
    let mut outcomes = Vec::with_capacity(count);
    for batch in links.chunks(abreast) {
        // All are ready before the first begins: starting a lab keeps a processor busy.
        let ready = side_by_side(batch.iter(), |link| Ready::prepare(carrier, link, work, options))?;
        outcomes.extend(side_by_side(ready.into_iter(), Ready::take)?);
    }
    Ok(outcomes)
}

/// A sample that can begin at once.
enum Ready {
    Relay(by_relay::Ready),
    Lab(by_lab::Ready),
}

impl Ready {
    fn prepare(carrier: Carrier, link: &Link, work: Work, options: &Options) -> Result<Self> {
        Ok(match carrier {
            Carrier::Relay => Self::Relay(by_relay::Ready::prepare(link, work)?),
            Carrier::Lab => Self::Lab(by_lab::Ready::prepare(link, work, options.congestion)?),
        })
    }

    fn take(self) -> Result<Outcome> {
        match self {
            Self::Relay(ready) => ready.take(),
            Self::Lab(ready) => ready.take(),
        }
    }
}

/// Does something with each, each on a thread of its own.
fn side_by_side<T: Send, U: Send>(
    each: impl Iterator<Item = T>,
    does: impl Fn(T) -> Result<U> + Sync,
) -> Result<Vec<U>> {
    std::thread::scope(|scope| {
        let does = &does;
        let threads: Vec<_> = each.map(|one| scope.spawn(move || does(one))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .map(|done| done.unwrap_or_else(|_| Err("a sample panicked".into())))
            .collect()
    })
}

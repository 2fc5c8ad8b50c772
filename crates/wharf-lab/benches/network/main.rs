//! What a whole network carries, how soon it is up, and what a host costs; and beside it, as the limit, a forwarder
//! that does nothing but read one TUN device and write another.
//!
//! `cargo bench -p wharf-lab --bench network`; a word selects: `start`, `packets`, `tcp`. As root.

mod bare;
mod cost;
mod field;
mod traffic;

use std::process::ExitCode;

use bare::Bare;
use field::Field;
use traffic::{Carried, say};

/// Something that carries packets from one place to another.
trait Carrier {
    /// The words before a command's, so that it runs at the sender's or the receiver's.
    fn sender(&self) -> Vec<std::ffi::OsString>;
    fn receiver(&self) -> Vec<std::ffi::OsString>;
    /// The receiver's address.
    fn address(&self) -> String;
    /// How long the threads that carry were on a processor.
    fn on_processor(&self) -> std::time::Duration;
}

/// Starts a carrier.
type Start = fn() -> Box<dyn Carrier>;

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
    if let Some(done) = traffic::run(&words) {
        return done;
    }
    if !rustix::process::geteuid().is_root() {
        say("SKIPPED: network: its forwarder makes namespaces without a user's, for which it must be root");
        return ExitCode::SUCCESS;
    }
    let wanted =
        |name: &str| words.iter().all(|word| word.starts_with('-')) || words.iter().any(|word| word == name);
    if wanted("start") {
        for hosts in [2, 50, 200] {
            cost::start(hosts);
        }
    }
    let carriers: [(&str, Start); 5] = [
        ("a bare forwarder", || Box::new(Bare::start())),
        ("two hosts, clear", || Box::new(Field::two(""))),
        ("two hosts, 20 ms", || Box::new(Field::two("latency=20ms"))),
        ("two hosts, 20 ms, a loss of 0.0001 %", || {
            Box::new(Field::two("latency=20ms loss=0.0001%"))
        }),
        ("two hosts, four routers between", || {
            Box::new(Field::behind_routers(4))
        }),
    ];
    for (name, start) in carriers {
        if wanted("packets") {
            for size in [64, 1400] {
                let carrier = start();
                report(
                    &format!("{size} B of UDP, {name}"),
                    &traffic::packets(&*carrier, size, 400_000),
                );
            }
        }
        if wanted("tcp") {
            for streams in [1, 8] {
                let carrier = start();
                report(
                    &format!("TCP, {streams} stream(s), {name}"),
                    &traffic::streams(&*carrier, streams, 1_000_000_000),
                );
            }
        }
    }
    ExitCode::SUCCESS
}

fn report(what: &str, carried: &Carried) {
    let seconds = carried.took.as_secs_f64();
    let gigabits = carried.bytes as f64 * 8.0 / 1e9;
    say(&format!(
        "{what}: {:.0} packets/s, {:.2} Gbit/s, {:.1} % came; {:.2} s of a processor each Gbit",
        carried.packets as f64 / seconds,
        gigabits / seconds,
        carried.share * 100.0,
        carried.processor.as_secs_f64() / gigabits,
    ));
}

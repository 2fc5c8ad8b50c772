//! Measures the program as a user meets it, and prints what came out. It asserts nothing.
//!
//!     cargo build --release -p wharf --bins --examples
//!     cargo run --release -p wharf --example measure [start] [stack] [relay] [door] [idle]
//!
//! Each figure stands beside what it is to be judged by, measured in the same run: a command
//! beside the start of `/bin/true`, a stack beside its services started by hand, a link and the
//! door beside a direct connection. The two take turns, and which of them is first changes
//! from round to round, since a machine's speed drifts; differences and ratios are medians of
//! those of neighbours. What is printed is always: median, and in brackets least and most.
//!
//! Everything happens in a directory of its own with its own door; nothing is left behind.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]

mod door;
mod idle;
mod machine;
mod relay;
mod running;
mod series;
mod start;
mod world;

use std::error::Error;
use std::process::ExitCode;

use running::Bench;
use world::World;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The parts, by the names under which they may be asked for.
const PARTS: [&str; 5] = ["start", "stack", "relay", "door", "idle"];

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(asked: &[String]) -> Result<()> {
    if let Some(unknown) = asked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("there is no part {unknown}: there are {}", PARTS.join(", ")).into());
    }
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|name| name == part);
    let descriptors = machine::raise_descriptor_limit();
    let world = World::new()?;
    println!("{}", machine::describe());
    if wanted("start") {
        start::commands(&world)?;
    }
    if wanted("stack") {
        start::stacks(&world)?;
    }
    if ["relay", "door", "idle"].into_iter().any(wanted) {
        let bench = Bench::start(&world)?;
        if wanted("relay") {
            relay::measure(&bench)?;
        }
        if wanted("door") {
            door::measure(&bench)?;
        }
        if wanted("idle") {
            idle::measure(&bench, descriptors)?;
        }
    }
    println!("\n{}", machine::load());
    Ok(())
}

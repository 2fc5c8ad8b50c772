//! `cargo run -p wharf-probe --example probe -- 127.0.0.1:6379 [NAME] [--trust]`: probes what was asked for.

use std::net::SocketAddr;
use std::process::ExitCode;

use wharf_probe::{Consent, Curiosity, Owner, Plan, Target, Whose, guess, probe};

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program, to be looked at"
)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_curious = arguments.iter().any(|argument| argument == "--trust");
    let mut words = arguments.iter().filter(|argument| !argument.starts_with("--"));
    let Some(Ok(address)) = words.next().map(|word| word.parse::<SocketAddr>()) else {
        eprintln!("usage: probe ADDRESS:PORT [NAME] [--trust]");
        return ExitCode::from(2);
    };
    let target = Target::new(address).and_then(|target| match words.next() {
        Some(name) => target.named(name),
        None => Ok(target),
    });
    let target = match target {
        Ok(target) => target,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let target = target.guessed(guess(&Owner::of_port(address.port(), Whose::Own)));
    let plan = Plan {
        consent: Consent::Asked,
        curiosity: if is_curious {
            Curiosity::Trust
        } else {
            Curiosity::Speech
        },
        ..Plan::default()
    };
    match serde_json::to_string_pretty(&probe(&target, &plan)) {
        Ok(json) => println!("{json}"),
        Err(error) => {
            eprintln!("write the probe as JSON: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

//! The command that the tests run in a lab, and the program that runs a lab's processes for them.
//!
//! `traveller ping COUNT INTERVAL_US 4|6`              echo requests to the gateway; prints each round trip in ns
//! `traveller datagrams PORT COUNT SIZE PER_SECOND`    numbered datagrams to the gateway; none: as fast as it goes
//! `traveller upload PORT BYTES [CONGESTION]`          a stream to the gateway, until it is all acknowledged; prints
//!                                                     ns, RTT, least RTT (µs), retransmissions, reorderings, marks
//! `traveller download PORT`                           reads a stream to its end; prints bytes, ns, RTT (µs)
//! `traveller beside PORT BYTES COUNT INTERVAL_US`     echo requests while a stream comes, once so much of it has
//! `traveller connect PORT`                            prints how long connecting took, in ns, or what went wrong
//! `traveller say TEXT`                                prints it
//! `traveller ping-to ADDRESS COUNT INTERVAL_US`       as ping, to another address
//! `traveller connect-to ADDRESS:PORT`                 as connect, to another address
//! `traveller reach HOST…`                             pings each address once; prints HOST/FAMILY:1, or 0
//! `traveller serve ADDRESS`                           tells who connects from where
//! `traveller ask ADDRESS`                             prints what a server tells, or why it does not
//! `traveller swallow ADDRESS`                         reads what everybody sends
//! `traveller pour ADDRESS SECONDS`                    sends as much as goes; prints packets, and the mean RTT (µs)
//! `traveller stun-server ADDRESS…`                    tells who sends from where
//! `traveller stun-probe ADDRESS…`                     prints what kind of address translator is between

mod hosts;
mod stream;
mod tcp_info;
mod traffic;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments
        .peek()
        .is_some_and(|first| *first == *wharf_lab::ARGUMENT)
    {
        return wharf_lab::run_stage(arguments.skip(1)).unwrap_or_else(|not_run| {
            traffic::complain(&not_run.error);
            ExitCode::from(not_run.code)
        });
    }
    let words: Vec<String> = arguments
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let known: Vec<&str> = words.iter().map(String::as_str).collect();
    match hosts::run(&known).unwrap_or_else(|| traffic::run(&words)) {
        Ok(said) => {
            traffic::say(&said);
            ExitCode::SUCCESS
        }
        Err(error) => {
            traffic::complain(&format!("{}: {error}", words.join(" ")));
            ExitCode::FAILURE
        }
    }
}

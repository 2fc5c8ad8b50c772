//! The commands, one file each.

mod capture;
mod doctor;
mod doors;
mod down;
mod exec;
mod explain;
mod http;
mod init;
pub(crate) mod internal;
mod lab;
mod leases;
mod link;
mod links;
mod logs;
mod ls;
mod play;
mod port;
mod portserver;
mod profiles;
mod ps;
mod requests;
mod restart;
mod run;
mod schema;
mod snapshot;
mod stop;
mod topology;
mod toxiproxy;
mod trace;
mod up;
mod url;
mod wait;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::report::Report;
use crate::surroundings::Surroundings;

/// Calls the command. Those that need little read little: `wharf port` is on the way of
/// every script that uses it.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Report> {
    let done = |()| ExitCode::SUCCESS;
    let Some(command) = cli.command else {
        return ls::bare();
    };
    match command {
        Command::Schema { of } => {
            schema::run(of);
            Ok(ExitCode::SUCCESS)
        }
        Command::Ls(args) => ls::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Stop(args) => stop::run(&args),
        Command::Wait(args) => wait::run(&args).map(done),
        Command::Snapshot => snapshot::run().map(done),
        Command::Profiles { name, json } => profiles::run(name.as_deref(), json).map(done),
        Command::Trace(command) => trace::run(&command).map(done),
        Command::Port { name, port, hold } => port::run(&name, &port, hold).map(done),
        Command::Leases { all, json } => leases::run(all, json).map(done),
        Command::Release { name, port } => leases::release(&name, &port).map(done),
        Command::Portserver { address } => portserver::run(address).map(done),
        Command::Lab(args) => lab::run(&args),
        Command::Topology(args) => topology::run(&args).map(done),
        Command::Init { print } => init::run(print).map(done),
        other => with_surroundings(other, &Surroundings::read()?),
    }
}

fn with_surroundings(command: Command, here: &Surroundings) -> Result<ExitCode, Report> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Up(args) => up::run(here, &args),
        Command::Down { which } => down::run(here, &which).map(done),
        Command::Ps { which, all, json } => ps::run(here, &which, all, json).map(done),
        Command::Logs(args) => logs::run(here, &args).map(done),
        Command::Restart { service, which } => restart::run(here, &service, &which).map(done),
        Command::Exec {
            service,
            which,
            command,
        } => exec::run(here, &service, &which, &command, wharf_lab::Tools::Ordinary),
        Command::Env { service, which, json } => exec::env(here, &service, &which, json).map(done),
        Command::Url {
            service,
            direct,
            which,
        } => url::run(here, &service, direct, &which).map(done),
        Command::Run(args) => run::run(here, &args),
        Command::Links { which, json, watch } => links::run(here, &which, json, watch).map(done),
        Command::Set(args) => links::set(here, &args).map(done),
        Command::Cut(args) => links::cut(here, &args).map(done),
        Command::Heal { link, which } => links::heal(here, link, &which).map(done),
        Command::Play(args) => play::run(here, &args).map(done),
        Command::Http(args) => http::run(here, &args).map(done),
        Command::Requests(args) => requests::run(here, &args).map(done),
        Command::Capture(args) => capture::run(here, &args).map(done),
        Command::Link(args) => link::run(here, &args),
        Command::Toxiproxy(args) => toxiproxy::run(here, &args).map(done),
        // Those above need no surroundings and have been run.
        _ => Ok(ExitCode::SUCCESS),
    }
}

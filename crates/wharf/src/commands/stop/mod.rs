//! `wharf stop`: whatever listens there, the way it wants to be stopped.
//!
//! First a plan, from the facts alone; then what is said; then what is done.

mod carry_out;
mod meant;
mod plan;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use wharf_facts::Snapshot;
use wharf_host::snapshot::Scope;

use crate::cli::Stop;
use crate::machine::Machine;
use crate::out;
use crate::report::{Code, Report};

use plan::{Found, Way};

/// Everything is looked at, since what this command runs within is to be told from the rest. Engines
/// of containers are waited for no longer than this.
const PATIENCE: Duration = Duration::from_millis(200);

pub(super) fn run(args: &Stop) -> Result<ExitCode, Report> {
    let machine = Machine::of(args.snapshot.as_deref());
    let target = &args.target;
    let mut scope = Scope::everything().patient(PATIENCE);
    if let Some(host) = target.host() {
        scope = scope.resolving(host);
    }
    let snapshot = machine.facts(&scope)?;
    let ways = match plan::of(&snapshot, target) {
        Found::Ways(ways) => ways,
        Found::Nobody => {
            out::error_line(&format!("nobody listens at {target}"));
            return Ok(Code::NothingThere.into());
        }
        Found::Hidden { user } => return Err(hidden(args, &user)),
        Found::NotSeen(why) => {
            let error = format!("stop {target}: who listens could not be seen: {why}");
            return Err(Report::new(Code::Hidden, error));
        }
    };
    for way in &ways {
        say(&snapshot, way, args);
    }
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    for way in &ways {
        carry_out::run(way, args)?;
    }
    await_silence(&snapshot, args)?;
    Ok(ExitCode::SUCCESS)
}

/// Waits until nobody listens any more on the sockets that were meant: a unit or a container may be told to
/// stop, and leave its listener with somebody else.
fn await_silence(snapshot: &Snapshot, args: &Stop) -> Result<(), Report> {
    let meant = meant::inodes(snapshot, &args.target);
    let until = Instant::now() + args.timeout.duration();
    loop {
        let now = wharf_host::sockets::listeners().map_err(|error| {
            Report::new(
                Code::Failed,
                format!("see whether {} is free: {error}", args.target),
            )
        })?;
        if !now.iter().any(|socket| meant.contains(&socket.inode)) {
            return Ok(());
        }
        if Instant::now() >= until {
            let error = format!(
                "stop {}: what was to be stopped has ended, and the port is still listened on",
                args.target
            );
            return Err(Report::new(Code::Failed, error)
                .hint(format!("`wharf explain {}` says by whom", args.target)));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn hidden(args: &Stop, user: &str) -> Report {
    let target = &args.target;
    Report::new(
        Code::Hidden,
        format!("stop {target}: it is held by a process of {user} that this user may not see"),
    )
    .hint(format!("`sudo wharf stop {target}`"))
}

fn say(snapshot: &Snapshot, way: &Way, args: &Stop) {
    let verb = if args.dry_run { "would " } else { "" };
    out::line(&format!("{verb}{}", plan::said(snapshot, way)));
}

//! `wharf` alone and `wharf ls`: the map of this machine's localhost.

mod table;
mod watch;

use std::net::SocketAddr;
use std::process::ExitCode;

use wharf_advice::Row;
use wharf_facts::{Protocol, Seen, Snapshot};
use wharf_host::snapshot::Scope;
use wharf_probe::Plan;

use crate::cli::Ls;
use crate::grid::{self, painted};
use crate::machine::{self, Machine};
use crate::out::{self, Style};
use crate::report::{Code, Report};

/// The map, and where everything else is.
pub(super) fn bare() -> Result<ExitCode, Report> {
    let code = run(&Ls::default());
    let style = Style::of_stdout();
    out::line(&style.dim("`wharf explain PORT` says all about one, `wharf --help` everything else"));
    code
}

pub(super) fn run(args: &Ls) -> Result<ExitCode, Report> {
    if args.watch {
        return watch::run(args);
    }
    let machine = Machine::of(args.from.snapshot.as_deref());
    let mut snapshot = machine.facts(&scope(args))?;
    if args.probe {
        let listeners = snapshot
            .listeners()
            .map(|socket| (socket.socket.local, socket.socket.v6only));
        let addresses: Vec<SocketAddr> = listeners
            .flat_map(|(local, v6only)| machine::doors(local, v6only))
            .collect();
        machine::probe(&mut snapshot, &addresses, None, &Plan::default());
    }
    let rows = rows(&snapshot, args);
    if args.json {
        out::json(&rows);
    } else {
        show(&snapshot, &rows, args);
    }
    Ok(verdict(&snapshot, &rows))
}

/// Listeners and their owners alone, which takes milliseconds, unless more is asked for. Who asks what is
/// spoken needs to know what must not be touched, and that is in environments too.
fn scope(args: &Ls) -> Scope {
    if args.all || args.probe {
        Scope::everything()
    } else {
        Scope::listeners()
    }
}

/// The rows that were asked for.
fn rows(snapshot: &Snapshot, args: &Ls) -> Vec<Row> {
    let mut rows = wharf_advice::map(snapshot);
    rows.retain(|row| args.udp || args.all || row.protocol == Protocol::Tcp);
    rows
}

fn verdict(snapshot: &Snapshot, rows: &[Row]) -> ExitCode {
    match (&snapshot.tcp, rows) {
        (Seen::Unknown(_), _) => Code::Hidden.into(),
        (Seen::Known(_), []) => Code::NothingThere.into(),
        (Seen::Known(_), _) => ExitCode::SUCCESS,
    }
}

fn show(snapshot: &Snapshot, rows: &[Row], args: &Ls) {
    let style = Style::of_stdout();
    if let Some(why) = snapshot.tcp.why_unknown() {
        out::error_line(&format!(
            "{} who listens could not be seen: {why}",
            style.red("unknown:")
        ));
    }
    if rows.is_empty() && snapshot.tcp.is_known() {
        out::line("nobody listens on this machine");
    }
    let lines = lines(snapshot, rows, args, out::terminal_width());
    for line in lines {
        out::line(&painted(&line, style));
    }
}

/// The table, for a terminal of this width.
fn lines(snapshot: &Snapshot, rows: &[Row], args: &Ls, width: usize) -> Vec<Vec<grid::Piece>> {
    let mut table = table::rows(snapshot, rows);
    if args.all {
        table.extend(table::of_namespaces(snapshot));
    }
    if table.is_empty() {
        return Vec::new();
    }
    grid::lay_out(&table::COLUMNS, &table, width)
}

//! Takes a snapshot of this machine and writes it as JSON: `snapshot [listeners|PORT]`.

use std::io::Write;
use std::time::Instant;

use wharf_host::snapshot::{self, Scope};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scope = match std::env::args().nth(1).as_deref() {
        None => Scope::everything(),
        Some("listeners") => Scope::listeners(),
        Some(port) => Scope::port(port.parse()?),
    };
    let begun = Instant::now();
    let snapshot = snapshot::take(&scope);
    let took = begun.elapsed();
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &snapshot)?;
    writeln!(out)?;
    writeln!(std::io::stderr(), "took {took:?}")?;
    Ok(())
}

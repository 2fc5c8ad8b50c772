//! What connections cost that a link carries and nobody uses.

use std::net::TcpStream;
use std::time::Duration;

use crate::running::Bench;
use crate::world::within;
use crate::{Result, machine};

/// So many, where the limit of descriptors allows.
const WANTED: u64 = 9000;
/// Descriptors that a process needs for other things.
const SPARE: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn measure(bench: &Bench<'_>, descriptors: u64) -> Result<()> {
    // One here, one in the service, and two in the stack's process.
    let count = WANTED.min(descriptors.saturating_sub(SPARE) / 2);
    let stack = bench.pid()?;
    let link = bench.ways("keep")?.linked;
    let before = machine::memory(stack).ok_or("the stack's memory is not to be read")?;
    let open_before = machine::descriptors(stack).unwrap_or_default();
    let mut kept = Vec::new();
    for _ in 0..count {
        kept.push(TcpStream::connect(link)?);
    }
    let carried = || bench.connections("keep").unwrap_or_default();
    let all_are = within(PATIENCE, || carried() >= count);
    let after = machine::memory(stack).ok_or("the stack's memory is not to be read")?;
    let open = machine::descriptors(stack).unwrap_or_default();
    println!("\nIdle connections over a link, in the stack's process");
    println!(
        "  opened {count} (of {WANTED} wanted; {descriptors} descriptors allowed), carried {}",
        carried()
    );
    if !all_are {
        println!("  not all of them were carried in {PATIENCE:?}: the next lines are not of all");
    }
    let each = after.saturating_sub(before) as f64 / count.max(1) as f64;
    println!(
        "  memory {} -> {}: {each:.0} bytes each, without the kernel's buffers",
        mib(before),
        mib(after)
    );
    println!("  descriptors {open_before} -> {open}");
    Ok(())
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64)
}

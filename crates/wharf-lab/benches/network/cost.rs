//! What it costs to have a network.

use std::fs;
use std::time::{Duration, Instant};

use wharf_topology::star;

use crate::field::Field;
use crate::traffic::say;

/// How long the threads of this name have been on a processor. Where the machine is busy with other things, this
/// says more than what passed in a second.
pub(crate) fn on_processor(name: &str) -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("threads");
    let paths = tasks.flatten().map(|task| task.path());
    let ours = paths.filter(|path| {
        let comm = fs::read_to_string(path.join("comm")).unwrap_or_default();
        comm.trim() == name
    });
    ours.map(|path| {
        let text = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
        Duration::from_nanos(nanos.unwrap_or(0))
    })
    .sum()
}

/// A field of `/proc/PID/smaps_rollup` or `/proc/meminfo`, in KiB.
fn field(path: &str, name: &str) -> f64 {
    let text = fs::read_to_string(path).expect("readable");
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .expect("the field");
    let word = line.split_whitespace().nth(1).expect("a number");
    word.parse().expect("a number")
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How soon a star of so many hosts is up and gone, and what a host costs.
pub(crate) fn start(hosts: usize) {
    let rounds = if hosts > 100 { 3 } else { 7 };
    let (mut up, mut down, mut own, mut kernels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let free = field("/proc/meminfo", "MemAvailable:");
        let before = field("/proc/self/smaps_rollup", "Pss:");
        let field_ = Field::start(&star(hosts), "latency=1ms");
        up.push(field_.network.facts().start.as_secs_f64() * 1e3);
        let keeper = format!("/proc/{}/smaps_rollup", field_.network.facts().keeper);
        own.push(field("/proc/self/smaps_rollup", "Pss:") - before + field(&keeper, "Pss:"));
        kernels.push(free - field("/proc/meminfo", "MemAvailable:"));
        let begun = Instant::now();
        drop(field_);
        down.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    say(&format!(
        "a star of {hosts} hosts: up in {:.0} ms, gone in {:.0} ms; {:.0} KiB of Wharf's own memory by host, {:.0} KiB less available on the machine",
        median(&mut up),
        median(&mut down),
        median(&mut own) / hosts as f64,
        median(&mut kernels) / hosts as f64,
    ));
}

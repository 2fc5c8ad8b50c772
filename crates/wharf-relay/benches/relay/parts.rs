//! The parts of the benchmark, in their order.

mod compared;
mod conditioned;

use crate::Result;
use crate::options::Options;
use crate::provider;
use crate::table::Table;

/// Descriptors that a process needs beside those of connections.
const OTHERS: usize = 80;

pub(crate) fn run(options: &Options) -> Result<()> {
    let limit = provider::raise_descriptor_limit();
    // A relay takes two for each.
    let most = limit.saturating_sub(OTHERS) / 2;
    let far = provider::start()?;
    let mut table = Table::new(options.json);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(1).collect();
    table.remark(&format!(
        "{} rounds, medians; x is to direct in the same round; load before: {}",
        options.rounds,
        load.concat()
    ));
    compared::run(options, &mut table, &far, most)?;
    conditioned::run(options, &mut table, &far, most)?;
    table.finish()
}

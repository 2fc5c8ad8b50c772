//! Processor time and memory, as the kernel counts them.

use std::time::Duration;

use crate::Result;

/// The clock ticks of /proc, which is 100 on all Linux that there is (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// The processor time that processes have taken so far, together.
pub(crate) fn of_processes(pids: &[u32]) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for pid in pids {
        let line = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name, in parentheses, may hold anything (proc_pid_stat(5)).
        let (_, rest) = line.rsplit_once(')').ok_or("no name in stat")?;
        let times = rest.split_whitespace().skip(11).take(2);
        for ticks in times {
            sum += TICK * ticks.parse::<u32>()?;
        }
    }
    Ok(sum)
}

/// The processor time that the whole machine has taken so far.
pub(crate) fn of_machine() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().ok_or("nothing in /proc/stat")?;
    // user nice system idle iowait irq softirq steal
    let mut ticks = 0;
    for (column, number) in line.split_whitespace().skip(1).take(7).enumerate() {
        if column != 3 && column != 4 {
            ticks += number.parse::<u32>()?;
        }
    }
    Ok(TICK * ticks)
}

/// Resident memory in KiB.
pub(crate) fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no VmRSS")?.parse()?)
}

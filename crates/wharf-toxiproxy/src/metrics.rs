//! `/metrics`, in Prometheus' text format.

use std::fmt::Write as _;

use crate::carrier::Links;

/// Which metrics are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Bytes by proxy.
    pub proxy: bool,
    /// Figures of this process.
    pub runtime: bool,
}

impl Metrics {
    pub(crate) fn any(self) -> bool {
        self.proxy || self.runtime
    }
}

pub(crate) fn metrics_text(metrics: Metrics, links: &mut Links) -> String {
    let mut text = String::new();
    if metrics.proxy {
        proxy_metrics(&mut text, links);
    }
    if metrics.runtime {
        process_metrics(&mut text);
    }
    text
}

fn proxy_metrics(text: &mut String, links: &mut Links) {
    let series = links.series();
    let mut family =
        |name: &str, help: &str, pick: &dyn Fn(&crate::carrier::Series) -> Vec<(&'static str, u64)>| {
            head(text, name, "counter", help);
            for one in &series {
                for (direction, value) in pick(one) {
                    let direction = match direction {
                        "" => String::new(),
                        direction => format!("direction=\"{direction}\","),
                    };
                    // Writing to a string does not fail.
                    let _ = writeln!(
                        text,
                        "{name}{{{direction}listener=\"{}\",proxy=\"{}\",upstream=\"{}\"}} {value}",
                        label(&one.listener),
                        label(&one.proxy),
                        label(&one.upstream),
                    );
                }
            }
        };
    family(
        "toxiproxy_proxy_received_bytes_total",
        "The total number of bytes received on a given proxy link in a given direction",
        &|one| vec![("downstream", one.received[1]), ("upstream", one.received[0])],
    );
    family(
        "toxiproxy_proxy_sent_bytes_total",
        "The total number of bytes sent on a given proxy link in a given direction",
        &|one| vec![("downstream", one.sent[1]), ("upstream", one.sent[0])],
    );
    family(
        "wharf_proxy_refused_connections_total",
        "Connections that were reset because the upstream refused or could not be reached in time",
        &|one| vec![("", one.refused)],
    );
}

/// What Prometheus' process collector tells, from /proc; what cannot be read is left out.
fn process_metrics(text: &mut String) {
    let mut gauge = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            head(text, name, kind, help);
            let _ = writeln!(text, "{name} {value}");
        }
    };
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may have blanks in it (proc_pid_stat(5)).
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or_else(Vec::new, |(_, rest)| rest.split_whitespace().collect());
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let page = rustix::param::page_size() as f64;
    let cpu = field(14)
        .zip(field(15))
        .map(|(user, system)| (user + system) / ticks);
    gauge(
        "process_cpu_seconds_total",
        "counter",
        "Total user and system CPU time spent in seconds.",
        cpu,
    );
    let descriptors = std::fs::read_dir("/proc/self/fd").map(|entries| entries.count() as f64);
    gauge(
        "process_open_fds",
        "gauge",
        "Number of open file descriptors.",
        descriptors.ok(),
    );
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    gauge(
        "process_max_fds",
        "gauge",
        "Maximum number of open file descriptors.",
        limit.map(|limit| limit as f64),
    );
    gauge(
        "process_virtual_memory_bytes",
        "gauge",
        "Virtual memory size in bytes.",
        field(23),
    );
    gauge(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory size in bytes.",
        field(24).map(|pages| pages * page),
    );
    let boot = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime "));
    let boot = boot.and_then(|seconds| seconds.trim().parse::<f64>().ok());
    gauge(
        "process_start_time_seconds",
        "gauge",
        "Start time of the process since unix epoch in seconds.",
        boot.zip(field(22)).map(|(boot, start)| boot + start / ticks),
    );
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A label's value, with what the format escapes.
fn label(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

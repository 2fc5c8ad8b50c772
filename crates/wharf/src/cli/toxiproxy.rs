//! The flags of `wharf toxiproxy`, which are toxiproxy-server's.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// `wharf toxiproxy`. Names and defaults are toxiproxy-server's, whose spelling with one dash is
/// taken as well.
#[derive(Debug, Args)]
pub(crate) struct Toxiproxy {
    /// The host on which the API listens
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// The port on which it listens; 0: any
    #[arg(long, default_value_t = 8474)]
    pub(crate) port: u16,
    /// A JSON file of proxies to begin with
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The seed of all chance; by default another one each time, which is said
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) seed: Option<i64>,
    /// Listen off loopback where --host or a proxy's `listen` says so: anybody who reaches this
    /// machine can then use it
    #[arg(long)]
    pub(crate) allow_wildcard: bool,
    /// Bytes by proxy, at /metrics
    #[arg(long)]
    pub(crate) proxy_metrics: bool,
    /// Figures of the process, at /metrics
    #[arg(long)]
    pub(crate) runtime_metrics: bool,
}

/// The arguments, with toxiproxy-server's flags in the spelling that the parser knows: Go's flags
/// may have one dash or two.
pub(crate) fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    const FLAGS: [&str; 8] = [
        "config",
        "help",
        "host",
        "port",
        "proxy-metrics",
        "runtime-metrics",
        "seed",
        "version",
    ];
    let mut arguments: Vec<OsString> = given.collect();
    if arguments.get(1).is_some_and(|command| command == "toxiproxy") {
        for argument in &mut arguments[2..] {
            let flag = argument.to_str().and_then(|text| text.strip_prefix('-'));
            let name = flag.and_then(|flag| flag.split('=').next()).unwrap_or_default();
            if let (true, Some(flag)) = (FLAGS.contains(&name), flag) {
                *argument = format!("--{flag}").into();
            }
        }
    }
    arguments
}

//! What the kernels at both ends have counted (`nstat` shows the same).

use std::collections::BTreeMap;
use std::fs;

use wharf_lab::{Exit, LabSpec, Tools};

use crate::lab::{Ran, start};

/// Counters of a network namespace, by names such as `Tcp.InErrs` and `TcpExt.TCPOFOQueue`.
#[derive(Debug)]
pub(crate) struct Counters(BTreeMap<String, u64>);

/// Where they are, below the directory of a process.
const FILES: [&str; 3] = ["net/snmp", "net/netstat", "net/snmp6"];

impl Counters {
    /// Pairs of lines, `Tcp: InSegs InErrs` and `Tcp: 10 0`; in `snmp6` a name and a number each.
    fn parse(text: &str) -> Self {
        let mut counters = BTreeMap::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let mut words = line.split_whitespace();
            match words.next().and_then(|first| first.strip_suffix(':')) {
                Some(group) => {
                    let values = lines.next().unwrap_or_default().split_whitespace().skip(1);
                    for (name, value) in words.zip(values) {
                        // Tcp's MaxConn is -1.
                        counters.extend(value.parse().map(|value| (format!("{group}.{name}"), value)));
                    }
                }
                None => {
                    let mut words = line.split_whitespace();
                    if let (Some(name), Some(Ok(value))) = (words.next(), words.next().map(str::parse)) {
                        counters.insert(name.to_owned(), value);
                    }
                }
            }
        }
        Self(counters)
    }

    /// The counter of this name. The kernel shows all that it has, also those at 0.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> u64 {
        *self
            .0
            .get(name)
            .unwrap_or_else(|| panic!("this kernel does not count {name}"))
    }
}

/// What a command came to, and what was counted at the command's end and the gateway's.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) ran: Ran,
    pub(crate) near: Counters,
    pub(crate) far: Counters,
}

/// Runs a command with these settings of its network, such as `("ipv4/tcp_ecn", "1")`, and counts after `before`.
#[track_caller]
pub(crate) fn counted(mut spec: LabSpec, settings: &[(&str, &str)], before: impl FnOnce()) -> Counted {
    with_settings(&mut spec, settings);
    let (mut ran, far) = start(&spec).finish_with(|lab| {
        before();
        let read = |file| fs::read_to_string(format!("/proc/{}/{file}", lab.facts().keeper));
        FILES.map(read).map(Result::unwrap_or_default).concat()
    });
    assert_eq!(ran.exit, Exit::Code(0), "{ran:?}");
    let (out, near) = ran.out.split_once(MARK).expect("counters come last");
    let near = Counters::parse(near);
    ran.out = out.to_owned();
    Counted {
        ran,
        near,
        far: Counters::parse(&far),
    }
}

/// What the command printed, and after it the counters.
const MARK: &str = "\nCOUNTERS\n";

/// Has a command run with these settings of its network, for which it gets the right.
pub(crate) fn with_settings(spec: &mut LabSpec, settings: &[(&str, &str)]) {
    let set: String = settings
        .iter()
        .map(|(name, value)| format!("echo {value} >/proc/sys/net/{name} && "))
        .collect();
    let files = FILES.map(|file| format!("/proc/self/{file}")).join(" ");
    let script = format!("{set} \"$0\" \"$@\" || exit; printf '{MARK}'; cat {files} 2>/dev/null; true");
    spec.command
        .splice(0..0, ["sh".into(), "-c".into(), script.into()]);
    spec.tools = Tools::Network;
}

//! What names resolve to: the files that decide it, and what getaddrinfo really says.

use std::fs;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use wharf_facts::{Answer, HostsLine, Names, Resolution, Seen};

/// More lines of a hosts file are not kept: block lists have hundreds of thousands.
const HOSTS_LINES: usize = 2_000;

/// The hosts file of this system.
#[cfg(windows)]
const HOSTS: &str = r"C:\Windows\System32\drivers\etc\hosts";
#[cfg(not(windows))]
const HOSTS: &str = "/etc/hosts";

/// Resolutions under way.
///
/// Each runs in a thread of its own, since getaddrinfo can neither be interrupted nor be given a
/// time. One that takes longer than it is waited for is left behind; it ends by itself, at the
/// latest after the resolver's own timeouts.
pub(crate) struct Lookups {
    waiting: Vec<(String, Receiver<Resolution>)>,
}

impl Lookups {
    /// Begins to resolve each of `names`.
    pub(crate) fn start(names: &[String]) -> Self {
        let start = |name: &String| {
            let (sender, receiver) = mpsc::channel();
            let asked = name.clone();
            let made = thread::Builder::new().name("resolve".to_owned()).spawn(move || {
                // Whoever asked may have gone.
                let _ = sender.send(resolve(asked));
            });
            // Without a thread the sender is gone, and the wait ends at once.
            drop(made);
            (name.clone(), receiver)
        };
        Self {
            waiting: names.iter().map(start).collect(),
        }
    }

    /// The answers that come within `patience`, counted from now for all of them together.
    pub(crate) fn finish(self, patience: Duration) -> Vec<Resolution> {
        let end = Instant::now() + patience;
        self.waiting
            .into_iter()
            .map(|(name, receiver)| {
                let left = end.saturating_duration_since(Instant::now());
                receiver.recv_timeout(left).unwrap_or_else(|_| Resolution {
                    name,
                    answer: Seen::unknown(format_args!("no answer within {} ms", patience.as_millis())),
                    took_us: 0,
                })
            })
            .collect()
    }
}

fn resolve(name: String) -> Resolution {
    let begun = Instant::now();
    let answer = match (name.as_str(), 0).to_socket_addrs() {
        Ok(found) => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.map(|address| address.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            Answer::Addresses(addresses)
        }
        Err(error) => Answer::Failed(error.to_string()),
    };
    Resolution {
        name,
        answer: Seen::Known(answer),
        took_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}

/// What the files say that decide how names are resolved.
pub(crate) fn files() -> Names {
    let resolv = text("/etc/resolv.conf");
    Names {
        hosts: text(HOSTS).map(|text| hosts(&text)),
        nsswitch: match text("/etc/nsswitch.conf") {
            Seen::Known(text) => match nsswitch(&text) {
                Some(sources) => Seen::Known(sources),
                None => Seen::unknown("read /etc/nsswitch.conf: it has no line `hosts:`"),
            },
            Seen::Unknown(why) => Seen::Unknown(why),
        },
        nameservers: resolv.clone().map(|text| resolv_values(&text, "nameserver")),
        // `domain` is an old word for a search list of one; the last of either counts.
        search: resolv.map(|text| {
            let mut lists = text.lines().filter_map(|line| {
                let mut words = line.split_ascii_whitespace();
                matches!(words.next(), Some("search" | "domain"))
                    .then(|| words.map(str::to_owned).collect::<Vec<String>>())
            });
            let mut last = Vec::new();
            for list in &mut lists {
                last = list;
            }
            last
        }),
        resolutions: Vec::new(),
    }
}

fn text(path: &str) -> Seen<String> {
    match fs::read(path) {
        Ok(bytes) => Seen::Known(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Seen::unknown(format_args!("there is no {path}"))
        }
        Err(error) => Seen::unknown(format_args!("read {path}: {error}")),
    }
}

/// The lines of a hosts file that hold an address (hosts(5)).
pub(crate) fn hosts(text: &str) -> Vec<HostsLine> {
    let line = |(index, line): (usize, &str)| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        // A zone (`fe80::1%lo0`) names an interface, and is no part of the address.
        let address = words.next()?.split('%').next()?.parse().ok()?;
        Some(HostsLine {
            line: u32::try_from(index + 1).ok()?,
            address,
            names: words.map(str::to_owned).collect(),
        })
    };
    text.lines()
        .enumerate()
        .filter_map(line)
        .take(HOSTS_LINES)
        .collect()
}

/// The sources of `hosts:` in nsswitch.conf(5).
pub(crate) fn nsswitch(text: &str) -> Option<Vec<String>> {
    text.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let sources = line
            .trim_start()
            .strip_prefix("hosts")?
            .trim_start()
            .strip_prefix(':')?;
        Some(sources.split_ascii_whitespace().map(str::to_owned).collect())
    })
}

/// The values of the lines of resolv.conf(5) that begin with `key`.
pub(crate) fn resolv_values(text: &str, key: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            (words.next() == Some(key)).then(|| words.next()).flatten()
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_files_read_as_their_manuals_say() {
        let lines =
            hosts("# a comment\n127.0.0.1\tlocalhost  desk # and more\n\nfe80::1%lo0 localhost\nx y\n::1 a");
        let shown: Vec<String> = lines
            .iter()
            .map(|line| format!("{} {} {}", line.line, line.address, line.names.join(",")))
            .collect();
        assert_eq!(
            shown,
            ["2 127.0.0.1 localhost,desk", "4 fe80::1 localhost", "6 ::1 a"]
        );
        assert_eq!(
            nsswitch("passwd: files\nhosts:  files [NOTFOUND=return] dns # x\n"),
            Some(vec![
                "files".to_owned(),
                "[NOTFOUND=return]".to_owned(),
                "dns".to_owned()
            ])
        );
        assert_eq!(nsswitch("hostsx: files"), None);
        assert_eq!(
            resolv_values(
                "nameserver 1.1.1.1\n#nameserver x\nnameserver ::1\n",
                "nameserver"
            ),
            ["1.1.1.1", "::1"]
        );
    }

    proptest! {
        #[test]
        fn no_text_can_make_the_parsers_panic(text in "(?s).{0,200}") {
            let _ = (nsswitch(&text), resolv_values(&text, "search"));
            let count = text.lines().count();
            for line in hosts(&text) {
                prop_assert!(line.line as usize <= count);
            }
        }

        #[test]
        fn a_hosts_line_reads_back(address: std::net::Ipv6Addr, names in prop::collection::vec("[a-z.-]{1,12}", 0..4)) {
            let lines = hosts(&format!(" {address}\t{} # end", names.join(" ")));
            prop_assert_eq!(lines.len(), 1);
            prop_assert_eq!(&lines[0].names, &names);
            prop_assert_eq!(lines[0].address, IpAddr::V6(address));
        }
    }
}

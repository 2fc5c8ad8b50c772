//! Programs that only pass on what comes to a port, by their names and command lines.

use crate::programs::{is_one_of, name, words};
use crate::{ProcessFacts, Reason};

/// Programs that only pass on what comes to a port.
pub(crate) fn reason(process: &ProcessFacts) -> Option<Reason> {
    const CONTAINER: &[&str] = &[
        "docker-proxy",
        "rootlessport",
        "rootlessport-child",
        "rootlesskit",
        "slirp4netns",
        "pasta",
        "pasta.avx2",
        "gvproxy",
        "docker-desktop-proxy",
        "limactl",
        "vpnkit",
        "wslrelay",
        "com.docker.backend",
        "OrbStack Helper",
    ];
    if is_one_of(process, CONTAINER) {
        let value = |flag: &str| {
            let at = words(process).iter().position(|word| word == flag)?;
            words(process).get(at + 1).map(String::as_str)
        };
        let target = value("-container-ip").zip(value("-container-port"));
        return Some(Reason::ContainerForward {
            program: name(process).to_owned(),
            target: target.map(|(address, port)| match address.contains(':') {
                true => format!("[{address}]:{port}"),
                false => format!("{address}:{port}"),
            }),
        });
    }
    // `kubectl port-forward svc/db 5432:5432`
    if name(process) == "kubectl" {
        let mut rest = words(process).iter().skip_while(|word| *word != "port-forward");
        rest.next()?;
        let target: Vec<&str> = rest
            .map(String::as_str)
            .filter(|word| !word.starts_with('-'))
            .collect();
        return Some(Reason::ContainerForward {
            program: "kubectl".to_owned(),
            target: (!target.is_empty()).then(|| target.join(" ")),
        });
    }
    if is_one_of(process, &["ssh", "autossh"]) {
        return Some(ssh(words(process)));
    }
    None
}

/// Flags of ssh(1) that take a value.
const SSH_VALUES: &str = "BbcDEeFIiJLlmOoPpQRSWw";

fn ssh(words: &[String]) -> Reason {
    let mut forwards = Vec::new();
    let mut host = None;
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        let Some(flags) = word.strip_prefix('-') else {
            host = Some(word.clone());
            break;
        };
        // Flags may stand together, and a value behind the last: `-NfL 80:db:80`, `-L80:db:80`.
        let Some(at) = flags.find(|flag| SSH_VALUES.contains(flag)) else {
            continue;
        };
        let (_, rest_of_word) = flags.split_at(at);
        let mut letters = rest_of_word.chars();
        let flag = letters.next().unwrap_or_default();
        let value = match letters.as_str() {
            "" => rest.next().cloned().unwrap_or_default(),
            value => value.to_owned(),
        };
        if matches!(flag, 'L' | 'R' | 'D') {
            forwards.push(format!("-{flag} {value}"));
        }
    }
    Reason::SshForward { host, forwards }
}

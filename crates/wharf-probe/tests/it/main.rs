//! What the prober says of servers: real ones, ones made from a protocol's document, and hostile ones.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the bans are the prober's: its tests are servers"
)]

mod curiosity;
mod documented;
mod guesses;
mod hostile;
mod parsers;
mod real;
mod server;

use std::fmt::Write;

use wharf_facts::{Probe, Seen};

/// Says that a test could not be tried here. Past the harness, which would swallow it.
fn skip(name: &str, why: &str) {
    use std::io::Write;
    // In one write, or the harness would write in between.
    let line = format!("SKIPPED: {name}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// What a probe came to, without what differs from run to run.
fn summary(probe: &Probe) -> String {
    let mut text = String::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, "{}{key}: {value}", if text.is_empty() { "" } else { " | " });
        }
    };
    let seen = |seen: &Seen<_>| match seen {
        Seen::Known(value) => format!("{value}"),
        Seen::Unknown(why) => format!("? {why}"),
    };
    add("connect", Some(format!("{:?}", probe.connect)));
    add(
        "silence",
        probe.silence.known().map(|silence| format!("{silence:?}")),
    );
    add("protocol", Some(seen(&probe.protocol)));
    add("alpn", probe.alpn.clone());
    add("banner", probe.banner.clone());
    if let Some(http) = &probe.http {
        add("http", Some(format!("{} {}", http.path, http.status)));
        add("via", http.via.clone());
        add("location", http.location.clone());
        add("hsts", http.hsts.clone());
        add("framework", http.framework.clone());
        add("title", http.title.clone());
        add(
            "cookies",
            (!http.cookies.is_empty()).then(|| http.cookies.join(",")),
        );
    }
    if let Some(certificate) = &probe.certificate {
        add("subject", Some(certificate.subject.clone()));
        add("names", Some(certificate.names.join(",")));
        add("self-signed", Some(certificate.self_signed.to_string()));
        add("trusted", Some(format!("{:?}", certificate.trusted)));
    }
    text
}

//! What browsers do by themselves.

use std::net::IpAddr;

use wharf_facts::{Reception, is_browser_blocked};

use super::{ALL, Need, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Method, Rule, Target};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("preloaded-https"),
        number: 51,
        title: "Browsers never use http for this ending",
        symptom: "the browser turns http://app.dev into https, whatever I do",
        platforms: ALL,
        needs: &[Need::Url],
        detect: preloaded_https,
    },
    Rule {
        id: id("browser-blocked-port"),
        number: 54,
        title: "Browsers refuse to go to this port",
        symptom: "ERR_UNSAFE_PORT; this address is restricted; fetch failed: bad port",
        platforms: ALL,
        needs: &[Need::Url, Need::Probe],
        detect: browser_blocked_port,
    },
    Rule {
        id: id("local-network-access"),
        number: 55,
        title: "The browser keeps a public page from this machine",
        symptom: "permission was denied for this request to access the `loopback` address space",
        platforms: ALL,
        needs: &[Need::Symptom],
        detect: local_network_access,
    },
    Rule {
        id: id("insecure-context"),
        number: 56,
        title: "The browser does not trust this origin with its features",
        symptom: "crypto.subtle or navigator.serviceWorker is undefined; it works on localhost",
        platforms: ALL,
        needs: &[Need::Url, Need::Symptom],
        detect: insecure_context,
    },
    Rule {
        id: id("cors-localhost-or-address"),
        number: 57,
        title: "localhost and 127.0.0.1 are two origins",
        symptom: "blocked by CORS policy, though the origin is on the list",
        platforms: ALL,
        needs: &[Need::Symptom, Need::Probe],
        detect: cors_localhost_or_address,
    },
];

/// Top-level domains that are on the HSTS preload list as a whole (Chromium's
/// `transport_security_state_static.json`).
const PRELOADED: &[&str] = &[
    "android",
    "app",
    "bank",
    "boo",
    "channel",
    "chrome",
    "dad",
    "day",
    "dev",
    "eat",
    "esq",
    "foo",
    "gle",
    "gmail",
    "google",
    "hangout",
    "ing",
    "insurance",
    "meet",
    "meme",
    "mov",
    "new",
    "nexus",
    "page",
    "phd",
    "play",
    "prof",
    "rsvp",
    "search",
    "youtube",
    "zip",
];

fn preloaded_https(case: &Case<'_>) -> Option<Draft> {
    let name = case.asked_name()?;
    let ending = name
        .rsplit('.')
        .next()
        .filter(|ending| name.contains('.') && PRELOADED.contains(ending))?;
    let is_plain = match case.target {
        Some(Target::Url(url)) => url.scheme == "http" || url.scheme == "ws",
        _ => case.mentions(&["https", "ssl"]),
    };
    if !is_plain {
        return None;
    }
    Some(
        Draft::problem(
            case.subject(),
            format!("Browsers use https alone for every name below .{ending}, so http://{name} never reaches your server."),
        )
        .likely(89)
        .seen(Method::Question, format!("{name} is asked for in plain http"))
        .seen(Method::Standard, format!(".{ending} is on the HSTS preload list as a whole"))
        .fix("Use a name below .localhost or .test: both are set apart for this (RFC 6761)."),
    )
}

fn browser_blocked_port(case: &Case<'_>) -> Option<Draft> {
    let port = case.port.filter(|port| is_browser_blocked(*port))?;
    let by_text = case.mentions(&[
        "unsafe_port",
        "unsafe port",
        "bad port",
        "address is restricted",
        "port is not allowed",
    ]);
    let by_url = matches!(case.scheme(), Some("http" | "https" | "ws" | "wss"));
    let by_probe = matches!(case.spoken(), Some("http" | "h2c"));
    if !by_text && !by_url && !by_probe {
        return None;
    }
    let draft = if by_text || by_url {
        Draft::problem(
            case.subject(),
            format!("Browsers and fetch() refuse to go to port {port}, whatever is there."),
        )
        .likely(if by_text { 97 } else { 90 })
    } else {
        Draft::warning(
            case.subject(),
            format!("This server speaks HTTP on port {port}, where no browser goes."),
        )
    };
    Some(
        draft
            .seen(
                Method::Standard,
                format!("{port} is among the bad ports of the Fetch standard"),
            )
            .run("Take another port.", "PORT=$(wharf port web)"),
    )
}

fn local_network_access(case: &Case<'_>) -> Option<Draft> {
    let says_so = case.mentions(&[
        "`loopback` address space",
        "`local` address space",
        "more-private address space",
        "local network access",
        "private network access",
        "access-control-allow-private-network",
    ]);
    if !says_so {
        return None;
    }
    Some(
        Draft::problem(
            case.subject(),
            "The browser keeps a public page from asking this machine, unless the user allows it; CORS comes only after.",
        )
        .likely(97)
        .seen(Method::Output, "access to a more private address space was denied")
        .seen(Method::Standard, "Local Network Access, in Chrome since version 142")
        .fix("Allow the page \"access to devices on your local network\", in the prompt or in the site's settings.")
        .fix("In the page, say what you mean: fetch(url, { targetAddressSpace: 'loopback' }).")
        .fix("Or open the page itself from this machine."),
    )
}

/// Whether browsers take an http:// origin at `host` for trustworthy (W3C Secure Contexts, 3.1).
fn is_trustworthy(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn insecure_context(case: &Case<'_>) -> Option<Draft> {
    let Some(Target::Url(url)) = case.target else {
        return None;
    };
    if url.scheme != "http" || is_trustworthy(&url.host) || case.leads_elsewhere() {
        return None;
    }
    let by_text = case.mentions(&[
        "secure context",
        "secure contexts",
        "crypto.subtle",
        "randomuuid",
        "serviceworker",
        "getusermedia",
        "mediadevices",
        "clipboard",
        "subtle",
    ]);
    let is_here = match url.host.parse::<IpAddr>() {
        Ok(address) => case.is_here(address) == Some(true),
        Err(_) => url.host.ends_with(".test") || url.host.ends_with(".local"),
    };
    if !by_text && !is_here {
        return None;
    }
    let says = format!(
        "Browsers do not trust http://{} with cryptography, service workers, camera or clipboard, as they trust localhost.",
        url.host
    );
    let draft = if by_text {
        Draft::problem(case.subject(), says)
            .likely(93)
            .seen(Method::Output, "a feature of secure contexts is missing")
    } else {
        Draft::note(case.subject(), says)
    };
    let port = url.port;
    Some(
        draft
            .seen(Method::Standard, "Secure Contexts, section 3.1: of plain http, only loopback addresses and localhost are trustworthy")
            .fix(format!("On this machine, use http://localhost:{port} or a name below localhost."))
            .fix("From another device, use https, or forward the port to the device's own localhost (`adb reverse`, `ssh -L`)."),
    )
}

fn cors_localhost_or_address(case: &Case<'_>) -> Option<Draft> {
    let says_so = case.mentions(&["cors policy", "cors request", "access-control-allow-origin"]);
    let by_text = says_so && case.mentions(&["localhost", "127.0.0.1", "[::1]", "'null'", "origin null"]);
    let differing = case.probes.iter().find_map(|probe| {
        let preflights = probe.http.as_ref()?.preflights.known()?;
        let of = |taken| {
            let mut origins: Vec<&str> = preflights
                .iter()
                .filter(|preflight| preflight.taken == taken)
                .map(|preflight| preflight.origin.as_str())
                .collect();
            origins.sort_unstable();
            origins.first().copied()
        };
        Some((of(Reception::Accepted)?, of(Reception::Refused)?))
    });
    if !by_text && differing.is_none() {
        return None;
    }
    let draft = match differing {
        Some((taken, refused)) => Draft::problem(
            case.subject(),
            format!("The server takes requests of pages from {taken} and refuses those from {refused}: these are two origins."),
        )
        .likely(if by_text { 94 } else { 78 })
        .seen(Method::Probe, format!("preflights: {taken} may, {refused} may not")),
        None => Draft::problem(
            case.subject(),
            "For a browser localhost and 127.0.0.1, each port and each scheme are origins of their own; this one is not on the server's list.",
        )
        .likely(84),
    };
    let draft = if by_text {
        draft.seen(Method::Output, "blocked by CORS policy")
    } else {
        draft
    };
    let null = case.mentions(&["'null'", "origin null"]);
    let draft = draft
        .fix("Open the page by the very origin that the server lists: the same name, port and scheme.")
        .fix("Or put both http://localhost:PORT and http://127.0.0.1:PORT on its list.");
    Some(if null {
        draft.fix("The origin null is a file or a sandboxed frame: serve the page over http.")
    } else {
        draft
    })
}

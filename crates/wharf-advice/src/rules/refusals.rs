//! The server, or something before it, refuses.

use wharf_facts::{Probe, Reception, Seen, Spoken};

use super::{ALL, Need, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Method, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("host-not-allowed"),
        number: 48,
        title: "The server refuses the name it was asked by",
        symptom: "Blocked request. This host is not allowed; Invalid Host header; DisallowedHost",
        platforms: ALL,
        needs: &[Need::Probe, Need::Symptom],
        detect: host_not_allowed,
    },
    Rule {
        id: id("websocket-refused"),
        number: 49,
        title: "A WebSocket does not pass",
        symptom: "the page loads, and hot reload or the WebSocket fails",
        platforms: ALL,
        needs: &[Need::Symptom],
        detect: websocket_refused,
    },
];

/// What servers say when they refuse a Host.
const REFUSALS: &[&str] = &[
    "this host",
    "host is not allowed",
    "invalid host header",
    "disallowedhost",
    "invalid http_host header",
    "blocked host",
    "blocked hosts",
    "allowedhosts",
    "alloweddevorigins",
    "misdirected request",
];

fn host_not_allowed(case: &Case<'_>) -> Option<Draft> {
    let name = case.asked_name();
    let refuses = |probe: &&&Probe| {
        let http = probe.http.as_ref();
        let named = http.is_some_and(|http| http.named_host == Seen::Known(Reception::Refused));
        let by_status = probe.name.is_some()
            && probe.name.as_deref() == name
            && http.is_some_and(|http| matches!(http.status, 400 | 403 | 421));
        named || by_status
    };
    let refused = case.probes.iter().find(refuses);
    // Only where the same page is given to who asks by address.
    let plain = case.probes.iter().any(|probe| {
        let http = probe.http.as_ref();
        probe.name.is_none() && http.is_some_and(|http| (200..400).contains(&http.status))
    });
    let named = refused.and_then(|probe| probe.http.as_ref());
    let is_sure = named.is_some_and(|http| http.named_host.is_known());
    let by_probe = refused.filter(|_| is_sure || plain);
    let by_text = case.mentions(REFUSALS);
    if by_probe.is_none() && !by_text {
        return None;
    }
    let name = by_probe.and_then(|probe| probe.name.as_deref()).or(name);
    let shown = name.unwrap_or("the name it was asked by");
    let mut draft = Draft::problem(
        case.subject(),
        format!("The server refuses {shown}: it answers only to hosts on its list, to keep strange pages out (DNS rebinding)."),
    )
    .likely(92);
    if let Some(http) = named.filter(|_| by_probe.is_some()) {
        draft = draft.seen(
            Method::Probe,
            format!("with Host: {shown} it answers {}", http.status),
        );
    }
    if by_text {
        draft = draft.seen(Method::Output, "a host is refused by name");
    }
    let list = name.unwrap_or("NAME");
    Some(allow(case, draft, list).fix("Or ask by a name that it takes: localhost, or one below localhost."))
}

/// How the framework, if it is known, is told to take a name; else how each one is.
fn allow(case: &Case<'_>, draft: Draft, name: &str) -> Draft {
    let known = case.listening().into_iter().find_map(crate::program::of);
    let framework = case
        .probes
        .iter()
        .find_map(|probe| probe.http.as_ref()?.framework.as_deref())
        .or(known.map(|known| known.name))
        .unwrap_or_default();
    let ways = [
        (
            "Vite",
            format!("In vite.config: server.allowedHosts: ['{name}']."),
        ),
        (
            "Next.js",
            format!("In next.config: allowedDevOrigins: ['{name}']."),
        ),
        (
            "webpack",
            format!("In webpack's devServer: allowedHosts: ['{name}']."),
        ),
        ("Django", format!("In settings.py: ALLOWED_HOSTS = ['{name}'].")),
        (
            "Rails",
            format!("In config/environments/development.rb: config.hosts << '{name}'."),
        ),
    ];
    let own = ways.iter().find(|(known, _)| framework.contains(known));
    match own {
        Some((_, way)) => draft.fix(way),
        None => draft.fix(format!(
            "Put {name} on its list: Vite server.allowedHosts, Next.js allowedDevOrigins, webpack allowedHosts, Django ALLOWED_HOSTS, Rails config.hosts."
        )),
    }
}

fn websocket_refused(case: &Case<'_>) -> Option<Draft> {
    let says_so = case.mentions(&[
        "websocket",
        "[hmr]",
        "[vite] failed to connect",
        "ws://",
        "wss://",
    ]);
    let is_failure = case.mentions(&[
        "fail",
        "error",
        "closed",
        "refused",
        "unexpected response",
        "could not",
        "unable",
    ]);
    if !says_so || !is_failure {
        return None;
    }
    let h2 = case
        .probes
        .iter()
        .any(|probe| probe.alpn.as_deref() == Some("h2") || probe.protocol == Seen::Known(Spoken::H2c));
    let mut draft = Draft::problem(
        case.subject(),
        "The WebSocket does not pass, though pages do: something between the browser and the server does not upgrade it.",
    )
    .likely(if h2 { 86 } else { 64 })
    .seen(Method::Output, "a WebSocket failed");
    if h2 {
        draft = draft
            .seen(
                Method::Probe,
                "HTTP/2 is spoken there; WebSockets over it need RFC 8441, which few proxies have",
            )
            .fix("Let the proxy offer HTTP/1.1 only, or one that speaks extended CONNECT.");
    }
    Some(
        draft
            .fix("Let the proxy pass on Upgrade and Connection (nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade).")
            .fix("Tell the dev server the port that the browser sees (Vite: server.hmr.clientPort)."),
    )
}

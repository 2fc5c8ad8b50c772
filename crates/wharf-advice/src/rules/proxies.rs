//! Proxies.

use std::net::IpAddr;

use wharf_facts::{Meeting, Proxies};

use super::wrong::is_gateway_error;
use super::{ALL, Need, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, Target, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("proxy-captures-localhost"),
        number: 46,
        title: "A proxy takes requests for localhost",
        symptom: "localhost answers 502, 503 or 403, or with a page of the company's proxy",
        platforms: ALL,
        needs: &[Need::Proxies],
        detect: proxy_captures_localhost,
    },
    Rule {
        id: id("proxy-loop"),
        number: 47,
        title: "A request goes round in a circle",
        symptom: "508 loop detected; redirected too many times",
        platforms: ALL,
        needs: &[Need::Probe, Need::Symptom],
        detect: proxy_loop,
    },
    Rule {
        id: id("dead-proxy"),
        number: 64,
        title: "The proxy that is set is not running",
        symptom: "everything fails with connection refused at a port I never heard of",
        platforms: ALL,
        needs: &[Need::Proxies, Need::Sockets],
        detect: dead_proxy,
    },
];

/// The proxy for plain HTTP, which is what local servers speak.
fn proxy(proxies: &Proxies) -> Option<&str> {
    proxies.http.as_deref().or(proxies.all.as_deref())
}

/// Whether `host` is excepted: as curl, Go and Python read `no_proxy`.
fn is_excepted(proxies: &Proxies, host: &str) -> bool {
    let address = host.parse::<IpAddr>().ok();
    proxies.exceptions.iter().any(|entry| {
        let entry = entry.trim_start_matches('[').trim_end_matches(']');
        let ending = entry.trim_start_matches("*.").trim_start_matches('.');
        entry == "*"
            || entry.eq_ignore_ascii_case(host)
            || (address.is_none() && host.ends_with(&format!(".{ending}")) && !ending.is_empty())
            || address.is_some_and(|address| is_in(entry, address))
    })
}

/// Whether `address` is in the network that `entry` names: `127.0.0.0/8`.
fn is_in(entry: &str, address: IpAddr) -> bool {
    let Some((network, length)) = entry.split_once('/') else {
        return false;
    };
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

fn proxy_captures_localhost(case: &Case<'_>) -> Option<Draft> {
    let proxies = case.snapshot.proxies.known()?;
    let proxy = proxy(proxies)?;
    // Only what speaks HTTP asks a proxy.
    let speaks = case.spoken();
    let is_http = matches!(case.target, None | Some(Target::Host { .. } | Target::Name(_)))
        || matches!(case.scheme(), Some("http" | "https" | "ws" | "wss"))
        || matches!(speaks, Some("http" | "h2c" | "tls"))
        || matches!(case.failure(), Some(Failure::Http(_)));
    let gives_itself_away =
        case.mentions(&["squid", "zscaler", "x-cache", "proxy error", "bluecoat", "via:"]);
    let failed = is_gateway_error(case.failure()) || gives_itself_away;
    let host = match (case.asked_name(), case.asked_address()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(address)) => address.to_string(),
        (None, None) => "localhost".to_owned(),
    };
    if !is_http || is_excepted(proxies, &host) || case.leads_elsewhere() || case.is_binding() {
        return None;
    }
    let draft = if failed {
        Draft::problem(case.subject(), format!("The request for {host} went to the proxy {proxy}, which cannot reach this machine's loopback.")).likely(95)
    } else {
        Draft::warning(
            "http_proxy",
            format!("Programs ask the proxy {proxy} for {host}, since it is not excepted."),
        )
        .likely(56)
    };
    let mut variables: Vec<&String> = proxies.variables.iter().collect();
    variables.sort();
    let excepted = match proxies.exceptions.as_slice() {
        [] => "NO_PROXY is not set".to_owned(),
        some => format!("NO_PROXY is {}", words::join(some)),
    };
    let mut list: Vec<&str> = proxies.exceptions.iter().map(String::as_str).collect();
    for own in ["localhost", "127.0.0.1", "::1", host.as_str()] {
        if !list.contains(&own) && !is_excepted(proxies, own) {
            list.push(own);
        }
    }
    let list = list.join(",");
    Some(
        draft
            .seen(Method::Environment, format!("set: {}", words::join(variables)))
            .seen(Method::Environment, excepted)
            .run(
                "Except this machine, in both spellings.",
                format!("export NO_PROXY={list} no_proxy={list}"),
            ),
    )
}

fn proxy_loop(case: &Case<'_>) -> Option<Draft> {
    let probe = case.probes.iter().find_map(|probe| {
        let http = probe.http.as_ref()?;
        let is_508 = http.status == 508;
        let location = http.location.as_deref().unwrap_or_default();
        let is_redirect = (300..400).contains(&http.status);
        let own = format!("http://{}{}", probe.address, http.path);
        let by_name = probe
            .name
            .as_ref()
            .map(|name| format!("http://{name}:{}{}", probe.address.port(), http.path));
        let to_itself = is_redirect
            && !location.is_empty()
            && (location == own || Some(location) == by_name.as_deref() || location == http.path);
        (is_508 || to_itself).then(|| {
            if is_508 {
                "it answers 508".to_owned()
            } else {
                format!(
                    "it answers {} and leads to {location}, which is itself",
                    http.status
                )
            }
        })
    });
    let by_text = case.mentions(&[
        "loop detected",
        "too many redirects",
        "redirected you too many times",
        "err_too_many_redirects",
        "maximum (50) redirects",
    ]) || case.failure() == Some(Failure::Http(508));
    if probe.is_none() && !by_text {
        return None;
    }
    let draft = Draft::problem(
        case.subject(),
        "The request goes round in a circle: a proxy passes it on to itself, or a server redirects to where it came from.",
    )
    .likely(88);
    let draft = match probe {
        Some(fact) => draft.seen(Method::Probe, fact),
        None => draft.seen(Method::Output, "too many redirects, or 508"),
    };
    Some(
        draft
            .fix("Where a dev server passes requests on by name, let it say the other's name: `changeOrigin: true`.")
            .fix("Behind a proxy that ends TLS, let the server trust X-Forwarded-Proto, or it sends everybody to https again and again.")
            .fix("Look whether a proxy's own port is its target."),
    )
}

fn dead_proxy(case: &Case<'_>) -> Option<Draft> {
    let proxies = case.snapshot.proxies.known()?;
    let all = [&proxies.http, &proxies.https, &proxies.all];
    let mut urls: Vec<&String> = all.into_iter().flatten().collect();
    urls.sort();
    urls.dedup();
    for url in urls {
        let Ok(Target::Url(parsed)) = with_scheme(url).parse() else {
            continue;
        };
        let address = match parsed.host.as_str() {
            "localhost" => IpAddr::from([127, 0, 0, 1]),
            host => match host.parse::<IpAddr>() {
                Ok(address) if address.is_loopback() => address,
                _ => continue,
            },
        };
        let at = std::net::SocketAddr::new(address, parsed.port);
        let is_asked = case.target.is_none() || case.port == Some(parsed.port);
        if !is_asked || !matches!(case.snapshot.meets(at), Meeting::Nobody) {
            continue;
        }
        let mut variables: Vec<&String> = proxies.variables.iter().collect();
        variables.sort();
        return Some(
            Draft::problem(
                at,
                format!("The environment names {url} as proxy, and nothing listens there."),
            )
            .likely(90)
            .seen(Method::Environment, format!("set: {}", words::join(&variables)))
            .seen(Method::Sockets, format!("no listener at {at}"))
            .run(
                "Forget it in this shell.",
                "unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY",
            )
            .fix("Or start the proxy."),
        );
    }
    None
}

/// Proxies are often named without a scheme, and then mean http; SOCKS has a port of its own.
fn with_scheme(url: &str) -> String {
    match url.split_once("://") {
        None => format!("http://{url}"),
        Some((scheme, rest)) if scheme.starts_with("socks") && !rest.contains(':') => {
            format!("{scheme}://{rest}:1080")
        }
        Some(_) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(exceptions: &str, host: &str, expected: bool) {
        let proxies = Proxies {
            exceptions: exceptions.split(',').map(str::to_owned).collect(),
            ..Proxies::default()
        };
        assert_eq!(is_excepted(&proxies, host), expected, "{exceptions} {host}");
    }

    #[test]
    fn exceptions_are_read_as_programs_read_them() {
        check("localhost,127.0.0.1", "localhost", true);
        check("localhost", "127.0.0.1", false);
        check("localhost", "web.shop.localhost", true);
        check(".localhost", "web.shop.localhost", true);
        check("*.corp", "x.corp", true);
        check("corp", "xcorp", false);
        check("*", "::1", true);
        check("127.0.0.0/8", "127.0.0.1", true);
        check("127.0.0.0/8", "128.0.0.1", false);
        check("0.0.0.0/0", "128.0.0.1", true);
        check("[::1]", "::1", true);
        check("::/99999", "::1", false);
        check("", "localhost", false);
    }
}

//! TLS.

use std::net::IpAddr;

use wharf_facts::{Certificate, Probe, Seen, Spoken, Trust};

use super::{ALL, Need, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("hsts"),
        number: 50,
        title: "A local server forces the browser to https",
        symptom: "http://localhost turns into https, on every port",
        platforms: ALL,
        needs: &[Need::Probe],
        detect: hsts,
    },
    Rule {
        id: id("http-or-https"),
        number: 52,
        title: "One end speaks TLS, the other does not",
        symptom: "ERR_SSL_PROTOCOL_ERROR; wrong version number; client sent an HTTP request to an HTTPS server",
        platforms: ALL,
        needs: &[Need::Probe, Need::Url],
        detect: http_or_https,
    },
    Rule {
        id: id("certificate-untrusted"),
        number: 53,
        title: "The certificate's authority is not trusted everywhere",
        symptom: "the browser is content; Node, Java, Python or Firefox is not",
        platforms: ALL,
        needs: &[Need::Probe],
        detect: certificate_untrusted,
    },
    Rule {
        id: id("certificate-not-valid"),
        number: 68,
        title: "The certificate has expired, or is for another name",
        symptom: "certificate has expired; ERR_CERT_COMMON_NAME_INVALID; hostname mismatch",
        platforms: ALL,
        needs: &[Need::Probe],
        detect: certificate_not_valid,
    },
];

fn hsts(case: &Case<'_>) -> Option<Draft> {
    let is_here = |probe: &&&Probe| case.is_here(probe.address.ip()) == Some(true);
    let sends = |probe: &&&Probe| {
        let http = probe.http.as_ref();
        let value = http.and_then(|http| http.hsts.as_deref());
        // max-age=0 takes it back (RFC 6797, section 6.1.1).
        value.is_some_and(|value| !value.to_lowercase().replace([' ', '"'], "").contains("max-age=0"))
    };
    // The policy is the host's, of whichever port it came: all that were asked count.
    let mut all: Vec<&Probe> = case.snapshot.probes.items().iter().collect();
    all.sort_by_key(|probe| (probe.address, &probe.name));
    let own = case.probes.iter().filter(is_here).find(sends);
    let any = all.iter().filter(is_here).find(sends);
    let asks_http = matches!(case.scheme(), Some("http" | "ws")) || case.mentions(&["https", "ssl", "hsts"]);
    let probe = own.or(any.filter(|_| asks_http || case.target.is_none()))?;
    let value = probe.http.as_ref()?.hsts.as_deref()?;
    let is_tls = probe.protocol == Seen::Known(Spoken::Tls);
    let at = probe.address;
    let draft = if is_tls {
        Draft::warning(
            at,
            format!("The server at {at} tells browsers to use https for its host from now on, which means every port of localhost."),
        )
        .likely(if asks_http { 87 } else { 73 })
    } else {
        Draft::warning(
            at,
            format!("The server at {at} sends Strict-Transport-Security: once it is reached over TLS, browsers use https on every port of its host."),
        )
        .likely(if asks_http { 80 } else { 60 })
    };
    Some(
        draft
            .seen(Method::Probe, format!("Strict-Transport-Security: {value}"))
            .seen(Method::Standard, "RFC 6797, section 8.3: the policy is of the host, and holds for all its ports")
            .fix("Forget it in the browser: chrome://net-internals/#hsts, Delete domain security policies, localhost.")
            .fix("Send the header in production only (ASP.NET Core: UseHsts outside development; helmet: hsts: false)."),
    )
}

fn http_or_https(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let spoken = case.spoken();
    let wants_tls = matches!(case.scheme(), Some("https" | "wss"));
    let wants_plain = matches!(case.scheme(), Some("http" | "ws"));
    let says_plain_met = case.mentions(&[
        "err_ssl_protocol_error",
        "wrong version number",
        "ssl_error_rx_record_too_long",
        "packet length too long",
        "record overflow",
        "first record does not look like a tls handshake",
        "server gave http response to https client",
        "unsupported or unrecognized ssl message",
        "eproto",
    ]);
    let says_tls_met = case.mentions(&[
        "http request to an https server",
        "plain http request was sent to https port",
        "err_empty_response",
        "malformed http response \"\\x15\\x03",
    ]);
    let is_plain = matches!(spoken, Some("http" | "h2c"));
    let is_tls = spoken == Some("tls");
    let tls_to_plain = (wants_tls && is_plain) || (says_plain_met && !is_tls);
    let plain_to_tls = (wants_plain && is_tls) || (says_tls_met && !is_plain);
    let (says, fix, fact) = if tls_to_plain {
        (
            format!("Port {port} speaks plain HTTP, and was asked in TLS."),
            format!("Use http:// in place of https:// for port {port}."),
            "it answers in plain HTTP",
        )
    } else if plain_to_tls {
        (
            format!("Port {port} speaks TLS, and was asked in plain HTTP."),
            format!("Use https:// in place of http:// for port {port}."),
            "it answers with a TLS handshake",
        )
    } else {
        return None;
    };
    let mut draft = Draft::problem(case.subject(), says).likely(95);
    if is_plain || is_tls {
        draft = draft.seen(Method::Probe, fact);
    }
    if says_plain_met || says_tls_met {
        draft = draft.seen(
            Method::Output,
            "the first bytes of the answer were not what was expected",
        );
    } else {
        draft = draft.seen(
            Method::Question,
            format!("{} was asked for", case.scheme().unwrap_or_default()),
        );
    }
    let draft = draft.fix(fix);
    Some(if tls_to_plain {
        draft.fix("If the browser changes it back, it has been told so: look for HSTS (rule hsts), and for names below .dev or .app.")
    } else {
        draft
    })
}

/// The certificate that was met, and where.
fn certificate<'a>(case: &Case<'a>) -> Option<(&'a Probe, &'a Certificate)> {
    case.probes
        .iter()
        .find_map(|probe| Some((*probe, probe.certificate.as_ref()?)))
}

fn certificate_untrusted(case: &Case<'_>) -> Option<Draft> {
    let (probe, certificate) = certificate(case)?;
    let Seen::Known(Trust::Refused(why)) = &certificate.trusted else {
        return None;
    };
    // Of those another rule tells better.
    if certificate_not_valid(case).is_some() {
        return None;
    }
    let failed = case.failure() == Some(Failure::Tls);
    let issuer = if certificate.self_signed {
        "itself".to_owned()
    } else {
        certificate.issuer.clone()
    };
    let says = format!(
        "The certificate at {} is signed by {issuer}, which this system does not trust.",
        probe.address
    );
    let draft = if failed {
        Draft::problem(case.subject(), says).likely(93)
    } else {
        Draft::warning(case.subject(), says).likely(58)
    };
    Some(
        draft
            .seen(Method::Probe, format!("the system's store of authorities refuses it: {why}"))
            .run("Node has a store of its own.", "export NODE_EXTRA_CA_CERTS=/path/to/ca.pem")
            .run("Python's requests, curl and OpenSSL's programs look elsewhere, too.", "export REQUESTS_CA_BUNDLE=/path/to/ca.pem CURL_CA_BUNDLE=/path/to/ca.pem SSL_CERT_FILE=/path/to/ca.pem")
            .fix("Java has a keystore (keytool -importcert -cacerts), Firefox a list of its own (Settings → Certificates)."),
    )
}

/// Whether a name of a certificate is `host` (RFC 9525, section 6.3).
fn is_named(pattern: &str, host: &str) -> bool {
    if let (Ok(pattern), Ok(host)) = (pattern.parse::<IpAddr>(), host.parse::<IpAddr>()) {
        return pattern == host;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(rest) = pattern.strip_prefix("*.") else {
        return false;
    };
    let parent = host.split_once('.').map(|(_, parent)| parent);
    parent.is_some_and(|parent| parent.eq_ignore_ascii_case(rest)) && host.parse::<IpAddr>().is_err()
}

fn certificate_not_valid(case: &Case<'_>) -> Option<Draft> {
    let (probe, certificate) = certificate(case)?;
    let now = case.snapshot.taken_at.known().map(|now| now / 1000);
    let now = now.and_then(|now| i64::try_from(now).ok());
    let expired = now.zip(certificate.not_after).filter(|(now, end)| now > end);
    let early = now.zip(certificate.not_before).filter(|(now, start)| now < start);
    let at = probe.address;
    let shape = |says: String, fact: String| {
        Draft::problem(case.subject(), says)
            .likely(91)
            .seen(Method::Probe, fact)
    };
    if let Some((now, end)) = expired {
        let since = words::span(u64::try_from(now - end).unwrap_or_default());
        return Some(
            shape(
                format!("The certificate at {at} expired {since} ago."),
                format!(
                    "it is for {} and ended at {end} (seconds since 1970)",
                    certificate.subject
                ),
            )
            .fix("Make a new one with the tool that made it, and restart the server (mkcert: run it again)."),
        );
    }
    if let Some((now, start)) = early {
        let until = words::span(u64::try_from(start - now).unwrap_or_default());
        return Some(
            shape(
                format!(
                    "The certificate at {at} is not valid yet, for {until} more: one of two clocks is wrong."
                ),
                format!("it begins at {start} (seconds since 1970)"),
            )
            .run("See what the clock says.", "timedatectl"),
        );
    }
    let host = match case.target {
        Some(crate::Target::Url(url)) => url.host.as_str(),
        _ => case.asked_name()?,
    };
    if certificate.names.is_empty() || certificate.names.iter().any(|name| is_named(name, host)) {
        return None;
    }
    Some(
        shape(
            format!("The certificate at {at} is not for {host}."),
            format!("it is for {}", words::join(&certificate.names)),
        )
        .fix(format!(
            "Go there by one of its names, or make one that names {host}."
        )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificates_names_are_read_as_browsers_read_them() {
        assert!(is_named("localhost", "LOCALHOST"));
        assert!(is_named("*.localhost", "a.localhost"));
        assert!(!is_named("*.localhost", "a.b.localhost"));
        assert!(!is_named("*.localhost", "localhost"));
        assert!(is_named("::1", "::1"));
        assert!(!is_named("*.0.0.1", "127.0.0.1"));
    }
}

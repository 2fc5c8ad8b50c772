//! Header fields that belong to one hop: taken off, and put on for the next.

use std::net::IpAddr;

use hyper::header::{
    CONNECTION, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, TE, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{HeaderMap, header};

use super::authority::Authority;
use super::{Manner, Refusal, Vantage};

/// Counts how often a request has come through a door.
const HOPS: HeaderName = HeaderName::from_static("wharf-hops");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// How often the request has come by. Nobody but a door writes this, so anything but one number is a forgery.
pub(crate) fn hops(headers: &HeaderMap) -> Result<u32, Refusal> {
    let mut counts = headers.get_all(HOPS).iter();
    match (counts.next(), counts.next()) {
        (None, _) => Ok(0),
        (Some(count), None) => {
            let count = count.to_str().ok().and_then(|count| count.parse().ok());
            // Bounded, so that one more can always be added.
            count.filter(|count| *count < 1000).ok_or(Refusal::Malformed)
        }
        (Some(_), Some(_)) => Err(Refusal::Malformed),
    }
}

/// Whether the client asks for another protocol on this connection that we may carry.
///
/// `h2c` is not carried: inside such a tunnel each stream would have a `:authority` that this guard never sees.
pub(crate) fn wants_upgrade(headers: &HeaderMap) -> bool {
    tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
        && headers.contains_key(UPGRADE)
        && tokens(headers, &UPGRADE).all(|protocol| !is_http(protocol))
}

fn is_http(protocol: &str) -> bool {
    let name = protocol.split('/').next().unwrap_or_default();
    ["h2", "h2c", "http", "tls"]
        .iter()
        .any(|http| name.trim().eq_ignore_ascii_case(http))
}

/// Takes off what RFC 9110 section 7.6.1 says ends at us.
pub(crate) fn prepare_request(headers: &mut HeaderMap, manner: Manner) {
    let upgrade = headers.get(UPGRADE).cloned();
    let trailers = tokens(headers, &TE).any(|token| token.eq_ignore_ascii_case("trailers"));
    strip(headers);
    headers.remove(HTTP2_SETTINGS);
    match (manner, upgrade) {
        (Manner::Upgrade, Some(protocol)) => keep_upgrade(headers, protocol),
        // gRPC servers look for it; it is the one coding that HTTP/2 allows (RFC 9113 section 8.2.2).
        (Manner::Grpc, _) if trailers => {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        _ => {}
    }
    if manner != Manner::Grpc {
        join_cookies(headers);
    }
}

/// Asks for (or grants) another protocol on this hop.
pub(crate) fn keep_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Takes off an answer what ends at us, and what must not reach a browser under `localhost`.
pub(crate) fn finish_response(headers: &mut HeaderMap) {
    strip(headers);
    // Pinned for a name under `localhost`, it would break plain HTTP there for every project.
    headers.remove(STRICT_TRANSPORT_SECURITY);
}

/// Tells the service for whom this is: what the client said about that is not to be believed.
pub(crate) fn introduce(headers: &mut HeaderMap, authority: &Authority, vantage: Vantage, hops: u32) {
    let claims: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-forwarded"))
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
    headers.remove(FORWARDED);
    headers.remove(REAL_IP);

    let peer = vantage.peer;
    let host = authority.text();
    let node = match peer {
        IpAddr::V4(_) => peer.to_string(),
        // RFC 7239 section 6: quoted and in brackets.
        IpAddr::V6(_) => format!("\"[{peer}]\""),
    };
    let forwarded = format!("for={node};host=\"{host}\";proto=http");
    for (name, value) in [
        (FORWARDED, forwarded),
        (HeaderName::from_static("x-forwarded-for"), peer.to_string()),
        (HeaderName::from_static("x-forwarded-host"), host.to_owned()),
        (
            HeaderName::from_static("x-forwarded-port"),
            vantage.port.to_string(),
        ),
        (HeaderName::from_static("x-forwarded-proto"), "http".to_owned()),
        (HOPS, hops.to_string()),
    ] {
        // Addresses, numbers, and an authority that parsed: all of it is legal in a field.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// The fields that end at each hop: those that `Connection` names, and those that always do.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = tokens(headers, &CONNECTION)
        .filter_map(|token| token.parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// HTTP/2 may split cookies into several fields; HTTP/1.1 wants them in one (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(cookie) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(header::COOKIE, cookie);
    }
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

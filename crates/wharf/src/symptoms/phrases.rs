//! The words in which programs tell of failures.

use wharf_advice::{Failure, Operation};

/// What a line must hold (in lower case), and what it then means. The first that fits counts.
struct Phrase {
    /// One of these.
    any: &'static [&'static str],
    /// And, where there are some, one of these.
    with: &'static [&'static str],
    operation: Operation,
    /// None where only the words tell, which the rules read themselves.
    failure: Option<Failure>,
}

/// Words of somebody who is taking a port.
const BINDING: &[&str] = &["bind", "listen", "port", "socket"];
const CONNECTING: &[&str] = &["connect", "dial"];

#[rustfmt::skip]
const PHRASES: &[Phrase] = &[
    Phrase { any: &["eaddrinuse", "address already in use", "address in use", "addrinuse", "already in use by another", "(os error 98)", "errno 98]", "errno 48]",
        "only one usage of each socket address", "port is already allocated", "ports are not available"], with: &[], operation: Operation::Bind, failure: Some(Failure::AddressInUse) },
    Phrase { any: &["already in use", "is in use", "was already in use", "already being used", "connection in use"], with: &["port", "address", "connection in use", "bind"],
        operation: Operation::Bind, failure: Some(Failure::AddressInUse) },
    Phrase { any: &["eaddrnotavail", "cannot assign requested address", "can't assign requested address", "address not available", "(os error 99)", "errno 99]",
        "requested address is not valid in its context", "cannot assign requested"], with: &["bind", "listen", "bound"], operation: Operation::Bind, failure: Some(Failure::AddressNotAvailable) },
    Phrase { any: &["eaddrnotavail", "cannot assign requested address", "can't assign requested address", "(os error 99)", "errno 99]"], with: CONNECTING,
        operation: Operation::Connect, failure: Some(Failure::AddressNotAvailable) },
    Phrase { any: &["cannot assign requested address", "addrnotavailable"], with: &[], operation: Operation::Bind, failure: Some(Failure::AddressNotAvailable) },
    Phrase { any: &["eacces", "permission denied", "eperm", "operation not permitted", "forbidden by its access permissions"], with: BINDING,
        operation: Operation::Bind, failure: Some(Failure::AccessDenied) },
    Phrase { any: &["econnrefused", "connection refused", "actively refused", "(os error 111)", "errno 111]", "errno 61]", "couldn't connect to server", "connectionrefused",
        "(111)", "err_connection_refused", "ns_error_connection_refused"], with: &[], operation: Operation::Connect, failure: Some(Failure::Refused) },
    Phrase { any: &["could not connect to server", "can't connect to mysql server", "unable to connect to"], with: &[], operation: Operation::Connect, failure: Some(Failure::Refused) },
    Phrase { any: &["emfile", "too many open files", "(os error 24)", "errno 24]"], with: &[], operation: Operation::Accept, failure: Some(Failure::TooManyFiles) },
    Phrase { any: &["file watchers", "inotify watch", "inotify_add_watch", "inotify instances"], with: &["enospc", "limit", "no space", "emfile"],
        operation: Operation::Watch, failure: Some(Failure::NoSpace) },
    Phrase { any: &["econnreset", "connection reset", "socket hang up", "empty reply from server", "err_empty_response", "err_connection_reset", "other side closed", "disconnected from the target vm", "broken pipe"],
        with: &[], operation: Operation::Talk, failure: Some(Failure::Reset) },
    Phrase { any: &["etimedout", "connection timed out", "operation timed out", "i/o timeout", "connect timed out", "connecttimeout", "connection timeout", "err_connection_timed_out"],
        with: &[], operation: Operation::Connect, failure: Some(Failure::TimedOut) },
    Phrase { any: &["enetunreach", "ehostunreach", "network is unreachable", "no route to host"], with: &[], operation: Operation::Connect, failure: Some(Failure::Unreachable) },
    Phrase { any: &["enotfound", "could not resolve host", "couldn't resolve host", "name or service not known", "nodename nor servname", "no such host",
        "temporary failure in name resolution", "eai_again", "unknownhostexception", "failed to lookup address", "err_name_not_resolved"], with: &[],
        operation: Operation::Resolve, failure: Some(Failure::NameUnknown) },
    Phrase { any: &["self-signed certificate", "self signed certificate", "depth_zero_self_signed_cert", "unable to verify the first certificate", "unable to get local issuer",
        "certificate verify failed", "wrong version number", "err_ssl_protocol_error", "err_cert_authority_invalid", "unknownissuer", "pkix path building failed",
        "http response to https client", "packet length too long", "tlsv1 alert", "ssl routines", "certificate signed by unknown authority", "invalid peer certificate",
        "ssl_error_rx_record_too_long"],
        with: &[], operation: Operation::Talk, failure: Some(Failure::Tls) },
    Phrase { any: &["cors policy", "access-control-allow-origin", "address space", "local network access", "blocked request. this host", "invalid host header",
        "blocked host:", "disallowedhost", "invalid http_host header", "loop detected", "err_unsafe_port", "err_too_many_redirects", "crypto.subtle"],
        with: &[], operation: Operation::Talk, failure: None },
    // What browsers and dev servers say of a handshake that failed.
    Phrase { any: &["websocket", "ws://", "wss://"], with: &["fail", "closed before", "unexpected response", "could not connect", "can't establish"],
        operation: Operation::Talk, failure: None },
];

/// Before the status of an answer that was not wanted.
const STATUS: &[&str] = &[
    "returned error: ",
    "status code ",
    "status code: ",
    "http error ",
    "unexpected status ",
    "unexpected server response: ",
    "response code ",
];

/// What a line tells, if it tells of a failure that has to do with ports or names.
pub(super) fn meaning(line: &str) -> Option<(Operation, Option<Failure>)> {
    let line = without_escapes(line).to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| line.contains(word));
    let found = PHRASES
        .iter()
        .find(|phrase| holds(phrase.any) && (phrase.with.is_empty() || holds(phrase.with)));
    match found {
        Some(phrase) => Some((phrase.operation, phrase.failure)),
        None => status(&line).map(|status| (Operation::Talk, Some(Failure::Http(status)))),
    }
}

/// The status of 400 and above that a client complains of.
fn status(line: &str) -> Option<u16> {
    STATUS.iter().find_map(|words| {
        let (_, rest) = line.split_once(words)?;
        let digits = rest.get(..3)?;
        let is_whole = !rest
            .get(3..4)
            .is_some_and(|next| next.bytes().all(|byte| byte.is_ascii_digit()));
        let status: u16 = digits.parse().ok()?;
        (is_whole && (400..600).contains(&status)).then_some(status)
    })
}

/// A line without the sequences by which terminals are told of colours (ECMA-48, CSI).
pub(super) fn without_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        if rest.next() == Some('[') {
            // Parameters, then one letter that ends it.
            let _end = rest.find(|character| ('@'..='~').contains(character));
        }
    }
    plain
}

//! What a certificate says: DER in, facts out.

use std::net::{Ipv4Addr, Ipv6Addr};

use wharf_facts::{Certificate, Seen};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use crate::speech;

/// The most names that are kept of one.
const NAMES: usize = 64;

/// Reads a certificate (RFC 5280). `None` if it is none.
#[must_use]
pub(crate) fn read(der: &[u8]) -> Option<Certificate> {
    let (_, read) = X509Certificate::from_der(der).ok()?;
    let subject = speech::plain(&read.subject().to_string());
    let issuer = speech::plain(&read.issuer().to_string());
    Some(Certificate {
        self_signed: read.subject() == read.issuer(),
        subject,
        issuer,
        names: names(&read),
        not_before: Some(read.validity().not_before.timestamp()),
        not_after: Some(read.validity().not_after.timestamp()),
        trusted: Seen::default(),
    })
}

/// The DNS names and addresses of its subjectAltName.
fn names(read: &X509Certificate<'_>) -> Vec<String> {
    let general = read
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        });
    general.flatten().filter_map(name).take(NAMES).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(speech::plain(name)),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(|octets| Ipv4Addr::from(octets).to_string())
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(|octets| Ipv6Addr::from(octets).to_string()))
            .ok(),
        _ => None,
    }
}

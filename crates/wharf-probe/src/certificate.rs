//! What a certificate says: DER in, facts out.

use std::net::{Ipv4Addr, Ipv6Addr};

use wharf_facts::{Certificate, Seen};
use x509_parser::error::X509Error;
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
        self_signed: is_self_signed(&read),
        subject,
        issuer,
        names: names(&read),
        not_before: Some(read.validity().not_before.timestamp()),
        not_after: Some(read.validity().not_after.timestamp()),
        trusted: Seen::default(),
    })
}

/// Whether its own key signed it. An algorithm that is not known here leaves the names to tell: those of
/// an authority and of what it signed may be the same.
fn is_self_signed(read: &X509Certificate<'_>) -> bool {
    read.subject() == read.issuer()
        && matches!(
            read.verify_signature(None),
            Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm)
        )
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_certificate_says_whom_it_is_for() {
        let names = [
            "localhost".to_owned(),
            "*.shop.localhost".to_owned(),
            "::1".to_owned(),
        ];
        let mut parameters = rcgen::CertificateParams::new(names).expect("names");
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 2);
        parameters.not_after = rcgen::date_time_ymd(2026, 2, 3);
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, "shop\u{1b}[0m");
        let key = rcgen::KeyPair::generate().expect("a key");
        let made = parameters.self_signed(&key).expect("a certificate");
        let read = read(made.der()).expect("a certificate");
        assert_eq!(read.names, ["localhost", "*.shop.localhost", "::1"]);
        assert_eq!(read.not_before, Some(1_767_312_000));
        assert_eq!(read.not_after, Some(1_770_076_800));
        assert!(read.self_signed && read.subject == read.issuer);
        assert!(read.subject.contains("CN=shop[0m"), "{}", read.subject);
        assert!(!read.trusted.is_known());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_certificate_or_none(at in 0usize..400, with in any::<u8>(), cut in 0usize..500) {
            let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).expect("a certificate");
            let mut der = made.cert.der().to_vec();
            if let Some(byte) = der.get_mut(at) {
                *byte = with;
            }
            der.truncate(cut);
            let _ = read(&der);
        }
    }
}

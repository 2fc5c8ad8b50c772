//! Server names in hellos that rustls makes, whole, in pieces and damaged.

use std::sync::Arc;

use proptest::prelude::*;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};
use wharf_http::{Sni, sni};

/// The first bytes of a client, in records of at most `fragment` bytes.
fn hello(name: &str, protocols: &[&str], fragment: Option<usize>) -> Vec<u8> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config.max_fragment_size = fragment;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut hello = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut hello).expect("a hello");
    }
    hello
}

fn name(bytes: &[u8]) -> Option<String> {
    match sni(bytes) {
        Sni::Name(name) => Some(name.as_str().to_owned()),
        _ => None,
    }
}

#[test]
fn the_name_of_a_real_hello() {
    let long = format!("{}.example.com", ["a".repeat(60).as_str(); 3].join("."));
    for server in ["db.example.com", "x", long.as_str()] {
        for protocols in [&[][..], &["h2", "http/1.1"]] {
            // With the smallest records the name straddles several.
            for fragment in [None, Some(32), Some(40), Some(100)] {
                let hello = hello(server, protocols, fragment);
                assert_eq!(name(&hello).as_deref(), Some(server), "{fragment:?}");
            }
        }
    }
}

#[test]
fn a_hello_to_an_address_names_nobody() {
    for fragment in [None, Some(32)] {
        assert_eq!(sni(&hello("127.0.0.1", &[], fragment)), Sni::None);
    }
}

#[test]
fn each_beginning_of_a_hello_wants_more_until_the_name_is_there() {
    for fragment in [None, Some(33)] {
        let hello = hello("db.example.com", &["h2"], fragment);
        let mut known = false;
        for length in 0..=hello.len() {
            match sni(&hello[..length]) {
                Sni::NeedMore => assert!(!known, "at {length} it was known before"),
                Sni::Name(name) => {
                    assert_eq!(name.as_str(), "db.example.com");
                    known = true;
                }
                other => panic!("{other:?} at {length}"),
            }
        }
        assert!(known);
    }
}

#[test]
fn other_protocols_are_not_tls() {
    let others: [&[u8]; 7] = [
        b"G",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\0\0\0\x08\x04\xd2\x16/",
        // A TLS alert, an empty record, and a ServerHello.
        b"\x15\x03\x01\0\x02\x02\x28",
        b"\x16\x03\x01\0\0",
        b"\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03",
    ];
    for other in others {
        assert_eq!(sni(other), Sni::NotTls, "{other:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_have_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _verdict = sni(&bytes);
    }

    #[test]
    fn bytes_behind_a_record_header_have_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut record = vec![22, 3, 1];
        record.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        record.extend_from_slice(&[1, 0, 2, 80, 3, 3]);
        record.extend_from_slice(&bytes);
        let _verdict = sni(&record);
    }

    #[test]
    fn damaged_hellos_have_a_verdict_and_only_proper_names(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        fragment in prop_oneof![Just(None), (32usize..200).prop_map(Some)],
    ) {
        let mut hello = hello("db.example.com", &["h2"], fragment);
        for (place, byte) in damage {
            let place = place.index(hello.len());
            hello[place] = byte;
        }
        let cut = cut.index(hello.len() + 1);
        if let Some(name) = name(&hello[..cut]) {
            prop_assert!(!name.is_empty() && name.len() <= 255);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        }
    }
}

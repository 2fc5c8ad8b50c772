//! What hellos say that rustls makes, whole, in pieces and damaged.

use std::sync::Arc;

use proptest::prelude::*;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use wharf_capture::hello::{Hello, Seen, read};

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

#[test]
fn what_a_real_hello_says() {
    let long = format!("{}.example.com", ["a".repeat(60).as_str(); 3].join("."));
    for server in ["db.example.com", "x", long.as_str()] {
        for protocols in [&[][..], &["h2", "http/1.1"]] {
            // With the smallest records the name straddles several.
            for fragment in [None, Some(32), Some(40), Some(100)] {
                let hello = hello(server, protocols, fragment);
                let said = Hello {
                    name: Some(server.to_owned()),
                    protocols: protocols.iter().map(|name| (*name).to_owned()).collect(),
                    length: hello.len(),
                };
                let more = [&hello[..], b"early data"].concat();
                assert_eq!(read(&more), Seen::Hello(said), "{fragment:?}");
            }
        }
    }
}

#[test]
fn a_hello_to_an_address_names_nobody() {
    for fragment in [None, Some(32)] {
        let hello = hello("127.0.0.1", &[], fragment);
        let said = Hello {
            length: hello.len(),
            ..Hello::default()
        };
        assert_eq!(read(&hello), Seen::Hello(said));
    }
}

#[test]
fn each_beginning_of_a_hello_wants_more_until_it_is_whole() {
    for fragment in [None, Some(33)] {
        let hello = hello("db.example.com", &["h2"], fragment);
        for length in 0..hello.len() {
            assert_eq!(read(&hello[..length]), Seen::NeedMore, "at {length}");
        }
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
        assert_eq!(read(other), Seen::NotTls, "{other:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_have_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _verdict = read(&bytes);
    }

    #[test]
    fn bytes_behind_a_record_header_have_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut record = vec![22, 3, 1];
        record.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        record.extend_from_slice(&[1, 0, 2, 80, 3, 3]);
        record.extend_from_slice(&bytes);
        let _verdict = read(&record);
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
        if let Seen::Hello(Hello { name: Some(name), .. }) = read(&hello[..cut]) {
            prop_assert!(!name.is_empty() && name.len() <= 255);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        }
    }
}

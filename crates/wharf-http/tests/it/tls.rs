//! TLS that begins at the stage, towards servers with certificates of a CA made here.

use std::io::Write;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use wharf_http::{Carries, Far, HttpStage, Roots, StageConfig, StageError, TlsOrigination, Upstream};

use crate::support::client::{Client, Protocol, request};
use crate::support::parse;
use crate::support::provider::Provider;
use crate::support::runtime;
use crate::support::script::Peer;

/// A CA, and its certificate in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a CA");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(issuer.pem().as_bytes()).expect("write");
        Self { issuer, file }
    }

    /// A server named `api.test` that offers these protocols.
    fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["api.test".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a server");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    fn provider(&self, protocols: &[&str]) -> Provider {
        let acceptor = self.acceptor(protocols);
        Provider::start_with(move |stream| {
            let accepted = acceptor.accept(stream);
            async move { accepted.await.ok() }
        })
    }

    fn roots(&self) -> Roots {
        Roots::File(self.file.path().to_owned())
    }
}

fn config(provider: std::net::SocketAddr, name: &str, roots: Roots) -> StageConfig {
    let upstream = Upstream {
        far: Far::Addresses(vec![provider]),
        tls: Some(TlsOrigination {
            server_name: name.to_owned(),
            roots,
            alpn: vec!["postgresql".to_owned()],
        }),
    };
    StageConfig::new("web -> cloud", upstream)
}

#[test]
fn requests_in_clear_arrive_by_tls() {
    let authority = Authority::new("Ours");
    let provider = authority.provider(&["h2", "http/1.1"]);
    let mut config = config(provider.address, "api.test", authority.roots());
    config.rules = parse("path=/own status=503\npath=/stream truncate=3B");
    let stage = HttpStage::start(config).expect("a stage");
    runtime().block_on(async {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let mut client = Client::connect(stage.address(), protocol).await;
            for (words, expected) in [
                ("POST /echo =hello", "\"hello\" whole"),
                ("GET /large", "4194304 bytes whole"),
                ("GET /trailers te:trailers", "grpc-status=0 \"0123456789\" whole"),
                ("GET /own", "503 content-length=0 \"\" whole"),
            ] {
                let seen = client.see(request(words, protocol)).await;
                assert!(seen.ends_with(expected), "{protocol:?} {words}: {seen}");
            }
            if protocol == Protocol::Http2 {
                // What the provider sees is the truth of its own connection.
                let seen = client.see(request("GET /host", protocol)).await;
                assert!(seen.contains("https Some("), "{seen}");
            }
            let seen = client.see(request("GET /stream", protocol)).await;
            assert!(seen.contains("\"012\" broken"), "{protocol:?}: {seen}");
        }
    });
    assert_eq!(stage.stats().tls_failures, 0);
}

/// What is wrong with TLS is a reset for the client, and counted with its reason.
#[track_caller]
fn check_failure(stage: &HttpStage, protocol: Protocol, reason: &str) {
    runtime().block_on(async {
        let mut client = Client::connect(stage.address(), protocol).await;
        let seen = client.see(request("GET /ten", protocol)).await;
        assert_eq!(seen, "no answer: ConnectionReset");
    });
    let stats = stage.stats();
    assert_eq!(stats.tls_failures, 1);
    let failure = stats.last_failure.expect("a reason");
    assert!(failure.starts_with("TLS with "), "{failure}");
    assert!(failure.contains(reason), "{failure}");
}

#[test]
fn a_certificate_must_be_of_the_name_and_of_a_trusted_authority() {
    let (authority, stranger) = (Authority::new("Ours"), Authority::new("Theirs"));
    let provider = authority.provider(&["h2", "http/1.1"]);
    let table = [
        ("other.test", authority.roots(), "not valid for name"),
        ("127.0.0.1", authority.roots(), "not valid for name"),
        ("api.test", stranger.roots(), "UnknownIssuer"),
    ];
    for (name, roots, reason) in table {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let config = config(provider.address, name, roots.clone());
            check_failure(&HttpStage::start(config).expect("a stage"), protocol, reason);
        }
    }
    assert_eq!(provider.asked(), 0);
}

#[test]
fn platform_roots_do_not_know_a_ca_of_today() {
    let authority = Authority::new("Ours");
    let provider = authority.provider(&["http/1.1"]);
    match HttpStage::start(config(provider.address, "api.test", Roots::Platform)) {
        Ok(stage) => check_failure(&stage, Protocol::Http1, "UnknownIssuer"),
        Err(StageError::PlatformRoots(why)) => {
            // Past the harness, which would swallow it.
            let line = format!("SKIPPED: platform_roots_do_not_know_a_ca_of_today: {why}\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn who_asks_for_no_verification_gets_none() {
    let authority = Authority::new("Ours");
    let provider = authority.provider(&["http/1.1"]);
    let config = config(provider.address, "other.test", Roots::DangerouslyUnverified);
    let stage = HttpStage::start(config).expect("a stage");
    runtime().block_on(async {
        let mut client = Client::connect(stage.address(), Protocol::Http1).await;
        let seen = client.see(request("GET /ten", Protocol::Http1)).await;
        assert!(seen.ends_with("whole"), "{seen}");
    });
}

#[test]
fn a_provider_without_tls_or_without_http2_is_told_as_that() {
    let authority = Authority::new("Ours");
    let clear = Provider::start();
    let stage = HttpStage::start(config(clear.address, "api.test", authority.roots())).expect("a stage");
    check_failure(&stage, Protocol::Http1, "InvalidContentType");
    let old = authority.provider(&[]);
    let stage = HttpStage::start(config(old.address, "api.test", authority.roots())).expect("a stage");
    check_failure(&stage, Protocol::Http2, "it does not speak HTTP/2");
}

#[test]
fn what_cannot_be_set_up_is_an_error_at_the_start() {
    let address = "127.0.0.1:1".parse().expect("an address");
    let start = |name: &str, roots: Roots| {
        let error = HttpStage::start(config(address, name, roots)).expect_err("an error");
        error.to_string()
    };
    let missing = start("api.test", Roots::File("/nonexistent/ca.pem".into()));
    assert!(
        missing.starts_with("read the certificates of /nonexistent/ca.pem: "),
        "{missing}"
    );
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let empty = start("api.test", Roots::File(empty.path().to_owned()));
    assert!(empty.ends_with("it has no certificate"), "{empty}");
    let name = start("not a name", Roots::DangerouslyUnverified);
    assert_eq!(name, "TLS to `not a name`: not a host's name");
}

/// How a TLS server of raw bytes ends.
#[derive(Clone, Copy, PartialEq)]
enum Farewell {
    CloseNotify,
    Nothing,
}

#[test]
fn raw_bytes_pass_with_their_ends_and_their_protocol() {
    let authority = Authority::new("Ours");
    for farewell in [Farewell::CloseNotify, Farewell::Nothing] {
        let acceptor = authority.acceptor(&["postgresql"]);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("an address");
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            stream.set_nonblocking(true).expect("a stream");
            runtime().block_on(async {
                let stream = TcpStream::from_std(stream).expect("a stream");
                let mut stream = acceptor.accept(stream).await.expect("a handshake");
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"postgresql"[..]));
                stream.write_all(b"first").await.expect("write");
                stream.flush().await.expect("flush");
                // The client's half ends by close_notify, and ours still works.
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await.expect("an end in order");
                assert_eq!(all, b"hello");
                stream.write_all(b"bye").await.expect("write");
                stream.flush().await.expect("flush");
                if farewell == Farewell::CloseNotify {
                    stream.shutdown().await.expect("close_notify");
                }
            });
        });
        let mut config = config(address, "api.test", authority.roots());
        config.carries = Carries::Raw;
        let stage = HttpStage::start(config).expect("a stage");
        let mut client = Peer::connect(stage.address());
        client.hear("first");
        client.say("hello");
        client.half_close();
        client.hear("bye");
        match farewell {
            Farewell::CloseNotify => client.hear_end(),
            // It may be cut off by anybody: that must not look like an end.
            Farewell::Nothing => assert_eq!(client.hear_reset(), ""),
        }
        server.join().expect("the server");
    }
}

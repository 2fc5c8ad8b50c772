//! Externals that speak TLS, reached in clear by a link that begins it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::http::get;
use crate::world::{World, eventually};

/// A server named `api.test`, with a certificate of a CA of its own.
struct Server {
    at: SocketAddr,
    /// The CA's certificate.
    ca: String,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA")
}

impl Server {
    fn start() -> Self {
        let issuer = authority();
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["api.test".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a server");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let at = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                std::thread::spawn(move || answer(StreamOwned::new(connection, stream)));
            }
        });
        Server { at, ca: issuer.pem() }
    }
}

fn answer<S: std::io::Read + Write>(stream: StreamOwned<ServerConnection, S>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 2 {
        line.clear();
    }
    let body = "by TLS";
    let length = body.len();
    write!(
        stream.get_mut(),
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    stream.get_mut().flush()
}

#[test]
fn a_link_begins_tls_and_verifies_by_the_ca_of_the_file() {
    let world = World::new();
    let server = Server::start();
    world.write("keys/ca.pem", &server.ca);
    world.write("keys/other.pem", &authority().pem());
    let table = |tls: &str| {
        let at = server.at;
        format!(
            "[service.a]\nrun = \"PEER hello\"\nneeds = [\"cloud\"]\n\
             [external.cloud]\naddress = \"{at}\"\nprotocol = \"https\"\ntls = {tls}\n\
             [[link.\"a -> cloud\".http]]\npath = \"/pay\"\nstatus = 503\n"
        )
    };
    let cases = [
        ("{ name = \"api.test\", ca = \"keys/ca.pem\" }", true),
        ("{ name = \"api.test\", ca = \"keys/other.pem\" }", false),
        ("{ name = \"other.test\", ca = \"keys/ca.pem\" }", false),
        ("{ name = \"other.test\", dangerously-unverified = true }", true),
        ("true", false),
    ];
    for (tls, passes) in cases {
        world.file(&table(tls));
        world.run(&["up", "-d"]).ok();
        let address = world.variable("a", "CLOUD_ADDR");
        // Services speak to the link in clear.
        assert_eq!(world.variable("a", "CLOUD_URL"), format!("http://{address}"));
        let (status, _) = get(&address, "api.test", "/pay").expect("by the rule");
        assert!(status.contains("503"), "{tls}: {status}");
        match get(&address, "api.test", "/") {
            Ok((status, body)) => {
                assert!(
                    passes && status.contains("200") && body == "by TLS",
                    "{tls}: {status} {body}"
                );
                eventually("it is seen", || {
                    world.run(&["requests", "a -> cloud"]).ok().contains("200")
                });
            }
            Err(error) => assert!(!passes, "{tls}: {error}"),
        }
    }
    world.run(&["down"]).ok();

    world.file(&table("{ ca = \"keys/none.pem\" }"));
    world
        .run(&["up", "-d"])
        .fails(2, &["a -> cloud", "keys/none.pem"]);
    world.await_empty();
}

//! QUIC, by quinn, for the end-to-end tests: a server, and a client that says what it met.
//!
//! `quic serve CERTIFICATE`            writes its certificate into that file, says on which port of 127.0.0.1
//!                                     it is, and sends back every stream that it is sent
//! `quic converse ADDRESS CERTIFICATE BYTES`  sends so many, takes them back, and says how it was, as JSON

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use quinn::{ClientConfig, Connection, Endpoint, ServerConfig};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// No stream is longer.
const LIMIT: usize = 16 << 20;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match words[..] {
        ["serve", certificate] => runtime.block_on(serve(certificate)),
        ["converse", address, certificate, count] => {
            runtime.block_on(converse(address.parse()?, certificate, count.parse()?))
        }
        _ => Err("usage: quic serve CERTIFICATE | quic converse ADDRESS CERTIFICATE BYTES".into()),
    }
}

async fn serve(certificate: &str) -> Outcome<()> {
    let key = rcgen::generate_simple_self_signed(["wharf.test".to_owned()])?;
    let own = CertificateDer::from(key.cert);
    std::fs::write(certificate, &own)?;
    let private = PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
    let config = ServerConfig::with_single_cert(vec![own], private.into())?;
    let server = Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into())?;
    writeln!(std::io::stdout(), "{}", server.local_addr()?.port())?;
    while let Some(incoming) = server.accept().await {
        tokio::spawn(async move {
            // A client that goes away early is the client's matter.
            if let Ok(connection) = incoming.await {
                let _ = send_back(&connection).await;
                connection.closed().await;
            }
        });
    }
    Ok(())
}

async fn send_back(connection: &Connection) -> Outcome<()> {
    let (mut send, mut receive) = connection.accept_bi().await?;
    let message = receive.read_to_end(LIMIT).await?;
    send.write_all(&message).await?;
    Ok(send.finish()?)
}

async fn converse(address: SocketAddr, certificate: &str, count: usize) -> Outcome<()> {
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from(std::fs::read(certificate)?))?;
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut client = Endpoint::client((any, 0).into())?;
    client.set_default_client_config(ClientConfig::with_root_certificates(Arc::new(trusted))?);

    let begun = Instant::now();
    let connection = client.connect(address, "wharf.test")?.await?;
    let handshake = begun.elapsed();
    let message: Vec<u8> = (0..count).map(|index| (index % 251) as u8).collect();
    let (mut send, mut receive) = connection.open_bi().await?;
    let sent = async {
        send.write_all(&message).await?;
        Outcome::Ok(send.finish()?)
    };
    let received = async { Outcome::Ok(receive.read_to_end(LIMIT).await?) };
    let ((), back) = tokio::try_join!(sent, received)?;
    let total = begun.elapsed();
    let path = connection.stats().path;
    connection.close(0_u32.into(), b"done");
    client.wait_idle().await;
    let report = serde_json::json!({
        "handshake_ms": handshake.as_secs_f64() * 1000.0,
        "total_ms": total.as_secs_f64() * 1000.0,
        "rtt_ms": path.rtt.as_secs_f64() * 1000.0,
        "sent_packets": path.sent_packets,
        "lost_packets": path.lost_packets,
        "intact": back == message,
    });
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

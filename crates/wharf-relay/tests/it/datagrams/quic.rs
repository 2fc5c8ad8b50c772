//! QUIC, by quinn, through a link that loses.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{ClientConfig, Endpoint, ServerConfig};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::bed::{Bed, conditions, on_v4};
use crate::bed::PATIENCE;

const MEGABYTE: usize = 1 << 20;

fn lossy() -> wharf_link::Conditions {
    conditions(&[("latency", "10ms"), ("loss", "1%")])
}

/// A client that trusts the server, and the server.
fn ends() -> (Endpoint, Endpoint) {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = CertificateDer::from(key.cert);
    let private = PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.clone()).expect("a certificate");
    let config = ServerConfig::with_single_cert(vec![certificate], private.into()).expect("a server");
    let own = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Endpoint::server(config, own).expect("a server");
    let mut client = Endpoint::client(own).expect("a client");
    let config = ClientConfig::with_root_certificates(Arc::new(trusted)).expect("a client");
    client.set_default_client_config(config);
    (client, server)
}

/// Takes one stream and sends it back.
async fn serve(server: Endpoint) {
    let connection = server
        .accept()
        .await
        .expect("a connection")
        .await
        .expect("a handshake");
    let (mut send, mut receive) = connection.accept_bi().await.expect("a stream");
    let message = receive.read_to_end(2 * MEGABYTE).await.expect("a message");
    send.write_all(&message).await.expect("it can be sent");
    send.finish().expect("it ends");
    connection.closed().await;
}

async fn converse(client: &Endpoint, address: SocketAddr, message: &[u8]) -> Vec<u8> {
    let connecting = client.connect(address, "localhost").expect("an address");
    let connection = connecting.await.expect("a handshake");
    let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
    let (sent, received) = tokio::join!(
        async {
            send.write_all(message).await.expect("it can be sent");
            send.finish()
        },
        receive.read_to_end(2 * MEGABYTE)
    );
    sent.expect("it ends");
    connection.close(0u32.into(), b"done");
    received.expect("an answer")
}

#[test]
fn a_megabyte_each_way_through_loss_and_latency() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let message: Vec<u8> = (0..MEGABYTE).map(|index| (index % 251) as u8).collect();
    let (bed, answer, time) = runtime.block_on(async {
        let (client, server) = ends();
        let provider = server.local_addr().expect("an address");
        let bed = Bed::between(on_v4(), on_v4(), |spec| {
            spec.provider = wharf_relay::Provider::Ready(vec![provider]);
            spec.up = lossy();
            spec.down = lossy();
        });
        let begin = Instant::now();
        let serving = tokio::spawn(serve(server));
        let answer = tokio::time::timeout(PATIENCE, converse(&client, bed.address, &message));
        let answer = answer.await.expect("it takes less time");
        serving.await.expect("the server has not panicked");
        (bed, answer, begin.elapsed())
    });
    assert!(answer == message, "{} bytes come back", answer.len());
    // A round trip for the handshake, and one for question and answer.
    assert!(time >= Duration::from_millis(40), "{time:?}");
    let counts = bed.datagrams();
    // A QUIC packet has 1,452 bytes at the most; most of them carry data.
    assert!(
        counts.up.accepted >= 700 && counts.down.accepted >= 700,
        "{counts:?}"
    );
    assert!(counts.up.lost > 0 && counts.down.lost > 0, "{counts:?}");
    assert_eq!(bed.stats().total_connections, 1);
}

//! TLS: a handshake with anybody, and then whether the system would have trusted them.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use wharf_facts::{Certificate, Seen, Trust};

use crate::certificate;

/// What a handshake came to.
pub(super) enum Handshake<S> {
    /// It was completed.
    Done(Box<TlsStream<S>>),
    /// TLS is spoken there, but not with us, for this reason.
    Refused(String),
    /// That is no TLS.
    Not,
}

/// Which protocols are offered within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// HTTP/2 and HTTP/1.1.
    Any,
    /// HTTP/1.1.
    Http1,
}

/// The server's name: the name that it was asked for by, or its address, which is not sent (RFC 6066, 3).
pub(super) fn server_name(name: Option<&str>, address: SocketAddr) -> ServerName<'static> {
    name.and_then(|name| ServerName::try_from(name.to_owned()).ok())
        .unwrap_or_else(|| ServerName::from(address.ip()))
}

/// Shakes hands over `stream`, whoever it is.
pub(super) async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    name: ServerName<'static>,
    offer: Offer,
) -> Handshake<S> {
    let connector = match config(offer) {
        Ok(config) => TlsConnector::from(Arc::new(config)),
        Err(error) => return Handshake::Refused(error.to_string()),
    };
    match connector.connect(name, stream).await {
        Ok(stream) => Handshake::Done(Box::new(stream)),
        Err(error) => match tls_error(&error) {
            // Only one who speaks TLS sends alerts, or speaks it in a way that we do not.
            Some(
                error @ (Error::AlertReceived(_) | Error::PeerIncompatible(_) | Error::PeerMisbehaved(_)),
            ) => Handshake::Refused(error.to_string()),
            _ => Handshake::Not,
        },
    }
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn config(offer: Offer) -> Result<ClientConfig, Error> {
    let crypto = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&crypto))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(crypto)))
        .with_no_client_auth();
    config.alpn_protocols = match offer {
        Offer::Any => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Offer::Http1 => vec![b"http/1.1".to_vec()],
    };
    Ok(config)
}

/// What the certificates of a server say, and whether this system trusts them for `name`.
pub(super) fn certificate(chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> Option<Certificate> {
    let (first, others) = chain.split_first()?;
    let mut read = certificate::read(first)?;
    read.trusted = trust(first, others, name);
    Some(read)
}

fn trust(first: &CertificateDer<'_>, others: &[CertificateDer<'_>], name: &ServerName<'_>) -> Seen<Trust> {
    let verifier = match system() {
        Ok(verifier) => verifier,
        Err(why) => return Seen::unknown(why),
    };
    Seen::Known(
        match verifier.verify_server_cert(first, others, name, &[], UnixTime::now()) {
            Ok(_) => Trust::Trusted,
            Err(error) => Trust::Refused(error.to_string()),
        },
    )
}

/// This system's trust store, read once and only where somebody speaks TLS.
fn system() -> &'static Result<Arc<WebPkiServerVerifier>, String> {
    static SYSTEM: OnceLock<Result<Arc<WebPkiServerVerifier>, String>> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        let (usable, _) = store.add_parsable_certificates(found.certs);
        if usable == 0 {
            return Err("this system's trust store is empty, or cannot be read".to_owned());
        }
        let crypto = Arc::new(ring::default_provider());
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), crypto)
            .build()
            .map_err(|error| error.to_string())
    })
}

/// Takes any certificate: a prober says whom it met, and entrusts them with nothing.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

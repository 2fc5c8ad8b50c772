//! TLS towards the provider.

use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::{Roots, StageError, TlsOrigination};

/// What a connection will carry, as far as it matters before it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    Raw,
    Http1,
    Http2,
}

/// All that a handshake needs.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) name: ServerName<'static>,
    raw: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl Tls {
    pub(crate) fn new(wanted: &TlsOrigination) -> Result<Self, StageError> {
        let name = ServerName::try_from(wanted.server_name.clone())
            .map_err(|_| StageError::ServerName(wanted.server_name.clone()))?;
        let config = config(&wanted.roots)?;
        let offering = |protocols: Vec<Vec<u8>>| {
            let mut config = config.clone();
            config.alpn_protocols = protocols;
            Arc::new(config)
        };
        Ok(Self {
            name,
            raw: offering(wanted.alpn.iter().map(|name| name.clone().into_bytes()).collect()),
            http1: offering(vec![b"http/1.1".to_vec()]),
            http2: offering(vec![b"h2".to_vec()]),
        })
    }

    pub(crate) fn connector(&self, speech: Speech) -> TlsConnector {
        let config = match speech {
            Speech::Raw => &self.raw,
            Speech::Http1 => &self.http1,
            Speech::Http2 => &self.http2,
        };
        TlsConnector::from(Arc::clone(config))
    }
}

fn config(roots: &Roots) -> Result<ClientConfig, StageError> {
    let crypto = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&crypto))
        .with_safe_default_protocol_versions()
        .map_err(|error| StageError::Tls(error.to_string()))?;
    let builder = match roots {
        Roots::Platform => builder.with_root_certificates(platform_roots()?),
        Roots::File(path) => builder.with_root_certificates(file_roots(path)?),
        Roots::DangerouslyUnverified => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(crypto))),
    };
    Ok(builder.with_no_client_auth())
}

fn platform_roots() -> Result<RootCertStore, StageError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // Machines have old roots that no library reads any more: they are left out, as by everybody.
    let (usable, _) = store.add_parsable_certificates(found.certs);
    if usable == 0 {
        let problems: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let problems = if problems.is_empty() {
            "there are none".to_owned()
        } else {
            problems.join("; ")
        };
        return Err(StageError::PlatformRoots(problems));
    }
    Ok(store)
}

fn file_roots(path: &std::path::Path) -> Result<RootCertStore, StageError> {
    let error = |problem: String| StageError::RootsFile {
        path: path.to_owned(),
        problem,
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|problem| error(problem.to_string()))? {
        let certificate = certificate.map_err(|problem| error(problem.to_string()))?;
        store
            .add(certificate)
            .map_err(|problem| error(problem.to_string()))?;
    }
    if store.is_empty() {
        return Err(error("it has no certificate".to_owned()));
    }
    Ok(store)
}

/// Believes every certificate. Signatures are checked none the less: they cost nothing, and a peer that
/// cannot even sign is broken.
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
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

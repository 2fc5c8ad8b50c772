//! Reaching the provider.

use std::io;
use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::stats::Tally;
use crate::tls::{Speech, Tls};
use crate::wire::Wire;
use crate::{Far, StageError, Upstream};

/// A far side that can be dialled.
#[derive(Debug)]
pub(crate) struct Target {
    far: Far,
    tls: Option<Tls>,
}

/// Why a provider could not be reached. It has been counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("find {host}: {source}")]
    Resolve { host: String, source: io::Error },
    #[error("dial the provider: it has no address")]
    Nowhere,
    #[error("dial {address}: {source}")]
    Refused { address: SocketAddr, source: io::Error },
    #[error("dial {address}: no answer within {wait:?}")]
    TimedOut { address: SocketAddr, wait: Duration },
    #[error("TLS with {name} at {address}: {problem}")]
    Tls {
        name: String,
        address: SocketAddr,
        problem: String,
    },
}

impl Target {
    pub(crate) fn new(upstream: &Upstream) -> Result<Self, StageError> {
        Ok(Self {
            far: upstream.far.clone(),
            tls: upstream.tls.as_ref().map(Tls::new).transpose()?,
        })
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Reaches the first address that accepts.
    pub(crate) async fn dial(
        &self,
        speech: Speech,
        wait: Duration,
        tally: &Tally,
    ) -> Result<Wire, DialError> {
        let dialled = match self.connect(wait).await {
            Ok((stream, address)) => self.secure(stream, address, speech, wait).await,
            Err(error) => Err(error),
        };
        dialled.inspect_err(|error| error.count(tally))
    }

    async fn connect(&self, wait: Duration) -> Result<(TcpStream, SocketAddr), DialError> {
        let addresses = match &self.far {
            Far::Addresses(addresses) => addresses.clone(),
            Far::Host(host, port) => {
                let asked = timeout(wait, lookup_host((host.as_str(), *port))).await;
                let found = asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
                let found = found.map_err(|source| DialError::Resolve {
                    host: host.clone(),
                    source,
                })?;
                found.collect()
            }
        };
        let mut failure = DialError::Nowhere;
        for address in addresses {
            failure = match timeout(wait, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Best effort: without it small messages wait for acknowledgements.
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address));
                }
                Ok(Err(source)) => DialError::Refused { address, source },
                Err(_) => DialError::TimedOut { address, wait },
            };
        }
        Err(failure)
    }

    async fn secure(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        speech: Speech,
        wait: Duration,
    ) -> Result<Wire, DialError> {
        let Some(tls) = &self.tls else {
            return Ok(Wire::clear(stream));
        };
        let failed = |problem: String| DialError::Tls {
            name: tls.name.to_str().into_owned(),
            address,
            problem,
        };
        let handshake = tls.connector(speech).connect(tls.name.clone(), stream);
        let stream = match timeout(wait, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => return Err(failed(format!("no handshake within {wait:?}"))),
        };
        if speech == Speech::Http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(failed("it does not speak HTTP/2, and the client does".to_owned()));
        }
        Ok(Wire::tls(stream))
    }
}

impl DialError {
    fn count(&self, tally: &Tally) {
        Tally::one_more(match self {
            Self::Resolve { .. } | Self::Nowhere | Self::Refused { .. } => &tally.refused,
            Self::TimedOut { .. } => &tally.dial_timeouts,
            Self::Tls { .. } => &tally.tls_failures,
        });
        let mut last = tally.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(self.to_string());
    }
}

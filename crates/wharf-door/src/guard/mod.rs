//! The one layer between a connection and a service.
//!
//! [`admit`] is the only maker of [`Admitted`], and [`proxy::carry`](crate::proxy::carry) takes nothing else. In order:
//!
//! 1. the request's shape: nothing that a service could read otherwise than we did (RFC 9112 section 6, 11.2);
//! 2. its host, from the one place that counts for its version, must be a known name, on this door's port;
//! 3. its origin, if it has one, must be a page of the same stack;
//! 4. how often it has come by already.
//!
//! Then the fields that speak of this hop alone are replaced by those of the next.

mod authority;
mod fields;
mod origin;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, Request, Uri, Version};

use crate::{Hostname, Route, Routes, Target};
use authority::Authority;
pub(crate) use fields::{finish_response, keep_upgrade};

/// A request that may be carried to its target.
#[derive(Debug)]
pub(crate) struct Admitted {
    request: Request<Incoming>,
    target: Arc<Target>,
    manner: Manner,
}

/// How a request is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As HTTP/1.1.
    Plain,
    /// As HTTP/1.1 that wants to become another protocol.
    Upgrade,
    /// As HTTP/2 with prior knowledge, for gRPC.
    Grpc,
}

/// From where a request is seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vantage {
    /// The door's port.
    pub(crate) port: u16,
    /// Who asks.
    pub(crate) peer: IpAddr,
    /// How many times a request may come by.
    pub(crate) hops: u32,
}

/// Why a request is not carried.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It breaks the rules of HTTP, or could be read in two ways.
    Malformed,
    /// It is CONNECT.
    Connect,
    /// It has a transfer coding that we cannot carry.
    Coding,
    /// Its host is no name of ours, or not on our port.
    Misdirected,
    /// A page that is none of the stack's has sent it.
    ForeignOrigin,
    /// It has been here before, and before.
    Loop(Arc<Target>),
}

impl Admitted {
    pub(crate) fn into_parts(self) -> (Request<Incoming>, Arc<Target>, Manner) {
        (self.request, self.target, self.manner)
    }
}

/// Lets a request through, made ready for its service, or says why not.
pub(crate) fn admit(
    mut request: Request<Incoming>,
    routes: &dyn Routes,
    vantage: Vantage,
) -> Result<Admitted, Refusal> {
    if request.method() == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    check_framing(request.headers())?;
    let authority = authority_of(&request)?;
    let target = find(&authority, routes, vantage.port)?;
    if !origin::is_friendly(request.headers(), &target, vantage.port) {
        return Err(Refusal::ForeignOrigin);
    }
    let hops = fields::hops(request.headers())? + 1;
    if hops > vantage.hops {
        return Err(Refusal::Loop(target));
    }

    let manner = manner_of(&request);
    fields::prepare_request(request.headers_mut(), manner);
    fields::introduce(request.headers_mut(), &authority, vantage, hops);
    let uri = next_uri(request.uri(), &authority, manner)?;
    *request.uri_mut() = uri;
    match manner {
        // Its authority is in the target.
        Manner::Grpc => {
            request.headers_mut().remove(HOST);
        }
        // As the client sent it: what a service allows under its name is the service's to say.
        Manner::Plain | Manner::Upgrade => {
            let host = authority.text().parse();
            request
                .headers_mut()
                .insert(HOST, host.map_err(|_| Refusal::Malformed)?);
            *request.version_mut() = Version::HTTP_11;
        }
    }
    Ok(Admitted {
        request,
        target,
        manner,
    })
}

/// hyper has refused contradicting lengths, and a chunked coding that is not the last; of a length *and* a coding
/// it takes the coding, drops the length and closes afterwards (RFC 9112 section 6.1 allows just that), so one framing
/// goes on. Left to us are codings that we would take off without undoing them.
fn check_framing(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            if headers.contains_key(hyper::header::CONTENT_LENGTH) {
                return Err(Refusal::Malformed);
            }
            Ok(())
        }
        _ => Err(Refusal::Coding),
    }
}

/// The host that a request is for, from where its version says.
fn authority_of(request: &Request<Incoming>) -> Result<Authority, Refusal> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => {
            let host = host.to_str().map_err(|_| Refusal::Malformed)?;
            Some(Authority::parse(host)?)
        }
        // RFC 9112 section 3.2: more than one is a 400.
        (Some(_), Some(_)) => return Err(Refusal::Malformed),
    };
    let named = request.uri().authority();
    let named = named.map(|named| Authority::parse(named.as_str()));
    let named = named.transpose()?;
    if request.version() == Version::HTTP_2 {
        return match (named, host) {
            // RFC 9113 section 8.3.1: a Host that differs from :authority makes the request malformed.
            (Some(named), Some(host)) if !named.same_text(&host) => Err(Refusal::Malformed),
            (Some(authority), _) | (None, Some(authority)) => Ok(authority),
            (None, None) => Err(Refusal::Malformed),
        };
    }
    match (named, host) {
        // RFC 9112 section 3.2: without Host it is a 400, whatever the target says.
        (_, None) => Err(Refusal::Malformed),
        // RFC 9112 section 3.2.2: a target in absolute form wins over Host.
        (Some(named), _) if request.uri().scheme_str() == Some("http") => Ok(named),
        (Some(_), _) => Err(Refusal::Misdirected),
        (None, Some(host)) => Ok(host),
    }
}

fn find(authority: &Authority, routes: &dyn Routes, port: u16) -> Result<Arc<Target>, Refusal> {
    let host: &Hostname = authority.host().ok_or(Refusal::Misdirected)?;
    if authority.port().is_some_and(|asked| asked != port) {
        return Err(Refusal::Misdirected);
    }
    match routes.route(host) {
        Route::To(target) => Ok(target),
        Route::Unknown => Err(Refusal::Misdirected),
    }
}

fn manner_of(request: &Request<Incoming>) -> Manner {
    let is_grpc = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|media| is_grpc(media.as_bytes()));
    match request.version() {
        Version::HTTP_2 if is_grpc => Manner::Grpc,
        Version::HTTP_11 if fields::wants_upgrade(request.headers()) => Manner::Upgrade,
        _ => Manner::Plain,
    }
}

/// `application/grpc`, `application/grpc+proto`, …, and not `application/grpc-web`, which is made for HTTP/1.1.
fn is_grpc(media: &[u8]) -> bool {
    let Some(rest) = media
        .split_at_checked(16)
        .filter(|(start, _)| start.eq_ignore_ascii_case(b"application/grpc"))
        .map(|(_, rest)| rest)
    else {
        return false;
    };
    matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// The target in the form in which the next hop wants it.
fn next_uri(uri: &Uri, authority: &Authority, manner: Manner) -> Result<Uri, Refusal> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let next = match manner {
        Manner::Grpc => format!("http://{}{path}", authority.text()).parse(),
        Manner::Plain | Manner::Upgrade => path.parse(),
    };
    next.map_err(|_| Refusal::Malformed)
}

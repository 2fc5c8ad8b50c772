//! Carrying an admitted request to its service, and the answer back.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, UPGRADE};
use hyper::upgrade::{OnUpgrade, on as upgrade_of};
use hyper::{Response, StatusCode, Version};
use hyper_util::rt::TokioIo;

use crate::backend::{Failure, Trouble};
use crate::body::Body;
use crate::connection::{Ticket, Visit};
use crate::guard::{Admitted, Manner, finish_response, keep_upgrade};
use crate::reply::{self, Taste};
use crate::status::Tally;

/// Carries `admitted` and returns the service's answer, or a page that says why there is none.
pub(crate) async fn carry(admitted: Admitted, visit: &Arc<Visit>, ticket: Ticket) -> Response<Body> {
    let (mut request, target, manner) = admitted.into_parts();
    let taste = taste(request.headers());
    let client = (manner == Manner::Upgrade).then(|| upgrade_of(&mut request));
    let wait = visit.desk.limits.connect_wait;
    let sent = visit
        .backends
        .send(&target.addresses, request, manner, wait)
        .await;
    let failure = match sent {
        Ok(answer) if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS => match client {
            Some(client) => return switch(answer.response, client, ticket),
            None => Failure {
                address: Some(answer.address),
                trouble: Trouble::Unasked,
            },
        },
        Ok(answer) => return pass_on(answer.response, ticket),
        Err(failure) => failure,
    };
    Tally::one_more(&visit.desk.status.tally.failed);
    reply::no_answer(&target, &failure, taste, ticket)
}

fn pass_on(mut response: Response<Incoming>, mut ticket: Ticket) -> Response<Body> {
    finish_response(response.headers_mut());
    // A service of HTTP/1.0 is nothing the client need know.
    *response.version_mut() = Version::HTTP_11;
    if is_event_stream(response.headers()) {
        ticket.make_endless();
    }
    response.map(|body| Body::of_service(body, ticket))
}

/// Both sides have agreed on another protocol: copy bytes both ways until both have ended.
fn switch(mut response: Response<Incoming>, client: OnUpgrade, mut ticket: Ticket) -> Response<Body> {
    let protocol = response.headers().get(UPGRADE).cloned();
    let service = upgrade_of(&mut response);
    finish_response(response.headers_mut());
    if let Some(protocol) = protocol {
        keep_upgrade(response.headers_mut(), protocol);
    }
    *response.version_mut() = Version::HTTP_11;
    ticket.make_endless();
    tokio::spawn(async move {
        // A side that fails ends the other: both are closed when this task ends.
        if let (Ok(client), Ok(service)) = tokio::join!(client, service) {
            let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
            let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
        }
        drop(ticket);
    });
    response.map(|_| Body::none())
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"))
}

fn taste(headers: &HeaderMap) -> Taste {
    let accepts_pages = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|accept| accept.to_str().ok())
        .any(|accept| accept.contains("text/html"));
    if accepts_pages { Taste::Page } else { Taste::Text }
}

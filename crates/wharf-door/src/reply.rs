//! The door's own answers.
//!
//! What a caller may read depends on what it has shown: before its host is known the body is constant and names
//! nothing, since under DNS rebinding the reader may be a foreign page.

use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use crate::backend::{Failure, Trouble};
use crate::body::Body;
use crate::connection::Ticket;
use crate::guard::Refusal;
use crate::{Hostname, Target};

/// Whether the client would rather see a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taste {
    Text,
    Page,
}

/// An answer to what the guard refused.
pub(crate) fn refuse(refusal: &Refusal, ticket: Ticket) -> Response<Body> {
    let (status, text) = match refusal {
        Refusal::Malformed => (
            StatusCode::BAD_REQUEST,
            "400: this request is malformed.\n".into(),
        ),
        Refusal::Connect => (
            StatusCode::METHOD_NOT_ALLOWED,
            "405: CONNECT is not carried.\n".into(),
        ),
        Refusal::Coding => (
            StatusCode::NOT_IMPLEMENTED,
            "501: this transfer coding is not carried.\n".into(),
        ),
        Refusal::Misdirected => (
            StatusCode::MISDIRECTED_REQUEST,
            "421: no such name here.\n".into(),
        ),
        Refusal::ForeignOrigin => (
            StatusCode::FORBIDDEN,
            "403: requests of this origin are not carried.\n".into(),
        ),
        Refusal::Loop(target) => (StatusCode::LOOP_DETECTED, explain_loop(target)),
    };
    answer(status, "text/plain; charset=utf-8", text, ticket)
}

/// An answer for a service that did not give one.
pub(crate) fn no_answer(target: &Target, failure: &Failure, taste: Taste, ticket: Ticket) -> Response<Body> {
    let status = match failure.trouble {
        Trouble::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    let service = &target.service;
    let what = format!("{service} (stack {}): {failure}.", target.stack);
    let hint = format!("wharf logs {service}");
    match taste {
        Taste::Text => {
            let text = format!("{}: {what}\nhint: {hint}\n", status.as_u16());
            answer(status, "text/plain; charset=utf-8", text, ticket)
        }
        Taste::Page => {
            let page = format!(
                "<!doctype html><html lang=en><meta charset=utf-8><title>{code} {service}</title>\
                 <style>body{{font:16px/1.5 system-ui;max-width:42em;margin:4em auto;padding:0 1em}}</style>\
                 <h1>{code}</h1><p>{what}</p><p>hint: <code>{hint}</code></p></html>\n",
                code = status.as_u16(),
                service = escape(service),
                what = escape(&what),
                hint = escape(&hint),
            );
            answer(status, "text/html; charset=utf-8", page, ticket)
        }
    }
}

fn explain_loop(target: &Target) -> String {
    let service = &target.service;
    let example = target
        .names
        .iter()
        .find(|name| name.first_label() != service)
        .map_or("the service you mean", Hostname::as_str);
    format!(
        "508: loop detected. This request keeps coming back to the door.\n\
         {service} (stack {}) seems to proxy to a name of the door, but leaves the Host of the request as it was, so \
         the door sends it to {service} again.\n\
         hint: let the proxy send the Host of its target ({example}): changeOrigin: true in Vite, webpack and http-proxy, \
         proxy_set_header Host $proxy_host in nginx; or proxy to the link's address from the environment instead.\n",
        target.stack,
    )
}

fn answer(status: StatusCode, media: &'static str, text: impl Into<Bytes>, ticket: Ticket) -> Response<Body> {
    let mut response = Response::new(Body::constant(text, ticket));
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, media),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

//! Whom an HTTP server trusts: what it does for names and origins that are none of its own.
//!
//! A page of any site can have the browser ask `http://127.0.0.1:3000`. What keeps the answer from it
//! is the browser's same-origin rule, which DNS rebinding defeats unless the server looks at Host, and
//! which does not hold for WebSockets unless the server looks at Origin. So both are tried, under names
//! that can be nobody's (RFC 6761, 6.4: `.invalid`).

use wharf_facts::{HttpFacts, Preflight, Reception, Seen, Spoken};

use super::exchange::{self, Exchange, Pace};
use super::line::leave;
use super::tls::{self, Handshake, Offer};
use super::visit::Visit;
use crate::page::{Answer, Request};
use crate::speech;

const FOREIGN_HOST: &str = "wharf.invalid";
const FOREIGN_ORIGIN: &str = "http://wharf.invalid";

/// Asks on a new connection, within TLS where that is spoken. `None` without an answer.
pub(super) async fn ask(visit: &mut Visit<'_>, request: &Request) -> Option<Answer> {
    let mut line = visit.connect().await.ok()?;
    let until = visit.until;
    let exchange = if visit.probe.protocol == Seen::Known(Spoken::Tls) {
        let name = tls::server_name(visit.target.name(), visit.target.address());
        let shaken = tokio::time::timeout_at(until, tls::shake(line, name, Offer::Http1)).await;
        let Ok(Handshake::Done(mut stream)) = shaken else {
            return None;
        };
        let exchange = exchange::ask(&mut stream, request, Pace::AtOnce, until, until).await;
        leave(*stream, b"", until).await;
        exchange
    } else {
        let exchange = exchange::ask(&mut line, request, Pace::AtOnce, until, until).await;
        leave(line, b"", until).await;
        exchange
    };
    match exchange {
        Exchange::Answer(answer) => Some(answer),
        Exchange::Other(_) | Exchange::Waiting | Exchange::Ended => None,
    }
}

/// Whether `answer` opened a WebSocket.
pub(super) fn is_websocket(answer: &Answer) -> bool {
    answer.status == 101 && answer.header("sec-websocket-accept").as_deref() == Some(speech::ACCEPTED)
}

/// Tries what a server should not trust, and adds to `facts` how it took it.
pub(super) async fn examine(visit: &mut Visit<'_>, facts: &mut HttpFacts) {
    let address = visit.target.address();
    let own_host = address.to_string();
    let scheme = match visit.probe.protocol {
        Seen::Known(Spoken::Tls) => "https",
        _ => "http",
    };
    let own = ask(visit, &Request::get("/", &own_host))
        .await
        .map(|answer| answer.status);
    let Some(own) = own else {
        return;
    };
    let foreign = Request::get("/", FOREIGN_HOST);
    facts.foreign_host = ask(visit, &foreign)
        .await
        .map_or_else(unanswered, |answer| taken(own, answer.status));

    let foreign = Request::get("/", &own_host).from(FOREIGN_ORIGIN);
    facts.foreign_origin = ask(visit, &foreign)
        .await
        .map_or_else(unanswered, |answer| Seen::Known(shared(&answer, FOREIGN_ORIGIN)));

    facts.foreign_websocket = websocket(visit, &own_host, scheme).await;

    if let Some(name) = visit.target.name() {
        let named = Request::get("/", &format!("{name}:{}", address.port()));
        facts.named_host = ask(visit, &named)
            .await
            .map_or_else(unanswered, |answer| taken(own, answer.status));
    }

    let port = address.port();
    let mut preflights = Vec::new();
    for origin in [
        format!("{scheme}://localhost:{port}"),
        format!("{scheme}://127.0.0.1:{port}"),
    ] {
        let request = Request::get("/", &own_host).from(&origin).preflight();
        if let Some(answer) = ask(visit, &request).await {
            let taken = shared(&answer, &origin);
            preflights.push(Preflight { origin, taken });
        }
    }
    if !preflights.is_empty() {
        facts.preflights = Seen::Known(preflights);
    }
}

/// From a foreign Origin; and where that fails, from its own, to see that there is one at all.
async fn websocket(visit: &mut Visit<'_>, own_host: &str, scheme: &str) -> Seen<Reception> {
    let upgrade = |origin: &str| Request::get("/", own_host).from(origin).websocket();
    let opens = |answer: Option<Answer>| answer.is_some_and(|answer| is_websocket(&answer));
    if opens(ask(visit, &upgrade(FOREIGN_ORIGIN)).await) {
        return Seen::Known(Reception::Accepted);
    }
    if opens(ask(visit, &upgrade(&format!("{scheme}://{own_host}"))).await) {
        return Seen::Known(Reception::Refused);
    }
    Seen::unknown("no WebSocket opens at / from its own Origin either")
}

fn unanswered() -> Seen<Reception> {
    Seen::unknown("it did not answer in time")
}

/// Taken as its own if the answer is of the same class as its own was.
fn taken(own: u16, status: u16) -> Seen<Reception> {
    Seen::Known(if status / 100 == own / 100 {
        Reception::Accepted
    } else {
        Reception::Refused
    })
}

/// Whether a page of `origin` may read `answer` (Fetch standard, CORS check).
fn shared(answer: &Answer, origin: &str) -> Reception {
    match answer.header("access-control-allow-origin").as_deref() {
        Some("*") => Reception::Accepted,
        Some(allowed) if allowed == origin => Reception::Accepted,
        _ => Reception::Refused,
    }
}

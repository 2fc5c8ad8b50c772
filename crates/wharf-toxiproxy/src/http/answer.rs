//! Requests, one after the other, and what they are answered.

use std::sync::mpsc::{Receiver, SyncSender};

use hyper::StatusCode;
use serde::Serialize;
use tokio::sync::oneshot;
use wharf_relay::Cut;

use super::route::Route;
use crate::carrier::{LinkView, Links};
use crate::metrics::{Metrics, metrics_text};
use crate::model::{Collection, Failure, Populated, Proxy};

/// The version that `/version` tells: the last release of Toxiproxy whose API has been compared with this one.
pub(crate) const VERSION: &str = "2.12.0";

/// An answer, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) kind: Kind,
    pub(crate) body: Vec<u8>,
}

/// What the body is, and so which headers go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    /// As Go's `http.Error` writes it: `text/plain`, and `nosniff`.
    Text,
    Version,
    Metrics,
    Html,
    /// No body, and no type.
    Empty,
    /// No body: go there.
    Redirect(String),
}

impl Answer {
    fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match to_json(value) {
            Ok(body) => Self {
                status,
                kind: Kind::Json,
                body,
            },
            Err(error) => Self::failure(&Failure::outside(error.to_string())),
        }
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            kind: Kind::Empty,
            body: Vec::new(),
        }
    }

    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self {
            status,
            kind: Kind::Text,
            body: format!("{text}\n").into_bytes(),
        }
    }

    fn failure(failure: &Failure) -> Self {
        let written = WrittenFailure::of(failure);
        let mut body = to_json(&written).unwrap_or_default();
        body.push(b'\n');
        Self {
            status: status_of(failure),
            kind: Kind::Text,
            body,
        }
    }

    /// What Go's `http.TimeoutHandler` says.
    pub(crate) fn timed_out() -> Self {
        let html = "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>";
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            kind: Kind::Html,
            body: html.into(),
        }
    }
}

#[derive(Serialize)]
struct WrittenFailure<'a> {
    error: &'a str,
    status: u16,
}

impl<'a> WrittenFailure<'a> {
    fn of(failure: &'a Failure) -> Self {
        Self {
            error: &failure.error,
            status: failure.status,
        }
    }
}

fn status_of(failure: &Failure) -> StatusCode {
    StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// JSON as Go writes it: what could end a script element is escaped. Outside of strings these characters do not occur.
fn to_json(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_string(value)?;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => escaped.push(other),
        }
    }
    Ok(escaped.into_bytes())
}

/// What is asked of the desk.
#[derive(Debug)]
pub(crate) enum Order {
    Request {
        route: Route,
        body: String,
        answer: oneshot::Sender<Answer>,
    },
    Views(SyncSender<Vec<LinkView>>),
    /// Cuts the link of a proxy, or heals it. Whether there is one.
    Cut(String, Option<Cut>, SyncSender<bool>),
}

/// Where the proxies are, and where requests are served one at a time, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) collection: Collection,
    pub(crate) links: Links,
    pub(crate) metrics: Metrics,
}

impl Desk {
    /// Serves until nobody can ask any more.
    pub(crate) fn run(mut self, orders: &Receiver<Order>) {
        for order in orders {
            match order {
                Order::Request { route, body, answer } => {
                    let given = self.answer(&route, &body);
                    // Who asked may have gone.
                    let _ = answer.send(given);
                }
                Order::Views(views) => {
                    let _ = views.send(self.links.views());
                }
                Order::Cut(proxy, cut, done) => {
                    let _ = done.send(self.links.cut(&proxy, cut));
                }
            }
        }
    }

    /// Does what is asked.
    pub(crate) fn answer(&mut self, route: &Route, body: &str) -> Answer {
        self.try_answer(route, body)
            .unwrap_or_else(|failure| Answer::failure(&failure))
    }

    fn try_answer(&mut self, route: &Route, body: &str) -> Result<Answer, Failure> {
        let Self {
            collection, links, ..
        } = self;
        const OK: StatusCode = StatusCode::OK;
        const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;
        Ok(match route {
            Route::Reset => {
                collection.reset(links)?;
                Answer::empty(NO_CONTENT)
            }
            Route::Proxies => Answer::json(OK, collection.all()),
            Route::CreateProxy => Answer::json(StatusCode::CREATED, collection.create(body, links)?),
            Route::Populate => populated(&collection.populate(body, links)),
            Route::Proxy(name) => Answer::json(OK, collection.get(name)?),
            Route::UpdateProxy(name) => Answer::json(OK, collection.update(name, body, links)?),
            Route::DeleteProxy(name) => {
                collection.delete(name, links)?;
                Answer::empty(NO_CONTENT)
            }
            Route::Toxics(proxy) => Answer::json(OK, &collection.get(proxy)?.toxics.listed()),
            Route::CreateToxic(proxy) => Answer::json(OK, &collection.add_toxic(proxy, body, links)?),
            Route::Toxic(proxy, toxic) => Answer::json(OK, collection.get(proxy)?.toxics.find(toxic)?),
            Route::UpdateToxic(proxy, toxic) => {
                Answer::json(OK, &collection.update_toxic(proxy, toxic, body, links)?)
            }
            Route::DeleteToxic(proxy, toxic) => {
                collection.remove_toxic(proxy, toxic, links)?;
                Answer::empty(NO_CONTENT)
            }
            Route::Version => Answer {
                status: OK,
                kind: Kind::Version,
                body: format!("{{\"version\": \"{VERSION}\"}}\n").into_bytes(),
            },
            Route::Metrics => Answer {
                status: OK,
                kind: Kind::Metrics,
                body: metrics_text(self.metrics, &mut self.links).into_bytes(),
            },
        })
    }
}

/// Unlike other errors, one of populate is JSON by its type as well, and has what was done before it.
fn populated(populated: &Populated) -> Answer {
    #[derive(Serialize)]
    struct Written<'a> {
        #[serde(flatten)]
        failure: Option<WrittenFailure<'a>>,
        proxies: Option<&'a [Proxy]>,
    }

    let status = populated.failure.as_ref().map_or(StatusCode::CREATED, status_of);
    let written = Written {
        failure: populated.failure.as_ref().map(WrittenFailure::of),
        // Go's nil.
        proxies: Some(populated.proxies.as_slice()).filter(|proxies| !proxies.is_empty()),
    };
    Answer::json(status, &written)
}

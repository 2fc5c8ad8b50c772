//! HTTP/1, read and not rewritten.
//!
//! Each client connection has one connection to the provider, dialled when the first request wants it. Two
//! directions run side by side. [`up`] finds where each request begins and ends, asks the rules, and passes the bytes on as they
//! came; for each request it leaves a note, and [`down`] finds the answer that belongs to it. So pipelining, header
//! case and order, chunk sizes, trailers, interim answers (100, 103), half-closes and the order of things are the
//! client's and the provider's own. What cannot be read is passed on unread.

mod down;
pub(crate) mod framing;
pub(crate) mod head;
mod io;
mod up;

use std::sync::Arc;

use tokio::io::{ReadHalf, split};
use tokio::sync::{Notify, mpsc, oneshot};

pub(crate) use head::Head;
pub(crate) use io::BUFFER;

use crate::desk::Desk;
use crate::rules::Rule;
use crate::wire::Wire;

/// What the way up tells the way down, in the order of the requests.
enum Note {
    /// Answers come from here.
    Provider(ReadHalf<Wire>),
    /// A request went to the provider.
    Exchange(Exchange),
    /// A rule answers.
    Answer(OwnAnswer),
    /// Nobody answers, because of a rule or because the provider cannot be reached.
    Drop(Option<Arc<Rule>>),
    /// What follows is not HTTP.
    Unread,
}

struct Exchange {
    method: String,
    rule: Option<Arc<Rule>>,
    /// Tells the way up whether the connection speaks another protocol from here on.
    switch: Option<oneshot::Sender<bool>>,
}

struct OwnAnswer {
    rule: Option<Arc<Rule>>,
    is_head: bool,
    minor: u8,
    keeps_alive: bool,
}

/// The connection is over, one way or another. Its wires say how: see [`Wire`].
#[derive(Debug)]
struct Broken;

impl From<std::io::Error> for Broken {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl From<mpsc::error::SendError<Note>> for Broken {
    fn from(_: mpsc::error::SendError<Note>) -> Self {
        Self
    }
}

/// Carries one connection to its end.
pub(crate) async fn carry(client: Wire, desk: &Desk) {
    let (reader, writer) = split(client);
    let (notes, inbox) = mpsc::channel(usize::from(desk.limits.requests.max(1)));
    let client_ended = Notify::new();
    let up = up::Up::new(reader, notes, &client_ended, desk).run();
    let down = down::Down::new(writer, inbox, &client_ended, desk).run();
    // Either direction may end the connection; an orderly end needs both.
    let _ = tokio::try_join!(up, down);
}

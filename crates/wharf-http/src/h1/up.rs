//! Requests: from the client to the provider, or to nobody.

use std::sync::Arc;

use tokio::io::{ReadHalf, split};
use tokio::sync::{Notify, mpsc, oneshot};

use super::framing::{BodyReader, Piece};
use super::head::{Framing, Parsed, RequestHead};
use super::io::{Reader, Writer};
use super::{Broken, Exchange, Note, OwnAnswer};
use crate::desk::Desk;
use crate::rules::{Answer, Rule};
use crate::stats::Tally;
use crate::tls::Speech;
use crate::wire::Wire;

/// The direction towards the provider.
pub(super) struct Up<'a> {
    client: Reader,
    provider: Option<Writer>,
    notes: mpsc::Sender<Note>,
    client_ended: &'a Notify,
    desk: &'a Desk,
}

/// How this direction goes on behind a request.
enum Next {
    Request,
    /// What follows is not HTTP.
    Unread,
    /// What follows is a tunnel's, or of a body that nobody can read.
    Tunnel,
    /// The client has ended.
    Ended,
    /// The other direction brings the connection to its end: because it was told so, or because the
    /// provider takes nothing any more, and what it said last or how it broke is found there.
    Hush,
}

impl<'a> Up<'a> {
    pub(super) fn new(
        client: ReadHalf<Wire>,
        notes: mpsc::Sender<Note>,
        client_ended: &'a Notify,
        desk: &'a Desk,
    ) -> Self {
        Self {
            client: Reader::new(client),
            provider: None,
            notes,
            client_ended,
            desk,
        }
    }

    pub(super) async fn run(mut self) -> Result<(), Broken> {
        loop {
            match self.request().await? {
                Next::Request => {}
                Next::Unread => {
                    Tally::one_more(&self.desk.tally.unread);
                    if !self.reach_provider().await? {
                        return self.hush().await;
                    }
                    self.tell(Note::Unread).await?;
                    return self.copy_rest().await;
                }
                Next::Tunnel => return self.copy_rest().await,
                Next::Ended => return self.end().await,
                Next::Hush => return self.hush().await,
            }
        }
    }

    async fn request(&mut self) -> Result<Next, Broken> {
        let request = loop {
            match RequestHead::take(&mut self.client.buffer) {
                Parsed::Whole(request) => break request,
                Parsed::Partial if self.client.buffer.len() <= self.desk.limits.head => {}
                Parsed::Partial | Parsed::Foreign => return Ok(Next::Unread),
            }
            if self.client.fill().await? == 0 {
                let is_between = self.client.buffer.is_empty();
                return Ok(if is_between { Next::Ended } else { Next::Unread });
            }
        };
        Tally::one_more(&self.desk.tally.requests);
        let rule = self.desk.rules().decide(request.ask());
        match rule.as_deref().map(|rule| &rule.answer) {
            None | Some(Answer::Provider) => self.forward(request, rule).await,
            Some(Answer::Own(..)) => self.answer(&request, rule).await,
            Some(Answer::Nobody(_)) => {
                Tally::one_more(&self.desk.tally.dropped);
                self.tell(Note::Drop(rule)).await?;
                Ok(Next::Hush)
            }
        }
    }

    /// Has a rule answer. The body is taken first, as a server does that reads what it is sent.
    async fn answer(&mut self, request: &RequestHead, rule: Option<Arc<Rule>>) -> Result<Next, Broken> {
        let mut own = OwnAnswer {
            rule,
            is_head: request.method == "HEAD",
            minor: request.minor,
            keeps_alive: request.keeps_alive,
        };
        // Whether a client that expects `100 Continue` still sends its body is up to it (RFC 9110 section
        // 10.1.1), so the connection is of no use afterwards.
        if request.expects && request.framing != Framing::Length(0) {
            own.keeps_alive = false;
        } else {
            let mut body = BodyReader::new(request.framing);
            loop {
                match body.next(&self.client.buffer) {
                    Piece::Data(length) | Piece::Frame(length) => drop(self.client.buffer.split_to(length)),
                    Piece::End => break,
                    Piece::More if self.client.fill().await? > 0 => {}
                    Piece::More | Piece::Garbled => {
                        own.keeps_alive = false;
                        break;
                    }
                }
            }
        }
        let keeps_alive = own.keeps_alive;
        self.tell(Note::Answer(own)).await?;
        Ok(if keeps_alive { Next::Request } else { Next::Hush })
    }

    async fn forward(&mut self, request: RequestHead, rule: Option<Arc<Rule>>) -> Result<Next, Broken> {
        if !self.reach_provider().await? {
            return Ok(Next::Hush);
        }
        let Some(provider) = &mut self.provider else {
            return Err(Broken);
        };
        let changes = rule
            .as_ref()
            .map(|rule| &rule.request)
            .filter(|changes| !changes.is_empty());
        let changed = changes.map(|changes| changes.rewrite(&request.head));
        let (switch, verdict) = match request.may_switch {
            true => Some(oneshot::channel()).unzip(),
            false => (None, None),
        };
        let exchange = Exchange {
            method: request.method,
            rule,
            switch,
        };
        // Told before it is sent: an answer never comes before its exchange.
        self.notes.send(Note::Exchange(exchange)).await?;
        let head = changed.as_deref().unwrap_or(request.head.bytes());
        if provider.push(head).await.is_err() {
            return Ok(Next::Hush);
        }
        let next = self.forward_body(request.framing).await?;
        match (next, verdict) {
            (Next::Request, Some(verdict)) => self.await_switch(verdict).await,
            (next, _) => Ok(next),
        }
    }

    async fn forward_body(&mut self, framing: Framing) -> Result<Next, Broken> {
        let Some(provider) = &mut self.provider else {
            return Err(Broken);
        };
        let mut body = BodyReader::new(framing);
        loop {
            let written = match body.next(&self.client.buffer) {
                Piece::Data(length) | Piece::Frame(length) => {
                    provider.push(&self.client.buffer.split_to(length)).await
                }
                Piece::More => {
                    let flushed = provider.flush().await;
                    if flushed.is_ok() && self.client.fill().await? == 0 {
                        return Ok(Next::Ended);
                    }
                    flushed
                }
                Piece::End => {
                    let flushed = provider.flush().await;
                    return Ok(if flushed.is_ok() {
                        Next::Request
                    } else {
                        Next::Hush
                    });
                }
                Piece::Garbled => {
                    Tally::one_more(&self.desk.tally.unread);
                    return Ok(Next::Tunnel);
                }
            };
            if written.is_err() {
                return Ok(Next::Hush);
            }
        }
    }

    /// Waits until the other direction knows whether the provider has switched to another protocol: until
    /// then nobody can say what the client's next bytes are.
    async fn await_switch(&mut self, mut verdict: oneshot::Receiver<bool>) -> Result<Next, Broken> {
        let mut is_open = true;
        loop {
            let has_room = self.client.buffer.len() < super::BUFFER;
            tokio::select! {
                switched = &mut verdict => {
                    return Ok(if switched.map_err(|_| Broken)? { Next::Tunnel } else { Next::Request });
                }
                filled = self.client.fill(), if is_open && has_room => is_open = filled? > 0,
            }
            // A client that gives up while it waits is a client that has ended.
            if !is_open && self.client.buffer.is_empty() {
                self.end_provider().await;
            }
        }
    }

    /// Dials the provider if that has not been done. `false`: it cannot be reached, and the client will be reset behind the
    /// answers that it is still owed.
    async fn reach_provider(&mut self) -> Result<bool, Broken> {
        if self.provider.is_some() {
            return Ok(true);
        }
        let Ok(wire) = self.desk.dial(Speech::Http1).await else {
            self.tell(Note::Drop(None)).await?;
            return Ok(false);
        };
        let (reader, writer) = split(wire);
        self.provider = Some(Writer::new(writer));
        self.tell(Note::Provider(reader)).await?;
        Ok(true)
    }

    async fn copy_rest(mut self) -> Result<(), Broken> {
        loop {
            if let Some(provider) = &mut self.provider {
                let bytes = self.client.buffer.split();
                if provider.push(&bytes).await.is_err() || provider.flush().await.is_err() {
                    return self.hush().await;
                }
            }
            if self.client.fill().await? == 0 {
                return self.end().await;
            }
        }
    }

    async fn end(mut self) -> Result<(), Broken> {
        self.end_provider().await;
        Ok(())
    }

    async fn end_provider(&mut self) {
        self.client_ended.notify_one();
        if let Some(provider) = &mut self.provider {
            // If it is gone the other direction hears of it.
            let _ = provider.end().await;
        }
    }

    /// Takes what still comes and does nothing with it: a socket that is closed with bytes unread resets, and
    /// might take the last answer along (RFC 9112 section 9.6).
    async fn hush(mut self) -> Result<(), Broken> {
        while self.client.fill().await? > 0 {
            self.client.buffer.clear();
        }
        self.end().await
    }

    async fn tell(&self, note: Note) -> Result<(), Broken> {
        Ok(self.notes.send(note).await?)
    }
}

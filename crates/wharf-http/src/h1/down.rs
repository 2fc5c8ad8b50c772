//! Answers: from the provider, or of a rule's own, to the client.

use bytes::{Bytes, BytesMut};
use tokio::io::WriteHalf;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Duration, sleep};

use super::framing::{BodyReader, Piece};
use super::head::{Framing, Parsed, ResponseHead};
use super::io::{Reader, Writer};
use super::{Broken, Exchange, Note, OwnAnswer};
use crate::desk::Desk;
use crate::pace::{Pace, Step};
use crate::rules::{Answer, EndManner, Rule, Shape, has_no_body};
use crate::stats::Tally;
use crate::wire::Wire;

/// How long a client that was told the end may take to see it.
const FAREWELL: Duration = Duration::from_secs(2);

/// The direction towards the client.
pub(super) struct Down<'a> {
    provider: Option<Reader>,
    client: Writer,
    notes: mpsc::Receiver<Note>,
    client_ended: &'a Notify,
    desk: &'a Desk,
}

/// How this direction goes on behind an answer.
enum Next {
    Note,
    /// Whatever the provider sends is passed on.
    Unread,
    /// The provider has ended.
    Ended,
}

impl<'a> Down<'a> {
    pub(super) fn new(
        client: WriteHalf<Wire>,
        notes: mpsc::Receiver<Note>,
        client_ended: &'a Notify,
        desk: &'a Desk,
    ) -> Self {
        Self {
            provider: None,
            client: Writer::new(client),
            notes,
            client_ended,
            desk,
        }
    }

    pub(super) async fn run(mut self) -> Result<(), Broken> {
        loop {
            let next = match self.note().await? {
                Some(Note::Provider(half)) => {
                    self.provider = Some(Reader::new(half));
                    Next::Note
                }
                Some(Note::Exchange(exchange)) => self.exchange(exchange).await?,
                Some(Note::Answer(own)) => self.answer(own).await?,
                Some(Note::Drop(rule)) => {
                    if let Some(rule) = rule {
                        self.delay(&rule).await?;
                    }
                    return Err(Broken);
                }
                // No more requests come; the provider may still have something to say.
                Some(Note::Unread) | None => Next::Unread,
            };
            match next {
                Next::Note => {}
                Next::Unread => return self.copy_rest().await,
                Next::Ended => return self.end().await,
            }
        }
    }

    /// The next note. Meanwhile what the provider says unasked is passed on: its end, or a 408.
    async fn note(&mut self) -> Result<Option<Note>, Broken> {
        loop {
            let Some(provider) = &mut self.provider else {
                return Ok(self.notes.recv().await);
            };
            tokio::select! {
                biased;
                note = self.notes.recv() => return Ok(note),
                filled = provider.fill() => if filled? == 0 {
                    return Ok(Some(Note::Unread));
                },
            }
            // An answer that came with its note.
            match self.notes.try_recv() {
                Ok(note) => return Ok(Some(note)),
                Err(_) => {
                    let bytes = provider.buffer.split();
                    self.client.push(&bytes).await?;
                    self.client.flush().await?;
                }
            }
        }
    }

    async fn exchange(&mut self, exchange: Exchange) -> Result<Next, Broken> {
        let Some(provider) = &mut self.provider else {
            return Err(Broken);
        };
        let answer = loop {
            match ResponseHead::take(&mut provider.buffer) {
                Parsed::Whole(answer) if answer.status < 200 && !answer.switches(&exchange.method) => {
                    self.client.push(answer.head.bytes()).await?;
                    self.client.flush().await?;
                    continue;
                }
                Parsed::Whole(answer) => break answer,
                Parsed::Partial if provider.buffer.len() <= self.desk.limits.head => {}
                Parsed::Partial | Parsed::Foreign => {
                    Tally::one_more(&self.desk.tally.unread);
                    return Ok(Next::Unread);
                }
            }
            if provider.fill().await? == 0 {
                return Ok(Next::Unread);
            }
        };
        let mut head = answer.head.bytes().clone();
        let mut shape = Shape::default();
        if let Some(rule) = &exchange.rule {
            self.delay(rule).await?;
            shape = rule.shape;
            if !rule.response.is_empty() {
                head = rule.response.rewrite(&answer.head).freeze();
            }
        }
        self.client.push(&head).await?;
        let switches = answer.switches(&exchange.method);
        // If the other direction is gone, so is the client, which this one will find out.
        exchange.switch.map(|switch| switch.send(switches));
        if switches {
            return Ok(Next::Unread);
        }
        self.body(answer.framing(&exchange.method), shape).await
    }

    async fn body(&mut self, framing: Framing, shape: Shape) -> Result<Next, Broken> {
        let mut body = BodyReader::new(framing);
        let mut pace = Pace::new(shape);
        loop {
            let Some(provider) = &mut self.provider else {
                return Err(Broken);
            };
            match body.next(&provider.buffer) {
                Piece::Frame(length) => self.client.push(&provider.buffer.split_to(length)).await?,
                Piece::Data(length) => {
                    let data = provider.buffer.split_to(length);
                    match shape.is_plain() {
                        true => self.client.push(&data).await?,
                        false => self.shaped(data, &mut pace).await?,
                    }
                }
                Piece::More => {
                    self.client.flush().await?;
                    if provider.fill().await? == 0 {
                        return Ok(Next::Ended);
                    }
                }
                Piece::End => {
                    self.client.flush().await?;
                    return Ok(Next::Note);
                }
                Piece::Garbled => {
                    Tally::one_more(&self.desk.tally.unread);
                    return Ok(Next::Unread);
                }
            }
        }
    }

    /// Payload under a rule. Does not return if the rule ends it.
    async fn shaped(&mut self, mut data: BytesMut, pace: &mut Pace) -> Result<(), Broken> {
        self.client.flush().await?;
        while !data.is_empty() {
            match pace.step(data.len()).await {
                Step::Pass(length) => {
                    let length = length.min(data.len());
                    self.client.push(&data.split_to(length)).await?;
                    self.client.flush().await?;
                }
                Step::End(EndManner::Truncate) => {
                    Tally::one_more(&self.desk.tally.truncated);
                    return self.farewell().await;
                }
                Step::End(EndManner::Stall) => {
                    Tally::one_more(&self.desk.tally.stalled);
                    tokio::select! {
                        () = sleep(self.desk.limits.stall) => {}
                        () = self.client_ended.notified() => {}
                    }
                    return self.farewell().await;
                }
            }
        }
        Ok(())
    }

    async fn answer(&mut self, own: OwnAnswer) -> Result<Next, Broken> {
        let Some(rule) = &own.rule else {
            return Err(Broken);
        };
        let Answer::Own(status, text) = &rule.answer else {
            return Err(Broken);
        };
        self.delay(rule).await?;
        Tally::one_more(&self.desk.tally.answered);
        let reason = status.canonical_reason().unwrap_or("");
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16());
        if !has_no_body(*status) {
            head.push_str(&format!("Content-Length: {}\r\n", text.len()));
        }
        match (own.keeps_alive, own.minor) {
            (true, 0) => head.push_str("Connection: keep-alive\r\n"),
            (false, 1) => head.push_str("Connection: close\r\n"),
            _ => {}
        }
        head.push_str("\r\n");
        let head = Bytes::from(head);
        let head = match ResponseHead::take(&mut BytesMut::from(head.as_ref())) {
            Parsed::Whole(answer) if !rule.response.is_empty() => {
                rule.response.rewrite(&answer.head).freeze()
            }
            _ => head,
        };
        self.client.push(&head).await?;
        if !own.is_head {
            let body = BytesMut::from(text.as_bytes());
            self.shaped(body, &mut Pace::new(rule.shape)).await?;
        }
        self.client.flush().await?;
        if !own.keeps_alive {
            self.farewell().await?;
        }
        Ok(Next::Note)
    }

    async fn delay(&mut self, rule: &Rule) -> Result<(), Broken> {
        if let Some(delay) = rule.delay {
            // What came before is not held back.
            self.client.flush().await?;
            Tally::one_more(&self.desk.tally.delayed);
            sleep(delay.duration()).await;
        }
        Ok(())
    }

    /// Passes on what nobody reads, while the other direction may still see requests in what it passes on.
    async fn copy_rest(mut self) -> Result<(), Broken> {
        let mut is_open = true;
        loop {
            let Some(provider) = &mut self.provider else {
                return self.end().await;
            };
            let bytes = provider.buffer.split();
            self.client.push(&bytes).await?;
            self.client.flush().await?;
            tokio::select! {
                note = self.notes.recv(), if is_open => match note {
                    // Where an answer of our own would have its place, nobody knows.
                    Some(Note::Answer(_) | Note::Drop(_)) => return Err(Broken),
                    Some(Note::Exchange(exchange)) => {
                        // If the other direction is gone, so is the client, which this one will find out.
                        exchange.switch.map(|switch| switch.send(true));
                    }
                    Some(Note::Provider(_) | Note::Unread) => {}
                    None => is_open = false,
                },
                filled = provider.fill() => if filled? == 0 {
                    return self.end().await;
                },
            }
        }
    }

    /// The provider has ended: so has this direction. The other one goes on until the client ends.
    async fn end(mut self) -> Result<(), Broken> {
        Ok(self.client.end().await?)
    }

    /// Ends the connection towards the client in order, gives it time to see that, and breaks the rest off.
    async fn farewell(&mut self) -> Result<(), Broken> {
        self.client.end().await?;
        tokio::select! {
            () = sleep(FAREWELL) => {}
            () = self.client_ended.notified() => {}
        }
        Err(Broken)
    }
}

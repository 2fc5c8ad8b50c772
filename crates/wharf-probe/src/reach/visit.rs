//! One listener, from the first connection to what is known of it.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;
use wharf_facts::{Connect, Probe, Protocol, Seen, Silence, Spoken};

use super::datagram;
use super::exchange::{self, Exchange, Pace};
use super::http2::{self, Http2};
use super::line::{Allowance, Heard, Line, hear, leave};
use super::tls::{self, Handshake, Offer};
use crate::page::{self, Request};
use crate::plan::BYTES;
use crate::speech::{self, Opening, Verdict};
use crate::{Plan, Target};

/// What is kept of the budget for closing.
pub(super) const PARTING: Duration = Duration::from_millis(10);

/// A probe on its way.
pub(super) struct Visit<'a> {
    pub(super) target: &'a Target,
    pub(super) plan: &'a Plan,
    /// When everything must have been said.
    pub(super) until: Instant,
    connections: usize,
    allowance: Allowance,
    /// A connection on which nothing was said yet.
    idle: Option<Line>,
    /// A connection on which a page was asked for, and did not come yet.
    pub(super) late: Option<Line>,
    pub(super) probe: Probe,
}

/// How to go on.
pub(super) enum Next {
    /// Try the next opening.
    Other,
    /// It showed itself to want this one.
    Then(Opening),
    /// All is known that will be.
    Done,
}

/// Probes `target` until then.
pub(super) async fn visit(target: &Target, plan: &Plan, until: Instant) -> Probe {
    let mut visit = Visit {
        target,
        plan,
        until: until.checked_sub(PARTING).unwrap_or(until),
        connections: plan.connections(),
        allowance: Allowance::of(BYTES),
        idle: None,
        late: None,
        probe: blank(target, Connect::Accepted),
    };
    if let Some(why) = plan.withheld(target.guess()) {
        visit.probe.connect = Connect::NotTried(why);
        return visit.probe;
    }
    if target.protocol() == Protocol::Udp {
        return datagram::visit(target, plan, until).await;
    }
    visit.connect_first().await;
    if visit.idle.is_some() {
        visit.converse().await;
    }
    visit.probe
}

/// A probe of which nothing is known yet.
pub(super) fn blank(target: &Target, connect: Connect) -> Probe {
    Probe {
        address: target.address(),
        name: target.name().map(str::to_owned),
        connect,
        connect_us: Seen::default(),
        silence: Seen::default(),
        protocol: Seen::default(),
        alpn: None,
        banner: None,
        http: None,
        certificate: None,
    }
}

impl Visit<'_> {
    async fn connect_first(&mut self) {
        let begun = Instant::now();
        let line = self.connect().await;
        let took = begun.elapsed();
        self.probe.connect = match line {
            Ok(line) => {
                self.idle = Some(line);
                Connect::Accepted
            }
            // A reset, and not a refusal: it had been accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                self.ended(Silence::Reset);
                Connect::Accepted
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Connect::Refused,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Connect::TimedOut(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
            }
            Err(error) => Connect::Failed(error.to_string()),
        };
        if matches!(self.probe.connect, Connect::Accepted | Connect::Refused) {
            self.probe.connect_us = Seen::Known(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// Another connection, if one may be made.
    pub(super) async fn connect(&mut self) -> io::Result<Line> {
        if self.connections == 0 {
            return Err(io::Error::other("no more connections are made to one listener"));
        }
        self.connections -= 1;
        Line::open(self.target.address(), self.until, &self.allowance).await
    }

    async fn line(&mut self) -> Option<Line> {
        match self.idle.take() {
            Some(line) => Some(line),
            None => self.connect().await.ok(),
        }
    }

    async fn converse(&mut self) {
        for (opening, patience) in speech::openings(self.target.guess()) {
            let mut next = self.begin(opening, patience).await;
            if let Next::Then(opening) = next {
                next = self.begin(opening, patience).await;
            }
            match next {
                Next::Other if Instant::now() < self.until => {}
                Next::Other => break,
                Next::Then(_) | Next::Done => return self.close().await,
            }
        }
        if let Some(mut line) = self.late.take() {
            let answer = exchange::listen(&mut line, Vec::new(), self.until, self.until).await;
            if let Exchange::Answer(answer) = answer {
                leave(line, b"", self.until + PARTING).await;
                self.page("/", &answer).await;
            }
        }
        if !self.probe.protocol.is_known() {
            self.probe.protocol = Seen::Known(Spoken::Silent);
        }
        self.close().await;
    }

    /// Leaves the connections that are still there.
    async fn close(&mut self) {
        for line in [self.idle.take(), self.late.take()].into_iter().flatten() {
            leave(line, b"", self.until + PARTING).await;
        }
    }

    async fn begin(&mut self, opening: Opening, patience: Duration) -> Next {
        let Some(line) = self.line().await else {
            return Next::Other;
        };
        let by = self.until.min(Instant::now() + self.plan.share(patience));
        match opening {
            Opening::Listen => self.listen(line, by).await,
            Opening::Http => self.ask_page(line, by).await,
            Opening::Tls => self.shake(line, by).await,
            Opening::Http2 => self.ask_http2(line, by).await,
            Opening::Say(bytes) => self.say(line, bytes, by).await,
        }
    }

    /// Waits for those who speak first.
    async fn listen(&mut self, mut line: Line, by: Instant) -> Next {
        let mut said = Vec::new();
        loop {
            let heard = hear(&mut line, by, &mut said).await;
            if !said.is_empty() {
                self.probe.silence = Seen::Known(Silence::Spoke);
            }
            if let Some(verdict) = speech::recognise(&said) {
                return self.follow(line, verdict).await;
            }
            match heard {
                Heard::More => {}
                Heard::Nothing if said.is_empty() => {
                    self.probe.silence = Seen::Known(Silence::Waited);
                    self.idle = Some(line);
                    return Next::Other;
                }
                Heard::Nothing => {
                    self.stranger(&said);
                    leave(line, b"", self.until + PARTING).await;
                    return Next::Done;
                }
                Heard::Closed | Heard::Broken => {
                    if said.is_empty() {
                        let is_reset = heard == Heard::Broken;
                        self.probe.silence =
                            Seen::Known(if is_reset { Silence::Reset } else { Silence::Closed });
                        self.probe.protocol = Seen::unknown("it closed before anything was said");
                    } else {
                        self.stranger(&said);
                    }
                    return Next::Done;
                }
            }
        }
    }

    /// It ended the connection before anything was said.
    fn ended(&mut self, how: Silence) {
        self.probe.silence = Seen::Known(how);
        self.probe.protocol = Seen::unknown("it closed before anything was said");
    }

    /// It said something that no protocol here begins with.
    fn stranger(&mut self, said: &[u8]) {
        self.probe.banner = speech::line(said);
        self.probe.protocol = Seen::unknown("it spoke first, in a protocol that is not known here");
    }

    /// Says these bytes, and holds the answer against every protocol.
    async fn say(&mut self, mut line: Line, bytes: &[u8], by: Instant) -> Next {
        if line.write_all(bytes).await.is_err() {
            return Next::Other;
        }
        let mut said = Vec::new();
        loop {
            let heard = hear(&mut line, by, &mut said).await;
            if let Some(verdict) = speech::recognise(&said) {
                return self.follow(line, verdict).await;
            }
            match heard {
                Heard::More => {}
                Heard::Nothing => {
                    leave(line, b"", self.until + PARTING).await;
                    return Next::Other;
                }
                Heard::Closed | Heard::Broken => return Next::Other,
            }
        }
    }

    /// Takes the verdict, or goes on with whom it shows.
    pub(super) async fn follow(&mut self, line: Line, verdict: Verdict) -> Next {
        leave(line, verdict.farewell, self.until + PARTING).await;
        self.probe.banner = verdict.says;
        let next = match verdict.spoken {
            Spoken::Http => Next::Then(Opening::Http),
            Spoken::Tls => Next::Then(Opening::Tls),
            Spoken::H2c => Next::Then(Opening::Http2),
            _ => Next::Done,
        };
        self.probe.protocol = Seen::Known(verdict.spoken);
        next
    }

    async fn ask_http2(&mut self, line: Line, by: Instant) -> Next {
        let by = if self.probe.protocol.is_known() {
            self.until
        } else {
            by
        };
        match http2::ask(line, "http", &self.target.host(), by).await {
            Http2::Grpc => self.probe.protocol = Seen::Known(Spoken::Grpc),
            Http2::Mute => self.probe.protocol = Seen::Known(Spoken::H2c),
            Http2::Page(answer) => {
                self.probe.protocol = Seen::Known(Spoken::H2c);
                self.probe.http = Some(page::facts("/", &answer));
            }
            Http2::Not => return Next::Other,
        }
        Next::Done
    }

    async fn shake(&mut self, line: Line, by: Instant) -> Next {
        // Handshakes take the other side's processor: one that has begun may go on.
        let by = if self.probe.protocol.is_known() {
            self.until
        } else {
            by
        };
        let name = tls::server_name(self.target.name(), self.target.address());
        match timeout_at(by, tls::shake(line, name.clone(), Offer::Any)).await {
            Ok(Handshake::Done(stream)) => {
                self.probe.protocol = Seen::Known(Spoken::Tls);
                let (_, session) = stream.get_ref();
                let chain = session.peer_certificates().unwrap_or_default().to_vec();
                self.probe.alpn = session.alpn_protocol().and_then(speech::line);
                self.within(*stream).await;
                // Last: the system's trust store takes a while to read, and nobody waits for it.
                self.probe.certificate = tls::certificate(&chain, &name);
                Next::Done
            }
            Ok(Handshake::Refused(why)) => {
                self.probe.protocol = Seen::Known(Spoken::Tls);
                self.probe.banner = Some(speech::plain(&why));
                Next::Done
            }
            Ok(Handshake::Not) | Err(_) => Next::Other,
        }
    }

    /// Asks for a page within TLS.
    async fn within(&mut self, mut stream: TlsStream<Line>) {
        let host = self.target.host();
        if self.probe.alpn.as_deref() == Some("h2") {
            match http2::ask(stream, "https", &host, self.until).await {
                Http2::Page(answer) => self.http(page::facts("/", &answer)).await,
                Http2::Grpc => self.probe.banner = Some("gRPC".to_owned()),
                Http2::Mute | Http2::Not => {}
            }
            return;
        }
        let request = Request::get("/", &host);
        match exchange::ask(&mut stream, &request, Pace::AtOnce, self.until, self.until).await {
            Exchange::Answer(answer) => {
                leave(stream, b"", self.until + PARTING).await;
                self.http(page::facts("/", &answer)).await;
            }
            Exchange::Other(said) => {
                self.probe.banner = speech::recognise(&said).and_then(|verdict| verdict.says)
            }
            Exchange::Waiting => leave(stream, b"", self.until + PARTING).await,
            Exchange::Ended => {}
        }
    }
}

//! One listener, from the first connection to what is known of it.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;
use wharf_facts::{Connect, HttpFacts, Probe, Seen, Silence, Spoken};

use super::exchange::{self, Exchange, Pace};
use super::http2::{self, Http2};
use super::line::{Allowance, Heard, Line, hear, leave};
use super::tls::{self, Handshake, Offer};
use super::trust;
use crate::page::{self, Answer, Hint, Request};
use crate::plan::BYTES;
use crate::speech::{self, Opening, Verdict};
use crate::{Curiosity, Plan, Target};

/// What is kept of the budget for closing.
const PARTING: Duration = Duration::from_millis(10);

/// A probe on its way.
pub(super) struct Visit<'a> {
    pub(super) target: &'a Target,
    plan: &'a Plan,
    /// When everything must have been said.
    pub(super) until: Instant,
    connections: usize,
    allowance: Allowance,
    /// A connection on which nothing was said yet.
    idle: Option<Line>,
    /// A connection on which a page was asked for, and did not come yet.
    late: Option<Line>,
    pub(super) probe: Probe,
}

/// How to go on.
enum Next {
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
        until: until - PARTING,
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
    visit.connect_first().await;
    if visit.probe.connect == Connect::Accepted {
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
            let answer = exchange::listen(&mut line, self.until, self.until).await;
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
        let by = self.until.min(Instant::now() + patience);
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
    async fn follow(&mut self, line: Line, verdict: Verdict) -> Next {
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

    async fn ask_page(&mut self, mut line: Line, by: Instant) -> Next {
        let (path, pace) = match self.target.guess().and_then(|guess| guess.spoken.known()) {
            Some(Spoken::Docker) => (DOCKER, Pace::AtOnce),
            Some(Spoken::Inspector | Spoken::Devtools) => (INSPECTOR, Pace::AtOnce),
            Some(Spoken::Http | Spoken::Websocket) => ("/", Pace::AtOnce),
            _ => ("/", Pace::FirstLine),
        };
        let request = Request::get(path, &self.target.host());
        match exchange::ask(&mut line, &request, pace, by, self.until).await {
            Exchange::Answer(answer) => {
                leave(line, b"", self.until + PARTING).await;
                self.page(path, &answer).await
            }
            Exchange::Other(said) => match speech::recognise(&said) {
                Some(verdict) => self.follow(line, verdict).await,
                None => Next::Other,
            },
            Exchange::Waiting => {
                self.late = Some(line);
                Next::Other
            }
            Exchange::Ended => Next::Other,
        }
    }

    /// Judges an answer, and asks on where it hints at more.
    async fn page(&mut self, path: &'static str, answer: &Answer) -> Next {
        if self.special(path, answer) {
            return Next::Done;
        }
        self.probe.protocol = Seen::Known(Spoken::Http);
        let hint = page::hint(answer);
        match hint {
            Some(Hint::Is(spoken)) => {
                self.probe.protocol = Seen::Known(spoken);
                return Next::Done;
            }
            Some(Hint::WantsTls) => return Next::Then(Opening::Tls),
            Some(Hint::MayInspect) => self.ask_special(INSPECTOR).await,
            Some(Hint::MayBeDocker) => self.ask_special(DOCKER).await,
            Some(Hint::WantsWebsocket) => {
                let request = Request::get("/", &self.target.host()).websocket();
                if let Some(answer) = trust::ask(self, &request).await
                    && trust::is_websocket(&answer)
                {
                    self.probe.protocol = Seen::Known(Spoken::Websocket);
                }
            }
            None => {}
        }
        // A special page of a server that turned out to be an ordinary one says little of it.
        let root = if path == "/" {
            None
        } else {
            trust::ask(self, &Request::get("/", &self.target.host())).await
        };
        let facts = root.map_or_else(|| page::facts(path, answer), |root| page::facts("/", &root));
        self.http(facts).await;
        Next::Done
    }

    /// Takes `answer` for a debugger's or Docker's, if it is one.
    fn special(&mut self, path: &str, answer: &Answer) -> bool {
        let found = match path {
            INSPECTOR => page::inspector(answer),
            DOCKER => page::docker(answer).map(|says| (Spoken::Docker, says)),
            _ => None,
        };
        let Some((spoken, says)) = found else {
            return false;
        };
        self.probe.protocol = Seen::Known(spoken);
        self.probe.banner = Some(says);
        self.probe.http = Some(page::facts(path, answer));
        true
    }

    async fn ask_special(&mut self, path: &'static str) {
        let request = Request::get(path, &self.target.host());
        if let Some(answer) = trust::ask(self, &request).await {
            self.special(path, &answer);
        }
    }

    /// Keeps what a page says, and asks whom it trusts if that is of interest.
    async fn http(&mut self, mut facts: HttpFacts) {
        if self.plan.curiosity == Curiosity::Trust {
            trust::examine(self, &mut facts).await;
        }
        self.probe.http.get_or_insert(facts);
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
                self.probe.certificate = session
                    .peer_certificates()
                    .and_then(|chain| tls::certificate(chain, &name));
                self.probe.alpn = session.alpn_protocol().and_then(speech::line);
                self.within(*stream).await;
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

/// Where debuggers of JavaScript say what they are.
const INSPECTOR: &str = "/json/version";
/// Where Docker says that it lives.
const DOCKER: &str = "/_ping";

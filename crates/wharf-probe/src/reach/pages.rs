//! Pages: asked for, judged, and asked on where they hint at more.

use std::time::Duration;

use tokio::time::Instant;
use wharf_facts::{HttpFacts, Seen, Spoken};

use super::exchange::{self, Exchange, Pace};
use super::line::{Line, leave};
use super::trust;
use super::visit::{Next, PARTING, Visit};
use crate::Curiosity;
use crate::page::{self, Answer, Hint, Request};
use crate::speech::{self, Opening};

/// Where debuggers of JavaScript say what they are.
const INSPECTOR: &str = "/json/version";
/// Where Docker says that it lives.
const DOCKER: &str = "/_ping";
/// How long those who speak in lines are given to answer the first one.
const MOMENT: Duration = Duration::from_millis(8);

impl Visit<'_> {
    /// Asks for the page that tells most of whom this is thought to be.
    pub(super) async fn ask_page(&mut self, mut line: Line, by: Instant) -> Next {
        let (path, pace) = match self.target.guess().and_then(|guess| guess.spoken.known()) {
            Some(Spoken::Docker) => (DOCKER, Pace::AtOnce),
            Some(Spoken::Inspector | Spoken::Devtools) => (INSPECTOR, Pace::AtOnce),
            Some(Spoken::Http | Spoken::Websocket) => ("/", Pace::AtOnce),
            _ => ("/", Pace::FirstLine(self.plan.share(MOMENT))),
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
    pub(super) async fn page(&mut self, path: &'static str, answer: &Answer) -> Next {
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
    pub(super) async fn http(&mut self, mut facts: HttpFacts) {
        if self.plan.curiosity == Curiosity::Trust {
            trust::examine(self, &mut facts).await;
        }
        self.probe.http.get_or_insert(facts);
    }
}

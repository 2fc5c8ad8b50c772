//! Looking at what passes on links: captures, and what was asked and answered.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use wharf_link::Size;
use wharf_relay::{CaptureFigures, CaptureSpec, ShownPort};

use super::Stack;
use crate::control::{Refusal, Reply};
use crate::logs::Stream;
use crate::project::LinkName;

impl Stack {
    /// Begins to write what passes on a link into a file.
    pub(super) fn capture(&mut self, link: &str, file: &Path, limit: Size) -> Result<Reply, Refusal> {
        let name = self.find_link(link)?;
        let refused = |error: String| Refusal {
            error: format!("capture {name}: {error}"),
            hint: None,
        };
        if self.figures(&name).is_some() {
            return Err(refused("it is being captured already".to_owned()));
        }
        // Only for the user: whatever passes may be in it, passwords too.
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(file)
            .map_err(|error| refused(format!("open {}: {error}", file.display())))?;
        match self.lab.as_mut().and_then(|lab| Some((lab.place(&name)?, lab))) {
            Some((place, lab)) => lab
                .capture(&name, place, opened, limit)
                .map_err(|error| refused(error.to_string()))?,
            None => self.capture_connections(&name, opened, limit).map_err(refused)?,
        }
        let said = format!("{name}: captured into {}", file.display());
        self.logs.add("wharf", Stream::Wharf, said);
        self.captures += 1;
        let number = self.captures;
        if let Some(link) = self.links.get_mut(&name) {
            link.capture = number;
        }
        Ok(told(&name, number, CaptureFigures::default()))
    }

    fn capture_connections(&self, name: &LinkName, file: File, limit: Size) -> Result<(), String> {
        let id = self.carrier_of(name).ok_or("it is gone")?;
        let description = self
            .links
            .get(name)
            .map(|link| format!("up {}; down {}", link.up, link.down));
        let spec = CaptureSpec {
            file,
            limit,
            description: description.unwrap_or_default(),
            port: ShownPort::default(),
        };
        self.relay.capture(id, spec).map_err(|error| error.to_string())
    }

    /// How far a capture has come, or that there is none.
    pub(super) fn captured(&self, link: &str, capture: Option<u64>) -> Result<Reply, Refusal> {
        let name = self.find_link(link)?;
        let current = self.current_capture(&name, capture);
        let figures = current.and_then(|number| Some((number, self.figures(&name)?)));
        Ok(match figures {
            Some((number, figures)) => told(&name, number, figures),
            None => Reply::Done { said: Vec::new() },
        })
    }

    /// Ends a capture: its file is whole when this is answered.
    pub(super) fn stop_capture(&mut self, link: &str, capture: Option<u64>) -> Result<Reply, Refusal> {
        let name = self.find_link(link)?;
        let Some(number) = self.current_capture(&name, capture) else {
            return Ok(Reply::Done { said: Vec::new() });
        };
        let in_lab = self.lab.as_mut().and_then(|lab| lab.end_capture(&name));
        let of_connections = || self.relay.stop_capture(self.carrier_of(&name)?).ok().flatten();
        let ended = in_lab.or_else(of_connections);
        Ok(match ended {
            Some(figures) => {
                self.logs
                    .add("wharf", Stream::Wharf, format!("{name}: no longer captured"));
                told(&name, number, figures)
            }
            None => Reply::Done { said: Vec::new() },
        })
    }

    /// The number of a link's last capture, if that is the one that is meant.
    fn current_capture(&self, name: &LinkName, meant: Option<u64>) -> Option<u64> {
        let last = self.links.get(name)?.capture;
        meant.is_none_or(|meant| meant == last).then_some(last)
    }

    fn figures(&self, name: &LinkName) -> Option<CaptureFigures> {
        let in_lab = self.lab.as_ref().and_then(|lab| lab.captured(name));
        if in_lab.is_some() {
            return in_lab;
        }
        self.relay.captured(self.carrier_of(name)?).ok().flatten()
    }

    /// What was asked and answered on a link, or on all.
    pub(super) fn exchanges(
        &self,
        link: Option<&str>,
        since: &BTreeMap<String, u64>,
    ) -> Result<Reply, Refusal> {
        let names = match link {
            Some(link) => {
                let name = self.find_link(link)?;
                self.only_packets(&name, "requests")?;
                vec![name]
            }
            None => self.links.keys().cloned().collect(),
        };
        let news = names.iter().filter_map(|name| {
            let key = name.to_string();
            let since = since.get(&key).copied().unwrap_or(0);
            let news = self.relay.exchanges(self.carrier_of(name)?, since).ok()?;
            Some((key, news))
        });
        Ok(Reply::Exchanges(news.collect()))
    }
}

fn told(link: &LinkName, capture: u64, figures: CaptureFigures) -> Reply {
    let missing = figures.dropped + figures.beyond_limit;
    Reply::Captured {
        link: link.to_string(),
        capture,
        packets: figures.packets.saturating_sub(missing),
        missing,
        bytes: figures.bytes,
    }
}

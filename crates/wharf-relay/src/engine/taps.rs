//! What is asked about looking (`crate::tap`): captures and observers come and go.

use wharf_capture::News;

use super::Engine;
use crate::connection::UP;
use crate::error::Error;
use crate::spec::LinkId;
use crate::tap::{Beginning, Capture, CaptureFigures, CaptureSpec, Observe, Stopped, Tap};

impl Engine {
    pub(crate) fn capture(&mut self, id: LinkId, spec: CaptureSpec) -> Result<(), Error> {
        let link = self.name_of(id)?;
        let failed = |source| Error::Capture {
            link: link.clone(),
            source,
        };
        let capture = Capture::begin(&link, spec).map_err(failed)?;
        // One that is under way ends; its file is made whole.
        drop(self.taps.change(id, |tap| tap.capture.replace(capture)));
        self.each_tap(id, Tap::leave_capture);
        self.retap(id);
        Ok(())
    }

    /// Ends a capture. `None`: there was none.
    pub(crate) fn stop_capture(&mut self, id: LinkId) -> Result<Option<Stopped>, Error> {
        let link = self.name_of(id)?;
        self.each_tap(id, Tap::record_silence);
        let capture = self.taps.change(id, |tap| tap.capture.take());
        self.retap(id);
        Ok(capture.flatten().map(|capture| Stopped::new(link, capture)))
    }

    /// How far a capture has come. `None`: there is none.
    pub(crate) fn captured(&self, id: LinkId) -> Result<Option<CaptureFigures>, Error> {
        self.name_of(id)?;
        let figures = self
            .taps
            .ask(id, |tap| tap.capture.as_ref().map(Capture::figures));
        Ok(figures.flatten())
    }

    pub(crate) fn observe(&mut self, id: LinkId, observe: Observe) -> Result<(), Error> {
        self.name_of(id)?;
        self.taps.change(id, |tap| tap.observe = observe);
        self.retap(id);
        Ok(())
    }

    pub(crate) fn exchanges(&self, id: LinkId, since: u64) -> Result<News, Error> {
        self.name_of(id)?;
        let news = self.taps.ask(id, |tap| tap.ring.since(since));
        Ok(news.unwrap_or_default())
    }

    /// The link's name, if there is such a link.
    fn name_of(&self, id: LinkId) -> Result<String, Error> {
        let link = self.links.get(id.0 as usize).and_then(Option::as_ref);
        let name = link
            .map(|link| link.name.as_str())
            .or_else(|| self.datagrams.name(id));
        name.map(str::to_owned).ok_or(Error::NoSuchLink(id))
    }

    /// Has every connection of a link looked at as it should be now.
    fn retap(&mut self, id: LinkId) {
        self.call_home(id.0);
        for key in self.keys_of(id.0) {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            let number = connection.number;
            let Some(side) = &mut connection.sides[UP] else {
                continue;
            };
            match &mut side.tap {
                Some(tap) => tap.follow(Beginning::Unseen),
                None => side.tap = self.taps.meet(id.0, number, &side.stream, Beginning::Unseen),
            }
            side.tap = side.tap.take().filter(|tap| !tap.is_idle());
        }
    }

    fn each_tap(&mut self, id: LinkId, change: impl Fn(&mut Tap)) {
        for key in self.keys_of(id.0) {
            let connection = self.connections.get_mut(key);
            let side = connection.and_then(|connection| connection.sides[UP].as_mut());
            if let Some(tap) = side.and_then(|side| side.tap.as_mut()) {
                change(tap);
            }
        }
    }
}

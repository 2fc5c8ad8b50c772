//! Where the text of a trace, a table or a recording comes from. This crate reads no file.

use super::recording::Recording;
use super::table::Table;
use crate::trace::{Repeat, Trace};
use crate::units::UnitError;

/// What to do where a text names a file.
pub(crate) enum Files<'a> {
    /// Refuse it: there is nobody who reads files.
    NoneHere,
    /// Take the name for the thing: only the form of the text is in question.
    Unread,
    /// Ask for its text.
    Read(&'a mut dyn FnMut(&str) -> Result<String, String>),
}

impl Files<'_> {
    fn get<T>(
        &mut self,
        what: &'static str,
        name: &str,
        unread: impl FnOnce() -> Result<T, UnitError>,
        parse: impl FnOnce(&str) -> Result<T, UnitError>,
    ) -> Result<T, UnitError> {
        match self {
            Self::NoneHere => Err(UnitError::new(what, name, "files cannot be named here")),
            Self::Unread => unread(),
            Self::Read(read) => {
                let text = read(name).map_err(|problem| UnitError::new(what, name, problem))?;
                parse(&text)
            }
        }
    }

    pub(crate) fn table(&mut self, name: &str) -> Result<Table, UnitError> {
        let unread = || Ok(Table::unread(name));
        self.get("table of delays", name, unread, |text| Table::parse(name, text))
    }

    pub(crate) fn recording(&mut self, name: &str) -> Result<Recording, UnitError> {
        let unread = || Ok(Recording::unread(name));
        self.get("recording of losses", name, unread, |text| {
            Recording::parse(name, text)
        })
    }

    pub(crate) fn trace(&mut self, name: &str, repeat: Repeat) -> Result<Trace, UnitError> {
        const WHAT: &str = "trace";
        let parse = |text: &[u8]| {
            Trace::parse(name, text, repeat)
                .map_err(|error| UnitError::new(WHAT, name, error.problem.to_string()))
        };
        self.get(WHAT, name, || parse(b"1\n"), |text| parse(text.as_bytes()))
    }
}

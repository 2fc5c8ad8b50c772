//! The keys of [`Settings`](super::Settings): the one place that defines them. The command line, the
//! project file and the docs are made from this table.

use std::fmt;
use std::str::FromStr;

use super::files::Files;
use super::jitter::Jitter;
use super::loss::Loss;
use super::words::{FileWord, Words};
use super::{Conditions, StreamFault};
use crate::trace::{Repeat, Trace};
use crate::units::UnitError;

/// The name of a condition: one of [`Key::all`].
#[derive(Clone, Copy)]
pub struct Key(&'static Row, usize);

/// What is to be known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyHelp {
    /// Its name, as in a file: `latency`.
    pub name: &'static str,
    /// What stands for its value in a line of help: `TIME`.
    pub placeholder: &'static str,
    /// What it is, in a line, with an example.
    pub help: &'static str,
}

/// What clears a key.
pub(super) const NONE: &str = "none";

struct Row {
    help: KeyHelp,
    /// Puts what a text says into conditions. `None`: nothing, as if it had never been said.
    read: fn(Option<&str>, &mut Conditions, &mut Files<'_>) -> Result<(), UnitError>,
    /// Takes over what other conditions say.
    take: fn(&Conditions, &mut Conditions),
    /// The text back.
    show: fn(&Conditions) -> Option<String>,
}

/// A row whose field is read by `FromStr` and shown by `Display`.
macro_rules! row {
    ($name:literal, $placeholder:literal, $help:literal, $($field:ident).+ : option) => {
        row!($name, $placeholder, $help, $($field).+,
            |text, to, _| { to.$($field).+ = text.map(str::parse).transpose()?; Ok(()) },
            |of| of.$($field).+.as_ref().map(ToString::to_string))
    };
    ($name:literal, $placeholder:literal, $help:literal, $($field:ident).+ : plain) => {
        row!($name, $placeholder, $help, $($field).+,
            |text, to, _| { to.$($field).+ = text.map(str::parse).transpose()?.unwrap_or_default(); Ok(()) },
            |of| Some(of.$($field).+.to_string()))
    };
    ($name:literal, $placeholder:literal, $help:literal, $($field:ident).+, $read:expr, $show:expr) => {
        Row {
            help: KeyHelp { name: $name, placeholder: $placeholder, help: $help },
            read: $read,
            take: |from, to| to.$($field).+.clone_from(&from.$($field).+),
            show: $show,
        }
    };
}

#[rustfmt::skip]
static ROWS: [Row; 18] = [
    row!("latency", "TIME", "The time from one end to the other, one way: 50ms", latency: plain),
    row!("jitter", "SPREAD", "How the latency varies: 5ms, '5ms normal', '5ms pareto correlation 25% order free', '5ms table FILE'", jitter,
        |text, to, files| { to.jitter = text.map(|text| Jitter::read(text, files)).transpose()?; Ok(()) },
        |of| of.jitter.as_ref().map(ToString::to_string)),
    row!("rate", "RATE", "Bits a second: 10mbit", rate: option),
    row!("burst", "SIZE", "What may pass at once after a pause, before the rate holds: 32KiB", burst: option),
    row!("overhead", "SIZE", "What each packet takes at the rate beyond its own bytes: 38B, or '18B cell 48B header 5B'", overhead: option),
    row!("trace", "FILE", "When packets may leave, in place of a rate: a file in Mahimahi's format, or 'FILE once'", trace,
        |text, to, files| { to.trace = text.map(|text| trace(text, files)).transpose()?; Ok(()) },
        |of| of.trace.as_ref().map(trace_text)),
    row!("queue", "SIZE", "What may wait for its turn at the rate: 64KiB, or 100packets", queue: option),
    row!("discipline", "NAME", "What is done with what waits: drop-tail, drop-head, red, codel, pie or fq-codel, and parameters, as in 'codel target 5ms ecn'", discipline: plain),
    row!("loss", "LOSS", "Which packets are lost: 1%, '1% burst 3', '1% correlation 25%', 'gilbert-elliott 1% 30%', 'markov P13 P31 P32 P23 P14', 'pattern 00100', 'recorded FILE'", loss,
        |text, to, files| { to.loss = text.map(|text| Loss::read(text, files)).transpose()?; Ok(()) },
        |of| of.loss.as_ref().map(ToString::to_string)),
    row!("corrupt", "PROBABILITY", "Which packets have a bit flipped: 0.1%", corrupt: option),
    row!("duplicate", "PROBABILITY", "Which packets arrive twice: 0.1%", duplicate: option),
    row!("reorder", "PROBABILITY", "Which packets overtake those before them: 1%, or '25% gap 5'", reorder: option),
    row!("outage", "TIMES", "When nothing passes: 'on 28s off 2s', or 'on 5s off 1s random'", outage: option),
    row!("mtu", "SIZE", "The longest packet that passes: 1400B, or '1400B silent' where nobody is told", mtu: option),
    row!("scope", "WHO", "Whose the rate is: link (all connections share it) or connection (each has it)", scope: plain),
    row!("window", "SIZE", "The most that one connection has under way: 64KiB", stream.window: option),
    row!("congestion", "NAME", "What TCP is taken to do about loss: reno, cubic or bbr", stream.congestion: plain),
    row!("faults", "FAULTS", "What is done to connections: 'slice 64B vary 16B delay 10us', 'limit 1MiB', 'slow-close 2s', 'timeout 5s', 'reset 2s for 10%'; several with commas", faults,
        |text, to, _| { to.faults = text.map(faults).transpose()?.map(Into::into); Ok(()) },
        |of| of.faults.as_deref().map(faults_text)),
];

impl Key {
    /// All keys, in the order in which people should read them.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        ROWS.iter().enumerate().map(|(index, row)| Self(row, index))
    }

    /// The key of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|key| key.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.help.name
    }

    /// What is to be known of it.
    #[must_use]
    pub fn help(self) -> KeyHelp {
        self.0.help
    }

    /// Puts what `text` says into `conditions`.
    pub(super) fn read(
        self,
        text: &str,
        conditions: &mut Conditions,
        files: &mut Files<'_>,
    ) -> Result<(), UnitError> {
        let text = Some(text.trim()).filter(|text| *text != NONE);
        (self.0.read)(text, conditions, files)
    }

    /// Has `to` say of this key what `from` says.
    pub(super) fn take(self, from: &Conditions, to: &mut Conditions) {
        (self.0.take)(from, to);
    }

    /// What `conditions` say, as text that reads back.
    pub(super) fn show(self, conditions: &Conditions) -> String {
        (self.0.show)(conditions).unwrap_or_else(|| NONE.to_owned())
    }
}

/// By their place in [`Key::all`].
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.1 == other.1
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.1.cmp(&other.1)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Key {
    type Err = UnitError;

    fn from_str(name: &str) -> Result<Self, UnitError> {
        Self::named(name).ok_or_else(|| {
            let names: Vec<_> = Self::all().map(Self::name).collect();
            UnitError::new("condition", name, format!("there are {}", names.join(", ")))
        })
    }
}

fn trace(text: &str, files: &mut Files<'_>) -> Result<Trace, UnitError> {
    const USAGE: &str = "a file's name, then perhaps `once`; double quotes around a name with spaces";
    let mut words = Words::new("trace", text);
    let name = words.text("the file's name")?;
    let repeat = match words.next() {
        None => Repeat::Loop,
        Some("once") => Repeat::Once,
        Some(word) => return Err(words.stray(word, USAGE)),
    };
    words.end(USAGE)?;
    files.trace(name, repeat)
}

fn trace_text(trace: &Trace) -> String {
    match trace.repeat() {
        Repeat::Loop => FileWord(trace.name()).to_string(),
        Repeat::Once => format!("{} once", FileWord(trace.name())),
    }
}

fn faults(text: &str) -> Result<Vec<StreamFault>, UnitError> {
    text.split(',').map(str::parse).collect()
}

fn faults_text(faults: &[StreamFault]) -> String {
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

//! What a listener speaks, by its owner alone: no connection is made.
//!
//! Three things are asked, the surest first: do the owner's arguments give this very port to a
//! debugger ([`debuggers`]); is the owner a program that speaks one protocol ([`programs`]); whose
//! is the port by custom ([`custom`]). From the same answers follows whether the listener may be
//! connected to without being asked ([`Touch`]).

mod custom;
mod debuggers;
mod programs;

use std::fmt;

use wharf_facts::{ProcessFacts, Seen, Spoken, Variable};

use programs::Program;

/// Who listens, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The port it listens on.
    pub port: u16,
    /// Whose it is.
    pub whose: Whose,
    /// The file that it runs.
    pub exe: Option<&'a str>,
    /// Its command line; empty where that is not known.
    pub command: &'a [String],
    /// Those variables of its environment that are known.
    pub environment: &'a [Variable],
}

/// Whose a listener is, seen from the one who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// One's own: the same user's, or a container's that the user published.
    Own,
    /// Another user's.
    Anothers,
    /// Nobody can tell.
    Unknown,
}

impl<'a> Owner<'a> {
    /// An owner of whom only the port is known.
    #[must_use]
    pub fn of_port(port: u16, whose: Whose) -> Self {
        Self {
            port,
            whose,
            exe: None,
            command: &[],
            environment: &[],
        }
    }

    /// A process that listens on `port`.
    #[must_use]
    pub fn of_process(port: u16, whose: Whose, process: &'a ProcessFacts) -> Self {
        Self {
            port,
            whose,
            exe: process.exe.known().map(String::as_str),
            command: process.command.known().map_or(&[], Vec::as_slice),
            environment: process.environment.items(),
        }
    }
}

/// What is thought of a listener before anybody connects to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    /// What it speaks.
    pub spoken: Seen<Spoken>,
    /// What shows it.
    pub by: By,
    /// How many it serves at once.
    pub slot: Slot,
    /// Whether it may be connected to.
    pub touch: Touch,
}

/// What a guess rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// An argument, or a variable that holds arguments, names this port.
    Argument(String),
    /// The program.
    Program(String),
    /// The port, by custom.
    Port(u16),
    /// Nothing.
    Nothing,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(argument) => write!(f, "argument `{argument}`"),
            Self::Program(program) => write!(f, "command line `{program}`"),
            Self::Port(port) => write!(f, "port {port}, by custom"),
            Self::Nothing => f.write_str("nothing that is known"),
        }
    }
}

/// How many clients a listener serves at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// One: whoever connects keeps everybody else out.
    One,
    /// Many.
    Many,
}

/// Whether a listener may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// It does no harm.
    Freely,
    /// Only where the user asked for just that, for this reason.
    OnlyIfAsked(Caution),
}

/// Why a listener is better left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caution {
    /// A debugger that takes one client.
    OneSlot,
    /// It counts handshakes that were not finished, and blocks who makes too many: MySQL's and
    /// MariaDB's `max_connect_errors`.
    CountsHandshakes,
    /// It is another user's.
    Anothers,
    /// It may be another user's.
    OwnerUnknown,
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneSlot => "a debugger with one slot: a connection takes it",
            Self::CountsHandshakes => "it counts unfinished handshakes, and blocks after too many",
            Self::Anothers => "it is another user's",
            Self::OwnerUnknown => "its owner is not known",
        })
    }
}

/// What `owner` speaks, and whether it may be connected to.
#[must_use]
pub fn guess(owner: &Owner<'_>) -> Guess {
    let mut guess = by_debugger(owner)
        .or_else(|| by_program(owner))
        .or_else(|| by_custom(owner))
        .unwrap_or(Guess {
            spoken: Seen::unknown("nothing about its owner tells"),
            by: By::Nothing,
            slot: Slot::Many,
            touch: Touch::Freely,
        });
    match owner.whose {
        Whose::Own => {}
        Whose::Anothers => guess.touch = Touch::OnlyIfAsked(Caution::Anothers),
        Whose::Unknown => guess.touch = Touch::OnlyIfAsked(Caution::OwnerUnknown),
    }
    guess
}

fn by_debugger(owner: &Owner<'_>) -> Option<Guess> {
    let found = debuggers::find(owner)?;
    Some(made(found.spoken, By::Argument(found.argument)))
}

fn by_program(owner: &Owner<'_>) -> Option<Guess> {
    let (Program { spoken, .. }, name) = programs::find(owner)?;
    // Some programs have several ports, of which custom knows the one or other.
    let spoken = match spoken {
        Some(spoken) => spoken.clone(),
        None => custom::spoken(owner.port)?,
    };
    Some(made(spoken, By::Program(name)))
}

fn by_custom(owner: &Owner<'_>) -> Option<Guess> {
    Some(made(custom::spoken(owner.port)?, By::Port(owner.port)))
}

/// The guess that `spoken` is spoken: what is spoken decides how carefully to go about it.
fn made(spoken: Spoken, by: By) -> Guess {
    let (slot, touch) = match &spoken {
        Spoken::Jdwp | Spoken::Dap | Spoken::Gdb => (Slot::One, Touch::OnlyIfAsked(Caution::OneSlot)),
        Spoken::Other(name) if debuggers::NAMES.contains(&name.as_str()) => {
            (Slot::One, Touch::OnlyIfAsked(Caution::OneSlot))
        }
        Spoken::Mysql => (Slot::Many, Touch::OnlyIfAsked(Caution::CountsHandshakes)),
        _ => (Slot::Many, Touch::Freely),
    };
    Guess {
        spoken: Seen::Known(spoken),
        by,
        slot,
        touch,
    }
}

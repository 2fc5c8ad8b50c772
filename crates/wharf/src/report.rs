//! The one report at the top: what went wrong, what to do about it, and the exit code.

use std::fmt::Display;
use std::process::ExitCode;

use wharf_http::StageError;
use wharf_lease::Error as LeaseError;
use wharf_stack::control::{ControlError, Refusal};
use wharf_stack::rundir::RunDirError;
use wharf_stack::{PlanError, StackError};

use crate::out;

/// What an exit code means. The same for every command; listed in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// It was tried and did not come off: a service failed, say.
    Failed = 1,
    /// Bad input: arguments, a project file, a name that is not there.
    BadInput = 2,
    /// No such stack is running.
    NotRunning = 3,
    /// A port is somebody else's.
    PortTaken = 4,
    /// Wharf's own files cannot be used: a full disk, a read-only directory.
    Unusable = 5,
    /// What was asked about is there, and there is something to say about it.
    Warnings = 10,
    /// Nothing is there.
    NothingThere = 11,
    /// Something is there, and whose it is may not be seen.
    Hidden = 12,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        ExitCode::from(code as u8)
    }
}

impl Code {
    /// The code that another wharf process ended with.
    pub(crate) fn from_exit(code: Option<i32>) -> Self {
        match code {
            Some(2) => Code::BadInput,
            Some(3) => Code::NotRunning,
            Some(4) => Code::PortTaken,
            Some(5) => Code::Unusable,
            _ => Code::Failed,
        }
    }
}

/// An error on its way to the user.
#[derive(Debug)]
pub(crate) struct Report {
    code: Code,
    error: String,
    hint: Option<String>,
}

impl Report {
    pub(crate) fn new(code: Code, error: impl Display) -> Self {
        Report {
            code,
            error: error.to_string(),
            hint: None,
        }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint.into()))
    }

    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Hints at the word nearest to what was typed, or at something else where none is near.
    pub(crate) fn near<'a>(self, typed: &str, words: impl Iterator<Item = &'a str>, otherwise: &str) -> Self {
        let near = words
            .map(|word| (strsim::damerau_levenshtein(typed, word), word))
            .min();
        match near {
            Some((distance, near)) if distance <= 2 => self.hint(format!("did you mean `{near}`?")),
            _ => self.hint(otherwise),
        }
    }

    pub(crate) fn with_code(self, code: Code) -> Self {
        Report { code, ..self }
    }

    /// What went wrong.
    pub(crate) fn error(&self) -> &str {
        &self.error
    }

    /// Prints it to standard error.
    pub(crate) fn print(&self) -> ExitCode {
        let style = out::Style::of_stderr();
        out::error_line(&format!("{} {}", style.red("error:"), self.error));
        if let Some(hint) = &self.hint {
            out::error_line(&format!(" {} {hint}", style.cyan("hint:")));
        }
        self.code.into()
    }
}

impl From<LeaseError> for Report {
    fn from(error: LeaseError) -> Self {
        StackError::from(error).into()
    }
}

impl From<StackError> for Report {
    fn from(error: StackError) -> Self {
        let code = match &error {
            StackError::Read { .. }
            | StackError::Project(_)
            | StackError::Conditions { .. }
            | StackError::NeedsLab(_)
            | StackError::Layout(_)
            | StackError::NotInLab { .. }
            | StackError::AnotherLab
            | StackError::Refused(_)
            | StackError::Resolve { .. } => Code::BadInput,
            StackError::Plan(PlanError::ReadEnvFile { .. } | PlanError::EnvFile { .. }) => Code::BadInput,
            StackError::Plan(_) => Code::BadInput,
            StackError::Lease(
                LeaseError::InUse { .. } | LeaseError::Held { .. } | LeaseError::Exhausted { .. },
            ) => Code::PortTaken,
            StackError::Lease(_) | StackError::RunDir(_) | StackError::Control { .. } => Code::Unusable,
            StackError::Datagrams { .. } => Code::PortTaken,
            StackError::Stage {
                source: StageError::RootsFile { .. } | StageError::ServerName(_),
                ..
            } => Code::BadInput,
            StackError::Guardian(_)
            | StackError::Relay(_)
            | StackError::Stage { .. }
            | StackError::Lab(_)
            | StackError::Watch(_) => Code::Failed,
        };
        Report::new(code, &error).maybe_hint(error.hint())
    }
}

impl From<RunDirError> for Report {
    fn from(error: RunDirError) -> Self {
        StackError::from(error).into()
    }
}

impl From<Refusal> for Report {
    fn from(refusal: Refusal) -> Self {
        Report::new(Code::Failed, &refusal.error).maybe_hint(refusal.hint)
    }
}

impl From<ControlError> for Report {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused(refusal) => {
                Report::new(Code::BadInput, refusal.error).maybe_hint(refusal.hint)
            }
            ControlError::Unreachable { .. } => Report::new(Code::NotRunning, error),
            other => Report::new(Code::Failed, other),
        }
    }
}

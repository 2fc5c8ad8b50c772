/// What of an exchange is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// What becomes of secrets.
    pub secrets: Secrets,
    /// What becomes of values in statements and commands.
    pub literals: Literals,
    /// What becomes of bodies.
    pub bodies: Bodies,
}

/// What becomes of secrets: values of header fields, query parameters, commands and statements that
/// are named like one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Secrets {
    /// They are replaced.
    #[default]
    Redact,
    /// They are kept as they are. What authenticates a connection to a database is never kept.
    Show,
}

/// What becomes of values in statements and commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Literals {
    /// They are kept, cut where they are long.
    #[default]
    Keep,
    /// They are replaced by `?`.
    Strip,
}

/// What becomes of bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bodies {
    /// They are not kept.
    #[default]
    Off,
    /// So many bytes of the beginning of each are kept.
    UpTo(usize),
}

impl Bodies {
    pub(crate) fn limit(self) -> usize {
        match self {
            Self::Off => 0,
            Self::UpTo(limit) => limit,
        }
    }
}

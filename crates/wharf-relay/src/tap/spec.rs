use std::fs::File;

use wharf_capture::observe::{Bodies, Options};
use wharf_link::Size;

/// A capture that is to begin.
#[derive(Debug)]
pub struct CaptureSpec {
    /// Where packets are written, as pcapng. What is in it stays: a section is appended, if it was
    /// opened so.
    pub file: File,
    /// How large what is written may become. Packets beyond it are only counted.
    pub limit: Size,
    /// What stands in the file as the interface's description, such as the link's conditions.
    pub description: String,
    /// Which port stands in the file for the link's.
    pub port: ShownPort,
}

/// Which port stands in a capture file for the link's. A link's own port says nothing to an analyser,
/// which tells most protocols by their ports alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShownPort {
    /// The usual one of the protocol, if it is known by the first bytes of a connection; else the
    /// link's own. The first packet of a connection has the true address in its comment.
    #[default]
    Usual,
    /// The link's own.
    Own,
    /// This one.
    Is(u16),
}

/// What has been captured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaptureFigures {
    /// Packets that were seen, those counted that are not in the file.
    pub packets: u64,
    /// Packets that were dropped because the file could not be written fast enough.
    pub dropped: u64,
    /// Packets that came when the file had reached its limit.
    pub beyond_limit: u64,
    /// Bytes that were written, or are about to be.
    pub bytes: u64,
}

/// Whether a link's connections are observed, and what is kept of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Observe {
    /// They are not.
    #[default]
    Off,
    /// They are. A connection that is observed already goes on as it began.
    On(Options),
}

impl Observe {
    /// What was asked and how it was answered, without bodies and without secrets.
    #[must_use]
    pub fn heads() -> Self {
        Self::On(Options::default())
    }

    /// The same, and the beginnings of bodies, so many bytes of each and at most 32 KiB. Nothing in
    /// bodies is redacted.
    #[must_use]
    pub fn bodies(limit: Size) -> Self {
        const MOST: u64 = 32 * 1024;
        let limit = usize::try_from(limit.bytes().min(MOST)).unwrap_or(0);
        Self::On(Options {
            bodies: Bodies::UpTo(limit),
            ..Options::default()
        })
    }
}

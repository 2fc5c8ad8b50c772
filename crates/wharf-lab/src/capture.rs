//! What is captured of a lab's link, and where.

use std::fs::File;
use std::net::IpAddr;
use std::sync::Arc;

use wharf_link::Size;
use wharf_packet::Version;

use crate::error::LabError;
use crate::switch::Segment;
use crate::switch::lane::Watch;
use crate::switch::tap::{Spot, Tap};
use crate::switch::way::Way;

/// A capture that is to begin with the lab.
///
/// The file (pcapng) has an interface for each point, with the packets as they are there: real ones, with the marks,
/// the flipped bits and the time to live that they have by then, and what was done to them in their comments. And it
/// has an interface for each segment, with the packets that went no further, and why ([`Drops`]).
///
/// Times are those at which the packet was read or written at the ends, and at routers the ideal ones. *Outbound* is
/// from the command, at every point.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Where packets are written.
    pub file: Arc<File>,
    /// How large it may become. Packets beyond it are only counted.
    pub limit: Size,
    /// Where packets are seen.
    pub points: Vec<Point>,
    /// Whether those are seen, too, that went no further.
    pub drops: Drops,
}

/// Whether a capture has what segments dropped. An analyser that follows connections meets such a packet a second
/// time, so that what it makes of them is better without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Drops {
    /// Each has its cause and its segment in its comment.
    #[default]
    Shown,
    /// They are only counted, in the lab's figures.
    LeftOut,
}

/// A place on the path at which packets are seen, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before the first segment.
    Command,
    /// Behind so many segments from the command: 1 is the first router.
    Router(usize),
    /// Behind the last segment.
    Gateway,
}

impl Point {
    /// Every point of a path of so many segments.
    #[must_use]
    pub fn all(segments: usize) -> Vec<Self> {
        let routers = (1..segments).map(Self::Router);
        std::iter::once(Self::Command)
            .chain(routers)
            .chain([Self::Gateway])
            .collect()
    }

    /// How many segments are before it.
    fn position(self, segments: usize) -> Result<usize, LabError> {
        match self {
            Self::Command => Ok(0),
            Self::Router(number) if (1..segments).contains(&number) => Ok(number),
            Self::Router(number) => Err(LabError::NoRouter {
                number,
                routers: segments.saturating_sub(1),
            }),
            Self::Gateway => Ok(segments),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Command => "command".to_owned(),
            Self::Router(number) => format!("router {number}"),
            Self::Gateway => "gateway".to_owned(),
        }
    }
}

/// Begins a capture, and says what the lanes, up and down, tell of.
pub(crate) fn begin(capture: &Capture, path: &[Segment]) -> Result<(Tap, [Watch; 2]), LabError> {
    let positions = capture
        .points
        .iter()
        .map(|point| Ok((point.position(path.len())?, *point)))
        .collect::<Result<Vec<_>, LabError>>()?;
    let failed = LabError::io("begin the capture");
    let file = capture
        .file
        .try_clone()
        .and_then(|file| Tap::begin(file, capture.limit));
    let tap = file.map_err(failed)?;
    let mut points: Vec<Option<[Spot; 2]>> = vec![None; path.len() + 1];
    for (position, point) in positions {
        if let Some(spots @ None) = points.get_mut(position) {
            *spots = tap.spots(&point.name(), &describe(point, path));
        }
    }
    let dropped_by = |segment: &Segment| match capture.drops {
        Drops::Shown => {
            let description = format!("what it dropped; up {}; down {}", segment.up, segment.down);
            tap.spots(&format!("dropped by {}", segment.name), &description)
        }
        Drops::LeftOut => None,
    };
    let segments: Vec<(String, Option<[Spot; 2]>)> = path
        .iter()
        .map(|segment| (segment.name.clone(), dropped_by(segment)))
        .collect();
    let watch = |way: usize| Watch {
        tap: tap.clone(),
        points: points.iter().map(|spots| spots.map(|spots| spots[way])).collect(),
        segments: segments
            .iter()
            .map(|(name, spots)| (name.clone(), spots.map(|spots| spots[way])))
            .collect(),
    };
    let (up, mut down) = (watch(0), watch(1));
    // Lanes count in the order in which their packets pass.
    down.points.reverse();
    down.segments.reverse();
    Ok((tap, [up, down]))
}

fn describe(point: Point, path: &[Segment]) -> String {
    match point {
        Point::Command => "the command's end of the link".to_owned(),
        Point::Gateway => "the gateway's end of the link".to_owned(),
        Point::Router(number) => {
            let name = |at: usize| path.get(at).map_or("", |segment| &segment.name);
            let address: IpAddr = Way::Up.router(number, path.len(), Version::V4);
            format!("{address}, between {} and {}", name(number - 1), name(number))
        }
    }
}

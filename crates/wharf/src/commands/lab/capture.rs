//! `wharf lab --capture`: the file that packets go to, and what is said of it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use wharf_lab::{Capture, Drops, Lab, LabError, Point};
use wharf_relay::CaptureFigures;

use crate::cli::{CAPTURE_POINTS, CapturePoint, LabArgs};
use crate::out;
use crate::report::{Code, Report};

/// What is to be captured of a path of so many segments. The file is made here, so that a lab is not started in vain.
pub(super) fn open(args: &LabArgs, segments: usize) -> Result<Option<Capture>, Report> {
    let Some(path) = &args.capture else {
        return Ok(None);
    };
    let (mut points, mut drops) = (Vec::new(), Drops::LeftOut);
    for point in &args.capture_at {
        match point {
            CapturePoint::All => {
                points.extend(Point::all(segments));
                drops = Drops::Shown;
            }
            CapturePoint::Drops => drops = Drops::Shown,
            CapturePoint::At(Point::Router(number)) if *number >= segments => {
                let error = LabError::NoRouter {
                    number: *number,
                    routers: segments - 1,
                };
                return Err(Report::new(Code::BadInput, error));
            }
            CapturePoint::At(point) => points.push(*point),
            CapturePoint::Segment(name) => {
                return Err(Report::new(
                    Code::BadInput,
                    format!("capture at `{name}`: a path has no such point"),
                )
                .hint(CAPTURE_POINTS));
            }
        }
    }
    let file = create(path)?;
    Ok(Some(Capture {
        file: Arc::new(file),
        limit: args.capture_limit,
        points,
        drops,
    }))
}

/// The file, anew.
pub(super) fn create(path: &Path) -> Result<File, Report> {
    // Only for the user: whatever passes may be in it, passwords too.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| {
            Report::new(
                Code::Unusable,
                format!("capture into {}: {error}", path.display()),
            )
        })
}

/// Ends the capture. Says how much was captured, where that was asked for; and whether anything is missing, in any
/// case.
pub(super) fn end(args: &LabArgs, file: &Path, lab: &Lab) -> Result<(), Report> {
    let failed = |error| Report::new(Code::Unusable, format!("{error}: {}", file.display()));
    if let Some(captured) = lab.end_capture().map_err(failed)? {
        say(args, file, &captured);
    }
    Ok(())
}

/// What came of a capture.
pub(super) fn say(args: &LabArgs, file: &Path, captured: &CaptureFigures) {
    let missing = captured.dropped + captured.beyond_limit;
    if args.stats {
        let (packets, bytes) = (captured.packets - missing, out::bytes(captured.bytes));
        out::error_line(&format!(
            "capture: {packets} packets, {bytes}, in {}",
            file.display()
        ));
    }
    if captured.dropped > 0 {
        out::error_line(&format!(
            "warning: {} packets are not in {}: they came faster than it could be written",
            captured.dropped,
            file.display()
        ));
    }
    if captured.beyond_limit > 0 {
        out::error_line(&format!(
            "warning: {} packets are not in {}: it has reached its limit (--capture-limit)",
            captured.beyond_limit,
            file.display()
        ));
    }
}

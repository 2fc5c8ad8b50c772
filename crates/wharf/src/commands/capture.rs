//! `wharf capture`: what passes on a link, into a file that Wireshark reads.
//!
//! The stack writes; it ends when this program goes away, however it goes.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use wharf_stack::control::{Client, Reply, Request};

use crate::cli::Capture;
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, args: &Capture) -> Result<(), Report> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))
            .map_err(|error| Report::new(Code::Failed, format!("listen for signal {signal}: {error}")))?;
    }
    let client = target::find_with_link(here, &args.which, &args.link)?.client();
    let file = std::path::absolute(&args.output)
        .map_err(|error| Report::new(Code::BadInput, format!("find {}: {error}", args.output.display())))?;
    let request = Request::Capture {
        link: args.link.clone(),
        file,
        limit: args.limit,
    };
    let begun = Instant::now();
    let lasts = args.seconds.map(Duration::from_secs);
    // Kept until the end: when this connection ends, so does the capture, and nobody is told its count.
    let mut replies = client.ask_for_many(&request)?;
    let mut number = None;
    for reply in &mut replies {
        match reply? {
            Reply::Captured {
                packets,
                bytes,
                capture,
                ..
            } => {
                number = Some(capture);
                show(packets, bytes);
            }
            Reply::Refused(refusal) => {
                return Err(wharf_stack::control::ControlError::from(refusal).into());
            }
            _ => {}
        }
        if interrupted.load(Ordering::Relaxed) || lasts.is_some_and(|lasts| begun.elapsed() >= lasts) {
            break;
        }
    }
    let finished = finish(&client, args, number);
    drop(replies);
    finished
}

/// A line that is written over as the figures grow.
fn show(packets: u64, bytes: u64) {
    if std::io::stderr().is_terminal() {
        out::progress(&format!("{packets} packets, {}", out::bytes(bytes)));
    }
}

fn finish(client: &Client, args: &Capture, capture: Option<u64>) -> Result<(), Report> {
    let stop = Request::StopCapture {
        link: args.link.clone(),
        capture,
    };
    let Reply::Captured {
        packets,
        missing,
        bytes,
        ..
    } = client.ask(&stop)?
    else {
        return Ok(());
    };
    if std::io::stderr().is_terminal() {
        out::progress("");
    }
    out::line(&format!(
        "{packets} packets, {}, in {}",
        out::bytes(bytes),
        args.output.display()
    ));
    if missing > 0 {
        out::error_line(&format!(
            "warning: {missing} packets are not in it: it could not be written fast enough, or was full"
        ));
    }
    Ok(())
}

//! A snapshot in a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use wharf_facts::Snapshot;

use crate::report::{Code, Report};

/// No machine's facts fill this: 5,000 listeners with their processes take some 20 MB.
const LARGEST: u64 = 512 * 1024 * 1024;

/// Reads a snapshot; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Snapshot, Report> {
    let shown = path.display();
    let bad = |why: String| Report::new(Code::BadInput, format!("read the snapshot {shown}: {why}"));
    let text = text(path).map_err(|error| bad(error.to_string()))?;
    let snapshot: Snapshot = serde_json::from_str(&text)
        .map_err(|error| bad(error.to_string()).hint("`wharf snapshot > machine.json` writes one"))?;
    if !snapshot.is_readable() {
        return Err(bad(format!(
            "it has form {}, and this wharf reads up to {}",
            snapshot.version,
            Snapshot::VERSION
        ))
        .hint("a newer wharf reads it"));
    }
    Ok(snapshot)
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path)?)
    };
    let read = source.take(LARGEST).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read == LARGEST) {
        return Err(io::Error::other("it is too large to be a snapshot"));
    }
    Ok(text)
}

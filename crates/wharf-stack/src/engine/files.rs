//! The files that conditions name: traces, tables of delays, recordings of losses.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use wharf_link::trace::LONGEST_TEXT;

/// Reads what conditions name, beside the project file.
pub(super) fn beside(directory: &Path) -> impl FnMut(&str) -> Result<String, String> + use<> {
    let directory = directory.to_owned();
    move |name| {
        let path = directory.join(name);
        read(&path).map_err(|error| format!("read {}: {error}", path.display()))
    }
}

/// No more than a trace may have, and a byte that tells that there was more.
fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = File::open(path)?;
    file.take(LONGEST_TEXT.bytes() + 1).read_to_string(&mut text)?;
    Ok(text)
}

//! What is printed, and how: lines to standard output and error, colours where they are seen.

use std::io::{self, IsTerminal, Write};

use crate::vars;

/// Prints a line to standard output. A reader that has gone away (`wharf ps | head -1`) ends
/// the program quietly, as it does any filter.
pub(crate) fn line(text: &str) {
    written(writeln!(io::stdout().lock(), "{text}"));
}

/// Prints text to standard output as it is.
pub(crate) fn text(text: &str) {
    written(write!(io::stdout().lock(), "{text}"));
}

/// Ends the program where standard output takes nothing more: quietly if its reader has gone, else
/// as whatever cannot write its files does.
fn written(result: io::Result<()>) {
    match result {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            error_line(&format!("error: write to standard output: {error}"));
            std::process::exit(5);
        }
    }
}

/// Prints a line to standard error.
pub(crate) fn error_line(text: &str) {
    // There is nowhere left to say that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes over the line before, on standard error.
pub(crate) fn progress(text: &str) {
    let mut stderr = io::stderr().lock();
    // There is nowhere left to say that standard error is closed.
    let _ = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// How many columns standard output has; 80 where it is no terminal.
pub(crate) fn terminal_width() -> usize {
    rustix::termios::tcgetwinsize(io::stdout()).map_or(80, |size| usize::from(size.ws_col.max(20)))
}

/// Whether and how to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Coloured,
}

/// The colours that tell services apart, as SGR codes.
const SERVICES: [u8; 10] = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

impl Style {
    fn of(terminal: &impl IsTerminal) -> Self {
        let wanted = std::env::var_os(vars::NO_COLOR).is_none_or(|value| value.is_empty());
        if wanted && terminal.is_terminal() {
            Style::Coloured
        } else {
            Style::Plain
        }
    }

    pub(crate) fn of_stdout() -> Self {
        Self::of(&io::stdout())
    }

    pub(crate) fn of_stderr() -> Self {
        Self::of(&io::stderr())
    }

    fn sgr(self, code: u8, text: &str) -> String {
        match self {
            Style::Plain => text.to_owned(),
            Style::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.sgr(31, text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.sgr(32, text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.sgr(33, text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.sgr(36, text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.sgr(1, text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.sgr(2, text)
    }

    /// The colour of the service at this place in the stack.
    pub(crate) fn service(self, place: usize, text: &str) -> String {
        self.sgr(SERVICES[place % SERVICES.len()], text)
    }
}

/// A table: columns as wide as their widest cell, two spaces between, no lines.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) {
    let style = Style::of_stdout();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| visible(cell)).max().unwrap_or(0);
        widest.max(head.get(column).map_or(0, |cell| cell.len()))
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let lay_out = |cells: &[String]| {
        let mut out = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            out.push_str(cell);
            out.push_str(&" ".repeat(width + 2 - visible(cell).min(*width)));
        }
        out.trim_end().to_owned()
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    line(&style.dim(&lay_out(&head)));
    for row in rows {
        line(&lay_out(row));
    }
}

/// The number of characters that a terminal shows of a text: escape sequences take no room.
pub(crate) fn visible(text: &str) -> usize {
    let mut count = 0;
    let mut escape = false;
    for character in text.chars() {
        match (escape, character) {
            (false, '\x1b') => escape = true,
            (true, letter) if letter.is_ascii_alphabetic() => escape = false,
            (true, _) => {}
            (false, _) => count += 1,
        }
    }
    count
}

/// Prints a value as JSON, for programs.
pub(crate) fn json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(error) => error_line(&format!("error: write JSON: {error}")),
    }
}

/// Prints a value as one line of JSON.
pub(crate) fn json_line(value: &impl serde::Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(&text),
        Err(error) => error_line(&format!("error: write JSON: {error}")),
    }
}

/// A number of bytes, for people: `1.2 MB`. SI units, as everywhere in Wharf.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count;
    let mut rest = 0;
    let mut unit = 0;
    while value >= 1000 && unit + 1 < UNITS.len() {
        rest = value % 1000 / 100;
        value /= 1000;
        unit += 1;
    }
    if unit == 0 {
        format!("{value} B")
    } else {
        format!("{value}.{rest} {}", UNITS[unit])
    }
}

/// A time, for people: `12s`, `3m`, `2h`, `5d`.
pub(crate) fn age(milliseconds: u64) -> String {
    match milliseconds / 1000 {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1999), "1.9 kB");
        assert_eq!(bytes(12_345_678), "12.3 MB");
        assert_eq!(age(59_999), "59s");
        assert_eq!(age(7_200_000), "2h");
        assert_eq!(visible("\x1b[31mred\x1b[0m"), 3);
    }
}

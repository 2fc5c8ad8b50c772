//! What a foreground stack shows: the merged log, and below it a live footer.
//!
//! The log scrolls; the footer (each service with its state and URL, each link that is not
//! clear) is taken away before lines are printed and drawn again after them. Where standard
//! output is no terminal there is no footer, and every line is printed plain.

use std::io::{self, IsTerminal, Write};

use wharf_link::{Profile, Settings};
use wharf_relay::{Cut, CutDirection, Manner};
use wharf_stack::control::{LinkStatus, ServiceStatus, StackStatus};
use wharf_stack::logs::{Line, Stream};
use wharf_stack::supervise::Phase;

use crate::out::{self, Style};

/// Prints the lines of a merged log, each with its service's name, padded and coloured.
pub(crate) struct LinePrinter {
    names: Vec<String>,
    width: usize,
    style: Style,
}

impl LinePrinter {
    pub(crate) fn new(names: &[String]) -> Self {
        let width = names
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max("wharf".len());
        LinePrinter {
            names: names.to_vec(),
            width,
            style: Style::of_stdout(),
        }
    }

    pub(crate) fn format(&self, line: &Line) -> String {
        let padded = format!("{:<width$} |", line.service, width = self.width);
        let prefix = match self.names.iter().position(|name| *name == line.service) {
            Some(place) => self.style.service(place, &padded),
            None => self.style.dim(&padded),
        };
        match line.stream {
            Stream::Wharf => format!("{prefix} {}", self.style.bold(&line.text)),
            Stream::Out | Stream::Err => format!("{prefix} {}", line.text),
        }
    }
}

/// The log above, the footer below.
pub(crate) struct Screen {
    printer: LinePrinter,
    footer: Vec<String>,
    /// Rows of the footer that are on the terminal now.
    drawn: usize,
    on_terminal: bool,
}

impl Screen {
    pub(crate) fn new(names: &[String]) -> Self {
        Screen {
            printer: LinePrinter::new(names),
            footer: Vec::new(),
            drawn: 0,
            on_terminal: io::stdout().is_terminal(),
        }
    }

    /// Prints lines above the footer.
    pub(crate) fn print(&mut self, lines: &[Line]) {
        if lines.is_empty() {
            return;
        }
        let mut text = self.without_footer();
        for line in lines {
            text.push_str(&self.printer.format(line));
            text.push('\n');
        }
        self.draw(text);
    }

    /// Whether there is a footer at all: only a terminal has one.
    pub(crate) fn has_footer(&self) -> bool {
        self.on_terminal
    }

    /// Shows this status in the footer.
    pub(crate) fn show(&mut self, status: &StackStatus) {
        let footer = footer(status, self.printer.style, out::terminal_width());
        if footer == self.footer {
            return;
        }
        self.footer = footer;
        let text = self.without_footer();
        self.draw(text);
    }

    /// Takes the footer away for good.
    pub(crate) fn close(&mut self) {
        let text = self.without_footer();
        self.footer.clear();
        self.draw(text);
    }

    fn without_footer(&mut self) -> String {
        let drawn = std::mem::take(&mut self.drawn);
        if drawn == 0 {
            String::new()
        } else {
            // The terminal may have echoed `^C` behind the footer: back to the line's start.
            format!("\r\x1b[{drawn}A\x1b[J")
        }
    }

    fn draw(&mut self, mut text: String) {
        for row in &self.footer {
            text.push_str(row);
            text.push('\n');
        }
        self.drawn = self.footer.len();
        let mut stdout = io::stdout().lock();
        // A closed standard output must not stop the services.
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }
}

fn footer(status: &StackStatus, style: Style, width: usize) -> Vec<String> {
    let rule = style.dim(&"─".repeat(width.min(72)));
    let rows = service_rows(status, style).chain(link_rows(status));
    std::iter::once(rule)
        .chain(rows.map(|row| cut_to(&format!(" {row}"), width)))
        .collect()
}

/// A row for each link that does something to its traffic; for each at all where there are no
/// services to show.
fn link_rows(status: &StackStatus) -> impl Iterator<Item = String> {
    let is_clear = |link: &LinkStatus| link.cut.is_none() && link.up.is_clear() && link.down.is_clear();
    let links = status.links.iter();
    links
        .filter(move |link| status.services.is_empty() || !is_clear(link))
        .map(|link| format!("{}  {}  {}", link.name, link.address, conditions(link)))
}

/// What a link does to its traffic, in colour where it does anything.
pub(crate) fn conditions(link: &LinkStatus) -> String {
    let style = Style::of_stdout();
    let mut text = both_ways(&link.up, &link.down);
    if !(link.up.is_clear() && link.down.is_clear()) {
        text = style.yellow(&text);
    }
    if let Some(how) = link.cut {
        text = format!("{} {text}", style.red(&cut(how)));
    }
    text
}

/// A cut, in words: `CUT up, reset`.
pub(crate) fn cut(cut: Cut) -> String {
    let direction = match cut.direction {
        CutDirection::Both => "",
        CutDirection::Up => " up",
        CutDirection::Down => " down",
    };
    let manner = match cut.manner {
        Manner::Hole => "",
        Manner::Reset => ", reset",
        Manner::Refuse => ", refused",
    };
    format!("CUT{direction}{manner}")
}

/// What is done in the two directions; by the name of a profile, where it is just that.
pub(crate) fn both_ways(up: &Settings, down: &Settings) -> String {
    let text = match up == down {
        true => up.to_string(),
        false => format!("up {up}; down {down}"),
    };
    match Profile::saying(up, down) {
        Some(profile) if !(up.is_clear() && down.is_clear()) => format!("{} ({text})", profile.name),
        _ => text,
    }
}

/// A row for each service: its name, its state, and where it is.
pub(crate) fn service_rows(status: &StackStatus, style: Style) -> impl Iterator<Item = String> {
    let longest = status
        .services
        .iter()
        .map(|service| service.name.len())
        .max()
        .unwrap_or(0);
    status.services.iter().enumerate().map(move |(place, service)| {
        let name = style.service(place, &format!("{:<longest$}", service.name));
        let word = state(style, &service.phase);
        let pad = " ".repeat(10_usize.saturating_sub(out::visible(&word)));
        format!("{name}  {word}{pad}  {}", address_of(status, service))
    })
}

/// A phase, in its colour.
pub(crate) fn state(style: Style, phase: &Phase) -> String {
    let word = phase.word();
    match phase {
        Phase::Ready | Phase::Done => style.green(word),
        Phase::Failed { .. } => style.red(word),
        Phase::Stopped => style.dim(word),
        _ => style.yellow(word),
    }
}

/// What to open or to dial for a service.
fn address_of(status: &StackStatus, service: &ServiceStatus) -> String {
    // A browser knows *.localhost even where getaddrinfo does not: the name is shown anyway.
    let direct = service.direct_url.as_ref().filter(|_| !status.names_resolve);
    let urls: Vec<&str> = service.url.iter().chain(direct).map(String::as_str).collect();
    Some(urls.join("  "))
        .filter(|urls| !urls.is_empty())
        .or_else(|| service.listens.first().map(ToString::to_string))
        .or_else(|| service.ports.first().map(|port| port.address.to_string()))
        .unwrap_or_default()
}

/// Cuts a row to the terminal's width, so that it never takes two lines.
fn cut_to(row: &str, width: usize) -> String {
    if out::visible(row) < width {
        return row.to_owned();
    }
    let mut kept = String::new();
    let mut shown = 0;
    let mut escape = false;
    for character in row.chars() {
        escape |= character == '\x1b';
        if !escape {
            if shown + 2 > width {
                break;
            }
            shown += 1;
        } else if character.is_ascii_alphabetic() {
            escape = false;
        }
        kept.push(character);
    }
    kept.push_str("\x1b[0m");
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_to_what_is_seen() {
        let row = "\x1b[31mlong\x1b[0m row";
        assert_eq!(cut_to(row, 80), row);
        assert_eq!(out::visible(&cut_to(row, 5)), 4);
    }
}

//! Findings, and plain prose, on a terminal.

use unicode_width::UnicodeWidthStr;
use wharf_advice::{Finding, Severity};

use crate::grid::{Paint, Piece, painted};
use crate::out::{self, Style};

/// Lines longer than this are hard to read, however wide the terminal is.
const READABLE: usize = 110;

/// Prose that is wrapped to its terminal.
pub(crate) struct Prose {
    width: usize,
    style: Style,
    to: fn(&str),
}

impl Prose {
    pub(crate) fn of_stdout() -> Self {
        Prose {
            width: out::terminal_width().min(READABLE),
            style: Style::of_stdout(),
            to: out::line,
        }
    }

    /// Beside a command's own output.
    pub(crate) fn of_stderr() -> Self {
        Prose {
            width: out::terminal_width().min(READABLE),
            style: Style::of_stderr(),
            to: out::error_line,
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn blank(&self) {
        (self.to)("");
    }

    /// A line that is not wrapped: a command, to be pasted whole.
    pub(crate) fn whole(&self, pieces: &[Piece]) {
        (self.to)(&painted(pieces, self.style));
    }

    /// `lead`, and beside it `text`, whose further lines begin below its first.
    pub(crate) fn hanging(&self, lead: &[Piece], text: &str) {
        self.painted_hanging(lead, text, Paint::Plain);
    }

    /// The same, with a paint for the text.
    pub(crate) fn painted_hanging(&self, lead: &[Piece], text: &str, paint: Paint) {
        let lead_width: usize = lead.iter().map(|piece| piece.text.width()).sum();
        let gap = usize::from(lead_width > 0 && !lead.last().is_some_and(|last| last.text.ends_with(' ')));
        let indent = lead_width + gap;
        // Where the lead takes most of the line, the text goes on below it.
        let room = self.width.saturating_sub(indent).max(30);
        let mut lines = wrapped(text, room).into_iter();
        let mut first: Vec<Piece> = lead.to_vec();
        first.push(Paint::Plain.of(" ".repeat(gap)));
        first.push(paint.of(lines.next().unwrap_or_default()));
        (self.to)(painted(&first, self.style).trim_end());
        for line in lines {
            let line = [Paint::Plain.of(" ".repeat(indent)), paint.of(line)];
            (self.to)(&painted(&line, self.style));
        }
    }
}

/// The colour of a severity.
pub(crate) fn paint(severity: Severity) -> Paint {
    match severity {
        Severity::Note => Paint::Cyan,
        Severity::Warning => Paint::Yellow,
        Severity::Problem => Paint::Red,
    }
}

/// What a finding is drawn from, and what can be done.
pub(crate) fn details(prose: &Prose, finding: &Finding, indent: usize) {
    let margin = " ".repeat(indent);
    for evidence in &finding.evidence {
        let text = format!("{} ({})", evidence.fact, evidence.method);
        prose.painted_hanging(&[Paint::Dim.of(format!("{margin}- "))], &text, Paint::Dim);
    }
    for fix in &finding.fixes {
        prose.hanging(&[Paint::Green.of(format!("{margin}fix: "))], &fix.what);
        if let Some(command) = &fix.command {
            prose.whole(&[Paint::Plain.of(format!("{margin}     ")), Paint::Bold.of(command)]);
        }
    }
}

/// `text` in lines of at most `width`, broken at spaces; a word that is longer has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(
            wrapped("http://a.very.long/word x", 10),
            ["http://a.very.long/word", "x"]
        );
        assert_eq!(wrapped("", 10), [""]);
    }
}

//! `wharf ls --watch`: the map, live, on the whole terminal.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{lines, rows, scope};
use crate::cli::Ls;
use crate::grid::{Paint, Piece};
use crate::machine::Machine;
use crate::out;
use crate::report::{Code, Report};

/// So often the kernel is asked again. One look takes a few milliseconds.
const INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn run(args: &Ls) -> Result<ExitCode, Report> {
    if !out::is_terminal() {
        return Err(
            Report::new(Code::BadInput, "watch: standard output is no terminal")
                .hint("`wharf ls` prints the map once"),
        );
    }
    let failed = |error: io::Error| Report::new(Code::Failed, format!("use the terminal: {error}"));
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let ended = watch(&mut terminal, args);
    // Whatever happened, the terminal is given back as it was.
    ratatui::restore();
    match ended? {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(failed(error)),
    }
}

fn watch(terminal: &mut DefaultTerminal, args: &Ls) -> Result<io::Result<()>, Report> {
    let mut first = 0;
    loop {
        let snapshot = Machine::Here.facts(&scope(args))?;
        let rows = rows(&snapshot, args);
        let until = Instant::now() + INTERVAL;
        loop {
            let drawn = terminal.draw(|frame| {
                let [body, foot] =
                    Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
                let table = lines(&snapshot, &rows, args, usize::from(body.width));
                let hidden = table.len().saturating_sub(usize::from(body.height));
                first = first.min(hidden);
                let shown = table.iter().skip(first).map(|line| styled(line));
                frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), body);
                let said = match rows.len() {
                    1 => "1 port".to_owned(),
                    count => format!("{count} ports"),
                };
                let foot_line = Line::from(format!("{said} · ↑ ↓ scroll · q quits")).dim();
                frame.render_widget(foot_line, foot);
            });
            if let Err(error) = drawn {
                return Ok(Err(error));
            }
            let left = until.saturating_duration_since(Instant::now());
            match event::poll(left).and_then(|is_there| is_there.then(event::read).transpose()) {
                Err(error) => return Ok(Err(error)),
                Ok(None) => break,
                Ok(Some(Event::Key(key))) if key.kind == KeyEventKind::Press => match wish(key) {
                    Wish::Quit => return Ok(Ok(())),
                    Wish::Scroll(by) => first = first.saturating_add_signed(by),
                    Wish::Nothing => {}
                },
                Ok(Some(_)) => {}
            }
        }
    }
}

enum Wish {
    Quit,
    Scroll(isize),
    Nothing,
}

fn wish(key: KeyEvent) -> Wish {
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if with_control => Wish::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Wish::Quit,
        KeyCode::Down | KeyCode::Char('j') => Wish::Scroll(1),
        KeyCode::Up | KeyCode::Char('k') => Wish::Scroll(-1),
        KeyCode::PageDown | KeyCode::Char(' ') => Wish::Scroll(10),
        KeyCode::PageUp => Wish::Scroll(-10),
        KeyCode::Home => Wish::Scroll(isize::MIN),
        _ => Wish::Nothing,
    }
}

fn styled(line: &[Piece]) -> Line<'_> {
    let spans = line.iter().map(|piece| {
        let style = match piece.paint {
            Paint::Plain => Style::new(),
            Paint::Bold => Style::new().bold(),
            Paint::Dim => Style::new().dim(),
            Paint::Red => Style::new().fg(Color::Red),
            Paint::Yellow => Style::new().fg(Color::Yellow),
            Paint::Green => Style::new().fg(Color::Green),
            Paint::Cyan => Style::new().fg(Color::Cyan),
        };
        Span::styled(piece.text.as_str(), style)
    });
    Line::from_iter(spans)
}

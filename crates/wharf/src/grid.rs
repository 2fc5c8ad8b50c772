//! A table that is fitted to its terminal: columns that matter least leave first, then those that
//! can give way are cut with `…`, and no row ever takes two lines.
//!
//! Laid out once, as pieces of text with a paint each; printed as lines or drawn by ratatui.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::out::Style;

/// Between two columns.
const GAP: usize = 2;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) side: Side,
    /// The least width that it may be cut to; `None` where it is never cut.
    pub(crate) gives_way_to: Option<usize>,
    /// The column with the highest rank leaves first; rank 0 never leaves.
    pub(crate) rank: u8,
}

/// To which side its cells lean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A text and how it looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) paint: Paint,
}

/// How a text looks, where colours are seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Paint {
    #[default]
    Plain,
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
}

impl Paint {
    pub(crate) fn of(self, text: impl Into<String>) -> Piece {
        Piece {
            text: text.into(),
            paint: self,
        }
    }
}

/// A line of a table.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    /// A cell for each column.
    Cells(Vec<Piece>),
    /// A heading over the rows that follow.
    Heading(Vec<Piece>),
}

/// The table's lines for a terminal of `width` columns, the head first.
pub(crate) fn lay_out(columns: &[Column], rows: &[Row], width: usize) -> Vec<Vec<Piece>> {
    let natural: Vec<usize> = (0..columns.len())
        .map(|at| natural_width(columns, rows, at))
        .collect();
    let kept = kept(columns, &natural, width);
    let widths = widths(columns, &natural, &kept, width);
    let head: Vec<Piece> = columns.iter().map(|column| Paint::Dim.of(column.title)).collect();
    let line = |cells: &[Piece]| {
        let mut line = Vec::new();
        for (&at, &wide) in kept.iter().zip(&widths) {
            let (Some(cell), Some(column)) = (cells.get(at), columns.get(at)) else {
                continue;
            };
            if !line.is_empty() {
                line.push(Paint::Plain.of(" ".repeat(GAP)));
            }
            line.extend(padded(cell, column.side, wide));
        }
        trimmed(line)
    };
    let body = rows.iter().map(|row| match row {
        Row::Cells(cells) => line(cells),
        Row::Heading(pieces) => cut_line(pieces, width),
    });
    std::iter::once(line(&head)).chain(body).collect()
}

/// A line as text, in colour where `style` says so.
pub(crate) fn painted(line: &[Piece], style: Style) -> String {
    let paint = |piece: &Piece| match piece.paint {
        Paint::Plain => piece.text.clone(),
        Paint::Bold => style.bold(&piece.text),
        Paint::Dim => style.dim(&piece.text),
        Paint::Red => style.red(&piece.text),
        Paint::Yellow => style.yellow(&piece.text),
        Paint::Green => style.green(&piece.text),
        Paint::Cyan => style.cyan(&piece.text),
    };
    line.iter().map(paint).collect()
}

fn natural_width(columns: &[Column], rows: &[Row], at: usize) -> usize {
    let cells = rows.iter().filter_map(|row| match row {
        Row::Cells(cells) => cells.get(at),
        Row::Heading(_) => None,
    });
    let widest = cells.map(|cell| cell.text.width()).max().unwrap_or(0);
    // A column without a single word in it is none.
    if widest == 0 {
        return 0;
    }
    widest.max(columns.get(at).map_or(0, |column| column.title.width()))
}

/// The places of the columns that stay.
fn kept(columns: &[Column], natural: &[usize], width: usize) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..columns.len())
        .filter(|&at| natural.get(at).is_some_and(|&wide| wide > 0))
        .collect();
    let rank = |at: usize| columns.get(at).map_or(0, |column| column.rank);
    while least(columns, natural, &kept) > width {
        let leaves = kept.iter().copied().max_by_key(|&at| rank(at));
        match leaves {
            Some(leaves) if rank(leaves) > 0 => kept.retain(|&at| at != leaves),
            _ => break,
        }
    }
    kept
}

/// The width of these columns when each has given way.
fn least(columns: &[Column], natural: &[usize], kept: &[usize]) -> usize {
    let of = |&at: &usize| {
        let wide = natural.get(at).copied().unwrap_or(0);
        let gives_way_to = columns.get(at).and_then(|column| column.gives_way_to);
        gives_way_to.map_or(wide, |least| least.min(wide))
    };
    kept.iter().map(of).sum::<usize>() + kept.len().saturating_sub(1) * GAP
}

/// The widths of the columns that stay: those that can give way do, the widest first.
fn widths(columns: &[Column], natural: &[usize], kept: &[usize], width: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = kept
        .iter()
        .map(|&at| natural.get(at).copied().unwrap_or(0))
        .collect();
    let room = width.saturating_sub(kept.len().saturating_sub(1) * GAP);
    while widths.iter().sum::<usize>() > room {
        let can_give = |&(place, &wide): &(usize, &usize)| {
            let at = kept.get(place).copied().unwrap_or(0);
            let least = columns.get(at).and_then(|column| column.gives_way_to);
            least.is_some_and(|least| wide > least)
        };
        let widest = widths
            .iter()
            .enumerate()
            .filter(can_give)
            .max_by_key(|(_, wide)| **wide);
        let Some((place, _)) = widest else { break };
        if let Some(wide) = widths.get_mut(place) {
            *wide -= 1;
        }
    }
    widths
}

fn padded(cell: &Piece, side: Side, wide: usize) -> [Piece; 3] {
    let text = cut(&cell.text, wide);
    let pad = " ".repeat(wide.saturating_sub(text.width()));
    let (left, right) = match side {
        Side::Left => (String::new(), pad),
        Side::Right => (pad, String::new()),
    };
    [Paint::Plain.of(left), cell.paint.of(text), Paint::Plain.of(right)]
}

fn trimmed(mut line: Vec<Piece>) -> Vec<Piece> {
    while line.last().is_some_and(|piece| piece.text.trim().is_empty()) {
        line.pop();
    }
    line.retain(|piece| !piece.text.is_empty());
    line
}

/// A line of pieces that takes no more than `width`.
fn cut_line(pieces: &[Piece], width: usize) -> Vec<Piece> {
    let mut left = width;
    let mut line = Vec::new();
    for piece in pieces {
        let text = cut(&piece.text, left);
        left -= text.width();
        line.push(piece.paint.of(text));
    }
    line.retain(|piece| !piece.text.is_empty());
    line
}

/// `text`, or as much of it as has room, with `…` behind.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(character);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column {
            title: "PORT",
            side: Side::Right,
            gives_way_to: None,
            rank: 0,
        },
        Column {
            title: "NAME",
            side: Side::Left,
            gives_way_to: Some(6),
            rank: 0,
        },
        Column {
            title: "URL",
            side: Side::Left,
            gives_way_to: None,
            rank: 1,
        },
    ];

    fn rows() -> Vec<Row> {
        let row = |cells: [&str; 3]| Row::Cells(cells.map(|cell| Paint::Plain.of(cell)).into());
        vec![
            Row::Heading(vec![Paint::Bold.of("shop, on a branch with a long name")]),
            row(["80", "a name of some length", "http://x"]),
            row(["62893", "字字字字", ""]),
        ]
    }

    #[track_caller]
    fn check(width: usize, expected: &[&str]) {
        let lines = lay_out(&COLUMNS, &rows(), width);
        let text: Vec<String> = lines.iter().map(|line| painted(line, Style::Plain)).collect();
        assert_eq!(text, expected, "{width} columns");
        assert!(text.iter().all(|line| line.width() <= width), "{text:?}");
    }

    #[test]
    fn a_table_is_fitted_to_its_terminal() {
        check(
            40,
            &[
                " PORT  NAME                   URL",
                "shop, on a branch with a long name",
                "   80  a name of some length  http://x",
                "62893  字字字字",
            ],
        );
        check(
            30,
            &[
                " PORT  NAME           URL",
                "shop, on a branch with a long…",
                "   80  a name of so…  http://x",
                "62893  字字字字",
            ],
        );
        check(
            20,
            &[
                " PORT  NAME",
                "shop, on a branch w…",
                "   80  a name of so…",
                "62893  字字字字",
            ],
        );
    }

    #[test]
    fn a_column_without_words_is_left_out() {
        let rows = [Row::Cells(
            ["1", "", "x"].map(|cell| Paint::Plain.of(cell)).into(),
        )];
        let lines = lay_out(&COLUMNS, &rows, 80);
        assert_eq!(painted(&lines[0], Style::Plain), "PORT  URL");
    }
}

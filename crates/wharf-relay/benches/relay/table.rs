//! Figures, the aims beside them, and how they are shown.

use serde::Serialize;

use crate::Result;

/// One way's value of one figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) way: String,
    pub(crate) value: f64,
    /// To the direct way of the same round.
    pub(crate) ratio: Option<f64>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    part: &'static str,
    name: String,
    cells: Vec<Cell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aim: Option<Aim>,
    missed: bool,
}

/// What has been measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Table {
    rows: Vec<Row>,
    #[serde(skip)]
    quiet: bool,
}

/// Whose figures have aims.
pub(crate) const OURS: &str = "wharf";

const NAME: usize = 44;
const COLUMN: usize = 16;

impl Table {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            rows: Vec::new(),
            quiet: json,
        }
    }

    /// Begins a part, of which the columns have these names.
    pub(crate) fn head(&self, title: &str, columns: &[&str]) {
        if self.quiet {
            return;
        }
        let mut line = format!("\n{title:<NAME$}");
        for column in columns {
            line.push_str(&format!("{column:>COLUMN$}"));
        }
        println!("{line}");
    }

    /// Adds a figure, and shows it. The aim is that of our ratio, or of our value where there is none.
    pub(crate) fn add(
        &mut self,
        part: &'static str,
        name: impl Into<String>,
        cells: Vec<Cell>,
        aim: Option<Aim>,
    ) {
        let ours = cells.iter().find(|cell| cell.way == OURS);
        let judged = ours.map(|cell| cell.ratio.unwrap_or(cell.value));
        let missed = match (aim, judged) {
            (Some(Aim::AtLeast(least)), Some(value)) => value < least,
            (Some(Aim::AtMost(most)), Some(value)) => value > most,
            _ => false,
        };
        let name = name.into();
        self.rows.push(Row {
            part,
            name,
            cells,
            aim,
            missed,
        });
        if let (false, Some(row)) = (self.quiet, self.rows.last()) {
            println!("{}", row.line());
        }
    }

    /// Says something beside the figures.
    pub(crate) fn remark(&self, text: &str) {
        if !self.quiet {
            println!("{text}");
        }
    }

    pub(crate) fn finish(&self) -> Result<()> {
        if self.quiet {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        let aims = self.rows.iter().filter(|row| row.aim.is_some()).count();
        let missed = self.rows.iter().filter(|row| row.missed).count();
        println!("\n{} of {aims} aims reached", aims - missed);
        Ok(())
    }
}

impl Row {
    fn line(&self) -> String {
        let mut line = format!("{:<NAME$}", self.name);
        for cell in &self.cells {
            let text = match cell.ratio {
                Some(ratio) => format!("{} x{ratio:<5.2}", short(cell.value)),
                None => short(cell.value),
            };
            line.push_str(&format!("{text:>COLUMN$}"));
        }
        match self.aim {
            Some(Aim::AtLeast(least)) => line.push_str(&format!("   at least {least}")),
            Some(Aim::AtMost(most)) => line.push_str(&format!("   at most {most}")),
            None => {}
        }
        if self.missed {
            line.push_str("  MISSED");
        }
        line
    }
}

/// Three digits or so.
fn short(value: f64) -> String {
    match value.abs() {
        1000.0.. => format!("{value:.0}"),
        100.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

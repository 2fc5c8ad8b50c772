//! Losses one by one: a pattern that is written out, or one that was recorded.

use std::fmt;
use std::sync::Arc;

use crate::units::UnitError;

/// Which packets are lost, one by one, from the first on; then again from the beginning. As text:
/// a `0` for each packet that arrives and a `1` for each that is lost. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    name: Option<Arc<str>>,
    /// Not empty.
    lost: Arc<[bool]>,
}

/// The most packets of a recording.
const LONGEST: usize = 1 << 24;

impl Recording {
    /// Reads a recording. White space and what is behind a `#` do not count.
    ///
    /// # Errors
    /// It is empty or too long, or has something else in it than `0` and `1`.
    pub fn parse(name: &str, text: &str) -> Result<Self, UnitError> {
        let lost = read("recording of losses", name, text)?;
        let name = Some(name.into());
        Ok(Self { name, lost })
    }

    pub(super) fn pattern(text: &str) -> Result<Self, UnitError> {
        let lost = read("pattern of losses", text, text)?;
        Ok(Self { name: None, lost })
    }

    /// What stands for a recording whose file has not been read.
    pub(super) fn unread(name: &str) -> Self {
        Self {
            name: Some(name.into()),
            lost: Arc::new([false]),
        }
    }

    /// The name of the file that it is from; none: it was written out.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether each packet is lost.
    #[must_use]
    pub fn lost(&self) -> &[bool] {
        &self.lost
    }
}

fn read(what: &'static str, name: &str, text: &str) -> Result<Arc<[bool]>, UnitError> {
    let error = |problem: String| UnitError::new(what, name, problem);
    let mut lost = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.split('#').next().unwrap_or_default();
        for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
            lost.push(match letter {
                '0' => false,
                '1' => true,
                other => {
                    let other = other.escape_default();
                    return Err(error(format!(
                        "line {line}: `{other}` is neither 0 (arrives) nor 1 (is lost)"
                    )));
                }
            });
        }
        if lost.len() > LONGEST {
            return Err(error(format!("it has more than {LONGEST} packets")));
        }
    }
    match lost.is_empty() {
        true => Err(error("it has no packet, neither 0 nor 1".to_owned())),
        false => Ok(lost.into()),
    }
}

/// The pattern, in `0` and `1`.
impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lost
            .iter()
            .try_for_each(|lost| f.write_str(if *lost { "1" } else { "0" }))
    }
}

//! `.env` files: variables, one a line.
//!
//! ```text
//! # a comment
//! export NAME=value            # `export` says nothing here; a comment may follow a blank
//! SINGLE='as it is, $HOME too'
//! DOUBLE="with \n escapes, ${NAME} and
//! more than one line"
//! URL=http://$HOST:${PORT:-80}/
//! ```
//!
//! `$NAME` and `${NAME}` take earlier lines first, then the environment, else nothing; `${NAME:-default}` has a default, of plain text. A value is put in once and not
//! expanded again, and values are bounded, one by one and together, by what execve(2) takes: so no
//! file can grow without end by naming itself.

use std::collections::BTreeMap;

/// The longest value, with a name of usual length: MAX_ARG_STRLEN of Linux is 128 KiB.
const VALUE_MAX: usize = 127 * 1024;
/// The most that all values may have together: less than the 2 MiB of a usual ARG_MAX.
const TOTAL_MAX: usize = 1024 * 1024;

/// What is wrong with a file of variables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct DotenvError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

/// Reads a file of variables, in its order. A name that comes twice has its last value.
pub fn parse(
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<(String, String)>, DotenvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        rest: text,
        line: 1,
        variables: Vec::new(),
        environment,
    };
    while !reader.rest.is_empty() {
        reader.line()?;
    }
    Ok(reader.variables)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    variables: Vec<(String, String)>,
    environment: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    /// Reads one line; more of them where a quoted value runs on.
    fn line(&mut self) -> Result<(), DotenvError> {
        self.skip_blanks();
        match self.peek() {
            None | Some('\n' | '\r') => return self.end_of_line(),
            Some('#') => {
                self.skip_comment();
                return self.end_of_line();
            }
            Some(_) => {}
        }
        let mut name = self.take_while(is_of_a_name);
        if name == "export" && matches!(self.peek(), Some(' ' | '\t')) {
            self.skip_blanks();
            name = self.take_while(is_of_a_name);
        }
        if name.is_empty() {
            let found = self.peek().map(String::from).unwrap_or_default();
            return Err(self.error(format!("a variable's name is wanted here, not `{found}`")));
        }
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(self.error(format!("`{name}`: a name may not begin with a digit")));
        }
        self.skip_blanks();
        if self.peek() != Some('=') {
            return Err(self.error(format!("`{name}` has no `=` behind it")));
        }
        self.next();
        self.skip_blanks();
        let value = self.value(&name)?;
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value));
        let total: usize = self.variables.iter().map(|(_, value)| value.len()).sum();
        if total > TOTAL_MAX {
            return Err(self.error(format!("all values together exceed {TOTAL_MAX} bytes")));
        }
        self.end_of_line()
    }

    fn value(&mut self, name: &str) -> Result<String, DotenvError> {
        let value = match self.peek() {
            Some(quote @ ('\'' | '"')) => {
                self.next();
                let value = self.quoted(name, quote)?;
                self.skip_blanks();
                if self.peek() == Some('#') {
                    self.skip_comment();
                }
                if !matches!(self.peek(), None | Some('\n' | '\r')) {
                    return Err(self.error(format!("`{name}`: something follows its last quote")));
                }
                value
            }
            _ => self.bare(name)?,
        };
        if value.contains('\0') {
            return Err(self.error(format!("`{name}` has a NUL character in it")));
        }
        Ok(value)
    }

    /// A value in quotes. Only double ones know escapes and variables.
    fn quoted(&mut self, name: &str, quote: char) -> Result<String, DotenvError> {
        let began = self.line;
        let mut value = String::new();
        loop {
            let Some(character) = self.next() else {
                let problem = format!("`{name}`: the quote that begins here is never closed");
                return Err(DotenvError { line: began, problem });
            };
            match character {
                _ if character == quote => return Ok(value),
                '\\' if quote == '"' => match self.next() {
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some(plain @ ('\\' | '"' | '$' | '`')) => value.push(plain),
                    // A line that is continued, as in a shell.
                    Some('\n') => {}
                    Some(other) => value.extend(['\\', other]),
                    None => {}
                },
                '$' if quote == '"' => self.variable(name, &mut value)?,
                '\r' if self.peek() == Some('\n') => {}
                other => value.push(other),
            }
            self.bounded(name, &value)?;
        }
    }

    /// A value without quotes: to the end of the line, or to a `#` behind a blank.
    fn bare(&mut self, name: &str) -> Result<String, DotenvError> {
        let mut value = String::new();
        let mut after_blank = true;
        while let Some(character) = self.peek() {
            match character {
                '\n' | '\r' => break,
                '#' if after_blank => {
                    self.skip_comment();
                    break;
                }
                _ => {
                    self.next();
                }
            }
            after_blank = matches!(character, ' ' | '\t');
            match character {
                '$' => self.variable(name, &mut value)?,
                '\\' if matches!(self.peek(), Some('$' | '#' | '\\' | '"' | '\'' | ' ')) => {
                    value.extend(self.next());
                }
                other => value.push(other),
            }
            self.bounded(name, &value)?;
        }
        value.truncate(value.trim_end().len());
        Ok(value)
    }

    /// What stands behind a `$`.
    fn variable(&mut self, name: &str, value: &mut String) -> Result<(), DotenvError> {
        let braced = self.peek() == Some('{');
        if braced {
            self.next();
        }
        let variable = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        if !braced && variable.is_empty() {
            value.push('$');
            return Ok(());
        }
        let mut default = String::new();
        if braced {
            let inner = self.take_while(|c| c != '}' && c != '\n');
            if self.next() != Some('}') {
                return Err(self.error(format!("`{name}`: `${{{variable}` is never closed")));
            }
            default = match (inner.strip_prefix(":-"), inner.strip_prefix('-')) {
                (Some(text), _) | (None, Some(text)) => text.to_owned(),
                (None, None) if inner.is_empty() && !variable.is_empty() => String::new(),
                (None, None) => {
                    let problem = format!("`{name}`: `${{{variable}{inner}}}` is not understood");
                    return Err(self.error(problem));
                }
            };
        }
        let earlier = self.variables.iter().find(|(known, _)| *known == variable);
        let found = earlier.map(|(_, text)| text);
        let found = found.or_else(|| self.environment.get(&variable));
        value.push_str(found.filter(|text| !text.is_empty()).unwrap_or(&default));
        Ok(())
    }

    fn bounded(&self, name: &str, value: &str) -> Result<(), DotenvError> {
        if value.len() > VALUE_MAX {
            return Err(self.error(format!("`{name}` is longer than {VALUE_MAX} bytes")));
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> Result<(), DotenvError> {
        if self.peek() == Some('\r') {
            self.next();
        }
        match self.next() {
            None | Some('\n') => Ok(()),
            Some(_) => Err(self.error("a carriage return inside a line".to_owned())),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.rest = &self.rest[character.len_utf8()..];
        self.line += usize::from(character == '\n');
        Some(character)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn skip_comment(&mut self) {
        let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn error(&self, problem: String) -> DotenvError {
        DotenvError {
            line: self.line,
            problem,
        }
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

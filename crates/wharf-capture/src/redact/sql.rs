//! Statements as they may be shown: on one line, bounded, with secrets and long values replaced.

use super::REDACTED;
use crate::observe::{Literals, Options, Secrets};

/// Which SQL: they differ in how a string ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Mysql,
}

/// How long a shown statement is at most, in bytes.
pub(crate) const LONGEST: usize = 2_048;

/// How much of a string literal is shown.
const LONGEST_LITERAL: usize = 64;

/// A statement without line breaks, comments kept, literals treated as the options say.
///
/// A literal that stands in a statement that speaks of a password is a secret.
pub(crate) fn tidy(statement: &str, dialect: Dialect, options: Options) -> String {
    let secret = options.secrets == Secrets::Redact && speaks_of_secrets(statement);
    let mut out = String::with_capacity(statement.len().min(LONGEST));
    let mut rest = statement.trim();
    while let Some(first) = rest.chars().next() {
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        let (token, behind) = rest.split_at(token_length(rest, first, &out, dialect));
        rest = behind;
        let kind = kind(token, first, dialect);
        match (kind, options.literals) {
            (Kind::Space, _) => out.push(' '),
            (Kind::Text, _) if secret => {
                out.push('\'');
                out.push_str(REDACTED);
                out.push('\'');
            }
            (Kind::Text | Kind::Number, Literals::Strip) => out.push('?'),
            (Kind::Text, Literals::Keep) if token.len() > LONGEST_LITERAL => {
                out.push_str(head(token, LONGEST_LITERAL));
                out.push('…');
                out.push(first);
            }
            _ => out.push_str(head(token, LONGEST)),
        }
    }
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Text,
    Number,
    Other,
}

fn kind(token: &str, first: char, dialect: Dialect) -> Kind {
    match first {
        c if c.is_whitespace() => Kind::Space,
        '\'' => Kind::Text,
        '"' if dialect == Dialect::Mysql => Kind::Text,
        // `$1` is a parameter, `$$` and `$tag$` quote.
        '$' if token.len() > 1 && token.ends_with('$') => Kind::Text,
        '$' if token.contains('$') && token.get(1..).is_some_and(|rest| rest.contains('$')) => Kind::Text,
        c if c.is_ascii_digit() => Kind::Number,
        _ => Kind::Other,
    }
}

/// How long the token is that begins here, in bytes. At least one character.
fn token_length(rest: &str, first: char, before: &str, dialect: Dialect) -> usize {
    let one = first.len_utf8();
    let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len()).max(one);
    match first {
        c if c.is_whitespace() => run(char::is_whitespace),
        '\'' => {
            // `E'…'` of PostgreSQL has backslashes, as has every string of MySQL.
            let escapes = dialect == Dialect::Mysql || before.ends_with(['e', 'E']);
            quoted(rest, '\'', escapes)
        }
        '"' => quoted(rest, '"', dialect == Dialect::Mysql),
        '`' => quoted(rest, '`', false),
        '$' if dialect == Dialect::Postgres => dollar_quoted(rest),
        c if c.is_alphanumeric() || c == '_' => run(|c| c.is_alphanumeric() || c == '_' || c == '.'),
        '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
        '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
        _ => one,
    }
}

/// A quoted piece, up to its closing quote; a doubled one is none.
fn quoted(rest: &str, quote: char, escapes: bool) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && escapes {
            characters.next();
        } else if c == quote {
            if characters.peek().is_some_and(|&(_, next)| next == quote) {
                characters.next();
            } else {
                return at + 1;
            }
        }
    }
    rest.len()
}

/// `$tag$ … $tag$`, or `$1`.
fn dollar_quoted(rest: &str) -> usize {
    let tag = rest
        .get(1..)
        .and_then(|rest| rest.find(|c: char| !(c.is_alphanumeric() || c == '_')))
        .map_or(rest.len(), |end| end + 1);
    let Some((tag, inside)) = rest
        .split_at_checked(tag + 1)
        .filter(|(tag, _)| tag.ends_with('$'))
    else {
        return tag.max(1).min(rest.len());
    };
    match inside.find(tag) {
        Some(end) => tag.len() + end + tag.len(),
        None => rest.len(),
    }
}

fn speaks_of_secrets(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    [
        "password",
        "passwd",
        "identified",
        "secret",
        "token",
        "api_key",
        "apikey",
        "passphrase",
        "credential",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

fn head(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(statement: &str, dialect: Dialect, literals: Literals) -> String {
        let options = Options {
            literals,
            ..Options::default()
        };
        tidy(statement, dialect, options)
    }

    #[test]
    fn statements() {
        use Dialect::{Mysql, Postgres};
        use Literals::{Keep, Strip};
        let cases = [
            (Postgres, Keep, "SELECT 1", "SELECT 1"),
            (Postgres, Keep, " select\n\t a ,b ", "select a ,b"),
            (
                Postgres,
                Keep,
                "ALTER USER u PASSWORD 'x''y'",
                "ALTER USER u PASSWORD '[redacted]'",
            ),
            (
                Mysql,
                Keep,
                "CREATE USER u IDENTIFIED BY \"p\"",
                "CREATE USER u IDENTIFIED BY '[redacted]'",
            ),
            (
                Postgres,
                Strip,
                "SELECT 'a''b', 1.5, x1, $1",
                "SELECT ?, ?, x1, $1",
            ),
            (Postgres, Strip, "SELECT 'a\\', 2", "SELECT ?, ?"),
            (Postgres, Strip, "SELECT E'a\\'b', 2", "SELECT E?, ?"),
            (Mysql, Strip, "SELECT 'a\\'b', `c`", "SELECT ?, `c`"),
            (
                Postgres,
                Strip,
                "SELECT $$it's$$, $t$x$$y$t$, \"c\"",
                "SELECT ?, ?, \"c\"",
            ),
            (Postgres, Strip, "SELECT 'open", "SELECT ?"),
            (Postgres, Strip, "SELECT $t$open", "SELECT ?"),
            (
                Postgres,
                Keep,
                "-- don't\nSELECT 'it''s'",
                "-- don't SELECT 'it''s'",
            ),
            (Postgres, Strip, "/* 'a */ SELECT 'b'", "/* 'a */ SELECT ?"),
            (Postgres, Keep, "SELECT '€'", "SELECT '€'"),
        ];
        for (dialect, literals, statement, tidied) in cases {
            assert_eq!(shown(statement, dialect, literals), tidied);
        }
    }

    #[test]
    fn long_ones_are_cut() {
        let long = format!("SELECT '{}'", "ü".repeat(5_000));
        let tidied = shown(&long, Dialect::Postgres, Literals::Keep);
        assert!(tidied.len() < 100 && tidied.ends_with("…'"), "{tidied}");
        let many = "SELECT a, ".repeat(5_000);
        let tidied = shown(&many, Dialect::Postgres, Literals::Keep);
        assert!(
            tidied.len() < LONGEST + 20 && tidied.ends_with('…'),
            "{}",
            tidied.len()
        );
    }
}

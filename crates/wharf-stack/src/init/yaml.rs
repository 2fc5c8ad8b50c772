//! A small reader of YAML: enough for compose files, and tolerant of the rest.
//!
//! It knows block maps and lists by indentation, plain and quoted scalars, flow lists and maps,
//! block scalars and comments. Everything is text: `yes` is "yes" and `5432` is "5432". What it
//! does not know (aliases, merge keys, tags, tabs) it leaves out and names in `skipped`.

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A text; empty where nothing was written.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let (_, value) = self.entries().iter().find(|(known, _)| known == key)?;
        Some(value)
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[(String, Node)] {
        match self {
            Self::Map(entries) => entries,
            Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Node] {
        match self {
            Self::List(items) => items,
            Self::Text(_) | Self::Map(_) => &[],
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// How deep values may lie in each other.
const DEPTH_MAX: usize = 32;
/// How many lines are read.
const LINES_MAX: usize = 20_000;

/// Reads the first document of a text. The second value names what was left out.
pub(super) fn read(text: &str) -> (Node, Vec<String>) {
    let lines = text.lines().take(LINES_MAX).enumerate();
    let mut reader = Reader {
        lines: lines.map(|(number, line)| Line::of(number + 1, line)).collect(),
        at: 0,
        skipped: Vec::new(),
    };
    let root = reader.block(0, 0);
    (root, reader.skipped)
}

#[derive(Clone)]
struct Line<'a> {
    number: usize,
    indent: usize,
    /// Without indentation and comment; empty for a line that says nothing.
    content: &'a str,
    raw: &'a str,
}

impl<'a> Line<'a> {
    fn of(number: usize, raw: &'a str) -> Self {
        let content = raw.trim_start_matches(' ');
        let indent = raw.len() - content.len();
        let content = without_comment(content).trim_end();
        let content = if matches!(content, "---" | "...") {
            ""
        } else {
            content
        };
        Self {
            number,
            indent,
            content,
            raw,
        }
    }
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
    skipped: Vec<String>,
}

impl<'a> Reader<'a> {
    /// The next line that says something.
    fn peek(&mut self) -> Option<Line<'a>> {
        while self
            .lines
            .get(self.at)
            .is_some_and(|line| line.content.is_empty())
        {
            self.at += 1;
        }
        self.lines.get(self.at).cloned()
    }

    fn skip(&mut self, line: &Line<'_>, what: &str) {
        if self.skipped.len() < 20 {
            self.skipped.push(format!("line {}: {what}", line.number));
        }
    }

    /// A value that begins on the next line, indented at least so far.
    fn block(&mut self, indent: usize, depth: usize) -> Node {
        let Some(first) = self
            .peek()
            .filter(|line| line.indent >= indent && depth < DEPTH_MAX)
        else {
            return Node::Text(String::new());
        };
        if is_item(first.content) {
            return self.list(first.indent, depth);
        }
        if split_key(first.content).is_none() {
            self.at += 1;
            return self.scalar(first.content, &first, depth);
        }
        self.map(first.indent, depth)
    }

    fn list(&mut self, indent: usize, depth: usize) -> Node {
        let mut items = Vec::new();
        while let Some(line) = self
            .peek()
            .filter(|line| line.indent == indent && is_item(line.content))
        {
            let rest = line.content[1..].trim_start();
            if rest.is_empty() {
                self.at += 1;
                items.push(self.block(indent + 1, depth + 1));
            } else if split_key(rest).is_some() || is_item(rest) {
                // `- key: value` begins a map, or `- - x` a list, as if it stood on its own line.
                let shift = line.content.len() - rest.len();
                self.lines[self.at] = Line {
                    indent: indent + shift,
                    content: rest,
                    ..line
                };
                items.push(self.block(indent + 1, depth + 1));
            } else {
                self.at += 1;
                items.push(self.scalar(rest, &line, depth));
            }
        }
        self.skip_deeper(indent);
        Node::List(items)
    }

    fn map(&mut self, indent: usize, depth: usize) -> Node {
        let mut entries: Vec<(String, Node)> = Vec::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            self.at += 1;
            let Some((key, rest)) = split_key(line.content) else {
                self.skip(&line, "not understood");
                continue;
            };
            // An anchor names a value for later: the value itself is still there.
            let rest = match rest.strip_prefix('&') {
                Some(anchor) => anchor.split_once(' ').map_or("", |(_, rest)| rest.trim_start()),
                None => rest,
            };
            let value = if rest.is_empty() {
                // A list may stand as far left as its key.
                let is_list = self
                    .peek()
                    .is_some_and(|next| next.indent == indent && is_item(next.content));
                self.block(if is_list { indent } else { indent + 1 }, depth + 1)
            } else {
                self.scalar(rest, &line, depth)
            };
            if key == "<<" {
                self.skip(&line, "a merge key");
            } else if !entries.iter().any(|(known, _)| *known == key) {
                entries.push((key, value));
            }
            self.skip_deeper(indent);
        }
        Node::Map(entries)
    }

    /// Leaves out what is indented where nothing should be.
    fn skip_deeper(&mut self, indent: usize) {
        while let Some(line) = self.peek().filter(|line| line.indent > indent) {
            self.skip(&line, "not understood");
            self.at += 1;
        }
    }

    /// A value on the line of its key.
    fn scalar(&mut self, text: &str, line: &Line<'a>, depth: usize) -> Node {
        match text.chars().next() {
            Some('|' | '>') => Node::Text(self.block_scalar(line.indent, text.starts_with('>'))),
            Some('*') => {
                self.skip(line, "an alias");
                Node::Text(String::new())
            }
            Some('!') => {
                self.skip(line, "a tag");
                Node::Text(String::new())
            }
            Some('[' | '{') => {
                let mut text = text.to_owned();
                // A flow value may run over lines.
                while !is_balanced(&text) && depth < DEPTH_MAX {
                    let Some(next) = self.peek() else { break };
                    text.push(' ');
                    text.push_str(next.content);
                    self.at += 1;
                }
                Flow { rest: &text }.value(depth)
            }
            _ => Node::Text(unquote(text)),
        }
    }

    /// The lines of a block scalar: all that are indented deeper than its key.
    fn block_scalar(&mut self, indent: usize, folded: bool) -> String {
        let mut lines: Vec<&str> = Vec::new();
        while let Some(line) = self.lines.get(self.at) {
            if !line.raw.trim().is_empty() && line.indent <= indent {
                break;
            }
            lines.push(line.raw);
            self.at += 1;
        }
        let first = lines.iter().find(|line| !line.trim().is_empty());
        let cut = first.map_or(0, |line| line.len() - line.trim_start().len());
        let lines: Vec<&str> = lines.iter().map(|line| line.get(cut..).unwrap_or("")).collect();
        lines.join(if folded { " " } else { "\n" }).trim_end().to_owned()
    }
}

fn is_item(content: &str) -> bool {
    content == "-" || content.starts_with("- ")
}

/// Splits `key: rest`, outside quotes.
fn split_key(content: &str) -> Option<(String, &str)> {
    if content.starts_with(['[', '{', '|', '>', '*']) {
        return None;
    }
    let end = match content.chars().next()? {
        quote @ ('"' | '\'') => content[1..].find(quote)? + 2,
        _ => content
            .find(": ")
            .or_else(|| content.strip_suffix(':').map(str::len))?,
    };
    let rest = content[end..].strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| (unquote(&content[..end]), rest.trim_start()))
}

/// Cuts a comment off: a `#` at the beginning or behind a blank, outside quotes.
fn without_comment(content: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in content.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            // A quote in the middle of a word is an apostrophe.
            None if matches!(character, '"' | '\'') && matches!(before, ' ' | '[' | '{' | ',' | ':') => {
                quote = Some(character);
            }
            None if character == '#' && before == ' ' => return &content[..at],
            None => {}
        }
        before = character;
    }
    content
}

fn unquote(text: &str) -> String {
    let text = text.trim();
    let inner = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    if let Some(inner) = inner('\'') {
        return inner.replace("''", "'");
    }
    match inner('"') {
        Some(inner) => inner
            .replace("\\\"", "\"")
            .replace("\\n", "\n")
            .replace("\\\\", "\\"),
        None if matches!(text, "~" | "null") => String::new(),
        None => text.to_owned(),
    }
}

fn is_balanced(text: &str) -> bool {
    let count = |open, close| text.matches(open).count() <= text.matches(close).count();
    count('[', ']') && count('{', '}')
}

/// A flow value: `[a, "b"]` or `{a: b}`.
struct Flow<'a> {
    rest: &'a str,
}

impl Flow<'_> {
    fn value(&mut self, depth: usize) -> Node {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next() {
            Some('[') if depth < DEPTH_MAX => {
                let mut items = Vec::new();
                while self.next_entry(']') {
                    items.push(self.value(depth + 1));
                }
                Node::List(items)
            }
            Some('{') if depth < DEPTH_MAX => {
                let mut entries = Vec::new();
                while self.next_entry('}') {
                    let key = self.word(&[':', ',', '}']);
                    let value = match self.rest.strip_prefix(':') {
                        Some(rest) => {
                            self.rest = rest;
                            self.value(depth + 1)
                        }
                        None => Node::Text(String::new()),
                    };
                    entries.push((key, value));
                }
                Node::Map(entries)
            }
            _ => Node::Text(self.word(&[',', ']', '}'])),
        }
    }

    /// Steps over the opening bracket or a comma; false at the closing bracket or the end.
    fn next_entry(&mut self, close: char) -> bool {
        let mut characters = self.rest.chars();
        let first = characters.next();
        if first.is_none() || first == Some(close) {
            self.rest = characters.as_str();
            return false;
        }
        let rest = characters.as_str().trim_start();
        self.rest = rest;
        if let Some(rest) = rest.strip_prefix(close) {
            self.rest = rest;
            return false;
        }
        !rest.is_empty()
    }

    fn word(&mut self, ends: &[char]) -> String {
        let text = self.rest.trim_start();
        let quoted = text.chars().next().filter(|first| matches!(first, '"' | '\''));
        let end = match quoted {
            Some(quote) => text[1..].find(quote).map_or(text.len(), |at| at + 2),
            None => text.find(ends).unwrap_or(text.len()),
        };
        let (word, rest) = text.split_at(end);
        self.rest = rest.trim_start();
        unquote(word)
    }
}

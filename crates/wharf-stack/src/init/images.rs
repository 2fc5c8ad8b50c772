//! The table of `data/images.toml`: images whose program may be installed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde::Deserialize;

/// How the program of an image is run without a container.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Image {
    images: Vec<String>,
    pub(super) programs: Vec<String>,
    pub(super) port: u16,
    /// The user it runs as where Wharf is root, if it refuses root.
    pub(super) root: Option<String>,
    #[serde(default = "yes")]
    pub(super) folder: bool,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    run: String,
    pub(super) stop_signal: Option<String>,
    pub(super) ready_log: Option<String>,
    pub(super) client: Option<Client>,
}

/// What its clients are told by convention: a variable with a URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) variable: String,
    scheme: String,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    image: Vec<Image>,
}

/// The table. It is part of the program, and a test reads it: it can't be wrong at run time.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("../../data/images.toml")).expect("the built-in table is well formed")
});

/// All programs that stand in the table.
pub(super) fn programs() -> impl Iterator<Item = &'static str> {
    TABLE
        .image
        .iter()
        .flat_map(|image| &image.programs)
        .map(String::as_str)
}

/// What is known of an image, by its name without registry and tag.
pub(super) fn named(name: &str) -> Option<&'static Image> {
    TABLE
        .image
        .iter()
        .find(|image| image.images.iter().any(|known| known == name))
}

impl Image {
    /// The image's variable, or its default.
    pub(super) fn variable<'a>(&'a self, said: &'a [(String, String)], name: &str) -> &'a str {
        let own = said.iter().find(|(known, _)| known == name);
        own.map(|(_, value)| value)
            .or(self.env.get(name))
            .map_or("", String::as_str)
    }

    /// The variable for its clients, and the URL over the link to it. There is none where a part
    /// of it stands in the user's shell.
    pub(super) fn client(&self, said: &[(String, String)], name: &str) -> Option<(&str, String)> {
        let client = self.client.as_ref()?;
        let part = |name: &Option<String>| name.as_ref().map_or("", |name| self.variable(said, name));
        let (user, password) = (part(&client.user), part(&client.password));
        // PostgreSQL calls the database after the user where it has no name.
        let database = Some(part(&client.database)).filter(|name| !name.is_empty());
        let database = database.unwrap_or(user);
        if [user, password, database].iter().any(|part| part.contains("${")) {
            return None;
        }
        let mut url = format!("{}://", client.scheme);
        if !user.is_empty() {
            url.push_str(&encoded(user));
            if !password.is_empty() {
                url.push_str(&format!(":{}", encoded(password)));
            }
            url.push('@');
        }
        url.push_str(&format!("{{needs.{name}.addr}}"));
        if !database.is_empty() {
            url.push_str(&format!("/{}", encoded(database)));
        }
        Some((&client.variable, url))
    }
    /// Where its programs are, if all of them are installed.
    pub(super) fn installed<'a>(&self, all: &'a [(String, PathBuf)]) -> Option<Vec<&'a (String, PathBuf)>> {
        let find = |wanted: &String| all.iter().find(|(name, _)| name == wanted);
        self.programs.iter().map(find).collect()
    }

    /// The command, with its data in a folder.
    pub(super) fn run(&self, programs: &[&(String, PathBuf)], folder: &str, args: &[String]) -> String {
        let mut run = self.run.replace("@folder@", folder);
        for (name, path) in programs {
            let path = path.to_string_lossy();
            run = run.replace(&format!("@{name}@"), &shell_words::quote(&path));
        }
        // Braces of the user's words are the user's.
        let args = shell_words::join(args);
        let lines = run.replace("@args@", &args);
        let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
        lines.join("\n")
    }
}

/// A part of a URL: all but the unreserved characters (RFC 3986 section 2.3) as `%41`.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

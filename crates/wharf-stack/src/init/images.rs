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

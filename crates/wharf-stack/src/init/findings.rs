//! What was found in a folder and on the machine.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::compose::Compose;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The name of the folder, or of the repository that it is a worktree of.
    pub folder: String,
    /// Programs of the project's own.
    pub apps: Vec<App>,
    /// The processes of a Procfile: name and command.
    pub procfile: Vec<(String, String)>,
    /// The services of a compose file.
    pub compose: Option<Compose>,
    /// Installed programs that container images stand for, and where they are.
    pub programs: Vec<(String, PathBuf)>,
    /// The users of this machine that such a program may run as.
    pub users: BTreeSet<String>,
    /// Whether Wharf runs as root here.
    pub is_root: bool,
    /// Whether another user can enter the folder.
    pub open_to_others: bool,
    /// Whether the folder is in a git repository that does not ignore `.wharf/`.
    pub git_sees_data: bool,
    /// What could not be read, and what was left aside.
    pub notes: Vec<String>,
}

/// A program of the project's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its folder, relative to the project's; empty for the project's own.
    pub folder: String,
    /// A name that it has, if it has one: a binary's.
    pub name: Option<String>,
    /// What it is.
    pub kind: AppKind,
    /// Its command.
    pub run: String,
    /// What must be done before it can run: `npm install`.
    pub before: Option<String>,
}

/// What a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppKind {
    /// Something of Node that serves a page to a browser.
    FrontEnd,
    /// Another script of Node.
    Node,
    /// Django.
    Django,
    /// Flask, FastAPI.
    Python,
    /// A binary of Cargo.
    Cargo,
    /// A program of Go.
    Go,
    /// Laravel.
    Php,
    /// Rails.
    Ruby,
    /// Files to be served as they are.
    Static,
}

/// What the machine says: where programs are, who there is, and who we are.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The folders of `PATH`: programs there go by their name.
    pub search_path: Vec<PathBuf>,
    /// Further folders: programs there go by their path.
    pub further: Vec<PathBuf>,
    /// The users.
    pub users: BTreeSet<String>,
    /// Whether we are root.
    pub is_root: bool,
}

impl Machine {
    /// This machine, with the `PATH` that the caller has.
    #[must_use]
    pub fn this(path: Option<&OsStr>) -> Self {
        // passwd(5): users of a directory service are not there, and system users are.
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let users = passwd.lines().filter_map(|line| line.split(':').next());
        Self {
            search_path: std::env::split_paths(path.unwrap_or_default()).collect(),
            further: postgres_folders(Path::new("/usr/lib/postgresql")),
            users: users.map(str::to_owned).collect(),
            is_root: rustix::process::geteuid().is_root(),
        }
    }

    /// How a program is called, if it is installed: by its name, or by its path.
    #[must_use]
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        if self
            .search_path
            .iter()
            .any(|folder| is_program(&folder.join(program)))
        {
            return Some(PathBuf::from(program));
        }
        let files = self.further.iter().map(|folder| folder.join(program));
        files.into_iter().find(|file| is_program(file))
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Debian keeps the server's programs out of PATH, in a folder for each version: the newest first.
fn postgres_folders(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, folder)| folder).collect()
}

//! Reading a folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::Table;

use super::apps;
use super::compose::Compose;
use super::findings::{App, AppKind, Findings, Machine};
use super::manifests::{self, CargoPackage};
use super::{InitError, images, yaml};
use crate::identity;

/// So many folders are looked into.
const FOLDERS_MAX: usize = 200;
/// So much of a file is read.
const FILE_MAX: u64 = 1024 * 1024;
/// Folders that hold what others made.
const NOT_OURS: &[&str] = &[
    "node_modules",
    "target",
    "dist",
    "build",
    "vendor",
    "venv",
    "out",
    "tmp",
    "coverage",
];
const COMPOSE: &[&str] = &[
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
];

/// Looks into a folder and a level of folders below it.
pub fn gather(folder: &Path, machine: &Machine) -> Result<Findings, InitError> {
    let failed = |source| InitError::Read {
        folder: folder.to_owned(),
        source,
    };
    let root = folder.canonicalize().map_err(failed)?;
    let mut look = Look {
        root: &root,
        found: Findings::default(),
    };
    let below = look.folders_below("").map_err(failed)?;
    look.found.folder = identity::namesake(&root)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    look.found.is_root = machine.is_root;
    look.found.users = machine.users.clone();
    look.found.open_to_others = is_open_to_others(&root);
    look.found.git_sees_data = look.git_sees_data();
    look.procfile();
    look.compose();
    look.cargo();
    let mut folders: BTreeSet<String> = below.into_iter().collect();
    folders.extend(look.workspaces());
    look.folder("");
    for below in folders.iter().take(FOLDERS_MAX) {
        look.folder(below);
    }
    if look.found.apps.is_empty() && look.has("index.html") {
        look.add("", AppKind::Static, "python3 -m http.server".to_owned(), None);
    }
    let installed = images::programs().collect::<BTreeSet<_>>().into_iter();
    look.found.programs = installed
        .filter_map(|name| Some((name.to_owned(), machine.find(name)?)))
        .collect();
    Ok(look.found)
}

struct Look<'a> {
    root: &'a Path,
    found: Findings,
}

impl Look<'_> {
    fn has(&self, file: &str) -> bool {
        self.root.join(file).exists()
    }

    /// A file's text; nothing if it is not there. One that can't be read is noted.
    fn text(&mut self, file: &str) -> Option<String> {
        let mut text = String::new();
        let opened = fs::File::open(self.root.join(file));
        let read = opened.and_then(|open| open.take(FILE_MAX).read_to_string(&mut text));
        match read {
            Ok(_) if text.contains('\0') => {
                self.found
                    .notes
                    .push(format!("{file} was not read: it is no text"));
                None
            }
            Ok(_) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                self.found.notes.push(format!("{file} was not read: {error}"));
                None
            }
        }
    }

    /// Whether git would take the data under `.wharf/` for a part of the project.
    fn git_sees_data(&mut self) -> bool {
        let in_git = self.root.ancestors().any(|folder| folder.join(".git").exists());
        let ignored = in_git
            .then(|| self.text(".gitignore"))
            .flatten()
            .unwrap_or_default();
        let names_it = |line: &str| line.trim().trim_matches('/') == ".wharf";
        in_git && !ignored.lines().any(names_it)
    }

    fn json(&mut self, file: &str) -> Option<Value> {
        let text = self.text(file)?;
        let read = serde_json::from_str(&text);
        read.map_err(|error| {
            self.found
                .notes
                .push(format!("{file} was not understood: {error}"))
        })
        .ok()
    }

    fn toml(&mut self, file: &str) -> Option<Table> {
        let text = self.text(file)?;
        let read = text.parse::<Table>();
        let note = |error: toml::de::Error| format!("{file} was not understood: {}", error.message());
        read.map_err(|error| self.found.notes.push(note(error))).ok()
    }

    /// The folders in a folder that may hold a program of the project's.
    fn folders_below(&self, folder: &str) -> std::io::Result<Vec<String>> {
        let mut folders: Vec<String> = fs::read_dir(self.root.join(folder))?
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()))
            .map(|name| join(folder, &name))
            .collect();
        folders.sort();
        folders.truncate(FOLDERS_MAX);
        Ok(folders)
    }

    /// The folders that a list such as `packages/*` means.
    fn expand(&self, patterns: &[String]) -> Vec<String> {
        let mut folders = Vec::new();
        for pattern in patterns {
            let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
            match pattern.strip_suffix("/**").or_else(|| pattern.strip_suffix("/*")) {
                Some(parent) => folders.extend(self.folders_below(parent).unwrap_or_default()),
                None if pattern.contains(['*', '!', '?']) || pattern.split('/').any(|part| part == "..") => {}
                None => folders.push(pattern.to_owned()),
            }
        }
        folders.truncate(FOLDERS_MAX);
        folders
    }

    fn workspaces(&mut self) -> Vec<String> {
        let package = self
            .has("package.json")
            .then(|| self.json("package.json"))
            .flatten();
        let mut patterns = package
            .map(|package| apps::workspaces(&package))
            .unwrap_or_default();
        if let Some(text) = self.text("pnpm-workspace.yaml") {
            let (root, _) = yaml::read(&text);
            let packages = root.get("packages").map(yaml::Node::items).unwrap_or_default();
            patterns.extend(packages.iter().filter_map(yaml::Node::text).map(str::to_owned));
        }
        self.expand(&patterns)
    }

    fn procfile(&mut self) {
        for file in ["Procfile.dev", "Procfile"] {
            if let Some(text) = self.text(file) {
                self.found.procfile = apps::procfile(&text);
                return;
            }
        }
    }

    fn compose(&mut self) {
        for &file in COMPOSE {
            if let Some(text) = self.text(file) {
                self.found.compose = Some(Compose::parse(file, &text));
                return;
            }
        }
    }

    /// The binaries of a package or a workspace. Those that serve something, if any is known to.
    fn cargo(&mut self) {
        let Some(manifest) = self.toml("Cargo.toml") else {
            return;
        };
        let mut packages: Vec<CargoPackage> = self.cargo_package("", &manifest).into_iter().collect();
        let is_workspace = manifest.contains_key("workspace");
        for member in self.expand(&manifests::members(&manifest)) {
            if let Some(manifest) = self.toml(&join(&member, "Cargo.toml")) {
                packages.extend(self.cargo_package(&member, &manifest));
            }
        }
        packages.retain(|package| !package.binaries.is_empty());
        let any_serves = packages.iter().any(|package| package.serves);
        for package in &packages {
            if any_serves && !package.serves {
                let note = format!(
                    "{}: none of its dependencies is a server, so it was left out",
                    package.name
                );
                self.found.notes.push(note);
                continue;
            }
            for binary in &package.binaries {
                let mut run = "cargo run".to_owned();
                if is_workspace {
                    run.push_str(&format!(" -p {}", package.name));
                }
                if package.binaries.len() > 1 {
                    run.push_str(&format!(" --bin {binary}"));
                }
                self.add("", AppKind::Cargo, run, Some(binary.clone()));
            }
        }
    }

    fn cargo_package(&mut self, folder: &str, manifest: &Table) -> Option<CargoPackage> {
        let bin = join(folder, "src/bin");
        let entries = fs::read_dir(self.root.join(&bin)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut more: Vec<String> = names
            .filter_map(|name| match name.strip_suffix(".rs") {
                Some(stem) => Some(stem.to_owned()),
                None => self.has(&join(&bin, &format!("{name}/main.rs"))).then_some(name),
            })
            .collect();
        more.sort();
        manifests::package(manifest, self.has(&join(folder, "src/main.rs")), &more)
    }

    /// Looks for programs in one folder.
    fn folder(&mut self, folder: &str) {
        self.node(folder);
        let has = |file: &str| self.root.join(folder).join(file).exists();
        let python = apps::python_launcher(&|file| has(file) || self.has(file) && !file.contains('/'));
        let python = python.map_or_else(|| self.python_of_root(folder), str::to_owned);
        let rails = has("bin/rails");
        let go = has("go.mod") && has("main.go");
        let artisan = has("artisan");
        if has("manage.py") {
            self.add(
                folder,
                AppKind::Django,
                format!("{python} manage.py runserver"),
                None,
            );
        } else {
            for file in ["app.py", "main.py", "wsgi.py", "asgi.py", "server.py"] {
                let text = if has(file) {
                    self.text(&join(folder, file))
                } else {
                    None
                };
                if let Some(run) = text.and_then(|text| apps::python_app(file, &text)) {
                    self.add(folder, AppKind::Python, format!("{python} {run}"), None);
                    break;
                }
            }
        }
        for (there, kind, run) in [
            (go, AppKind::Go, "go run ."),
            (artisan, AppKind::Php, "php artisan serve"),
            (rails, AppKind::Ruby, "bin/rails server"),
        ] {
            if there {
                self.add(folder, kind, run.to_owned(), None);
            }
        }
    }

    /// The Python of the project's own virtual environment, as it is called from a folder of it.
    fn python_of_root(&self, folder: &str) -> String {
        let up = "../".repeat(folder.split('/').count());
        let found = apps::VENVS.into_iter().find(|venv| self.has(venv));
        found.map_or("python3".to_owned(), |venv| format!("{up}{venv}"))
    }

    fn node(&mut self, folder: &str) {
        let file = join(folder, "package.json");
        let Some(package) = self.has(&file).then(|| self.json(&file)).flatten() else {
            return;
        };
        let Some(script) = apps::node_script(&package) else {
            return;
        };
        // The lock file of a workspace lies at its root.
        let manager = apps::package_manager(&|lock| self.has(&join(folder, lock)) || self.has(lock));
        let installed = self.has(&join(folder, "node_modules")) || self.has("node_modules");
        let run = match manager {
            "npm" if script.name == "start" => "npm start".to_owned(),
            manager => format!("{manager} run {}", script.name),
        };
        self.add(folder, script.kind, run, None);
        if script.has_dependencies && !installed {
            let before = Some(format!("{manager} install"));
            if let Some(app) = self.found.apps.last_mut() {
                app.before = before;
            }
        }
    }

    fn add(&mut self, folder: &str, kind: AppKind, run: String, name: Option<String>) {
        self.found.apps.push(App {
            folder: folder.to_owned(),
            name,
            kind,
            run,
            before: None,
        });
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Whether users other than its owner can enter a folder: each one above it must let them through.
fn is_open_to_others(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let mut all = folder.ancestors().map(PathBuf::from);
    all.all(|folder| fs::metadata(folder).is_ok_and(|data| data.permissions().mode() & 0o001 != 0))
}

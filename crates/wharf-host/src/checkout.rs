//! Which checkout a directory lies in, read from git's own files; no git is run.
//!
//! `gitrepository-layout(5)`: the root of a checkout holds `.git`, either the repository itself or,
//! in a linked worktree and a submodule, a file that names it: `gitdir: PATH`. A linked worktree's
//! directory holds `commondir`, which leads to the main repository.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use wharf_facts::{Checkout, Head, Seen};

/// None of the files that are read is longer.
const LIMIT: u64 = 64 * 1024;
/// No directory lies deeper.
const DEPTH: usize = 128;

/// The checkout that `directory` lies in; `None` when it lies in none.
#[must_use]
pub fn of(directory: &Path) -> Seen<Option<Checkout>> {
    for root in directory.ancestors().take(DEPTH) {
        let dot_git = root.join(".git");
        match fs::metadata(&dot_git) {
            Ok(found) if found.is_dir() => {
                // An empty `.git` is no repository, and git looks further up, too.
                if dot_git.join("HEAD").exists() {
                    return Seen::Known(Some(checkout(root, &dot_git, None)));
                }
            }
            Ok(_) => return linked(root, &dot_git),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Seen::unknown(format_args!("look for {}: {error}", dot_git.display()));
            }
            Err(_) => {}
        }
    }
    Seen::Known(None)
}

/// A checkout whose `.git` is a file: a linked worktree, or a submodule.
fn linked(root: &Path, dot_git: &Path) -> Seen<Option<Checkout>> {
    let text = match read(dot_git) {
        Ok(text) => text,
        Err(error) => return Seen::unknown(format_args!("read {}: {error}", dot_git.display())),
    };
    let Some(repository) = pointer(&text) else {
        return Seen::unknown(format_args!("read {}: it names no gitdir", dot_git.display()));
    };
    let repository = root.join(repository);
    let main = read(&repository.join("commondir")).ok().and_then(|common| {
        let common = normal(&repository.join(common.trim_end()));
        // A bare repository has worktrees and no checkout of its own: it stands for itself.
        match common.file_name() {
            Some(name) if name == ".git" => common.parent().map(Path::to_owned),
            _ => Some(common),
        }
    });
    Seen::Known(Some(checkout(root, &repository, main)))
}

fn checkout(root: &Path, repository: &Path, main: Option<PathBuf>) -> Checkout {
    let path = repository.join("HEAD");
    let head = match read(&path) {
        Ok(text) => match head(&text) {
            Some(head) => Seen::Known(head),
            None => Seen::unknown(format_args!("read {}: it names no commit", path.display())),
        },
        Err(error) => Seen::unknown(format_args!("read {}: {error}", path.display())),
    };
    Checkout {
        root: root.display().to_string(),
        head,
        worktree_of: main.map(|main| main.display().to_string()),
    }
}

/// The text of a regular file. Another user may have put something else there, and whoever opens a FIFO
/// waits for its writer.
fn read(path: &Path) -> io::Result<String> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// The path in `gitdir: PATH`.
pub(crate) fn pointer(text: &str) -> Option<&str> {
    let path = text.strip_prefix("gitdir:")?.trim_start_matches(' ');
    let path = path.lines().next()?;
    (!path.is_empty()).then_some(path)
}

/// What HEAD says: `ref: refs/heads/NAME`, or a commit's number.
pub(crate) fn head(text: &str) -> Option<Head> {
    let text = text.trim_end();
    if let Some(reference) = text.strip_prefix("ref:") {
        let reference = reference.trim_start();
        let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
        return (!branch.is_empty()).then(|| Head::Branch(branch.to_owned()));
    }
    let is_commit = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| Head::Detached(text.to_owned()))
}

/// `path` without `.` and `..`, by its text: a repository is named as its owner named it.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_pointers_read_as_git_writes_them() {
        assert_eq!(
            head("ref: refs/heads/fix/a\n"),
            Some(Head::Branch("fix/a".to_owned()))
        );
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(head(commit), Some(Head::Detached(commit.to_owned())));
        for bad in ["", "ref:", "ref: refs/heads/", "0123", "xyz"] {
            assert_eq!(head(bad), None, "{bad}");
        }
        assert_eq!(
            pointer("gitdir: /a b/.git/worktrees/x\n"),
            Some("/a b/.git/worktrees/x")
        );
        assert_eq!(pointer("gitdir: \n"), None);
        assert_eq!(pointer("/a"), None);
    }

    #[test]
    fn a_path_is_made_normal_by_its_text() {
        assert_eq!(
            normal(Path::new("/m/.git/worktrees/x/../..")),
            Path::new("/m/.git")
        );
        assert_eq!(normal(Path::new("/../a/./b")), Path::new("/a/b"));
    }
}

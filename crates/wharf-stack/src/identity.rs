//! Which stack this is, and under which names it is found.
//!
//! A stack's identity is the canonical path of its file. Its name comes from the file or
//! its directory; of two stacks that bear one name the first has it, the next gets
//! `shop-2`. In a linked git worktree the branch stands between service and stack:
//! `web.BRANCH.shop.localhost`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::Label;

/// The branch label of a directory, if it lies in a *linked* worktree: the main one has none.
#[must_use]
pub fn branch_label(directory: &Path) -> Option<String> {
    let Linked { git_dir, .. } = linked_worktree(directory)?;
    let head = fs::read_to_string(git_dir.join("HEAD")).ok()?;
    let head = head.trim();
    Some(match head.strip_prefix("ref: refs/heads/") {
        Some(branch) => label(branch),
        // A detached HEAD has no branch; the worktree's own name tells it apart.
        None => label(&git_dir.file_name()?.to_string_lossy()),
    })
}

/// The folder that names a stack whose file does not: its directory; for the root of a linked
/// worktree the repository, so that worktrees differ by their branch alone.
#[must_use]
pub fn namesake(directory: &Path) -> PathBuf {
    let repository = || {
        let Linked { root, git_dir } = linked_worktree(directory)?;
        let common = git_dir.parent()?.parent()?;
        if root != directory {
            return None;
        }
        match common.file_name()?.to_str()? {
            ".git" => common.parent().map(Path::to_owned),
            // A bare repository.
            bare => Some(common.with_file_name(bare.strip_suffix(".git").unwrap_or(bare))),
        }
    };
    repository().unwrap_or_else(|| directory.to_owned())
}

struct Linked {
    root: PathBuf,
    git_dir: PathBuf,
}

/// The linked worktree that a directory lies in.
fn linked_worktree(directory: &Path) -> Option<Linked> {
    let dot_git = directory
        .ancestors()
        .map(|ancestor| ancestor.join(".git"))
        .find(|dot_git| dot_git.exists())?;
    // In a linked worktree .git is a file: `gitdir: /repo/.git/worktrees/NAME`
    // (gitrepository-layout(5)).
    let text = fs::read_to_string(&dot_git).ok()?;
    let git_dir = PathBuf::from(text.strip_prefix("gitdir:")?.trim());
    let git_dir = if git_dir.is_absolute() {
        git_dir
    } else {
        dot_git.parent()?.join(git_dir)
    };
    if git_dir.parent()?.file_name()? != "worktrees" {
        return None; // a submodule
    }
    Some(Linked {
        root: dot_git.parent()?.to_owned(),
        git_dir,
    })
}

/// A DNS label from any text; `x` where nothing of the text can stand in one.
#[must_use]
pub fn label(text: &str) -> String {
    Label::made_from(text).map_or_else(|| "x".to_owned(), |label| label.as_str().to_owned())
}

/// The name of a service as the door knows it: `web.shop.localhost`, or with a branch
/// `web.fix-login.shop.localhost`.
#[must_use]
pub fn host_name(service: &str, branch: Option<&str>, stack: &str) -> String {
    match branch {
        Some(branch) => format!("{service}.{branch}.{stack}.localhost"),
        None => format!("{service}.{stack}.localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (text, expected) in [
            ("main", "main"),
            ("Fix/Login_Page", "fix-login-page"),
            ("--x--", "x"),
            ("Ünïcode", "n-code"),
            ("///", "x"),
        ] {
            assert_eq!(label(text), expected, "{text}");
        }
        let long = label(&"feature/".repeat(20));
        assert!(long.len() <= 63 && long.starts_with("feature-feature-"), "{long}");
        assert_ne!(long, label(&"feature/".repeat(21)));
    }

    #[test]
    fn a_linked_worktree_has_its_branch_and_the_main_one_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let main = dir.path().join("repo");
        let git_dir = main.join(".git/worktrees/wt");
        let linked = dir.path().join("wt/sub");
        fs::create_dir_all(&git_dir).expect("made");
        fs::create_dir_all(&linked).expect("made");
        fs::write(git_dir.join("HEAD"), "ref: refs/heads/Fix/Login\n").expect("written");
        fs::write(
            dir.path().join("wt/.git"),
            format!("gitdir: {}\n", git_dir.display()),
        )
        .expect("written");
        assert_eq!(branch_label(&main), None);
        assert_eq!(branch_label(&linked).as_deref(), Some("fix-login"));
        assert_eq!(namesake(&main), main);
        assert_eq!(namesake(&dir.path().join("wt")), main);
        assert_eq!(namesake(&linked), linked, "a folder of it has its own name");
    }

    #[test]
    fn a_worktree_of_a_bare_repository_is_named_after_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let git_dir = dir.path().join("shop.git/worktrees/wt");
        let linked = dir.path().join("wt");
        fs::create_dir_all(&linked).expect("made");
        fs::write(linked.join(".git"), format!("gitdir: {}\n", git_dir.display())).expect("written");
        assert_eq!(namesake(&linked), dir.path().join("shop"));
    }
}

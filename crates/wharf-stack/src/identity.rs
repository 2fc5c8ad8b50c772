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
    let head = fs::read_to_string(git_dir.join("HEAD")).ok()?;
    let head = head.trim();
    Some(match head.strip_prefix("ref: refs/heads/") {
        Some(branch) => label(branch),
        // A detached HEAD has no branch; the worktree's own name tells it apart.
        None => label(&git_dir.file_name()?.to_string_lossy()),
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
    }
}

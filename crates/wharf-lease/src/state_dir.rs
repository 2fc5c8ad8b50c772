//! Where the registry's files live.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The directory of Wharf's state for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// The database's name in it.
    pub(crate) const DATABASE: &'static str = "leases.db";

    /// The directory at `path`. Nothing is made yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The user's directory, as the environment says, which `variable` looks up:
    /// `$WHARF_STATE_DIR`, else `$XDG_STATE_HOME/wharf`, else `$HOME/.local/state/wharf`, else the
    /// same below the home that `/etc/passwd` names. A relative `XDG_STATE_HOME` does not count
    /// (XDG Base Directory Specification).
    ///
    /// # Errors
    /// When none of them is there.
    pub fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let path = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        if let Some(own) = path("WHARF_STATE_DIR") {
            let absolute = std::path::absolute(&own).map_err(|source| Error::StateDir {
                operation: "find the state directory",
                path: own,
                source,
            })?;
            return Ok(Self(absolute));
        }
        if let Some(state) = path("XDG_STATE_HOME").filter(|path| path.is_absolute()) {
            return Ok(Self(state.join("wharf")));
        }
        path("HOME")
            .filter(|path| path.is_absolute())
            .or_else(home_by_passwd)
            .map(|home| Self(home.join(".local/state/wharf")))
            .ok_or(Error::NoStateDir)
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether there is a registry in it: a look at a machine makes none.
    #[must_use]
    pub fn has_registry(&self) -> bool {
        self.0.join(Self::DATABASE).exists()
    }

    /// Makes the directory if it is not there, for this user alone (0700), and sees to it that
    /// one that is there is as private.
    ///
    /// # Errors
    /// When it cannot be made, is another user's, or is open to others and holds things of theirs.
    pub fn create(&self) -> Result<()> {
        let fail = |operation| move |source| self.error(operation, source);
        make(&self.0).map_err(fail("make the state directory"))?;
        let metadata = fs::metadata(&self.0).map_err(fail("look at the state directory"))?;
        if !metadata.is_dir() {
            return Err(self.error(
                "use the state directory",
                io::Error::from(io::ErrorKind::NotADirectory),
            ));
        }
        self.check_private(&metadata)
    }

    #[cfg(unix)]
    fn check_private(&self, metadata: &fs::Metadata) -> Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let not_private = |detail| Error::NotPrivate {
            path: self.0.clone(),
            detail,
        };
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(not_private(format!("it belongs to user {}", metadata.uid())));
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 == 0 {
            return Ok(());
        }
        // Closing a directory that others use (somebody named /tmp) would break their work.
        if !self.is_evidently_ours() {
            return Err(not_private(format!("its mode {mode:04o} lets others in")));
        }
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700))
            .map_err(|source| self.error("close the state directory to others", source))
    }

    #[cfg(not(unix))]
    fn check_private(&self, _: &fs::Metadata) -> Result<()> {
        Ok(())
    }

    /// Whether it holds nothing, or our database.
    #[cfg(unix)]
    fn is_evidently_ours(&self) -> bool {
        let is_empty = fs::read_dir(&self.0).is_ok_and(|mut entries| entries.next().is_none());
        is_empty || self.0.join(Self::DATABASE).exists()
    }

    fn error(&self, operation: &'static str, source: io::Error) -> Error {
        Error::StateDir {
            operation,
            path: self.0.clone(),
            source,
        }
    }
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// The home of this user by `/etc/passwd`: name, password, uid, gid, comment, home, shell.
#[cfg(unix)]
fn home_by_passwd() -> Option<PathBuf> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    home_in(&text, rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn home_by_passwd() -> Option<PathBuf> {
    None
}

#[cfg(unix)]
fn home_in(passwd: &str, uid: u32) -> Option<PathBuf> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_ours = fields.get(2)?.parse() == Ok(uid);
        let home = PathBuf::from(fields.get(5)?);
        (is_ours && home.is_absolute()).then_some(home)
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[track_caller]
    fn check(environment: &[(&str, &str)], expected: &str) {
        let variable = |name: &str| {
            environment
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.into())
        };
        let found = StateDir::of_user(variable).expect("a state directory");
        assert_eq!(found, StateDir::at(expected));
    }

    #[test]
    fn the_environment_says_where() {
        let home = ("HOME", "/h");
        check(&[home, ("XDG_STATE_HOME", "/x"), ("WHARF_STATE_DIR", "/w")], "/w");
        check(
            &[home, ("XDG_STATE_HOME", "/x"), ("WHARF_STATE_DIR", "")],
            "/x/wharf",
        );
        check(&[home, ("XDG_STATE_HOME", "x")], "/h/.local/state/wharf");
        check(&[home], "/h/.local/state/wharf");
    }

    #[test]
    fn passwd_says_where_without_a_home() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:7:7::/home/ann:/bin/sh\n";
        assert_eq!(home_in(passwd, 7), Some("/home/ann".into()));
        assert_eq!(home_in(passwd, 0), Some("/root".into()));
        assert_eq!(home_in(passwd, 8), None);
    }

    #[test]
    fn it_is_for_its_user_alone() {
        let temporary = tempfile::tempdir().expect("a directory");
        let mode = |path: &Path| fs::metadata(path).expect("metadata").mode() & 0o777;
        let lax = |path: &Path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
        };
        let state = StateDir::at(temporary.path().join("a/b"));
        state.create().expect("made");
        assert_eq!(mode(state.path()), 0o700);
        // Empty, so evidently made for us.
        lax(state.path());
        state.create().expect("closed");
        assert_eq!(mode(state.path()), 0o700);
        // Somebody else's things are in it.
        lax(state.path());
        fs::write(state.path().join("thesis.tex"), "").expect("a file");
        let error = state.create().expect_err("it is not ours to close");
        assert!(error.to_string().contains("mode 0755 lets others in"), "{error}");
        assert_eq!(mode(state.path()), 0o755);

        let file = temporary.path().join("file");
        fs::write(&file, "").expect("a file");
        assert!(StateDir::at(&file).create().is_err());
        let error = StateDir::at(file.join("below"))
            .create()
            .expect_err("not a directory");
        assert!(error.to_string().contains("file/below"), "{error}");
    }
}

//! What a lease is for.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// One working copy of a project. Two worktrees of one repository are two checkouts, so that both
/// can run at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Checkout(PathBuf);

impl Checkout {
    /// The checkout that `directory` lies in: the nearest directory from there upwards that has a
    /// `wharf.toml`; if none has, the nearest with a `.git`; else the directory itself.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn of_dir(directory: &Path) -> Result<Self> {
        let here = canonical(directory)?;
        let nearest = |mark: &str| here.ancestors().find(|dir| dir.join(mark).exists());
        let root = nearest("wharf.toml").or_else(|| nearest(".git")).unwrap_or(&here);
        Ok(Self(root.to_owned()))
    }

    /// The checkout whose root is `path`, by its canonical name.
    ///
    /// # Errors
    /// When there is no such path.
    pub fn at(path: &Path) -> Result<Self> {
        canonical(path).map(Self)
    }

    /// Its root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// As the registry has it: it may be gone by now.
    pub(crate) fn recorded(path: PathBuf) -> Self {
        Self(path)
    }
}

fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|source| Error::Checkout {
        path: path.to_owned(),
        source,
    })
}

/// What a lease is for: a port of a service of a checkout.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The working copy.
    pub checkout: Checkout,
    /// The service's name.
    pub service: String,
    /// The port's name within the service; [`Key::MAIN`] when it has only one.
    pub port: String,
}

impl Key {
    /// The name of a service's only, or first, port.
    pub const MAIN: &'static str = "main";

    /// The main port of `service`.
    #[must_use]
    pub fn main(checkout: Checkout, service: impl Into<String>) -> Self {
        Self {
            checkout,
            service: service.into(),
            port: Self::MAIN.to_owned(),
        }
    }

    /// A number that stays the same for the same key, on every machine and in every version:
    /// FNV-1a of the parts, mixed so that its low bits depend on all of it.
    pub(crate) fn stable_hash(&self) -> u64 {
        stable_hash(&[
            self.checkout.path().as_os_str().as_encoded_bytes(),
            self.service.as_bytes(),
            self.port.as_bytes(),
        ])
    }
}

/// A hash of `parts` that tells ("a", "b") from ("ab", "").
pub(crate) fn stable_hash(parts: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.iter().chain([&0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    // The finaliser of SplitMix64.
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.service)?;
        if self.port != Self::MAIN {
            write!(f, ":{}", self.port)?;
        }
        write!(f, " of {}", self.checkout.path().display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        let key = Key::main(Checkout::recorded("/home/a/shop".into()), "web");
        // Were this to change, everybody's ports would.
        assert_eq!(key.stable_hash(), 0xa524_6e77_36e9_8471);
        assert_ne!(stable_hash(&[b"a", b"b"]), stable_hash(&[b"ab", b""]));
    }

    #[test]
    fn a_checkout_is_the_nearest_root() {
        let temporary = tempfile::tempdir().expect("a directory");
        let root = temporary.path().canonicalize().expect("a path");
        let inner = root.join("repo/sub/deep");
        std::fs::create_dir_all(&inner).expect("directories");
        let of = |dir: &Path| Checkout::of_dir(dir).expect("a checkout").path().to_owned();
        std::fs::create_dir(root.join("repo/.git")).expect("a directory");
        assert_eq!(of(&inner), root.join("repo"));
        std::fs::write(root.join("repo/sub/wharf.toml"), "").expect("a file");
        assert_eq!(of(&inner), root.join("repo/sub"));
        assert_eq!(of(&root.join("repo")), root.join("repo"));
        // A linked worktree's `.git` is a file.
        std::fs::create_dir(root.join("tree")).expect("a directory");
        std::fs::write(root.join("tree/.git"), "gitdir: x").expect("a file");
        assert_eq!(of(&root.join("tree")), root.join("tree"));
        assert!(Checkout::of_dir(&root.join("none")).is_err());
    }

    #[test]
    fn a_key_reads_as_a_phrase() {
        let mut key = Key::main(Checkout::recorded("/shop".into()), "web");
        assert_eq!(key.to_string(), "web of /shop");
        key.port = "admin".to_owned();
        assert_eq!(key.to_string(), "web:admin of /shop");
    }
}

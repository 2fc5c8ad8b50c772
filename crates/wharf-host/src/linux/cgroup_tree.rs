//! The directories of the cgroup hierarchy, version 2.
//!
//! A socket bears the id of the cgroup in which it was made. On 64 bits that is the inode number of the
//! cgroup's directory (include/linux/kernfs.h: `kernfs_ino`), so listing the directories tells the
//! path: of sockets whose owner may not be seen, too, and then it is all that is known of the owner.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

/// More directories than this are not listed.
const MOST: usize = 4_000;

/// Where the hierarchy is mounted. Where both versions are, the second one is below `unified`.
pub(super) fn root() -> Option<&'static Path> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .into_iter()
        .map(Path::new)
        .find(|root| root.join("cgroup.procs").exists())
}

/// The id of the cgroup at `path`, written as `/proc/PID/cgroup` has it.
pub(super) fn id(path: &str) -> Option<u64> {
    let directory = root()?.join(path.trim_start_matches('/'));
    Some(fs::metadata(directory).ok()?.ino())
}

/// The paths of the cgroups with these ids, as `/proc/PID/cgroup` writes them, as far as this process
/// can see them: in a cgroup namespace, none outside of it.
pub(crate) fn cgroup_paths(ids: &BTreeSet<u64>) -> HashMap<u64, String> {
    let mut found = HashMap::new();
    let Some(root) = root().filter(|_| !ids.is_empty()) else {
        return found;
    };
    let mut note = |id: u64, path: &Path| {
        if ids.contains(&id) {
            let below = path.strip_prefix(root).unwrap_or(path);
            found.insert(id, format!("/{}", below.display()));
        }
        found.len() >= ids.len()
    };
    let root_id = fs::metadata(root).map(|directory| directory.ino());
    if root_id.is_ok_and(|id| note(id, root)) {
        return found;
    }
    let mut waiting: VecDeque<PathBuf> = VecDeque::from([root.to_owned()]);
    for _ in 0..MOST {
        let Some(directory) = waiting.pop_front() else {
            break;
        };
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let path = entry.path();
                if note(entry.ino(), &path) {
                    return found;
                }
                waiting.push_back(path);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_its_id_lead_to_each_other() {
        // Without a hierarchy there is none to find.
        let Some(id) = id("/") else {
            assert_eq!(root(), None);
            return;
        };
        let found = cgroup_paths(&BTreeSet::from([id, u64::MAX]));
        assert_eq!(found, HashMap::from([(id, "/".to_owned())]));
    }
}

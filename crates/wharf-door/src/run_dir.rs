//! The table of names that the registrations in the run directory make together.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::registration::{Registration, SUFFIX};
use crate::{Hostname, Route, Routes, Target, process};

/// A registration file is small; what is larger is not one.
const LARGEST_FILE: u64 = 1024 * 1024;
/// More stacks than anyone runs; the rest of the directory is not read.
const MOST_FILES: usize = 1024;
/// A directory changed this recently may change again within the same tick of its clock and show the
/// same time, so what was read then is read again.
const YOUNG: Duration = Duration::from_millis(100);

/// [`Routes`] from the `*.door.json` files of a run directory.
///
/// Read again when the directory's time has changed, and before a name is called unknown. A file counts
/// only while the process that wrote it lives, which is checked at each request. If two stacks claim one
/// name, the one that started first has it; a file that cannot be read as a registration is passed over.
#[derive(Debug)]
pub struct RunDirRoutes {
    run_dir: PathBuf,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    read_at: Option<Stamp>,
    /// The claims on each name, the earliest-started stack's first.
    claims: HashMap<Hostname, Vec<Claim>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    settled: bool,
}

#[derive(Clone, Debug)]
struct Claim {
    pid: u32,
    start_time: u64,
    target: Arc<Target>,
}

impl RunDirRoutes {
    /// The registrations in `run_dir`. Nothing is read yet; a directory that is not there is empty.
    pub fn new(run_dir: impl Into<PathBuf>) -> Self {
        Self {
            run_dir: run_dir.into(),
            table: Mutex::default(),
        }
    }
}

impl Routes for RunDirRoutes {
    fn route(&self, host: &Hostname) -> Route {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = false;
        if !table.is_current(&self.run_dir) {
            table.read(&self.run_dir);
            fresh = true;
        }
        if let Some(target) = table.find(host) {
            return Route::To(target);
        }
        if !fresh {
            table.read(&self.run_dir);
            if let Some(target) = table.find(host) {
                return Route::To(target);
            }
        }
        Route::Unknown
    }
}

impl Table {
    fn is_current(&self, run_dir: &Path) -> bool {
        self.read_at
            .is_some_and(|stamp| stamp.settled && modified(run_dir) == Some(stamp.modified))
    }

    fn find(&self, host: &Hostname) -> Option<Arc<Target>> {
        let claims = self.claims.get(host)?;
        let living = claims
            .iter()
            .find(|claim| process::is_alive(claim.pid, claim.start_time))?;
        Some(Arc::clone(&living.target))
    }

    fn read(&mut self, run_dir: &Path) {
        // The time first: a change during the reading then shows as one at the next request.
        self.read_at = modified(run_dir).map(|modified| Stamp {
            modified,
            settled: modified.elapsed().is_ok_and(|age| age > YOUNG),
        });
        self.claims.clear();
        let Ok(entries) = fs::read_dir(run_dir) else {
            return;
        };
        for entry in entries.flatten().take(MOST_FILES) {
            if entry.file_name().to_string_lossy().ends_with(SUFFIX)
                && let Some(registration) = read_file(&entry.path())
            {
                self.add(&registration);
            }
        }
        for claims in self.claims.values_mut() {
            claims.sort_by_key(|claim| (claim.start_time, claim.pid));
        }
    }

    fn add(&mut self, registration: &Registration) {
        let hosts: Vec<_> = registration
            .hosts
            .iter()
            .filter_map(|(host, addresses)| Some((host.parse::<Hostname>().ok()?, addresses)))
            .collect();
        let names: BTreeSet<_> = hosts.iter().map(|(host, _)| host.clone()).collect();
        for (host, addresses) in hosts {
            let target = Target {
                stack: registration.stack.clone(),
                service: host.first_label().to_owned(),
                addresses: addresses.clone(),
                names: names.clone(),
            };
            self.claims.entry(host).or_default().push(Claim {
                pid: registration.pid,
                start_time: registration.start_time,
                target: Arc::new(target),
            });
        }
    }
}

fn modified(run_dir: &Path) -> Option<SystemTime> {
    fs::metadata(run_dir).ok()?.modified().ok()
}

fn read_file(path: &Path) -> Option<Registration> {
    if fs::metadata(path).ok()?.len() > LARGEST_FILE {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

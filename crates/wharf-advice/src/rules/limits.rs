//! Limits that look like trouble with ports.

use wharf_facts::ProcessFacts;

use super::{LINUX, Need, UNIX, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Operation, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("too-many-open-files"),
        number: 37,
        title: "A process has no descriptor left",
        symptom: "too many open files (EMFILE); the server accepts no more connections",
        platforms: UNIX,
        needs: &[Need::Processes, Need::Limits],
        detect: too_many_open_files,
    },
    Rule {
        id: id("inotify-limit"),
        number: 62,
        title: "No more files can be watched",
        symptom: "ENOSPC: System limit for number of file watchers reached; no space left on device",
        platforms: LINUX,
        needs: &[Need::Symptom, Need::Limits],
        detect: inotify_limit,
    },
];

/// Whether a process has nearly all the descriptors that it may have.
fn is_exhausted(process: &ProcessFacts) -> bool {
    // A limit of a few descriptors is a sandbox's, and meant.
    let usage = process.descriptors.known();
    usage.is_some_and(|usage| {
        usage.limit >= 16 && usage.used.saturating_mul(20) >= usage.limit.saturating_mul(19)
    })
}

fn too_many_open_files(case: &Case<'_>) -> Option<Draft> {
    let owner = if case.target.is_none() {
        let mut all: Vec<&ProcessFacts> = case.snapshot.processes.items().iter().collect();
        all.sort_by_key(|process| process.pid);
        all.into_iter().find(|process| is_exhausted(process))
    } else {
        case.listening().into_iter().find(|owner| is_exhausted(owner))
    };
    let failed = case.failure() == Some(Failure::TooManyFiles);
    if let Some((owner, usage)) = owner.and_then(|owner| Some((owner, owner.descriptors.known()?))) {
        return Some(
            Draft::problem(
                words::process(owner),
                format!(
                    "{} has used up its file descriptors, so it cannot accept connections.",
                    words::process(owner)
                ),
            )
            .likely(if failed { 96 } else { 89 })
            .seen(
                Method::Processes,
                format!("{} of {} descriptors are open", usage.used, usage.limit),
            )
            .run("See what they are.", format!("ls -l /proc/{}/fd", owner.pid))
            .run(
                "Give it more while it runs.",
                format!("sudo prlimit --pid {} --nofile=65536:65536", owner.pid),
            )
            .fix("If the number only grows, it leaks them: look for sockets or files that are never closed."),
        );
    }
    if let Some(files) = case.snapshot.limits.files.known()
        && files.limit > 0
        && files.used.saturating_mul(10) >= files.limit.saturating_mul(9)
    {
        return Some(
            Draft::problem(
                "this machine",
                "The whole system has nearly no file descriptor left.",
            )
            .likely(90)
            .seen(
                Method::Limits,
                format!("fs.file-nr: {} of {} are open", files.used, files.limit),
            )
            .run(
                "Allow more.",
                format!("sudo sysctl -w fs.file-max={}", files.limit.saturating_mul(4)),
            ),
        );
    }
    let own = case.snapshot.limits.descriptors.known().filter(|_| failed)?;
    Some(
        Draft::problem(
            case.subject(),
            format!("A process of yours may have {own} files open, and that was not enough."),
        )
        .likely(93)
        .seen(Method::Output, "too many open files")
        .seen(Method::Limits, format!("the soft limit of descriptors is {own}"))
        .run(
            "Allow more in this shell, and start it from there.",
            "ulimit -n 65536",
        ),
    )
}

/// Below this, an ordinary project with its dependencies cannot be watched. The kernel's own default
/// has been a share of the memory since 5.11, and 8192 before.
const FEW_WATCHES: u64 = 8192;

fn inotify_limit(case: &Case<'_>) -> Option<Draft> {
    let watches = case.snapshot.limits.inotify_watches.known();
    let says_so = case.mentions(&["file watchers reached", "inotify"])
        || (case.failure() == Some(Failure::NoSpace)
            && case
                .symptom
                .is_some_and(|symptom| symptom.operation == Some(Operation::Watch)));
    let is_low = case.target.is_none() && watches.is_some_and(|watches| *watches < FEW_WATCHES);
    if !says_so && !is_low {
        return None;
    }
    let draft = if says_so {
        Draft::problem(
            "inotify",
            "The limit of watched files is used up; neither the disk nor the port has to do with it.",
        )
        .likely(96)
        .seen(Method::Output, "no more files can be watched")
    } else {
        Draft::warning(
            "inotify",
            "So few files may be watched that a project of ordinary size does not fit.",
        )
    };
    let draft = match watches {
        Some(watches) => draft.seen(
            Method::Limits,
            format!("fs.inotify.max_user_watches is {watches}"),
        ),
        None => draft,
    };
    Some(
        draft
            .run(
                "Allow more, for good.",
                "printf 'fs.inotify.max_user_watches=524288\\nfs.inotify.max_user_instances=512\\n' | sudo tee /etc/sysctl.d/60-inotify.conf && sudo sysctl --system",
            )
            .fix("Or keep node_modules, target and their like out of what is watched."),
    )
}

//! Which running stack a command is about.

use std::path::Path;

use wharf_stack::Source;
use wharf_stack::control::{Client, LinkStatus};
use wharf_stack::rundir::{RunRecord, StackFiles};

use crate::cli::Which;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;

/// A stack that runs, as its record has it.
pub(crate) struct Running {
    pub(crate) record: RunRecord,
    pub(crate) files: StackFiles,
}

impl Running {
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.files.socket())
    }
}

/// Every stack that runs.
pub(crate) fn all(here: &Surroundings) -> Vec<Running> {
    // Whatever a killed stack left behind is ended by whichever command comes next.
    let _ended = here.run_dir.sweep();
    here.run_dir
        .stacks()
        .into_iter()
        .filter_map(|files| {
            Some(Running {
                record: files.record()?,
                files,
            })
        })
        .filter(|running| running.record.wharf.is_alive())
        .collect()
}

/// The stack that is meant: the one named, the one of the file named, the one of the nearest
/// project file, one made up in this directory, or the only one.
pub(crate) fn find(here: &Surroundings, which: &Which) -> Result<Running, Report> {
    let mut running = all(here);
    let names: Vec<String> = running.iter().map(|stack| stack.record.stack.clone()).collect();
    let not_running = |what: String| {
        let hint = if names.is_empty() {
            "no stack is running: start one with `wharf up`".to_owned()
        } else {
            format!("running: {}; name one with --stack", names.join(", "))
        };
        Report::new(Code::NotRunning, what).hint(hint)
    };
    if let Some(name) = &which.stack {
        let found = running.iter().position(|stack| stack.record.stack == *name);
        return match found {
            Some(at) => Ok(running.swap_remove(at)),
            None => Err(not_running(format!("stack {name} is not running"))),
        };
    }
    let named = which.file.as_deref();
    if named.is_some() || here.nearest_file().is_some() {
        let file = here.file(named);
        let identity = Source::File(file.clone()).identity()?;
        if let Some(at) = running.iter().position(|stack| stack.record.identity == identity) {
            return Ok(running.swap_remove(at));
        }
        if named.is_some() {
            return Err(not_running(format!(
                "the stack of {} is not running",
                file.display()
            )));
        }
    }
    let made_here = |stack: &Running| is_made_in(&stack.record.identity, &here.cwd);
    let candidates: Vec<usize> = (0..running.len()).filter(|at| made_here(&running[*at])).collect();
    match (candidates.as_slice(), running.len()) {
        ([only], _) => Ok(running.swap_remove(*only)),
        ([], 1) if here.nearest_file().is_none() => Ok(running.swap_remove(0)),
        _ => Err(not_running(match here.nearest_file() {
            Some(file) => format!("the stack of {} is not running", file.display()),
            None => "which stack is meant is not clear".to_owned(),
        })),
    }
}

/// Whether a made-up stack (`DIRECTORY#tag`) was made in this directory or above it.
fn is_made_in(identity: &str, cwd: &Path) -> bool {
    identity
        .rsplit_once('#')
        .is_some_and(|(directory, _)| cwd.starts_with(directory))
}

/// A link and how it is.
pub(crate) fn link(here: &Surroundings, which: &Which, link: &str) -> Result<LinkStatus, Report> {
    let stack = find_with_link(here, which, link)?;
    let status = stack.client().status()?;
    let found = status
        .links
        .into_iter()
        .find(|known| squeezed(&known.name) == squeezed(link));
    found.ok_or_else(|| {
        Report::new(Code::BadInput, format!("there is no link `{link}`")).hint("`wharf links` lists them")
    })
}

fn squeezed(name: &str) -> String {
    name.split_whitespace().collect()
}

/// The stack that a link is in: the one that is meant, or else the only one that has it.
pub(crate) fn find_with_link(here: &Surroundings, which: &Which, link: &str) -> Result<Running, Report> {
    let meant = find(here, which);
    if which.stack.is_some() || which.file.is_some() {
        return meant;
    }
    let has_it = |stack: &Running| {
        stack.client().status().is_ok_and(|status| {
            status
                .links
                .iter()
                .any(|known| squeezed(&known.name) == squeezed(link))
        })
    };
    match meant {
        Ok(stack) if has_it(&stack) => Ok(stack),
        other => {
            let mut having: Vec<Running> = all(here).into_iter().filter(|stack| has_it(stack)).collect();
            match having.len() {
                1 => Ok(having.swap_remove(0)),
                _ => other,
            }
        }
    }
}

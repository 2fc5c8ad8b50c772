//! The catalogue: a file for each chapter of it.

use std::sync::OnceLock;

use crate::rule::{Need, Platform};
use crate::{Rule, RuleId};

mod accepting;
mod bind;
mod browser;
mod connect;
mod containers;
mod elsewhere;
mod exposure;
mod families;
mod forwards;
mod in_use;
mod leftovers;
mod limits;
mod names;
mod nothing;
mod ours;
mod proxies;
mod range;
mod refusals;
mod sharing;
mod tls;
mod wrong;

/// Every rule, by its number.
#[must_use]
pub fn rules() -> &'static [Rule] {
    static ALL: OnceLock<Vec<Rule>> = OnceLock::new();
    ALL.get_or_init(|| {
        let chapters = [
            accepting::RULES,
            bind::RULES,
            browser::RULES,
            connect::RULES,
            containers::RULES,
            elsewhere::RULES,
            exposure::RULES,
            families::RULES,
            forwards::RULES,
            in_use::RULES,
            leftovers::RULES,
            limits::RULES,
            names::RULES,
            nothing::RULES,
            ours::RULES,
            proxies::RULES,
            range::RULES,
            refusals::RULES,
            sharing::RULES,
            tls::RULES,
            wrong::RULES,
        ];
        let mut all = chapters.concat();
        all.sort_by_key(|rule| rule.number);
        all
    })
}

const LINUX: &[Platform] = &[Platform::Linux];
const WSL: &[Platform] = &[Platform::Wsl];
const MACOS: &[Platform] = &[Platform::Macos];
const UNIX: &[Platform] = &[Platform::Linux, Platform::Macos];
const WINDOWS: &[Platform] = &[Platform::Windows, Platform::Wsl];
const ALL: &[Platform] = &[Platform::Linux, Platform::Macos, Platform::Windows];

/// The name of a rule.
const fn id(name: &'static str) -> RuleId {
    RuleId(name)
}

//! Conditions as the tables of a project file have them.

use wharf_link::{Profile, Settings, profiles};

use super::at::At;
use super::conditioned::{Conditioned, DirectionTable};
use super::error::Fault;
use super::suggest;

/// The conditions of a table with two directions, up and down: the profile's, overridden by the
/// table's own keys, overridden by those of the direction.
pub(super) fn of(
    table: &impl Conditioned,
    profile: Option<&At<String>>,
    directions: &[Option<&DirectionTable>; 2],
) -> Result<[Settings; 2], Fault> {
    let [up, down] = match profile {
        None => Default::default(),
        Some(name) => {
            let profile = named(name)?;
            [profile.up.settings(), profile.down.settings()]
        }
    };
    let common = settings(table)?;
    let over = |own: Option<&DirectionTable>, base: &Settings| match own {
        None => Ok(common.clone().over(base)),
        Some(own) => Ok(settings(own)?.over(&common).over(base)),
    };
    Ok([over(directions[0], &up)?, over(directions[1], &down)?])
}

fn settings(table: &impl Conditioned) -> Result<Settings, Fault> {
    let mut settings = Settings::default();
    for (key, text) in table.written() {
        settings
            .set(key, text)
            .map_err(|problem| Fault::new(&text.span, problem.to_string()))?;
    }
    Ok(settings)
}

fn named(name: &At<String>) -> Result<&'static Profile, Fault> {
    Profile::named(name).ok_or_else(|| {
        let names = profiles().iter().map(|known| known.name);
        Fault::new(&name.span, format!("there is no profile `{}`", name.value)).maybe_hint(suggest::hint(
            name,
            "there are",
            names,
        ))
    })
}

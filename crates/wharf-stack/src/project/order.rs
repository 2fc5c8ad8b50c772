//! In which order things start, and the cycles in which they cannot.

use std::collections::{BTreeMap, BTreeSet};

/// The graph of what waits for whom: each unit and the units it needs, all of which are keys.
pub(super) type Needs<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// Units in waves, each of which needs only those before it; or the units of a cycle, from one of
/// them round to itself. Each wave is in the order of `listed`.
pub(super) fn waves<'a>(listed: &[&'a str], needs: &Needs<'a>) -> Result<Vec<Vec<&'a str>>, Vec<&'a str>> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut waves = Vec::new();
    let needed = |unit: &str| needs.get(unit).into_iter().flatten().copied();
    while done.len() < listed.len() {
        let wave: Vec<&str> = listed
            .iter()
            .copied()
            .filter(|unit| !done.contains(unit))
            .filter(|unit| needed(unit).all(|need| done.contains(need)))
            .collect();
        let Some(_) = wave.first() else {
            let stuck = listed.iter().copied().find(|unit| !done.contains(unit));
            return Err(stuck.map_or_else(Vec::new, |unit| cycle(unit, needs, &done)));
        };
        done.extend(&wave);
        waves.push(wave);
    }
    Ok(waves)
}

/// Walks from a unit that can never start along needs that can never start, until it meets one it
/// has seen: from there on the walk is the cycle.
fn cycle<'a>(from: &'a str, needs: &Needs<'a>, done: &BTreeSet<&str>) -> Vec<&'a str> {
    let mut walk = vec![from];
    loop {
        let next = walk
            .last()
            .and_then(|unit| needs.get(unit))
            .and_then(|all| all.iter().copied().find(|need| !done.contains(need)));
        let Some(next) = next else { return walk };
        let seen = walk.iter().position(|&unit| unit == next);
        walk.push(next);
        if let Some(start) = seen {
            return walk.split_off(start);
        }
    }
}

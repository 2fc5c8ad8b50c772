//! Scenarios, from what is written to a timeline in which nothing is wrong.

use std::num::NonZeroU32;
use std::time::Duration;

use wharf_relay::{Cut, CutDirection, Manner};

use super::at::{At, Named, Span};
use super::check::label;
use super::conditioned::{RepeatValue, ScenarioTable, StepTable};
use super::error::Fault;
use super::name::{LinkName, ScenarioName};
use super::values::parse_time;
use super::written::OneOrMany;
use super::{LinkDef, conditions, suggest};
use crate::scenario::{Again, Does, Repeat, Scenario, Step};

/// The most steps that a scenario has.
const STEPS: usize = 10_000;

/// Reads all scenarios of a project with these links.
pub(super) fn all(written: &Named<ScenarioTable>, links: &[LinkDef]) -> Result<Vec<Scenario>, Fault> {
    let written = written.0.iter();
    written.map(|(key, table)| scenario(key, table, links)).collect()
}

fn scenario(key: &At<String>, table: &ScenarioTable, links: &[LinkDef]) -> Result<Scenario, Fault> {
    let name = ScenarioName::from(label(key, "scenario")?);
    let fault = |message: &str| Fault::new(&key.span, format!("scenario `{name}` {message}"));
    if table.step.is_empty() {
        return Err(fault("has no steps")
            .hint("add step = [{ at = \"0s\", link = \"web -> api\", latency = \"200ms\" }]"));
    }
    if table.step.len() > STEPS {
        return Err(fault(&format!("has more than {STEPS} steps")));
    }
    let written = table.length.as_ref().map(time).transpose()?;
    let mut steps = Vec::new();
    for one in &table.step {
        steps.push(step(one, links, written)?);
    }
    let length = match written {
        Some(length) => length,
        None => length_of(&table.step, &steps)?,
    };
    if length.is_zero() {
        return Err(fault("takes no time").hint("write how long it lasts: length = \"1m\""));
    }
    for (one, step) in table.step.iter().zip(&steps) {
        if step.at >= length {
            let message = format!(
                "step at {:?} is behind the end of scenario `{name}` at {length:?}",
                step.at
            );
            return Err(
                Fault::new(&one.span, message).hint("lengthen `length`, or let the step come earlier")
            );
        }
    }
    let repeat = repeat(table.repeat.as_ref())?;
    let about = table.about.clone();
    Ok(Scenario {
        name,
        about,
        length,
        repeat,
        steps,
    })
}

/// The end of the step that ends last.
fn length_of(written: &[At<StepTable>], steps: &[Step]) -> Result<Duration, Fault> {
    let mut length = Duration::ZERO;
    for (written, step) in written.iter().zip(steps) {
        // A step without an end lasts until those of the others are over.
        length = length.max(step.end().unwrap_or(step.at));
        let endless = step.end().is_none() && step.at >= length;
        if endless
            && steps
                .iter()
                .all(|other| other.end().is_none_or(|end| end <= step.at))
        {
            let message = "nothing says when the scenario ends: its last step has no end";
            return Err(Fault::new(&written.span, message)
                .hint("write length = \"1m\" in the scenario, or for = \"10s\" in the step"));
        }
    }
    Ok(length)
}

fn repeat(written: Option<&At<RepeatValue>>) -> Result<Repeat, Fault> {
    let Some(written) = written else {
        return Ok(Repeat::Times(NonZeroU32::MIN));
    };
    match &written.value {
        RepeatValue::Times(times) => count(*times, &written.span).map(Repeat::Times),
        RepeatValue::Word(word) if word == "forever" => Ok(Repeat::Forever),
        RepeatValue::Word(word) => {
            let message = format!("a scenario is not repeated `{word}`");
            Err(Fault::new(&written.span, message).hint("write a number, or \"forever\""))
        }
    }
}

fn count(times: i64, span: &Span) -> Result<NonZeroU32, Fault> {
    let count = u32::try_from(times).ok().and_then(NonZeroU32::new);
    count.ok_or_else(|| Fault::new(span, format!("{times} is no number of times: it is at least 1")))
}

fn time(written: &At<String>) -> Result<Duration, Fault> {
    parse_time(written).map_err(|problem| Fault::new(&written.span, problem))
}

fn some_time(written: Option<&At<String>>) -> Result<Option<Duration>, Fault> {
    let Some(written) = written else {
        return Ok(None);
    };
    match time(written)? {
        Duration::ZERO => Err(Fault::new(
            &written.span,
            "no time at all: leave it out, or write more than 0s",
        )),
        time => Ok(Some(time)),
    }
}

fn step(written: &At<StepTable>, links: &[LinkDef], length: Option<Duration>) -> Result<Step, Fault> {
    let at = written.at.as_ref().map(time).transpose()?.unwrap_or_default();
    let lasts = some_time(written.lasts.as_ref())?;
    let ramp = some_time(written.over.as_ref())?;
    let again = again(written, at, length)?;
    if let (Some(again), Some(lasts)) = (again, lasts)
        && lasts > again.every
    {
        let message = "the step lasts longer than it takes to come again";
        return Err(Fault::new(&written.span, message).hint("make `for` shorter than `every`"));
    }
    let does = does(written)?;
    if let (Some(_), Does::Cut(_) | Does::Heal | Does::Restore) = (ramp, &does) {
        let message = "only figures come about little by little, and this step has none";
        return Err(Fault::new(&written.span, message).hint("leave `over` out"));
    }
    let links = match &written.partition {
        Some(groups) => across(groups, links)?,
        None => named(written, links)?,
    };
    Ok(Step {
        at,
        again,
        lasts,
        ramp,
        links,
        does,
    })
}

fn again(written: &At<StepTable>, at: Duration, length: Option<Duration>) -> Result<Option<Again>, Fault> {
    let every = some_time(written.every.as_ref())?;
    let times = written.times.as_ref();
    let times = times.map(|times| count(times.value, &times.span)).transpose()?;
    match (every, times, length) {
        (None, None, _) => Ok(None),
        (None, Some(_), _) => {
            Err(Fault::new(&written.span, "`times` without `every` says nothing").hint("add every = \"10s\""))
        }
        (Some(every), Some(times), _) => Ok(Some(Again { every, times })),
        (Some(_), None, None) => {
            let message = "nothing says how often the step comes: the scenario has no length";
            Err(Fault::new(&written.span, message)
                .hint("write length = \"1m\" in the scenario, or times = 5 in the step"))
        }
        (Some(every), None, Some(length)) => {
            // As often as it begins before the end.
            let gaps = length.saturating_sub(at).saturating_sub(Duration::from_nanos(1));
            let times = u32::try_from(gaps.as_nanos() / every.as_nanos()).unwrap_or(u32::MAX - 1) + 1;
            let times = NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN);
            Ok(Some(Again { every, times }))
        }
    }
}

/// What a step does: exactly one thing.
fn does(written: &At<StepTable>) -> Result<Does, Fault> {
    let has = |flag: &Option<At<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
    let conditions = conditions::of(
        &written.value,
        written.profile.as_ref(),
        &[written.up.as_ref(), written.down.as_ref()],
    )?;
    let [up, down] = conditions;
    let speaks = !(up.is_empty() && down.is_empty()) || written.profile.is_some();
    let mut all = Vec::new();
    if speaks {
        all.push(match &written.profile {
            Some(_) => Does::Replace { up, down },
            None => Does::Adjust { up, down },
        });
    }
    if let Some(cut) = &written.cut {
        all.push(Does::Cut(manner(cut)?));
    }
    if written.partition.is_some() {
        all.push(Does::Cut(Cut::default()));
    }
    if has(&written.heal) {
        all.push(Does::Heal);
    }
    if has(&written.clear) {
        all.push(Does::Replace {
            up: Default::default(),
            down: Default::default(),
        });
    }
    if has(&written.restore) {
        all.push(Does::Restore);
    }
    match (all.len(), all.pop()) {
        (1, Some(does)) => Ok(does),
        (0, _) => Err(Fault::new(&written.span, "the step does nothing")
            .hint("give it conditions, a profile, cut, partition, heal, clear or restore")),
        _ => Err(Fault::new(&written.span, "the step does more than one thing")
            .hint("write a step for each: they may have the same time")),
    }
}

fn manner(written: &At<String>) -> Result<Cut, Fault> {
    let mut words = written.split_whitespace();
    let manner = match words.next() {
        Some("hole") => Manner::Hole,
        Some("reset") => Manner::Reset,
        Some("refuse") => Manner::Refuse,
        _ => return Err(no_cut(written)),
    };
    let direction = match (manner, words.next()) {
        (_, None) => CutDirection::Both,
        (Manner::Hole, Some("up")) => CutDirection::Up,
        (Manner::Hole, Some("down")) => CutDirection::Down,
        _ => return Err(no_cut(written)),
    };
    match words.next() {
        None => Ok(Cut { direction, manner }),
        Some(_) => Err(no_cut(written)),
    }
}

fn no_cut(written: &At<String>) -> Fault {
    Fault::new(&written.span, format!("a link is not cut `{}`", written.value))
        .hint("write hole, hole up, hole down, reset or refuse")
}

/// The links that a step names.
fn named(written: &At<StepTable>, links: &[LinkDef]) -> Result<Vec<LinkName>, Fault> {
    let Some(link) = &written.link else {
        return Err(Fault::new(&written.span, "the step names no link")
            .hint("add link = \"web -> api\", or \"*\" for all"));
    };
    let patterns: Vec<&str> = match &link.value {
        OneOrMany::One(one) => vec![one.as_str()],
        OneOrMany::Many(many) => many.iter().map(String::as_str).collect(),
    };
    let mut names = Vec::new();
    for pattern in patterns {
        let before = names.len();
        let matching = links.iter().filter(|def| is_meant(pattern, &def.name));
        names.extend(matching.map(|def| def.name.clone()));
        if names.len() == before {
            let known: Vec<String> = links.iter().map(|def| def.name.to_string()).collect();
            return Err(
                Fault::new(&link.span, format!("no link is meant by `{pattern}`")).maybe_hint(suggest::hint(
                    pattern,
                    "there are",
                    known.iter().map(String::as_str),
                )),
            );
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Whether a pattern such as `* -> db`, `web -> *` or `*` means a link. A star stands for any text.
fn is_meant(pattern: &str, name: &LinkName) -> bool {
    match pattern.split_once("->") {
        None => pattern.trim() == "*",
        Some((consumer, provider)) => {
            is_like(consumer.trim(), &name.consumer.to_string())
                && is_like(provider.trim(), name.provider.as_str())
        }
    }
}

fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    // The part before the first star begins the text; each other is found behind the one before it.
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The links between groups of services.
fn across(groups: &At<Vec<Vec<String>>>, links: &[LinkDef]) -> Result<Vec<LinkName>, Fault> {
    let fault = |message: String| Fault::new(&groups.span, message);
    if groups.len() < 2 {
        return Err(fault("a partition has at least two groups".to_owned())
            .hint("write partition = [[\"web\"], [\"api\", \"db\"]]"));
    }
    let ends = |def: &LinkDef| [def.name.consumer.to_string(), def.name.provider.to_string()];
    let mut seen = Vec::new();
    for name in groups.iter().flatten() {
        if !links.iter().any(|def| ends(def).contains(name)) {
            let mut known: Vec<String> = links.iter().flat_map(ends).collect();
            known.sort();
            known.dedup();
            return Err(
                fault(format!("no link begins or ends at `{name}`")).maybe_hint(suggest::hint(
                    name,
                    "there are",
                    known.iter().map(String::as_str),
                )),
            );
        }
        if seen.contains(&name) {
            return Err(fault(format!("`{name}` is on both sides of the partition")));
        }
        seen.push(name);
    }
    let side = |end: &str| {
        groups
            .iter()
            .position(|group| group.iter().any(|name| name == end))
    };
    let crosses = |name: &LinkName| {
        let consumer = side(&name.consumer.to_string());
        let provider = side(name.provider.as_str());
        matches!((consumer, provider), (Some(one), Some(other)) if one != other)
    };
    let crossing: Vec<LinkName> = links.iter().map(|def| def.name.clone()).filter(crosses).collect();
    match crossing.is_empty() {
        true => Err(fault(
            "no link leads from one group to another: nothing would be cut".to_owned(),
        )),
        false => Ok(crossing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        let name: LinkName = "web-app -> api".parse().expect("a link's name");
        for (pattern, meant) in [
            ("*", true),
            ("web-app -> api", true),
            ("web-app->api", true),
            ("* -> api", true),
            ("web* -> *", true),
            ("*app -> a*i", true),
            ("* -> db", false),
            ("web -> api", false),
            ("api", false),
            ("w*b -> *", false),
        ] {
            assert_eq!(is_meant(pattern, &name), meant, "{pattern}");
        }
    }
}

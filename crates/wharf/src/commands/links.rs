//! `wharf links`, `set`, `cut` and `heal`: the arrows of a running stack.

use std::time::Duration;

use wharf_link::{Conditions, Profile};
use wharf_relay::{Cut, CutDirection, Manner};
use wharf_stack::control::{
    Change, Client, LinkStatus, PacketFigures, Reply, Request, SegmentStatus, StackStatus,
};

use crate::cli::{ConditionFlags, CutArgs, Direction, Set, Which};
use crate::out;
use crate::report::{Code, Report};
use crate::screen::{both_ways, conditions};
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, which: &Which, json: bool, watch: bool) -> Result<(), Report> {
    let client = target::find(here, which)?.client();
    loop {
        let status = client.status()?;
        if json {
            out::json(&status.links);
        } else {
            if watch {
                out::text("\x1b[H\x1b[2J");
            }
            show(&status);
        }
        if !watch {
            return Ok(());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// The links, and below them the segments, where there are any.
fn show(status: &StackStatus) {
    let links: Vec<Vec<String>> = status.links.iter().map(row).collect();
    out::table(
        &[
            "LINK",
            "ADDRESS",
            "CONNS",
            "UP",
            "DOWN",
            "RATE UP",
            "RATE DOWN",
            "CONDITIONS",
        ],
        &links,
    );
    if status.segments.is_empty() {
        return;
    }
    let segments: Vec<Vec<String>> = status
        .segments
        .iter()
        .map(|segment| segment_row(segment, &status.links))
        .collect();
    out::line("");
    out::table(
        &[
            "SEGMENT",
            "UP",
            "DOWN",
            "RATE UP",
            "RATE DOWN",
            "CONDITIONS",
            "LINKS",
        ],
        &segments,
    );
}

fn segment_row(segment: &SegmentStatus, links: &[LinkStatus]) -> Vec<String> {
    let stats = &segment.stats;
    let through = links.iter().filter(|link| link.via.contains(&segment.name));
    let through: Vec<&str> = through.map(|link| link.name.as_str()).collect();
    let [up, down, rate_up, rate_down] = match &segment.packets {
        Some(both) => of_packets(both),
        None => [
            out::bytes(stats.bytes_up),
            out::bytes(stats.bytes_down),
            bits(stats.rate_up),
            bits(stats.rate_down),
        ],
    };
    vec![
        segment.name.clone(),
        up,
        down,
        rate_up,
        rate_down,
        both_ways(&segment.up, &segment.down),
        through.join(", "),
    ]
}

fn row(link: &LinkStatus) -> Vec<String> {
    let stats = &link.stats;
    let connections = match (&link.packets, stats.parked) {
        (Some(_), _) => "-".to_owned(),
        (None, 0) => stats.connections.to_string(),
        (None, parked) => format!("{} +{parked} parked", stats.connections),
    };
    let [up, down, rate_up, rate_down] = match &link.packets {
        Some(both) => of_packets(both),
        None => [
            out::bytes(stats.bytes_up),
            out::bytes(stats.bytes_down),
            bits(stats.rate_up),
            bits(stats.rate_down),
        ],
    };
    vec![
        link.name.clone(),
        link.address.to_string(),
        connections,
        up,
        down,
        rate_up,
        rate_down,
        match (link.via.is_empty(), link.relayed) {
            (true, false) => conditions(link),
            (true, true) => format!("{}; last hop relayed", conditions(link)),
            (false, _) => format!("{} via {}", conditions(link), link.via.join(", ")),
        },
    ]
}

/// What became of packets, up and down; of their rate nothing is known.
fn of_packets(both: &[PacketFigures; 2]) -> [String; 4] {
    let [up, down] = both.map(|figures| packets(&figures));
    [up, down, "-".to_owned(), "-".to_owned()]
}

/// `12 packets`, or `12 packets, dropped: 2 loss, 1 queue`.
fn packets(figures: &PacketFigures) -> String {
    let causes = [
        ("outage", figures.outage),
        ("mtu", figures.mtu),
        ("loss", figures.loss),
        ("queue", figures.queue),
        ("aqm", figures.aqm),
    ];
    let dropped = causes.iter().filter(|(_, count)| *count > 0);
    let dropped: Vec<String> = dropped.map(|(cause, count)| format!("{count} {cause}")).collect();
    match dropped.is_empty() {
        true => format!("{} packets", figures.delivered),
        false => format!("{} packets, dropped: {}", figures.delivered, dropped.join(", ")),
    }
}

/// A measured rate, to three digits.
fn bits(rate: u64) -> String {
    let unit = 10_u64.pow(rate.checked_ilog10().unwrap_or(0).saturating_sub(2));
    wharf_link::Rate::from_bits(rate / unit * unit).map_or_else(|| "0".to_owned(), |rate| rate.to_string())
}

/// The profile of this name.
pub(super) fn profile(name: &str) -> Result<&'static Profile, Report> {
    Profile::named(name).ok_or_else(|| {
        let names = wharf_link::profiles().iter().map(|profile| profile.name);
        Report::new(Code::BadInput, format!("there is no profile `{name}`")).near(
            name,
            names,
            "`wharf profiles` lists them",
        )
    })
}

/// What the flags say of one direction: conditions in place of those that are there with a profile,
/// else only what is named.
fn change(flags: &ConditionFlags, side: impl Fn(&Profile) -> &Conditions) -> Result<Change, Report> {
    let own = flags.own.0.clone();
    match &flags.profile {
        None if own.is_empty() => Err(Report::new(Code::BadInput, "set a link: there is nothing to set")
            .hint("name a profile, a condition such as --latency 200ms, --clear or --restore")),
        None => Ok(Change::Adjust(own)),
        Some(name) => Ok(Change::Replace(own.over(&side(profile(name)?).settings()))),
    }
}

pub(super) fn set(here: &Surroundings, args: &Set) -> Result<(), Report> {
    let mut flags = args.conditions.clone();
    flags.profile = flags.profile.or_else(|| args.profile_name.clone());
    let (up, down) = match (args.clear, args.restore) {
        (_, true) => (Change::Restore, Change::Restore),
        (true, _) => (Change::Replace(flags.own.0.clone()), Change::Replace(flags.own.0)),
        _ => (
            change(&flags, |profile| &profile.up)?,
            change(&flags, |profile| &profile.down)?,
        ),
    };
    let (up, down) = match args.direction.direction() {
        Direction::Both => (up, down),
        Direction::Up => (up, Change::Keep),
        Direction::Down => (Change::Keep, down),
    };
    let client = target::find_with_link(here, &args.which, &args.link)?.client();
    ask(
        &client,
        &Request::Set {
            link: args.link.clone(),
            up,
            down,
        },
    )
}

pub(super) fn cut(here: &Surroundings, args: &CutArgs) -> Result<(), Report> {
    let cut = Cut {
        direction: match args.direction.direction() {
            Direction::Both => CutDirection::Both,
            Direction::Up => CutDirection::Up,
            Direction::Down => CutDirection::Down,
        },
        manner: match (args.reset, args.refuse) {
            (true, _) => Manner::Reset,
            (_, true) => Manner::Refuse,
            _ => Manner::Hole,
        },
    };
    let client = target::find_with_link(here, &args.which, &args.link)?.client();
    ask(
        &client,
        &Request::Cut {
            link: args.link.clone(),
            cut,
        },
    )
}

pub(super) fn heal(here: &Surroundings, link: Option<String>, which: &Which) -> Result<(), Report> {
    let client = match &link {
        Some(name) => target::find_with_link(here, which, name)?.client(),
        None => target::find(here, which)?.client(),
    };
    ask(&client, &Request::Heal { link })
}

pub(super) fn ask(client: &Client, request: &Request) -> Result<(), Report> {
    if let Reply::Done { said } = client.ask(request)? {
        for text in said {
            out::line(&text);
        }
    }
    Ok(())
}

/// The same conditions as lines of a `[link]` table.
pub(super) fn flags_to_toml(flags: &ConditionFlags) -> Result<String, Report> {
    let mut lines = String::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push_str(&format!("{key} = {}\n", toml::Value::from(value)));
        }
    };
    if let Some(name) = &flags.profile {
        profile(name)?;
    }
    add("profile", flags.profile.clone());
    for (key, value) in flags.own.0.iter() {
        add(key.name(), Some(value.to_owned()));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_said_with_the_causes_of_their_drops() {
        let mut figures = PacketFigures {
            offered: 15,
            delivered: 12,
            ..PacketFigures::default()
        };
        assert_eq!(packets(&figures), "12 packets");
        (figures.loss, figures.queue) = (2, 1);
        assert_eq!(packets(&figures), "12 packets, dropped: 2 loss, 1 queue");
    }
}

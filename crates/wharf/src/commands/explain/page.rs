//! An explanation, on one screen: the facts, then the diagnosis.

use wharf_advice::{Explanation, KnownBy, Listening, Outcome, OwnerStory, Peer, RouteStory, Speaks};
use wharf_facts::Exposure;

use crate::findings::{self, Prose};
use crate::grid::{Paint, Piece};
use crate::out;

/// Rows of one kind that are shown; the rest is counted.
const MOST: usize = 6;
/// The width of the labels.
const LABEL: usize = 10;

/// What is there. `now` is when it was seen, in seconds since 1970.
pub(super) fn facts(prose: &Prose, explanation: &Explanation, now: u64) {
    prose.hanging(
        &[Paint::Bold.of(format!("{}:", explanation.subject))],
        &explanation.summary,
    );
    if let Some(port) = &explanation.port {
        row(prose, "port", &port.says);
    }
    for listening in explanation.listeners.iter().take(MOST) {
        listener(prose, listening, now);
    }
    more(prose, explanation.listeners.len());
    routes(prose, &explanation.routes);
    peers(prose, &explanation.peers);
    for (place, other) in explanation.others.iter().take(MOST).enumerate() {
        row(prose, if place == 0 { "also" } else { "" }, &other.says);
    }
    more(prose, explanation.others.len());
    if let Some(last) = &explanation.last_used {
        let when = last.at.map(|at| out::age(now.saturating_sub(at) * 1000));
        let when = when.map(|age| format!(", {age} ago")).unwrap_or_default();
        row(
            prose,
            "last used",
            &format!(
                "by {} of {}{when}, as Wharf gave it out",
                last.service, last.checkout
            ),
        );
    }
}

/// What is spoken there: asked, or else by its looks.
pub(super) fn learnt(prose: &Prose, explanation: &Explanation) {
    let mut said: Vec<String> = Vec::new();
    for listening in &explanation.listeners {
        if let Some(speaks) = &listening.speaks {
            let line = spoken(speaks);
            if !said.contains(&line) {
                said.push(line);
            }
        }
    }
    for (place, line) in said.iter().take(MOST).enumerate() {
        row(prose, if place == 0 { "speaks" } else { "" }, line);
    }
}

/// What is wrong, the most likely cause first; and what could not be seen.
pub(super) fn diagnosis(prose: &Prose, explanation: &Explanation) {
    for unknown in &explanation.unknowns {
        prose.painted_hanging(&[label("unknown")], unknown, Paint::Dim);
    }
    for finding in &explanation.findings {
        prose.blank();
        let word = format!("{}:", finding.severity);
        prose.hanging(&[findings::paint(finding.severity).of(word)], &finding.says);
        findings::details(prose, finding, 2);
        prose.whole(&[Paint::Dim.of(format!("  rule {}", finding.rule))]);
    }
}

fn label(text: &str) -> Piece {
    Paint::Dim.of(format!("  {text:<LABEL$}"))
}

fn row(prose: &Prose, name: &str, text: &str) {
    prose.hanging(&[label(name)], text);
}

fn more(prose: &Prose, count: usize) {
    if count > MOST {
        row(prose, "", &format!("and {} more", count - MOST));
    }
}

fn listener(prose: &Prose, listening: &Listening, now: u64) {
    let name = if listening.protocol == wharf_facts::Protocol::Udp {
        "takes UDP"
    } else {
        "listens"
    };
    let mut parts = vec![format!("{}, {}", listening.address, reach(listening.exposure))];
    if listening.waiting > 0 && listening.backlog > 0 {
        parts.push(format!(
            "{} of {} places for waiting connections taken",
            listening.waiting, listening.backlog
        ));
    }
    row(prose, name, &parts.join("; "));
    if listening.owners.is_empty() {
        let user = listening
            .user
            .clone()
            .unwrap_or_else(|| format!("user {}", listening.uid));
        let unit = listening
            .unit
            .as_ref()
            .map(|unit| format!(", in {unit}"))
            .unwrap_or_default();
        row(
            prose,
            "  by",
            &format!("a process of {user} that you may not see{unit}"),
        );
    }
    for owner in listening.owners.iter().take(MOST) {
        story(prose, owner, now);
    }
    more(prose, listening.owners.len());
}

fn story(prose: &Prose, owner: &OwnerStory, now: u64) {
    let mut who = format!("{} (pid {})", owner.name, owner.pid);
    if let Some(user) = &owner.user {
        who.push_str(&format!(" of {user}"));
    }
    if let Some(since) = owner.since {
        who.push_str(&format!(", for {}", out::age(now.saturating_sub(since) * 1000)));
    }
    if let Some(state) = &owner.state {
        who.push_str(&format!(", {state}"));
    }
    row(prose, "  by", &who);
    if let Some(command) = &owner.command {
        prose.painted_hanging(&[label("")], command, Paint::Dim);
    }
    if let Some(reason) = &owner.reason {
        // It goes on from the process's name.
        row(prose, "  why", reason.strip_prefix("and ").unwrap_or(reason));
    }
    if let Some(place) = place(owner) {
        row(prose, "  in", &place);
    }
}

/// The checkout, with its branch; else the working directory.
fn place(owner: &OwnerStory) -> Option<String> {
    let mut place = owner.checkout.clone().or_else(|| owner.cwd.clone())?;
    if let Some(branch) = &owner.branch {
        place.push_str(&format!(" on {branch}"));
    }
    if let Some(main) = &owner.worktree_of {
        place.push_str(&format!(", a worktree of {main}"));
    }
    Some(place)
}

fn spoken(speaks: &Speaks) -> String {
    let mut said = match speaks.known_by {
        KnownBy::Probe => speaks.protocol.clone(),
        KnownBy::Guess => format!("{}, by its looks", speaks.protocol),
    };
    if let Some(product) = &speaks.product {
        said.push_str(&format!(" ({product})"));
    }
    if let Some(title) = &speaks.title {
        said.push_str(&format!(", “{title}”"));
    }
    said
}

fn reach(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Loopback => "reached from this machine only",
        Exposure::LinkLocal => "reached from its own link",
        Exposure::Private => "reached from a private network",
        Exposure::Public => "reached from anywhere",
        Exposure::Everywhere => "reached by every address of this machine",
    }
}

fn routes(prose: &Prose, routes: &[RouteStory]) {
    let widest = routes
        .iter()
        .map(|route| route.by.chars().count())
        .max()
        .unwrap_or(0)
        .min(30);
    for (place, route) in routes.iter().take(MOST).enumerate() {
        let paint = match route.outcome {
            Outcome::Accepted => Paint::Green,
            Outcome::Refused | Outcome::Hangs | Outcome::Unresolved => Paint::Red,
            Outcome::Elsewhere | Outcome::Unknown => Paint::Yellow,
        };
        let name = if place == 0 { "connect" } else { "" };
        let lead = [label(name), Paint::Plain.of(format!("{:<widest$}  ", route.by))];
        prose.painted_hanging(&lead, &route.says, paint);
    }
    more(prose, routes.len());
}

/// Connections: those that carry first, the others counted by state.
fn peers(prose: &Prose, peers: &[Peer]) {
    for (place, peer) in peers.iter().take(MOST).enumerate() {
        let mut said = format!("{} {}", peer.remote, peer.state);
        if let Some(process) = &peer.process {
            said.push_str(&format!(", {process}"));
        }
        if peer.unread > 0 {
            said.push_str(&format!(", {} unread", out::bytes(peer.unread.into())));
        }
        if peer.unsent > 0 {
            said.push_str(&format!(", {} unsent", out::bytes(peer.unsent.into())));
        }
        row(prose, if place == 0 { "connected" } else { "" }, &said);
    }
    more(prose, peers.len());
}

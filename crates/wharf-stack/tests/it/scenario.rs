//! Scenarios, played in virtual time: what each link does at any moment.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use wharf_link::{Conditions, Latency};
use wharf_stack::project::Project;
use wharf_stack::scenario::{LinkState, Player};

const STACK: &str = "
[service]
web = { run = 'w', needs = ['api', 'db'] }
api = { run = 'a', needs = ['db'] }
db = { run = 'd', door = false }
[link.'web -> api']
latency = '10ms'
";

/// The scenario of this text, ready to be played on links that do what the file says.
fn player(scenario: &str) -> Player {
    let text = format!("{STACK}[scenario.x]\n{scenario}\n");
    let project =
        Project::parse(&text, Path::new("wharf.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut no_files = |name: &str| Err(format!("{name} is not there"));
    let before = project.links().iter().map(|def| {
        let mut resolve = |settings: &wharf_link::Settings| {
            settings
                .resolve(&Conditions::CLEAR, &mut no_files)
                .expect("no files")
        };
        let (up, down) = (resolve(&def.up), resolve(&def.down));
        (def.name.clone(), LinkState { up, down, cut: None })
    });
    let scenario = project.scenarios[0].clone();
    let concerned = |name: &_| scenario.steps.iter().any(|step| step.links.contains(name));
    let before: BTreeMap<_, _> = before.filter(|(name, _)| concerned(name)).collect();
    Player::new(scenario, before, &mut no_files).expect("no files")
}

/// Plays to the end, or for so long, and writes down what happened.
fn play(scenario: &str, at_most: Duration) -> String {
    let mut player = player(scenario);
    let mut story = String::new();
    let mut time = Duration::ZERO;
    for _ in 0..10_000 {
        let (changes, said) = player.advance(time);
        for said in said {
            let _ = writeln!(story, "{:>6.2}  {}", said.at.as_secs_f64(), said.text);
        }
        for change in changes {
            let LinkState { up, down, cut } = change.state;
            let cut = cut.map_or(String::new(), |cut| {
                format!(" CUT {:?} {:?}", cut.manner, cut.direction)
            });
            let _ = writeln!(
                story,
                "{:>6.2}    {}: {up} | {down}{cut}",
                time.as_secs_f64(),
                change.link
            );
        }
        match player.next_wakeup(time) {
            Some(next) if next <= at_most => {
                assert!(next > time, "time goes on");
                time = next;
            }
            Some(_) => return story,
            None => {
                let _ = writeln!(story, "{:>6.2}  the end", time.as_secs_f64());
                return story;
            }
        }
    }
    panic!("it does not end:\n{story}");
}

#[test]
fn a_commute() {
    insta::assert_snapshot!(play(
        "length = '60s'
        step = [
          { at = '0s', link = 'web -> api', profile = '4g' },
          { at = '10s', for = '5s', link = 'web -> api', rate = '100kbit' },
          { at = '12s', for = '10s', link = 'web -> api', loss = '5%' },
          { at = '20s', every = '10s', times = 2, for = '1s', link = '* -> db', cut = 'hole up' },
          { at = '40s', for = '5s', partition = [['web'], ['api', 'db']] },
          { at = '50s', link = 'web -> api', restore = true },
          { at = '55s', link = 'door -> web', down = { latency = '1s' } },
        ]",
        Duration::from_secs(100)
    ));
}

#[test]
fn a_ramp_goes_from_what_was_to_what_is_to_be() {
    let mut player = player(
        "length = '20s'\nstep = [{ at = '5s', over = '10s', link = 'web -> api', latency = '210ms', loss = '10%' }]",
    );
    let mut latency_at = |seconds: f64| {
        let (changes, _) = player.advance(Duration::from_secs_f64(seconds));
        changes.first().map(|change| change.state.up.clone())
    };
    let millis = |conditions: Option<Conditions>| {
        conditions.map(|conditions| conditions.latency.duration().as_secs_f64() * 1e3)
    };
    assert_eq!(latency_at(4.9), None);
    let half = latency_at(10.0).expect("it rises");
    let loss = half.settings().get("loss").map(str::to_owned);
    assert!(
        (millis(Some(half)).unwrap_or(0.0) - 110.0).abs() < 0.1,
        "half-way"
    );
    assert_eq!(loss.as_deref(), Some("5%"));
    assert_eq!(millis(latency_at(15.0)), Some(210.0));
    assert_eq!(latency_at(16.0), None, "it stays");
    assert_eq!(millis(latency_at(20.0)), Some(10.0), "undone at the end");
}

#[test]
fn it_repeats_and_each_pass_begins_anew() {
    insta::assert_snapshot!(play(
        "repeat = 2\nlength = '10s'\nstep = [{ at = '4s', link = 'web -> api', latency = '1s' }]",
        Duration::from_secs(100)
    ));
    let forever = play(
        "repeat = 'forever'\nstep = [{ at = '1s', for = '1s', link = '*', cut = 'refuse' }]",
        Duration::from_secs(7),
    );
    assert_eq!(forever.matches("cut, refused for 1s\n").count(), 4, "{forever}");
}

#[test]
fn what_is_set_by_hand_meanwhile_is_what_comes_back() {
    let mut player = player("length = '10s'\nstep = [{ at = '0s', link = 'web -> api', rate = '1mbit' }]");
    let (changes, _) = player.advance(Duration::ZERO);
    let link = changes[0].link.clone();
    let mut own = player.before(&link).expect("its own").clone();
    own.up.latency = Latency::millis(77);
    player.set_before(&link, own.clone());
    let (changes, _) = player.advance(Duration::from_secs(1));
    assert_eq!(changes[0].state.up.to_string(), "77ms, 1mbit");
    assert_eq!(player.finish()[0].state, own);
    assert!(player.is_over() && player.next_wakeup(Duration::from_secs(1)).is_none());
}

proptest! {
    /// However steps lie over each other, when the scenario ends every link is as it was before.
    #[test]
    fn the_end_undoes_everything(steps in proptest::collection::vec((0u32..50, 0u32..20, 0usize..5, 0usize..4), 1..12)) {
        let links = ["web -> api", "* -> db", "*", "door -> web"];
        let does = ["latency = '1s'", "cut = 'hole'", "clear = true", "profile = '3g'", "loss = '1%', up = { rate = '1mbit' }"];
        let lines: Vec<String> = steps
            .iter()
            .map(|&(at, lasts, what, link)| {
                let lasts = if lasts == 0 { String::new() } else { format!(", for = '{lasts}s'") };
                format!("{{ at = '{at}s'{lasts}, link = '{}', {} }}", links[link], does[what])
            })
            .collect();
        let mut player = player(&format!("length = '60s'\nstep = [{}]", lines.join(", ")));
        let mut now = BTreeMap::new();
        let mut time = Duration::ZERO;
        for _ in 0..10_000 {
            for change in player.advance(time).0 {
                now.insert(change.link, change.state);
            }
            match player.next_wakeup(time) {
                Some(next) => time = next,
                None => break,
            }
        }
        prop_assert!(player.is_over());
        prop_assert_eq!(time, Duration::from_secs(60));
        for (link, state) in now {
            prop_assert_eq!(player.before(&link), Some(&state));
        }
    }
}

/// Files are read before the scenario begins, each once, and never as it plays.
#[test]
fn what_a_scenario_names_is_read_once() {
    let text = format!(
        "{STACK}[scenario.x]\nlength = '10s'\n\
         step = [{{ at = '0s', over = '5s', link = 'web -> api', trace = 'train.trace', latency = '90ms' }}]\n"
    );
    let project = Project::parse(&text, Path::new("wharf.toml")).expect("a project");
    let link = project
        .links()
        .iter()
        .find(|def| def.name.to_string() == "web -> api");
    let link = link.expect("the link").name.clone();
    let before = BTreeMap::from([(link, LinkState::default())]);
    let mut read = Vec::new();
    let mut files = |name: &str| {
        read.push(name.to_owned());
        Ok("5\n10\n".to_owned())
    };
    let scenario = project.scenarios[0].clone();
    let player = Player::new(scenario.clone(), before.clone(), &mut files);
    let mut player = player.expect("the trace is right");
    // Once for each direction.
    assert_eq!(read, ["train.trace", "train.trace"]);
    for tick in 0..100 {
        for change in player.advance(Duration::from_millis(tick * 50)).0 {
            assert_eq!(change.state.up.trace.expect("a trace").name(), "train.trace");
        }
    }
    let failed = Player::new(scenario, before, &mut |_| Ok("no trace".to_owned()));
    let error = failed.expect_err("it is no trace").to_string();
    assert!(error.starts_with("trace: "), "{error}");
}

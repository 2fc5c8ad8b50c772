//! Real servers. Each is met twice: by its command line, and as a stranger.
//!
//! A server that was known by its command line must have nothing to complain of in its log.

mod debuggers;
mod stores;
mod tls;
mod web;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use wharf_facts::{Connect, Silence, Spoken};
use wharf_probe::{Consent, Owner, Plan, Target, Touch, Whose, guess, probe};

use crate::server::{Port, Program, find};
use crate::{skip, summary};

/// A machine that tests is a busy one, and whether a real server answers is no question of speed.
pub(crate) const PATIENT: Duration = Duration::from_secs(3);

/// A real server.
struct Real {
    name: &'static str,
    /// What must be there, and the package of Debian's that has it.
    needs: (&'static str, &'static str),
    /// Its command line; `PORT` and `DIR` stand for the port and a directory of its own.
    command: &'static [&'static str],
    /// What it speaks, and a part of what it says of itself.
    speaks: (Spoken, &'static str),
    /// What it speaks to one who does not know it.
    to_strangers: Spoken,
    /// What its log must not hold after it was met by its command line.
    complaints: &'static [&'static str],
}

#[track_caller]
fn check(real: &Real) {
    check_with(real, |_| {});
}

/// The same, with `prepare` for the server's directory.
#[track_caller]
fn check_with(real: &Real, prepare: impl Fn(&Path)) {
    let Real { name, needs, .. } = real;
    let Some(file) = find(needs.0) else {
        return skip(
            name,
            &format!("{} is not installed (package {})", needs.0, needs.1),
        );
    };
    let port = Port::held();
    let directory = tempfile::Builder::new()
        .prefix("wharf")
        .tempdir()
        .expect("a directory");
    prepare(directory.path());
    let place = directory.path().display().to_string();
    let words: Vec<String> = real
        .command
        .iter()
        .map(|word| {
            word.replace("PORT", &port.number.to_string())
                .replace("DIR", &place)
        })
        .collect();
    let mut command = Command::new(if words[0] == needs.0 {
        file.as_path()
    } else {
        Path::new(&words[0])
    });
    command.args(&words[1..]).current_dir(directory.path());
    let mut program = Program::start(command, &port, directory.path());

    let words = program.command();
    let own = Owner {
        command: &words,
        ..Owner::of_port(port.number, Whose::Own)
    };
    let known = guess(&own);
    let target = || Target::new(port.address()).expect("an address of this machine");
    let plan = Plan {
        consent: Consent::Asked,
        budget: PATIENT,
        ..Plan::default()
    };
    let met = probe(&target().guessed(known.clone()), &plan);
    assert_eq!(
        met.protocol.known(),
        Some(&real.speaks.0),
        "{name}: {}\n{}",
        summary(&met),
        program.log()
    );
    assert!(summary(&met).contains(real.speaks.1), "{name}: {}", summary(&met));
    assert!(met.connect_us.is_known(), "{name}: {met:?}");
    let log = program.log();
    for complaint in real.complaints {
        assert!(
            !log.contains(complaint),
            "{name} complains of {complaint:?}:\n{log}"
        );
    }
    if real.speaks.0 == Spoken::Dns {
        let met = probe(&target().over_udp().guessed(known.clone()), &plan);
        assert_eq!(
            met.protocol.known(),
            Some(&Spoken::Dns),
            "{name}, by UDP: {met:?}"
        );
        let met = probe(&target().over_udp(), &plan);
        assert!(
            matches!(met.connect, Connect::NotTried(_)),
            "{name}, by UDP: {met:?}"
        );
    }
    // A stranger is only met where that does no harm.
    if known.touch == Touch::Freely {
        let plan = Plan {
            consent: Consent::WhereHarmless,
            ..plan
        };
        let met = probe(&target(), &plan);
        assert_eq!(
            met.protocol.known(),
            Some(&real.to_strangers),
            "{name}, unknown: {}",
            summary(&met)
        );
    }
    assert!(!program.has_ended(), "{name} ended:\n{}", program.log());
}

/// A server that was known to speak first, or to answer, is not first listened to in silence.
#[test]
fn a_known_one_is_asked_at_once() {
    let fake = crate::server::Fake::answering(|_| b"+PONG\r\n".to_vec());
    let words = ["/usr/bin/redis-server".to_owned()];
    let own = Owner {
        command: &words,
        ..Owner::of_port(fake.address().port(), Whose::Own)
    };
    let target = Target::new(fake.address()).expect("loopback");
    let met = probe(&target.clone().guessed(guess(&own)), &Plan::default());
    assert_eq!(met.protocol.known(), Some(&Spoken::Redis));
    assert!(!met.silence.is_known(), "{met:?}");
    let met = probe(&target, &Plan::default());
    assert_eq!(met.silence.known(), Some(&Silence::Waited), "{met:?}");
}

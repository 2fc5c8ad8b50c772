//! What packets can have of the conditions of a link.

use wharf_link::{Conditions, Congestion, Loss, Probability, Scope};
use wharf_relay::{Cut, CutDirection};

/// What of these conditions acts on connections, and so has no meaning where packets pass.
#[must_use]
pub fn of_connections(conditions: &Conditions) -> Option<&'static str> {
    if !conditions.faults().is_empty() {
        Some("faults of connections (slicing, limits, time-outs, resets)")
    } else if conditions.stream.window.is_some() {
        Some("a window")
    } else if conditions.scope != Scope::Link {
        Some("a scope")
    } else {
        None
    }
}

/// The same of a link's conditions. Its congestion control is a model of what the kernel does, and in a lab the
/// kernel does it.
pub(crate) fn of_modelled(conditions: &Conditions) -> Option<&'static str> {
    let is_modelled = conditions.stream.congestion != Congestion::default();
    of_connections(conditions).or(is_modelled.then_some("a model of congestion control"))
}

/// The conditions of a link that may be cut: up, down. Of what is cut, nothing passes.
pub(crate) fn in_force(up: &Conditions, down: &Conditions, cut: Option<Cut>) -> [Conditions; 2] {
    let nothing = |conditions: &Conditions| Conditions {
        loss: Some(Loss::Random(Probability::ALWAYS)),
        ..conditions.clone()
    };
    let direction = cut.map(|cut| cut.direction);
    let is_cut = |one| direction.is_some_and(|cut| cut == CutDirection::Both || cut == one);
    let of = |conditions, direction| {
        if is_cut(direction) {
            nothing(conditions)
        } else {
            conditions.clone()
        }
    };
    [of(up, CutDirection::Up), of(down, CutDirection::Down)]
}

#[cfg(test)]
mod tests {
    use wharf_link::Settings;
    use wharf_relay::Manner;

    use super::*;

    fn conditions(text: &str) -> Conditions {
        let mut settings = Settings::default();
        for (key, value) in text.split(", ").filter_map(|pair| pair.split_once('=')) {
            settings.set(key, value).expect("a condition");
        }
        let mut files = |_: &str| Err("no file".to_owned());
        settings
            .resolve(&Conditions::CLEAR, &mut files)
            .expect("conditions")
    }

    #[test]
    fn what_acts_on_connections_is_none_of_packets() {
        let check = |text: &str, connections: bool, modelled: bool| {
            let conditions = conditions(text);
            assert_eq!(of_connections(&conditions).is_some(), connections, "{text}");
            assert_eq!(of_modelled(&conditions).is_some(), modelled, "{text}");
        };
        check("latency=5ms, loss=1%, discipline=codel", false, false);
        check("faults=reset 2s", true, true);
        check("window=64KiB", true, true);
        check("rate=1mbit, scope=connection", true, true);
        check("congestion=reno", false, true);
    }

    #[test]
    fn nothing_passes_where_it_is_cut() {
        let check = |direction: Option<CutDirection>, lost: [bool; 2]| {
            let cut = direction.map(|direction| Cut {
                direction,
                manner: Manner::Hole,
            });
            let both = in_force(&conditions("latency=5ms"), &conditions("latency=6ms"), cut);
            let is_lost = both.map(|conditions| conditions.loss == Some(Loss::Random(Probability::ALWAYS)));
            assert_eq!(is_lost, lost, "{direction:?}");
        };
        check(None, [false, false]);
        check(Some(CutDirection::Both), [true, true]);
        check(Some(CutDirection::Up), [true, false]);
        check(Some(CutDirection::Down), [false, true]);
    }
}

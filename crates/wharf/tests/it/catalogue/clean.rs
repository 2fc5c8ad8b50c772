//! No false alarm.

use super::{findings, script, sealed};
use crate::server::{Beside, free_port};
use crate::world::World;

#[test]
fn a_fresh_namespace_has_no_finding() {
    let world = World::new();
    let test = "a_fresh_namespace_has_no_finding";
    let Some(ran) = sealed(&world, test, &script("\"$WHARF\" doctor --json || exit $?")) else {
        return;
    };
    // The names are those of the machine around: they are not this namespace's.
    let found: Vec<String> = findings(&ran)
        .into_iter()
        .filter(|rule| !["localhost-name-unresolved", "hostname-unresolved"].contains(&rule.as_str()))
        .collect();
    assert_eq!(found, Vec::<String>::new(), "{}", ran.out);
    let Some(ran) = sealed(&world, test, &script("\"$WHARF\" ls || exit $?")) else {
        return;
    };
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (11, "nobody listens on this machine\n")
    );
}

#[test]
fn a_plain_server_has_no_finding() {
    let world = World::new();
    let port = free_port();
    // It speaks nothing that could be asked more of.
    let _server = Beside::peer(&world, "echo", port);
    let ran = world.run(&["explain", &format!("127.0.0.1:{port}"), "--json"]);
    assert_eq!(findings(&ran), Vec::<String>::new(), "{}", ran.out);
    assert_eq!(ran.code, 0, "{}", ran.out);
}

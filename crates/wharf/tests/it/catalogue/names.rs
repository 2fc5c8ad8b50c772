//! Names that lead elsewhere.

use super::{named_first, script, sealed};
use crate::world::World;

/// With these hosts, and no name server: checks that `wharf ARGUMENTS` names `rule` first. `$P` is
/// a port that a server listens on at 127.0.0.1.
#[track_caller]
fn check(test: &str, hosts: &str, arguments: &str, rule: &str) {
    let world = World::new();
    world.write("hosts", hosts).write("nsswitch", "hosts: files\n");
    let lines = script(&format!(
        "mount --bind hosts /etc/hosts; mount --bind nsswitch /etc/nsswitch.conf\n\
         export P=3999; PORT=$P \"$PEER\" hello & await $P\n\
         \"$WHARF\" {arguments} --json || exit $?"
    ));
    if let Some(ran) = sealed(&world, test, &lines) {
        named_first(&ran, rule);
    }
}

#[test]
fn localhost_is_another_machine() {
    let hosts = "192.0.2.1 localhost\n";
    check(
        "localhost_is_another_machine",
        hosts,
        "doctor",
        "localhost-overridden",
    );
}

#[test]
fn localhost_is_ipv6_and_the_server_ipv4() {
    let hosts = "::1 localhost\n127.0.0.1 localhost\n";
    let test = "localhost_is_ipv6_and_the_server_ipv4";
    check(test, hosts, "explain localhost:$P", "only-ipv4");
}

#[test]
fn a_stale_line_of_the_hosts_file_leads_elsewhere() {
    let hosts = "127.0.0.1 localhost\n::1 localhost\n192.0.2.9 shop.test\n";
    let test = "a_stale_line_of_the_hosts_file_leads_elsewhere";
    check(test, hosts, "explain http://shop.test:$P/", "stale-hosts-entry");
}

#[test]
fn a_name_below_localhost_does_not_resolve() {
    let hosts = "127.0.0.1 localhost\n::1 localhost\n";
    let test = "a_name_below_localhost_does_not_resolve";
    check(
        test,
        hosts,
        "explain http://web.localhost:$P/",
        "localhost-name-unresolved",
    );
}

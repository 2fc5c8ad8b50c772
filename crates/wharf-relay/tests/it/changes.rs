//! Links come, change and go.

use std::io::ErrorKind;
use std::net::TcpStream;

use wharf_link::{Conditions, Profile};
use wharf_relay::{Error, Provider, Relay};

use crate::bed::{Bed, is_reset, listener, passes, spec};

#[test]
fn a_profile_can_be_put_on_and_taken_off() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    passes(&client, &server, "clear");
    let profile = Profile::named("wpt/cable").expect("a profile");
    bed.relay
        .set_conditions(bed.link, profile.up.clone(), profile.down.clone())
        .expect("the link is there");
    let conditions = bed.relay.conditions(bed.link).expect("the link is there");
    assert_eq!(conditions, [profile.up.clone(), profile.down.clone()]);
    passes(&client, &server, "slower");
    passes(&server, &client, "and back");
    bed.set(Conditions::CLEAR);
    passes(&client, &server, "clear again");
}

#[test]
fn a_removed_link_is_gone() {
    let bed = Bed::new();
    let (client, server) = bed.pair();
    passes(&client, &server, "hello");
    bed.relay.remove(bed.link).expect("it was there");
    is_reset(&client);
    is_reset(&server);
    let error = TcpStream::connect(bed.address).expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let error = bed.relay.stats(bed.link).expect_err("it is gone");
    assert!(matches!(error, Error::NoSuchLink(_)), "{error}");
    assert_eq!(bed.relay.all_stats().expect("the relay runs"), []);
}

#[test]
fn links_of_one_relay_do_not_mix() {
    let bed = Bed::new();
    let front = listener();
    let address = front.local_addr().expect("an address");
    let other = bed.relay.add(spec(front, Provider::Down)).expect("a link");
    assert!(TcpStream::connect(address).is_err());
    let (client, server) = bed.pair();
    passes(&client, &server, "hello");
    let all = bed.relay.all_stats().expect("the relay runs");
    let totals: Vec<_> = all
        .iter()
        .map(|(id, stats)| (*id, stats.total_connections))
        .collect();
    assert_eq!(totals, [(bed.link, 1), (other, 0)]);
}

#[test]
fn a_dropped_relay_leaves_nothing() {
    let Bed {
        relay,
        address,
        provider,
        ..
    } = Bed::new();
    let client = TcpStream::connect(address).expect("the link listens");
    let (server, _) = provider.accept().expect("carried");
    passes(&client, &server, "hello");
    drop(relay);
    crate::bed::ends(&server);
    let error = TcpStream::connect(address).expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn two_relays_live_side_by_side() {
    let first = Relay::start().expect("a relay");
    let second = Relay::start().expect("another");
    assert_eq!(first.all_stats().expect("it runs"), []);
    drop(first);
    assert_eq!(second.all_stats().expect("it runs"), []);
}

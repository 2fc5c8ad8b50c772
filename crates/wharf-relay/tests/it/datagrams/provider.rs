//! The provider comes and goes, links are cut and healed.

use std::net::UdpSocket;

use wharf_relay::{Cut, CutDirection, Manner, Provider};

use super::bed::{Bed, at_held, held, is_refused, listen, on_v4, on_v6, own};
use crate::bed::latency;

#[test]
fn a_provider_that_is_down_is_refused_by_the_kernel_and_the_port_stays_ours() {
    for front in [on_v4(), on_v6()] {
        let bed = Bed::between(front, on_v4(), |spec| spec.provider = Provider::Down);
        let client = bed.client();
        for _ in 0..3 {
            is_refused(&client);
            let taken = UdpSocket::bind(bed.address).expect_err("the port is held");
            assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
            bed.set_provider(Provider::Ready(vec![own(&bed.provider)]));
            bed.converses(&client, "it is there");
            bed.set_provider(Provider::Down);
            is_refused(&client);
        }
    }
}

#[test]
fn an_answer_that_was_under_way_when_the_provider_died_arrives() {
    let bed = Bed::made(|spec| spec.down = latency(50));
    let client = bed.client();
    client.send(b"a question").expect("it can be sent");
    let (_, from) = bed.hear();
    bed.provider.send_to(b"last words", from).expect("it can be sent");
    bed.await_stats(|_, datagrams| datagrams.down.accepted == 1);
    bed.set_provider(Provider::Down);
    assert_eq!(listen(&client), b"last words");
}

#[test]
fn flows_follow_a_provider_that_goes_elsewhere() {
    let mut bed = Bed::new();
    let client = bed.client();
    bed.converses(&client, "here");
    bed.provider = on_v4();
    bed.set_provider(Provider::Ready(vec![own(&bed.provider)]));
    bed.converses(&client, "there");
    assert_eq!(bed.stats().total_connections, 1);
}

#[test]
fn of_two_addresses_the_one_that_refuses_is_left() {
    let holder = held();
    let nobody = own(&holder);
    let provider = on_v4();
    let there = own(&provider);
    let bed = Bed::between(on_v4(), provider, |spec| {
        spec.provider = Provider::Ready(vec![nobody, there]);
    });
    let client = bed.client();
    client.send(b"lost").expect("it can be sent");
    bed.await_stats(|stats, _| stats.refused == 1);
    bed.converses(&client, "found");
    bed.converses(&bed.client(), "found at once");
    assert_eq!(bed.stats().refused, 1);
}

#[test]
fn a_closed_port_is_counted_and_a_provider_that_comes_back_is_found() {
    let holder = held();
    let mut bed = Bed::between(on_v4(), at_held(&holder), |_| {});
    let client = bed.client();
    bed.converses(&client, "hello");
    bed.provider = on_v4();
    client.send(b"into the void").expect("it can be sent");
    bed.await_stats(|stats, _| stats.refused == 1);
    bed.provider = at_held(&holder);
    bed.converses(&client, "back");
    assert_eq!((bed.stats().refused, bed.stats().total_connections), (1, 1));
}

#[test]
fn in_a_hole_everything_is_lost_and_healing_restores() {
    for conditions in [wharf_link::Conditions::CLEAR, latency(1)] {
        let bed = Bed::new();
        bed.set(conditions);
        let client = bed.client();
        bed.converses(&client, "before");
        bed.relay
            .cut(bed.link, Cut::default())
            .expect("the link is there");
        for _ in 0..5 {
            client.send(b"lost").expect("it can be sent");
        }
        bed.await_stats(|_, datagrams| datagrams.up.cut_dropped == 5);
        bed.relay.heal(bed.link).expect("the link is there");
        bed.converses(&client, "after");
        assert_eq!(bed.stats().total_connections, 1);
    }
}

#[test]
fn a_cut_of_one_direction_leaves_the_other() {
    let bed = Bed::new();
    let client = bed.client();
    client.send(b"hello").expect("it can be sent");
    let (_, from) = bed.hear();
    let cut = Cut {
        direction: CutDirection::Down,
        manner: Manner::Hole,
    };
    bed.relay.cut(bed.link, cut).expect("the link is there");
    client.send(b"heard").expect("it can be sent");
    assert_eq!(bed.hear().0, b"heard");
    bed.provider.send_to(b"lost", from).expect("it can be sent");
    bed.await_stats(|_, datagrams| datagrams.down.cut_dropped == 1);
    bed.relay.heal(bed.link).expect("the link is there");
    bed.provider.send_to(b"heard", from).expect("it can be sent");
    assert_eq!(listen(&client), b"heard");
}

#[test]
fn reset_and_refusal_end_flows_and_are_seen_by_clients() {
    for manner in [Manner::Reset, Manner::Refuse] {
        let bed = Bed::new();
        let client = bed.client();
        bed.converses(&client, "before");
        let cut = Cut {
            manner,
            ..Cut::default()
        };
        bed.relay.cut(bed.link, cut).expect("the link is there");
        assert_eq!((bed.stats().connections, bed.stats().cut), (0, Some(cut)));
        is_refused(&client);
        bed.relay.heal(bed.link).expect("the link is there");
        bed.converses(&client, "after");
        assert_eq!(bed.stats().total_connections, 2);
    }
}

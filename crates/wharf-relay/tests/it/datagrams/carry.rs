//! Datagrams are carried as they are.

use std::net::{SocketAddr, UdpSocket};

use super::bed::{Bed, listen, on_v4, on_v6, own, spec};
use crate::bed::latency;
use wharf_link::Conditions;
use wharf_relay::Provider;

/// What the machine is passed by, and what it is not.
fn ways() -> [Conditions; 2] {
    [Conditions::CLEAR, latency(1)]
}

#[test]
fn bounds_are_kept_also_of_nothing_and_of_the_longest() {
    for conditions in ways() {
        let bed = Bed::new();
        bed.set(conditions);
        let client = bed.client();
        for len in [0, 1, 2, 255, 256, 257, 1_472, 9_000, 0, 40_000, 65_507] {
            let sent: Vec<u8> = (0..len).map(|index| (index % 251) as u8).collect();
            client.send(&sent).expect("it can be sent");
            let (heard, from) = bed.hear();
            assert!(heard == sent, "{len} bytes up, {} arrive", heard.len());
            bed.provider.send_to(&sent, from).expect("it can be sent");
            let heard = listen(&client);
            assert!(heard == sent, "{len} bytes down, {} arrive", heard.len());
        }
        let counts = bed.datagrams();
        assert_eq!((counts.up.accepted, counts.up.delivered), (11, 11));
        assert_eq!((counts.down.accepted, counts.down.delivered), (11, 11));
        assert_eq!(bed.stats().bytes_up, bed.stats().bytes_down);
    }
}

#[test]
fn the_longest_of_ipv6_passes_in_fragments() {
    let bed = Bed::between(on_v6(), on_v6(), |_| {});
    let client = bed.client();
    for len in [65_488, 65_489, 65_527] {
        client.send(&vec![2; len]).expect("it can be sent");
        assert!(bed.hear().0 == vec![2; len]);
    }
}

#[test]
fn a_burst_of_mixed_lengths_arrives_whole_and_in_order() {
    for conditions in ways() {
        let bed = Bed::new();
        bed.set(conditions);
        let client = bed.client();
        // Runs of one length, which leave together, and between them what cannot join.
        let len = |index: u32| [100, 100, 100, 40, 100, 1_400, 1_400, 4, 1_400][index as usize % 9];
        for index in 0..900u32 {
            let mut message = vec![7; len(index)];
            message[..4].copy_from_slice(&index.to_be_bytes());
            client.send(&message).expect("it can be sent");
        }
        for index in 0..900u32 {
            let (heard, _) = bed.hear();
            assert_eq!((&heard[..4], heard.len()), (&index.to_be_bytes()[..], len(index)));
        }
    }
}

#[test]
fn both_families_are_carried_to_either() {
    let fronts: [fn() -> UdpSocket; 2] = [on_v4, on_v6];
    for front in fronts {
        for provider in fronts {
            for conditions in ways() {
                let bed = Bed::between(front(), provider(), |spec| spec.up = conditions);
                let client = bed.client();
                // The client is connected: what does not come from the link's address is not heard.
                bed.converses(&client, "hello");
                bed.converses(&client, "again");
            }
        }
    }
}

#[test]
fn a_link_has_several_sockets_and_answers_from_the_one_that_was_asked() {
    let (four, six) = (on_v4(), on_v6());
    let addresses = [own(&four), own(&six)];
    let bed = Bed::made(|spec| spec.sockets = vec![four, six]);
    for address in addresses {
        let client = match address {
            SocketAddr::V4(_) => on_v4(),
            SocketAddr::V6(_) => on_v6(),
        };
        client.connect(address).expect("an address to speak to");
        bed.converses(&client, "hello");
    }
    assert_eq!(bed.stats().connections, 2);
}

#[test]
fn links_for_datagrams_and_for_connections_live_side_by_side() {
    let bed = Bed::new();
    let streams = crate::bed::listener();
    let link = bed
        .relay
        .add(crate::bed::spec(streams, Provider::Down))
        .expect("a link");
    let other = on_v4();
    let address = own(&other);
    let last = bed
        .relay
        .add_datagrams(spec(other, Provider::Ready(vec![own(&bed.provider)])))
        .expect("a link");
    let client = bed.client();
    bed.converses(&client, "hello");
    let second = on_v4();
    second.connect(address).expect("an address to speak to");
    second.send(b"by the other way").expect("it can be sent");
    assert_eq!(bed.hear().0, b"by the other way");
    let all = bed.relay.all_stats().expect("the relay runs");
    let carried: Vec<_> = all
        .iter()
        .map(|(id, stats)| {
            (
                *id,
                stats.datagrams.as_ref().map(|datagrams| datagrams.up.delivered),
            )
        })
        .collect();
    assert_eq!(carried, [(bed.link, Some(1)), (link, None), (last, Some(1))]);
    bed.relay.remove(bed.link).expect("it was there");
    super::bed::is_refused(&client);
    assert!(bed.relay.stats(bed.link).is_err());
    second.send(b"the other stays").expect("it can be sent");
    assert_eq!(bed.hear().0, b"the other stays");
}

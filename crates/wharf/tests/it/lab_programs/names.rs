//! dnsmasq on this machine, dig in the lab: questions over UDP and TCP.

use super::{Needed, Server, in_lab, number, programs};
use crate::world::World;

const NEEDS: [Needed; 2] = [("dnsmasq", "dnsmasq-base"), ("dig", "bind9-dnsutils")];

fn dnsmasq(world: &World, dnsmasq: &str) -> Server {
    let text = "x".repeat(250);
    let long: String = (0..8)
        .map(|number| format!(" --txt-record=long.test,{number}{text}"))
        .collect();
    let line = format!(
        "{dnsmasq} -k -p PORT --listen-address=127.0.0.1 --bind-interfaces --no-resolv --no-hosts \
         --conf-file=/dev/null --pid-file= --user= --address=/www.test/192.0.2.7 --host-record=six.test,2001:db8::7{long}"
    );
    Server::start(world, &line)
}

#[test]
fn a_question_takes_a_round_trip_by_udp_and_by_tcp() {
    let world = World::new();
    let test = "a_question_takes_a_round_trip_by_udp_and_by_tcp";
    let Some([server, dig]) = programs(test, NEEDS) else {
        return;
    };
    let server = dnsmasq(&world, &server);
    let check = |question: &str, answers: usize, packets: u64| {
        let line = format!(
            "{dig} @198.18.0.1 -p {} +tries=1 +timeout=10 {question}",
            server.port
        );
        let seen = in_lab(&world, "--latency 20ms", &line);
        assert!(seen.out.contains("status: NOERROR"), "{seen:?}");
        assert_eq!(number(&seen.out, "ANSWER:"), answers as f64, "{seen:?}");
        // Of the last question, in whole milliseconds; dig does not count TCP's handshake.
        assert!(
            number(&seen.out, ";; Query time:") >= 40.0,
            "{question}: {seen:?}"
        );
        seen.nothing_lost(packets, packets);
        seen
    };
    let seen = check("www.test", 1, 1);
    assert!(seen.out.contains("192.0.2.7"), "{seen:?}");
    // One datagram each way, and nothing else.
    assert_eq!((seen.up("delivered"), seen.down("delivered")), (1, 1), "{seen:?}");
    let seen = check("six.test AAAA", 1, 1);
    assert!(seen.out.contains("2001:db8::7"), "{seen:?}");
    // SYN, ACK, question; SYN-ACK, the acknowledgement, answer.
    check("+tcp www.test", 1, 3);
    // Too long for a datagram: the truncated answer sends dig to TCP.
    let seen = check("long.test TXT", 8, 4);
    assert!(seen.out.contains("retrying in TCP mode"), "{seen:?}");
}

#[test]
fn a_question_that_is_lost_is_asked_again() {
    let world = World::new();
    let Some([server, dig]) = programs("a_question_that_is_lost_is_asked_again", NEEDS) else {
        return;
    };
    let server = dnsmasq(&world, &server);
    // Side by side: each try that is lost costs dig a second. Which packets are lost is the seed's.
    let script = format!(
        "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do\n\
         {dig} @198.18.0.1 -p {} +short +tries=9 +timeout=1 $n.www.test &\ndone\nwait\n",
        server.port
    );
    world.write("script", &script);
    let seen = in_lab(&world, "--latency 2ms --loss 10%", "sh script");
    let answers = seen.out.lines().filter(|line| *line == "192.0.2.7").count();
    assert_eq!(answers, 20, "{seen:?}");
    let lost = seen.up("loss") + seen.down("loss");
    assert!(lost > 0, "{seen:?}");
    // Twenty answers have come, and each try that was lost was made once more; a machine that is busy for a
    // second makes dig try again as well.
    assert!(seen.down("delivered") >= 20, "{seen:?}");
    assert!(seen.up("read") >= 20 + lost, "{seen:?}");
}

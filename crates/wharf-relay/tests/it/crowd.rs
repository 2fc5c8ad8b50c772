//! Many connections, and more than there are descriptors for.

use std::io::Read;
use std::net::TcpStream;
use std::process::Command;

use wharf_link::Conditions;

use crate::bed::{Bed, latency, passes, patient};

#[test]
fn a_crowd_of_idle_connections_is_carried() {
    for conditions in [Conditions::CLEAR, latency(1)] {
        let bed = Bed::with(conditions);
        let pairs: Vec<_> = (0..150).map(|_| bed.pair()).collect();
        assert_eq!(bed.stats().connections, 150);
        for (client, server) in &pairs {
            passes(client, server, "still here");
            passes(server, client, "so am I");
        }
        drop(pairs);
        bed.await_stats(|stats| stats.connections == 0);
    }
}

/// The limit of descriptors is the process's, so this runs in one of its own.
#[test]
fn what_has_no_descriptor_is_shed_and_the_rest_lives_on() {
    let this = std::env::current_exe().expect("the test's own file");
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" --ignored --exact crowd::shed"])
        .arg(this)
        .output()
        .expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "run by the test above, with few descriptors"]
fn shed() {
    let bed = Bed::new();
    let mut living = Vec::new();
    let mut reset = 0;
    while reset == 0 {
        assert!(living.len() < 64, "descriptors never run out");
        let Ok(client) = TcpStream::connect(bed.address) else {
            // The test's own turn to have none. One less, and the relay has none.
            living.pop();
            continue;
        };
        let client = patient(client);
        bed.provider.set_nonblocking(true).expect("non-blocking");
        // Either it comes out at the provider, or it is reset.
        loop {
            if let Ok((server, _)) = bed.provider.accept() {
                server.set_nonblocking(false).expect("blocking");
                living.push((client, patient(server)));
                break;
            }
            client.set_nonblocking(true).expect("non-blocking");
            let gone = { &client }
                .read(&mut [0; 1])
                .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
            client.set_nonblocking(false).expect("blocking");
            if gone {
                reset += 1;
                break;
            }
            std::thread::yield_now();
        }
    }
    assert!(bed.stats().shed >= 1);
    assert!(living.len() > 3);
    for (client, server) in &living {
        passes(client, server, "still here");
    }
    living.truncate(living.len() / 2);
    let stats = bed.await_stats(|stats| stats.connections == living.len() as u64);
    assert!(stats.total_connections > stats.connections);
    bed.provider.set_nonblocking(false).expect("blocking");
    let (client, server) = bed.pair();
    passes(&client, &server, "room again");
}

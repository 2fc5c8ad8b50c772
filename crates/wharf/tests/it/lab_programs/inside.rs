//! Server and client both in the lab.

use super::{Server, in_lab, programs};
use crate::world::World;

#[test]
fn a_server_in_the_lab_is_the_labs_own() {
    let world = World::new();
    let test = "a_server_in_the_lab_is_the_labs_own";
    let needed = [("redis-server", "redis-server"), ("redis-cli", "redis-tools")];
    let Some([redis, cli]) = programs(test, needed) else {
        return;
    };
    let start = format!("{redis} --port PORT --bind 127.0.0.1 --save ''");
    let outside = Server::start(&world, &start);
    // One port, two networks. A loop that awaits: the server is ready when it answers.
    let port = outside.port;
    let script = format!(
        "{} >inside.log &\n\
         until {cli} -p {port} ping >/dev/null 2>&1; do kill -0 $! || exit 9; done\n\
         {cli} -h gateway -p {port} set where outside\n\
         {cli} -h 127.0.0.1 -p {port} set where inside\n\
         {cli} -h gateway -p {port} get where\n\
         {cli} -h 127.0.0.1 -p {port} get where\n\
         {cli} -h 127.0.0.1 -p {port} --latency -i 1\n",
        start.replace("PORT", &port.to_string())
    );
    world.write("script", &script);
    let seen = in_lab(&world, "--latency 25ms", "sh script");
    let lines: Vec<&str> = seen.out.lines().collect();
    assert_eq!(lines[..4], ["OK", "OK", "outside", "inside"], "{seen:?}");
    // `min max avg count`, in ms: the lab's own loopback is none of the link's.
    let least: f64 = lines[4]
        .split(' ')
        .next()
        .expect("min")
        .parse()
        .expect("a number");
    assert!(least < 25.0, "{seen:?}");
    // Two connections to the gateway: SYN, ACK, the question, FIN; and none of the many pings.
    seen.nothing_lost(8, 6);
    assert!(seen.up("read") < 50, "{seen:?}");
    let there = std::process::Command::new(&cli)
        .args(["-p", &port.to_string(), "get", "where"])
        .output();
    assert_eq!(there.expect("redis-cli runs").stdout, b"outside\n");
}

/// A client of iperf3 on the lab's loopback meets no rate, and one at the gateway does: in one lab.
#[test]
fn the_labs_loopback_has_no_conditions() {
    let world = World::new();
    let Some([iperf3]) = programs("the_labs_loopback_has_no_conditions", [("iperf3", "iperf3")]) else {
        return;
    };
    // `-1`: it serves one client, and ends. It says that it listens.
    let script = format!(
        "mkfifo said\n\
         {iperf3} -s -1 -B 127.0.0.1 -p 5201 --forceflush >said &\n\
         exec 3<said\n\
         while read -r line <&3; do case $line in *listening*) break;; esac; done\n\
         cat <&3 >/dev/null &\n\
         {iperf3} -J -c 127.0.0.1 -p 5201 -n 30M\n"
    );
    world.write("script", &script);
    let seen = in_lab(&world, "--rate 1mbit --latency 100ms", "sh script");
    let report = seen.json();
    let rate = report["end"]["sum_received"]["bits_per_second"]
        .as_f64()
        .expect("a rate");
    assert!(rate > 10e6, "{report}");
    assert_eq!((seen.up("read"), seen.down("read")), (0, 0), "{:?}", seen.figures);
}

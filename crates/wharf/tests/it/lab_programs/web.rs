//! nginx on this machine, curl in the lab: HTTP/1.1 and HTTP/2.

use std::fs;

use serde_json::Value;

use super::{Needed, Seen, Server, bytes, in_lab, intact, programs};
use crate::world::{World, is_root};

const NEEDS: [Needed; 2] = [("nginx", "nginx"), ("curl", "curl")];

#[derive(Clone, Copy)]
enum Encryption {
    None,
    /// With HTTP/2, and a certificate for `gateway` in `certificate`.
    Tls,
}

/// A file of this many bytes, and nginx that serves it as `/file`.
fn nginx(world: &World, nginx: &str, encryption: Encryption, size: usize) -> (Server, Vec<u8>) {
    let place = world.project().display().to_string();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {place}/temporary;\n"))
        .concat();
    // Its workers are to read the folder of whoever started it.
    let user = if is_root() { "user root;" } else { "" };
    let listen = match encryption {
        Encryption::None => String::new(),
        Encryption::Tls => {
            let key = rcgen::generate_simple_self_signed(["gateway".to_owned()]).expect("a certificate");
            world.write("certificate", &key.cert.pem());
            world.write("key", &key.signing_key.serialize_pem());
            format!("ssl http2; ssl_certificate {place}/certificate; ssl_certificate_key {place}/key")
        }
    };
    let settings = format!(
        "{user}\nworker_processes 1;\npid {place}/pid;\ndaemon off;\nevents {{}}\n\
         http {{\naccess_log {place}/access;\n{temporary}\
         server {{ listen 127.0.0.1:PORT {listen}; root {place}/www; }}\n}}\n"
    );
    let content = bytes(size);
    fs::create_dir(world.project().join("www")).expect("made");
    fs::write(world.project().join("www/file"), &content).expect("written");
    // The port is known only when the server starts.
    let port = crate::server::free_port();
    world.write("nginx.conf", &settings.replace("PORT", &port.to_string()));
    let line = format!("{nginx} -e stderr -p {place} -c {place}/nginx.conf");
    (Server::on(world, port, &line), content)
}

/// What curl says of each transfer.
fn transfers(seen: &Seen) -> Vec<Value> {
    seen.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn seconds(transfer: &Value, name: &str) -> f64 {
    transfer[name].as_f64().expect("a number")
}

const EACH: &str = r"-w '%{json}\n'";

#[test]
fn a_request_takes_a_round_trip_after_the_one_of_its_connection() {
    let world = World::new();
    let test = "a_request_takes_a_round_trip_after_the_one_of_its_connection";
    let Some([server, curl]) = programs(test, NEEDS) else {
        return;
    };
    let (server, content) = nginx(&world, &server, Encryption::None, 5000);
    // Each in a connection of its own.
    let url = format!("http://gateway:{}/file?[1-5]", server.port);
    let line = format!("{curl} -fsS -H 'Connection: close' -o got_#1 {EACH} '{url}'");
    let seen = in_lab(&world, "--latency 30ms", &line);
    let transfers = transfers(&seen);
    assert_eq!(transfers.len(), 5, "{seen:?}");
    for (number, transfer) in (1..).zip(&transfers) {
        intact(&world.project().join(format!("got_{number}")), &content);
        let connected = seconds(transfer, "time_connect");
        let began = seconds(transfer, "time_starttransfer");
        assert!(connected >= 0.060, "{transfer}");
        assert!(began - connected >= 0.060, "{transfer}");
        assert_eq!(transfer["num_connects"], 1, "{transfer}");
    }
    let fastest = transfers.iter().map(|one| seconds(one, "time_starttransfer"));
    // A third trip would make it 180 ms.
    assert!(fastest.fold(f64::MAX, f64::min) < 0.180, "{seen:?}");
    // SYN, ACK, request, FIN; SYN-ACK, three segments of an answer at the least, FIN.
    seen.nothing_lost(5 * 4, 5 * 4);
}

#[test]
fn a_download_takes_the_time_of_its_rate() {
    let world = World::new();
    let Some([server, curl]) = programs("a_download_takes_the_time_of_its_rate", NEEDS) else {
        return;
    };
    let (server, content) = nginx(&world, &server, Encryption::None, 1_000_000);
    let line = format!("{curl} -fsS -o got {EACH} http://gateway:{}/file", server.port);
    let seen = in_lab(&world, "--latency 5ms --rate 8mbit", &line);
    intact(&world.project().join("got"), &content);
    let transfer = &transfers(&seen)[0];
    // 8 Mbit at 8 Mbit/s; headers come on top, so no burst of one packet makes it less.
    assert!(seconds(transfer, "time_total") >= 1.0, "{transfer}");
    assert!(seen.down("written_bytes") >= 1_000_000, "{seen:?}");
    assert!(seen.up("read_bytes") < 100_000, "{seen:?}");
}

#[test]
fn twenty_requests_share_a_connection_of_http_2_under_loss() {
    let world = World::new();
    let test = "twenty_requests_share_a_connection_of_http_2_under_loss";
    let Some([server, curl]) = programs(test, NEEDS) else {
        return;
    };
    let (server, content) = nginx(&world, &server, Encryption::Tls, 50_000);
    let url = format!("https://gateway:{}/file?[1-20]", server.port);
    let line = format!("{curl} -fsS --cacert certificate --http2 -Z -o got_#1 {EACH} '{url}'");
    let seen = in_lab(&world, "--latency 10ms --jitter 2ms --loss 2%", &line);
    let transfers = transfers(&seen);
    for number in 1..=20 {
        intact(&world.project().join(format!("got_{number}")), &content);
    }
    assert_eq!(transfers.len(), 20);
    assert!(transfers.iter().all(|one| one["http_version"] == "2"), "{seen:?}");
    let connections = transfers.iter().filter_map(|one| one["num_connects"].as_u64());
    assert_eq!(connections.sum::<u64>(), 1, "{seen:?}");
    // 1 MB are 690 segments; that none of them is lost has a chance of 10⁻⁶.
    assert!(seen.down("delivered") >= 690, "{seen:?}");
    assert!(seen.down("loss") > 0, "{seen:?}");
}

#[test]
fn a_page_comes_by_a_profile_and_through_routers() {
    let world = World::new();
    let Some([server, curl]) = programs("a_page_comes_by_a_profile_and_through_routers", NEEDS) else {
        return;
    };
    let (server, content) = nginx(&world, &server, Encryption::None, 20_000);
    let line = format!("{curl} -fsS -o got {EACH} http://gateway:{}/file", server.port);
    // A tunnel in the middle: what is longer than its MTU is sent again, shorter.
    let path = "--path 'wifi,latency=15ms mtu=1280,dsl'";
    let seen = in_lab(&world, path, &line);
    intact(&world.project().join("got"), &content);
    let transfer = &transfers(&seen)[0];
    assert!(seconds(transfer, "time_connect") >= 0.030, "{transfer}");
    let segments = seen.figures["down"]["segments"]
        .as_array()
        .expect("segments")
        .len();
    assert_eq!(segments, 3, "{seen:?}");
    assert!(seen.down("mtu") > 0 && seen.down("icmp_errors") > 0, "{seen:?}");
}

//! Services and externals that take datagrams.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use crate::echo::{connect, link, round_trip};
use crate::world::{PATIENCE, World, eventually};

fn file(run: &str, transport: &str) -> String {
    format!(
        "[service.a]\nrun = \"PEER hello\"\nneeds = [\"b\"]\n\
         [service.b]\nrun = \"PEER {run}\"\ntransport = \"{transport}\"\n"
    )
}

fn client(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    socket.connect(address).expect("connected");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    socket
}

fn there_and_back(socket: &UdpSocket, text: &[u8]) -> std::io::Result<Duration> {
    let begun = Instant::now();
    socket.send(text)?;
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer)?;
    assert_eq!(&buffer[..length], text);
    Ok(begun.elapsed())
}

#[test]
fn a_service_of_datagrams_is_ready_when_it_has_bound_its_port() {
    let world = World::new();
    world.file(&file("udp-silent", "udp"));
    let up = world.start(&["up"]);
    up.await_line("a client's socket is bound");
    // Longer than the grace after which it would count as listening elsewhere.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(world.service("b")["phase"], "starting", "{}", up.said());
    world.write("go", "");
    up.await_line("up in ");
    let service = world.service("b");
    assert_eq!(service["phase"], "ready");
    assert_eq!(service["listens"][0], service["ports"][0]["address"]);
    assert!(up.said().contains("ready on udp 127.0.0.1:"), "{}", up.said());

    let address = world.variable("a", "B_ADDR");
    assert_eq!(world.variable("a", "B_URL"), format!("udp://{address}"));
    assert!(
        world
            .run(&["env", "a"])
            .ok()
            .contains(&format!("B_URL=udp://{address}"))
    );
    let socket = client(&address);
    there_and_back(&socket, b"hello").expect("an echo");
    world.run(&["set", "a -> b", "--latency", "60ms"]).ok();
    let slow = there_and_back(&socket, &[7; 1200]).expect("an echo");
    assert!(slow >= Duration::from_millis(120), "{slow:?}");
    let link = link(&world, "a -> b");
    assert_eq!(link["stats"]["bytes_up"], 1205, "{link}");
    assert_eq!(link["stats"]["bytes_down"], 1205, "{link}");
    assert_eq!(link["stats"]["connections"], 1, "{link}");

    // What a black hole swallows is gone: datagrams are not sent again.
    world.run(&["cut", "a -> b"]).ok();
    socket.send(b"lost").expect("sent");
    socket
        .set_read_timeout(Some(Duration::from_millis(400)))
        .expect("set");
    let lost = socket.recv(&mut [0; 16]).expect_err("nothing comes");
    assert_eq!(lost.kind(), ErrorKind::WouldBlock);
    world.run(&["heal"]).ok();
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    there_and_back(&socket, b"again").expect("an echo");
    let rules = world.run(&["http", "a -> b", "status=503"]);
    rules.fails(2, &["HTTP comes over connections, and a -> b carries datagrams"]);
    assert_eq!(up.stop().code, 0);
}

#[test]
fn a_service_of_both_is_reached_by_both_on_one_port() {
    let world = World::new();
    world.file(&file("both-echo", "both"));
    let up = world.up();
    let listens = &world.service("b")["listens"];
    assert_eq!(listens.as_array().expect("addresses").len(), 1, "{listens}");
    assert!(up.said().contains(" and udp 127.0.0.1:"), "{}", up.said());
    let socket = client(&world.variable("a", "B_ADDR"));
    there_and_back(&socket, b"datagram").expect("an echo");
    let mut stream = connect(&world);
    round_trip(&mut stream).expect("an echo");
    // The conditions are those of both.
    world.run(&["set", "a -> b", "--latency", "50ms", "--up"]).ok();
    let least = Duration::from_millis(50);
    assert!(there_and_back(&socket, b"datagram").expect("an echo") >= least);
    assert!(round_trip(&mut stream).expect("an echo") >= least);
    drop(stream);
    assert_eq!(up.stop().code, 0);
}

#[test]
fn an_external_of_datagrams_may_lose_and_double_them() {
    let world = World::new();
    let server = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let at = server.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = server.recv_from(&mut buffer) {
            let _ = server.send_to(&buffer[..length], from);
        }
    });
    world.file(&format!(
        "[service.a]\nrun = \"PEER hello\"\nneeds = [\"dns\"]\n\
         [external.dns]\naddress = \"{at}\"\ntransport = \"udp\"\n\
         [link.\"a -> dns\"]\nup.duplicate = \"100%\"\n"
    ));
    world.run(&["up", "-d"]).ok();
    assert!(world.variable("a", "DNS_URL").starts_with("udp://"));
    let socket = client(&world.variable("a", "DNS_ADDR"));
    there_and_back(&socket, b"twice").expect("the first");
    assert_eq!(socket.recv(&mut [0; 16]).expect("the second"), 5);
    world
        .run(&["set", "a -> dns", "--loss", "100%", "--duplicate", "none"])
        .ok();
    for _ in 0..10 {
        socket.send(b"lost").expect("sent");
    }
    eventually("they are counted as lost", || {
        link(&world, "a -> dns")["stats"].to_string().contains("10")
    });
    world.run(&["set", "a -> dns", "--restore"]).ok();
    there_and_back(&socket, b"twice").expect("what was lost stays lost");
    world.run(&["down"]).ok();
}

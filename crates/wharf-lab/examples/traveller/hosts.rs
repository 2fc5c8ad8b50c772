//! Traffic between the hosts of a whole network.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use crate::tcp_info;
use crate::traffic::echo;

/// For so long an answer is waited for that may not come.
const PATIENCE: Duration = Duration::from_millis(700);

/// Does what the words say, if they are known here.
pub(crate) fn run(words: &[&str]) -> Option<io::Result<String>> {
    match words {
        ["reach", hosts @ ..] => Some(Ok(reach(hosts))),
        ["serve", address] => Some(serve(address)),
        ["ask", address] => Some(ask(address)),
        ["swallow", address] => Some(swallow(address)),
        ["pour", address, seconds] => Some(pour(address, seconds)),
        ["stun-server", addresses @ ..] => Some(stun_server(addresses)),
        ["stun-probe", addresses @ ..] => Some(stun_probe(addresses)),
        _ => None,
    }
}

/// Pings every address of hosts once, and says which answered.
fn reach(hosts: &[&str]) -> String {
    let mut said = Vec::new();
    for host in hosts {
        let found = (*host, 0).to_socket_addrs().map(Iterator::collect);
        let addresses: BTreeSet<IpAddr> = found
            .unwrap_or_else(|_| Vec::<SocketAddr>::new())
            .iter()
            .map(SocketAddr::ip)
            .collect();
        for address in addresses {
            let family = if address.is_ipv4() { 4 } else { 6 };
            let answered = ping(address).is_ok();
            said.push(format!("{host}/{family}:{}", u8::from(answered)));
        }
    }
    said.join(" ")
}

fn ping(address: IpAddr) -> io::Result<()> {
    let (mut socket, kind) = echo(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut message = [0; 56];
    message[0] = kind;
    socket.send(&message)?;
    socket.read(&mut [0; 1500]).map(drop)
}

/// Tells everybody who connects from where, until it is ended.
fn serve(address: &str) -> io::Result<String> {
    let listener = TcpListener::bind(address)?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        let peer = stream.peer_addr()?;
        // Whoever asked may be gone.
        let _ = write!(stream, "{}", peer.ip());
    }
    Ok(String::new())
}

/// Reads what everybody sends, until it is ended.
fn swallow(address: &str) -> io::Result<String> {
    let listener = TcpListener::bind(address)?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        std::thread::spawn(move || io::copy(&mut stream, &mut io::sink()));
    }
    Ok(String::new())
}

/// Sends as much as goes for so long. Prints how many packets were acknowledged, less those that were sent again,
/// and the mean of the round trips that the kernel knew of, in µs.
fn pour(address: &str, seconds: &str) -> io::Result<String> {
    let seconds = seconds.parse().map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(address)?;
    let begun = Instant::now();
    let block = [7; 4096];
    let (mut trips, mut looks, mut next) = (0, 0, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(seconds) {
        stream.write_all(&block)?;
        if begun.elapsed() > next {
            trips += u64::from(tcp_info::of(&stream)?.tcpi_rtt);
            looks += 1;
            next += Duration::from_millis(50);
        }
    }
    let info = tcp_info::of(&stream)?;
    Ok(format!("{} {}", info.tcpi_delivered, trips / looks.max(1)))
}

/// What a server tells, or why it does not.
fn ask(address: &str) -> io::Result<String> {
    let address = address
        .to_socket_addrs()?
        .next()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut stream = match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(stream) => stream,
        Err(error) => return Ok(format!("{:?}", error.kind())),
    };
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}

/// Tells who sends a number to one of its addresses how the sender looks from here, from the address of that
/// number: enough to tell the kinds of address translators apart (RFC 5780).
fn stun_server(addresses: &[&str]) -> io::Result<String> {
    let sockets = addresses.iter().map(UdpSocket::bind);
    let sockets = sockets.collect::<io::Result<Vec<_>>>()?;
    std::thread::scope(|scope| {
        for socket in &sockets {
            let sockets = &sockets;
            scope.spawn(move || {
                let mut wanted = [0];
                while let Ok((_, from)) = socket.recv_from(&mut wanted) {
                    if let Some(other) = sockets.get(usize::from(wanted[0])) {
                        let _ = other.send_to(from.to_string().as_bytes(), from);
                    }
                }
            });
        }
    });
    Ok(String::new())
}

/// What stands between this host and the server at four addresses: two hosts' with two ports each, in the order
/// of RFC 5780 (section 4.3 and 4.4). Prints how mappings and filters depend on the other end.
fn stun_probe(addresses: &[&str]) -> io::Result<String> {
    let ask = |socket: &UdpSocket, at: usize, from: u8| -> io::Result<Option<String>> {
        socket.send_to(&[from], addresses[at])?;
        let mut said = [0; 64];
        match socket.recv_from(&mut said) {
            Ok((length, _)) => Ok(Some(String::from_utf8_lossy(&said[..length]).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    };
    let socket = || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok::<_, io::Error>(socket)
    };
    let one = socket()?;
    let [first, same_port, other_port] = [ask(&one, 0, 0)?, ask(&one, 2, 2)?, ask(&one, 3, 3)?];
    let mapping = match (first == same_port, same_port == other_port) {
        (true, true) => "endpoint-independent",
        (false, true) => "address-dependent",
        _ => "address-and-port-dependent",
    };
    // Another socket, for which nothing is open yet.
    let other = socket()?;
    let filtering = if ask(&other, 0, 3)?.is_some() {
        "endpoint-independent"
    } else if ask(&other, 0, 1)?.is_some() {
        "address-dependent"
    } else {
        "address-and-port-dependent"
    };
    Ok(format!("{mapping} {filtering} {}", first.unwrap_or_default()))
}

//! Traffic from a command in a lab to its gateway.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use wharf_lab::{FAR_V4, FAR_V6};

use crate::stream;

pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Does what the words say, and returns what is to be printed.
pub(crate) fn run(words: &[String]) -> io::Result<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ping", count, interval, family] => {
            let interval = Duration::from_micros(number(interval)?);
            let gateway = match *family {
                "6" => FAR_V6.into(),
                _ => FAR_V4.into(),
            };
            Ok(list(&ping(gateway, number(count)?, interval)?))
        }
        ["ping-to", address, count, interval] => {
            let interval = Duration::from_micros(number(interval)?);
            Ok(list(&ping(number(address)?, number(count)?, interval)?))
        }
        ["connect-to", address] => connect(number(address)?),
        ["datagrams", port, count, size, rate] => {
            datagrams(number(port)?, number(count)?, number(size)?, number(rate)?)
        }
        ["upload", port, bytes] => stream::upload(number(port)?, number(bytes)?, None),
        ["upload", port, bytes, congestion] => {
            stream::upload(number(port)?, number(bytes)?, Some(congestion))
        }
        ["download", port] => stream::download(number(port)?),
        ["beside", port, bytes, count, interval] => {
            let interval = Duration::from_micros(number(interval)?);
            stream::beside(number(port)?, number(bytes)?, number(count)?, interval)
        }
        ["connect", port] => connect((FAR_V4, number(port)?).into()),
        ["say", text] => Ok((*text).to_owned()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not known")),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> io::Result<T> {
    let bad = |_| io::Error::new(io::ErrorKind::InvalidInput, format!("{text} is no number for it"));
    text.parse().map_err(bad)
}

pub(crate) fn list(times: &[Option<Duration>]) -> String {
    let mut text = String::new();
    for time in times {
        let _ = match time {
            Some(time) => write!(text, "{} ", time.as_nanos()),
            None => write!(text, "- "),
        };
    }
    text
}

/// Sends echo requests at their times, and says when each was answered. It needs no privilege: see
/// `ping_group_range` in ip-sysctl.rst.
pub(crate) fn ping(to: IpAddr, count: u16, interval: Duration) -> io::Result<Vec<Option<Duration>>> {
    let (socket, kind) = echo(to)?;
    let begun = Instant::now();
    let sender = {
        let socket = socket.try_clone()?;
        std::thread::spawn(move || -> io::Result<()> {
            for index in 0..count {
                let due = interval * u32::from(index);
                std::thread::sleep(due.saturating_sub(begun.elapsed()));
                let mut message = [0; 56];
                message[0] = kind;
                message[6..8].copy_from_slice(&index.to_be_bytes());
                let sent = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
                message[8..16].copy_from_slice(&sent.to_be_bytes());
                socket.send(&message)?;
            }
            Ok(())
        })
    };
    let mut trips = vec![None; usize::from(count)];
    // What is not answered by a second after the last is lost.
    socket.set_read_timeout(Some(interval + Duration::from_secs(1)))?;
    let mut buffer = [0; 1500];
    for _ in 0..count {
        let Ok(length) = (&socket).read(&mut buffer) else {
            break;
        };
        let now = begun.elapsed();
        let Some(&[_, _, _, _, _, _, high, low, a, b, c, d, e, f, g, h]) =
            buffer[..length].first_chunk::<16>()
        else {
            continue;
        };
        let sent = Duration::from_nanos(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        if let Some(trip) = trips.get_mut(usize::from(u16::from_be_bytes([high, low]))) {
            *trip = Some(now.saturating_sub(sent));
        }
    }
    sender
        .join()
        .map_err(|_| io::Error::other("the sender panicked"))??;
    Ok(trips)
}

/// A socket for echo requests to an address, and the type of such a message.
pub(crate) fn echo(to: IpAddr) -> io::Result<(Socket, u8)> {
    let (domain, protocol, kind) = match to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, 8),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, 128),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
    socket.connect(&SocketAddr::new(to, 0).into())?;
    Ok((socket, kind))
}

/// How long connecting takes, in ns.
fn connect(to: SocketAddr) -> io::Result<String> {
    let begun = Instant::now();
    TcpStream::connect(to)?;
    Ok(begun.elapsed().as_nanos().to_string())
}

/// Sends numbered datagrams: eight bytes of number, and zeros.
fn datagrams(port: u16, count: u64, size: usize, rate: u64) -> io::Result<String> {
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    socket.connect((FAR_V4, port))?;
    let begun = Instant::now();
    let mut refused = 0_u64;
    for index in 0..count {
        if let Some(due) = (index * 1_000_000_000).checked_div(rate) {
            std::thread::sleep(Duration::from_nanos(due).saturating_sub(begun.elapsed()));
        }
        let mut message = vec![0; size.max(8)];
        message[..8].copy_from_slice(&index.to_be_bytes());
        refused += u64::from(socket.send(&message).is_err());
    }
    Ok(format!("{} {}", begun.elapsed().as_nanos(), refused))
}

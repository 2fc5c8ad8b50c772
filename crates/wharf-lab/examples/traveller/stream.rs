//! Connections from a command in a lab to its gateway, and what the kernel knows of them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use wharf_lab::FAR_V4;

use crate::{tcp_info, traffic};

/// Nothing here takes this long; what does has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((FAR_V4, port))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends so many bytes, each its place's lowest byte; says how long that took in ns and what the kernel knows in
/// the end: the mean of the smoothed RTT and the least in µs, packets sent again, reorderings seen, packets acknowledged as marked.
pub(crate) fn upload(port: u16, bytes: u64, congestion: Option<&str>) -> io::Result<String> {
    let begun = Instant::now();
    let mut stream = connect(port)?;
    if let Some(name) = congestion {
        // Which needs CAP_NET_ADMIN over this network where the host does not allow it to everyone.
        rustix::net::sockopt::set_tcp_congestion(&stream, name)?;
    }
    let block: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
    let mut left = bytes;
    let (mut trips, mut looks) = (0, 0);
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        stream.write_all(&block[..part])?;
        left -= part as u64;
        trips += u64::from(tcp_info::of(&stream)?.tcpi_rtt);
        looks += 1;
    }
    stream.shutdown(Shutdown::Write)?;
    // The other side closes when it has all of it.
    let _ = stream.read(&mut [0])?;
    let info = tcp_info::of(&stream)?;
    Ok(format!(
        "{} {} {} {} {} {}",
        begun.elapsed().as_nanos(),
        trips / looks.max(1),
        info.tcpi_min_rtt,
        info.tcpi_total_retrans,
        info.tcpi_reord_seen,
        info.tcpi_delivered_ce
    ))
}

/// Reads to the end; says how many bytes, in how many ns, and the RTT in µs that the receiving kernel
/// knows by the timestamps that come back to it.
pub(crate) fn download(port: u16) -> io::Result<String> {
    let mut stream = connect(port)?;
    let begun = Instant::now();
    let mut block = vec![0; 256 * 1024];
    let mut bytes = 0_u64;
    loop {
        match stream.read(&mut block)? {
            0 => {
                let rtt = tcp_info::of(&stream)?.tcpi_rcv_rtt;
                return Ok(format!("{bytes} {} {rtt}", begun.elapsed().as_nanos()));
            }
            count => bytes += count as u64,
        }
    }
}

/// Echo requests while a stream comes: from when so many bytes of it have come until all requests are answered.
pub(crate) fn beside(port: u16, bytes: u64, count: u16, interval: Duration) -> io::Result<String> {
    let stream = connect(port)?;
    let (come, has_come) = sync_channel(1);
    let reading = stream.try_clone()?;
    let reader = std::thread::spawn(move || -> io::Result<u64> {
        let mut block = vec![0; 256 * 1024];
        let mut read = 0;
        loop {
            match (&reading).read(&mut block)? {
                0 => return Ok(read),
                count => read += count as u64,
            }
            if read >= bytes {
                // Once is enough.
                let _ = come.try_send(());
            }
        }
    });
    has_come
        .recv()
        .map_err(|_| io::Error::other("the stream ended before"))?;
    let trips = traffic::ping(wharf_lab::FAR_V4.into(), count, interval)?;
    // It must have come all the while.
    if reader.is_finished() {
        return Err(io::Error::other("the stream ended meanwhile"));
    }
    stream.shutdown(Shutdown::Both)?;
    // It ends now, perhaps by a reset.
    let _ = reader
        .join()
        .map_err(|_| io::Error::other("the reader panicked"))?;
    Ok(traffic::list(&trips))
}

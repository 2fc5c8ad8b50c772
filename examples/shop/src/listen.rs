//! Listening: both loopback families, a thread a connection, and a limit to them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// So many connections at once; more are closed at once.
const CONNECTIONS_MAX: usize = 256;

/// Sockets that listen on one port.
#[derive(Debug)]
pub struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Listens on `HOST` and `PORT`. Where the host is 127.0.0.1, on `[::1]` as well if the machine
    /// has it: a browser may try either first.
    pub fn bind(host: &str, port: u16) -> io::Result<Self> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("listen on {host} port {port}: {error}"));
        let first = TcpListener::bind((host, port)).map_err(named)?;
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let second = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
            listeners.extend(TcpListener::bind(second));
        }
        Ok(Self(listeners))
    }

    /// The first address.
    pub fn address(&self) -> io::Result<SocketAddr> {
        match self.0.first() {
            Some(listener) => listener.local_addr(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Gives each connection to `serve` on a thread of its own. Returns only if it can't go on.
    pub fn serve(self, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> io::Result<()> {
        let serve = Arc::new(serve);
        let open = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = self
            .0
            .into_iter()
            .map(|listener| {
                let (serve, open) = (Arc::clone(&serve), Arc::clone(&open));
                thread::spawn(move || accept(&listener, &serve, &open))
            })
            .collect();
        for thread in threads {
            let ended = thread.join();
            ended.map_err(|_| io::Error::other("the accepting thread panicked"))?;
        }
        Ok(())
    }
}

fn accept<S>(listener: &TcpListener, serve: &Arc<S>, open: &Arc<AtomicUsize>)
where
    S: Fn(TcpStream) + Send + Sync + 'static,
{
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Out of file descriptors, or a connection that was reset in the queue: the next one
            // may fare better, and no error of accept(2) is worth a spinning core.
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let place = Place::take(open);
        if open.load(Ordering::Relaxed) > CONNECTIONS_MAX {
            continue;
        }
        let serve = Arc::clone(serve);
        // A thread that can't be had drops the connection with its closure.
        let _ = thread::Builder::new().spawn(move || {
            let _place = place;
            serve(stream);
        });
    }
}

/// One open connection, counted as long as it lives.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

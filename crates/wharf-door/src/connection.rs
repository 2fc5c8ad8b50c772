//! One connection: how long it may be quiet, what it has in flight, and how it is closed.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::backend::Backends;
use crate::body::Body;
use crate::guard::{self, Vantage};
use crate::serving::Desk;
use crate::status::Tally;
use crate::{proxy, reply};

/// An accepted connection, and all that belongs to it.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) desk: Arc<Desk>,
    /// The connections to services that were made for this one.
    pub(crate) backends: Backends,
    local: SocketAddr,
    peer: SocketAddr,
    multiplexed: AtomicBool,
    load: watch::Sender<Load>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    /// Requests so far.
    seen: u64,
    /// Requests whose answer will end.
    in_flight: usize,
    /// Tunnels and event streams, which end when a side wants it.
    endless: usize,
}

/// A request in flight: from its head until its answer's last byte, or its tunnel's end.
#[derive(Debug)]
pub(crate) struct Ticket {
    visit: Arc<Visit>,
    endless: bool,
}

impl Visit {
    pub(crate) fn new(
        desk: Arc<Desk>,
        local: SocketAddr,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> Arc<Self> {
        Arc::new(Self {
            backends: Backends::default(),
            local,
            peer,
            multiplexed: AtomicBool::new(false),
            load: watch::Sender::new(Load::default()),
            desk,
            _permit: permit,
        })
    }

    fn begin(self: &Arc<Self>, version: Version) -> Ticket {
        if version == Version::HTTP_2 {
            self.multiplexed.store(true, Ordering::Relaxed);
        }
        Tally::one_more(&self.desk.status.tally.requests);
        self.load.send_modify(|load| {
            load.seen += 1;
            load.in_flight += 1;
        });
        Ticket {
            visit: Arc::clone(self),
            endless: false,
        }
    }

    fn is_leaving(&self) -> bool {
        *self.desk.leaving.borrow()
    }
}

impl Ticket {
    /// An exit does not wait for this one: it would wait for ever.
    pub(crate) fn make_endless(&mut self) {
        if !self.endless {
            self.endless = true;
            self.visit.load.send_modify(|load| {
                load.in_flight -= 1;
                load.endless += 1;
            });
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.visit.load.send_modify(|load| {
            if self.endless {
                load.endless -= 1;
            } else {
                load.in_flight -= 1;
            }
        });
    }
}

/// Counts a connection among those that an exit waits for.
struct Busy(Arc<Desk>);

impl Busy {
    fn new(desk: &Arc<Desk>) -> Self {
        desk.busy.send_modify(|busy| *busy += 1);
        Self(Arc::clone(desk))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy -= 1);
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve(stream: TcpStream, visit: Arc<Visit>) {
    let mut busy = Some(Busy::new(&visit.desk));
    let builder = builder(&visit);
    let service = service_fn(|request| {
        let visit = Arc::clone(&visit);
        async move { Ok::<_, Infallible>(answer(request, &visit).await) }
    });
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let mut minder = Minder::new(&visit);
    loop {
        let order = tokio::select! {
            // How it ended is the client's affair: each request's outcome has been counted.
            _ = connection.as_mut() => return,
            order = minder.next() => order,
        };
        match order {
            Order::WindDown => connection.as_mut().graceful_shutdown(),
            Order::DoNotWait => busy = None,
            Order::Cut => return drop(busy),
        }
    }
}

fn builder(visit: &Visit) -> auto::Builder<TokioExecutor> {
    let limits = &visit.desk.limits;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .preserve_header_case(true)
        .header_read_timeout(limits.header_wait)
        .max_buf_size(limits.header_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.header_wait)
        .keep_alive_timeout(limits.header_wait);
    builder
}

/// The way of each request: through the guard, then to the service.
async fn answer(request: Request<Incoming>, visit: &Arc<Visit>) -> Response<Body> {
    let version = request.version();
    let ticket = visit.begin(version);
    let vantage = Vantage {
        port: visit.local.port(),
        peer: visit.peer.ip(),
        hops: visit.desk.limits.hops,
    };
    let mut response = match guard::admit(request, &*visit.desk.routes, vantage) {
        Ok(admitted) => proxy::carry(admitted, visit, ticket).await,
        Err(refusal) => {
            Tally::one_more(&visit.desk.status.tally.refused);
            reply::refuse(&refusal, ticket)
        }
    };
    let switches = response.status() == hyper::StatusCode::SWITCHING_PROTOCOLS;
    if version != Version::HTTP_2 && visit.is_leaving() && !switches {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What the minder wants of a connection.
enum Order {
    /// Answer what is in flight and close (HTTP/2: GOAWAY).
    WindDown,
    /// What is in flight has no end: an exit need not wait.
    DoNotWait,
    /// Close.
    Cut,
}

/// Watches over one connection's time.
///
/// hyper closes a connection that it winds down at once if no request has come yet, though one may be on its way.
/// So on the way out an HTTP/1 connection first has a grace in which a request is answered with `connection: close`.
struct Minder<'a> {
    visit: &'a Visit,
    load: watch::Receiver<Load>,
    leaving: watch::Receiver<bool>,
    stage: Stage,
    next_look: Instant,
    seen: u64,
}

enum Stage {
    Serving,
    WindingDown,
    Done,
}

impl<'a> Minder<'a> {
    fn new(visit: &'a Visit) -> Self {
        Self {
            visit,
            load: visit.load.subscribe(),
            leaving: visit.desk.leaving.subscribe(),
            stage: Stage::Serving,
            next_look: Instant::now() + visit.desk.limits.header_wait,
            seen: 0,
        }
    }

    async fn next(&mut self) -> Order {
        match self.stage {
            Stage::Serving => self.while_serving().await,
            Stage::WindingDown => {
                // Without endless ones, the connection's own end says when the last byte is written.
                // The sender is in the visit, which lives: an error cannot come.
                let _ = self
                    .load
                    .wait_for(|load| load.in_flight == 0 && load.endless > 0)
                    .await;
                self.stage = Stage::Done;
                Order::DoNotWait
            }
            Stage::Done => std::future::pending().await,
        }
    }

    async fn while_serving(&mut self) -> Order {
        loop {
            let leaving = tokio::select! {
                // An error (no desk any more) is a leave too.
                _ = self.leaving.wait_for(|leaving| *leaving) => true,
                () = sleep_until(self.next_look) => false,
            };
            if leaving {
                if !self.visit.multiplexed.load(Ordering::Relaxed) {
                    sleep(self.visit.desk.limits.quiet_grace).await;
                }
                self.stage = Stage::WindingDown;
                return Order::WindDown;
            }
            if let Some(order) = self.look() {
                return order;
            }
        }
    }

    /// A connection that did nothing since the last look is closed; one that never sent a request, cut.
    fn look(&mut self) -> Option<Order> {
        let load = *self.load.borrow();
        let quiet = load.seen == self.seen && load.in_flight + load.endless == 0;
        self.seen = load.seen;
        self.next_look = Instant::now() + self.visit.desk.limits.header_wait;
        match (quiet, load.seen) {
            (false, _) => None,
            (true, 0) => Some(Order::Cut),
            (true, _) => {
                self.stage = Stage::Done;
                Some(Order::WindDown)
            }
        }
    }
}

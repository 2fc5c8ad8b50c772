//! A provider with a few pages, over HTTP/1 and HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderName};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// Ends when it is dropped.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::start_with(|stream| async move { Some(stream) })
    }

    /// A provider whose connections first go through `secure`.
    pub(crate) fn start_with<S, F>(secure: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<S>> + Send + 'static,
    {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    () = serve(listener, counter, secure) => {}
                    _ = ended => {}
                }
            });
        });
        Self {
            address,
            asked,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// Requests that came here.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.end.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the provider panicked");
        }
    }
}

async fn serve<S, F>(listener: TcpListener, asked: Arc<AtomicUsize>, secure: impl Fn(TcpStream) -> F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Option<S>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("nodelay");
        let asked = Arc::clone(&asked);
        let secured = secure(stream);
        tokio::spawn(async move {
            let Some(stream) = secured.await else {
                return;
            };
            let service = service_fn(move |request| {
                asked.fetch_add(1, Ordering::SeqCst);
                async move { Ok::<_, Infallible>(page(request).await) }
            });
            // How it ends is what the tests look at, from the other side.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn page(request: Request<Incoming>) -> Answer {
    let is_head = request.method() == hyper::Method::HEAD;
    let mut response = match request.uri().path() {
        // Ten bytes, and it says so.
        "/ten" => Response::new(whole("0123456789")),
        // The same in two pieces of a length that it does not say.
        "/stream" => Response::new(pieces(["01234", "56789"], None)),
        // As gRPC ends.
        "/trailers" => {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().expect("a value"));
            let mut response = Response::new(pieces(["01234", "56789"], Some(trailers)));
            response
                .headers_mut()
                .insert("trailer", "grpc-status".parse().expect("a value"));
            response
        }
        "/large" => {
            let pieces = (0..256).map(|index| Ok(Frame::data(Bytes::from(vec![index as u8; 16 * 1024]))));
            Response::new(BodyExt::boxed(StreamBody::new(Iter(pieces))))
        }
        "/echo" => {
            let head = format!("{} {:?}", request.method(), request.headers().get("x-sent"));
            let length = request.body().size_hint().exact();
            let body = request.into_body();
            let mut response = Response::new(body.boxed());
            if let Some(length) = length {
                response.headers_mut().insert(CONTENT_LENGTH, length.into());
            }
            response
                .headers_mut()
                .insert("x-got", head.parse().expect("a value"));
            response
        }
        "/host" => {
            let authority = request.uri().authority().map(ToString::to_string);
            let host = request.headers().get("host").map(|host| format!("{host:?}"));
            let scheme = request.uri().scheme_str().unwrap_or("-");
            Response::new(whole(format!("{scheme} {authority:?} {host:?}")))
        }
        // Never answers.
        "/never" => std::future::pending().await,
        _ => Response::new(whole("")),
    };
    let name = HeaderName::from_static("x-page");
    response.headers_mut().insert(name, "1".parse().expect("a value"));
    if let (true, Some(length)) = (is_head, response.body().size_hint().exact()) {
        // Over HTTP/2 hyper sends whatever body there is.
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        *response.body_mut() = whole("");
    }
    response
}

fn whole(text: impl Into<Bytes>) -> BoxBody<Bytes, hyper::Error> {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

fn pieces<const N: usize>(
    texts: [&'static str; N],
    trailers: Option<HeaderMap>,
) -> BoxBody<Bytes, hyper::Error> {
    let data = texts.into_iter().map(|text| Ok(Frame::data(Bytes::from(text))));
    let trailers = trailers.map(|trailers| Ok(Frame::trailers(trailers)));
    BodyExt::boxed(StreamBody::new(Iter(data.chain(trailers))))
}

/// An iterator as a body, which is a stream of frames.
struct Iter<I>(I);

impl<I: Iterator<Item = Result<Frame<Bytes>, hyper::Error>> + Unpin> futures_core::Stream for Iter<I> {
    type Item = Result<Frame<Bytes>, hyper::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

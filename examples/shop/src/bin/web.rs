//! `shop-web`: the page, and the way from the page to the API.

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use shop::hop::{Hop, PATIENCE, problem};
use shop::http::{Client, Request, Response, handle};
use shop::listen::Listeners;
use shop::settings;

const PAGE: &str = include_str!("../page.html");

/// How long the API may take for what it asks the store for.
const API: Duration = Duration::from_secs(5);
/// And to say that the store does not answer.
const API_HOPS: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    settings::exit(run())
}

fn run() -> io::Result<()> {
    let api = Client::new(&settings::text("API_URL", "http://127.0.0.1:4002"))?;
    let listeners = Listeners::bind(&settings::text("HOST", "127.0.0.1"), settings::port(4001)?)?;
    settings::log(&format!("listening on http://{}", listeners.address()?));
    listeners.serve(move |stream| handle(stream, &|request| answer(request, &api)))
}

fn answer(request: &Request, api: &Client) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "HEAD", "/") => Response::html(PAGE),
        ("GET" | "HEAD", "/health") => Response::json(200, b"{}".to_vec()),
        ("GET", "/hops") => hops(api),
        ("GET", "/orders") => passed_on(api.get("/orders", API)),
        // A form of another site can't send this type without asking first, and is never allowed.
        ("POST", "/orders") if request.content_type != "application/json" => {
            Response::error(415, "an order is application/json")
        }
        ("POST", "/orders") => passed_on(api.post("/orders", &request.body, API)),
        (_, "/" | "/health" | "/hops" | "/orders") => {
            Response::error(405, "this method is not for this path")
        }
        _ => Response::error(404, "there is no such path"),
    }
}

/// How long each hop from here on takes. Both are asked at once: the API's own hop must not delay
/// the time of the way to it.
fn hops(api: &Client) -> Response {
    let (first, behind) = thread::scope(|scope| {
        let behind = thread::Builder::new().spawn_scoped(scope, || api.get("/hops", API_HOPS));
        let first = Hop::time("web", "api", || api.get("/health", PATIENCE));
        let behind = behind.ok().and_then(|thread| thread.join().ok());
        (first, behind.and_then(Result::ok))
    });
    let behind = behind.filter(|_| first.ms.is_some());
    let behind = behind.and_then(|(_, body)| serde_json::from_slice::<Vec<Hop>>(&body).ok());
    let mut hops = vec![first];
    hops.extend(behind.unwrap_or_else(|| vec![Hop::unknown("api", "store")]));
    match serde_json::to_vec(&hops) {
        Ok(body) => Response::json(200, body),
        Err(error) => Response::error(502, &error.to_string()),
    }
}

fn passed_on(answer: io::Result<(u16, Vec<u8>)>) -> Response {
    match answer {
        Ok((status, body)) => Response::json(status, body),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Response::error(504, "the API: no answer"),
        Err(error) => Response::error(502, &format!("the API: {}", problem(&error))),
    }
}

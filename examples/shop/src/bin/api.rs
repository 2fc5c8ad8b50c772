//! `shop-api`: orders over HTTP, as JSON, kept in the store.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shop::hop::{Hop, PATIENCE, problem};
use shop::http::{Request, Response, handle};
use shop::listen::Listeners;
use shop::orders::{NewOrder, Order};
use shop::settings;
use shop::store::Client;

/// How long the store may take for one request.
const STORE: Duration = Duration::from_secs(4);
/// So many orders are listed.
const LISTED: u32 = 50;

fn main() -> ExitCode {
    settings::exit(run())
}

fn run() -> io::Result<()> {
    let store = Client::new(&settings::text("STORE_ADDR", "127.0.0.1:4003"));
    let listeners = Listeners::bind(&settings::text("HOST", "127.0.0.1"), settings::port(4002)?)?;
    settings::log(&format!("listening on {}", listeners.address()?));
    listeners.serve(move |stream| handle(stream, &|request| answer(request, &store)))
}

fn answer(request: &Request, store: &Client) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        // Says that the API is there, and nothing about the store: whoever times the way to here
        // must not time what is behind.
        ("GET" | "HEAD", "/health") => Response::json(200, b"{}".to_vec()),
        ("GET", "/hops") => hops(store),
        ("GET", "/orders") => orders(store).unwrap_or_else(|error| unreachable(&error)),
        ("POST", "/orders") => order(request, store),
        (_, "/health" | "/hops" | "/orders") => Response::error(405, "this method is not for this path"),
        _ => Response::error(404, "there is no such path"),
    }
}

/// How long the way to the store takes.
fn hops(store: &Client) -> Response {
    let hop = Hop::time("api", "store", || store.ping(PATIENCE));
    json(200, &[hop])
}

fn orders(store: &Client) -> io::Result<Response> {
    let values = store.list("order:", LISTED, STORE)?;
    // What is no order was not put there by this program: left out.
    let orders: Vec<Order> = values
        .iter()
        .filter_map(|value| serde_json::from_str(value).ok())
        .collect();
    Ok(json(200, &orders))
}

fn order(request: &Request, store: &Client) -> Response {
    if request.content_type != "application/json" {
        return Response::error(415, "an order is application/json");
    }
    match NewOrder::parse(&request.body) {
        Ok(order) => place(order, store).unwrap_or_else(|error| unreachable(&error)),
        Err(problem) => Response::error(422, &problem),
    }
}

fn place(order: NewOrder, store: &Client) -> io::Result<Response> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
    let order = order.placed(store.next("orders", STORE)?, at);
    // JSON has no line breaks of its own, so it is a value. Keys of one length sort as numbers do.
    let value = serde_json::to_string(&order)?;
    store.put(&format!("order:{:020}", order.id), &value, STORE)?;
    settings::log(&format!(
        "order {}: {} × {}",
        order.id, order.quantity, order.item
    ));
    Ok(json(201, &order))
}

fn json(status: u16, value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => Response::json(status, body),
        Err(error) => Response::error(502, &error.to_string()),
    }
}

fn unreachable(error: &io::Error) -> Response {
    let status = if error.kind() == io::ErrorKind::TimedOut {
        504
    } else {
        502
    };
    Response::error(status, &format!("the store: {}", problem(error)))
}

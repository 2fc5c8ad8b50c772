//! `wharf requests`: what was asked and answered on the links of a stack.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use wharf_capture::{Exchange, Outcome, Status};
use wharf_stack::control::{Client, Reply, Request};

use crate::cli::Requests;
use crate::out::{self, Style};
use crate::report::Report;
use crate::surroundings::Surroundings;
use crate::target;

/// How often is asked for news.
const EVERY: Duration = Duration::from_millis(200);

/// An exchange as a program reads it.
#[derive(Serialize)]
struct Line<'a> {
    link: &'a str,
    #[serde(flatten)]
    exchange: &'a Exchange,
}

pub(super) fn run(here: &Surroundings, args: &Requests) -> Result<(), Report> {
    let stack = match &args.link {
        Some(link) => target::find_with_link(here, &args.which, link)?,
        None => target::find(here, &args.which)?,
    };
    let client = stack.client();
    let mut since = BTreeMap::new();
    let mut all = news(&client, args, &mut since)?;
    let past = all.split_off(all.len().saturating_sub(args.lines));
    print(&past, args);
    if !args.follow {
        return Ok(());
    }
    // Until it is interrupted, or the stack ends and is asked in vain.
    loop {
        std::thread::sleep(EVERY);
        print(&news(&client, args, &mut since)?, args);
    }
}

/// What came since, in the order in which it ended.
fn news(
    client: &Client,
    args: &Requests,
    since: &mut BTreeMap<String, u64>,
) -> Result<Vec<(String, Exchange)>, Report> {
    let request = Request::Exchanges {
        link: args.link.clone(),
        since: since.clone(),
    };
    let mut all = Vec::new();
    if let Reply::Exchanges(links) = client.ask(&request)? {
        for (link, news) in links {
            since.insert(link.clone(), news.next);
            all.extend(
                news.exchanges
                    .into_iter()
                    .map(|exchange| (link.clone(), exchange)),
            );
        }
    }
    all.sort_by_key(|(_, exchange)| exchange.ended);
    Ok(all)
}

fn print(exchanges: &[(String, Exchange)], args: &Requests) {
    let style = Style::of_stdout();
    for (link, exchange) in exchanges {
        if args.json {
            out::json_line(&Line { link, exchange });
            continue;
        }
        let took = exchange.ended.since(exchange.started);
        let text = format!(
            "{}  {}  {exchange}  {} in {}",
            clock(exchange.started.nanos()),
            style.cyan(link),
            out::bytes(exchange.response.bytes),
            millis(took),
        );
        out::line(&match failed(exchange) {
            true => style.red(&text),
            false => text,
        });
    }
}

fn failed(exchange: &Exchange) -> bool {
    let bad = match &exchange.status {
        Some(Status::Code(code)) => *code >= 500,
        Some(Status::Error { .. }) => true,
        Some(Status::Ok(_)) | None => false,
    };
    bad || exchange.outcome != Outcome::Complete
}

fn millis(took: Duration) -> String {
    format!("{:.1}ms", took.as_secs_f64() * 1e3)
}

/// The time of day, UTC.
fn clock(nanos: u64) -> String {
    let millis = nanos / 1_000_000;
    let seconds = millis / 1000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        millis % 1000
    )
}

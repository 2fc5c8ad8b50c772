//! `wharf toxiproxy`: Toxiproxy's server, on Wharf's links.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{SystemTime, UNIX_EPOCH};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use wharf_link::Seed;
use wharf_stack::Aside;
use wharf_stack::control::{LinkStatus, Refusal, Reply, Request, StackStatus};
use wharf_stack::logs::{Logs, Stream};
use wharf_toxiproxy::{Config, Error, Exposure, Level, LinkView, Log, Metrics, PeerCheck, Server};

use crate::cli::Toxiproxy;
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::vars;

/// The port by which Toxiproxy is known: the stack of a server elsewhere bears its port in its name.
const USUAL_PORT: u16 = 8474;

pub(super) fn run(here: &Surroundings, args: &Toxiproxy) -> Result<(), Report> {
    let logs = Logs::new(None);
    // Before anything is started, so that no signal is missed.
    let failed = |error| Report::new(Code::Failed, format!("listen for signals: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let config = config(args, log(logs.clone())?)?;
    let seed = config.seed;
    let server = Arc::new(Server::start(config).map_err(report)?);

    let (stop, stopped) = sync_channel::<()>(1);
    let on_signal = stop.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                // One is enough; what comes after it finds the channel full.
                let _ = on_signal.try_send(());
            }
        })
        .map_err(failed)?;
    let serving = Arc::clone(&server);
    let name = name_of(&server);
    let answering = name.clone();
    let identity = format!("{name} of {}", here.run_dir.path().display());
    let named = identity.clone();
    let aside = Aside::register(&here.run_dir, &name, &identity, logs, move |request| {
        answer(&request, &serving, &answering, &named, || {
            let _ = stop.try_send(());
        })
    })?;

    let at: Vec<String> = server
        .addresses()
        .iter()
        .map(|address| format!("http://{address}"))
        .collect();
    out::line(&format!(
        "Toxiproxy's API at {}, seed {}",
        at.join(" and "),
        seed.0 as i64
    ));
    let _ = stopped.recv();
    drop(aside);
    Ok(())
}

fn config(args: &Toxiproxy, log: Log) -> Result<Config, Report> {
    let exposure = if args.allow_wildcard {
        Exposure::AsWritten
    } else {
        Exposure::Loopback
    };
    let proxies = match &args.config {
        None => None,
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|error| Report::new(Code::BadInput, format!("read {}: {error}", path.display())))?,
        ),
    };
    // Toxiproxy's is a signed number; which bits it has is all that counts.
    let seed = args.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_nanos()).unwrap_or(0)
    });
    Ok(Config {
        host: args.host.clone(),
        port: args.port,
        proxies,
        exposure,
        seed: Seed(seed as u64),
        metrics: Metrics {
            proxy: args.proxy_metrics,
            runtime: args.runtime_metrics,
        },
        peers: PeerCheck::same_user(exposure),
        log,
    })
}

/// To standard error what is at least as grave as LOG_LEVEL says, and to the log for `wharf logs`.
fn log(logs: Logs) -> Result<Log, Report> {
    let least = match std::env::var(vars::LOG_LEVEL) {
        Ok(level) => level
            .parse::<Level>()
            .map_err(|error| Report::new(Code::BadInput, format!("read {}: {error}", vars::LOG_LEVEL)))?,
        Err(_) => Level::Info,
    };
    Ok(Log::new(move |level, line| {
        if level >= least {
            out::error_line(line);
            logs.add("toxiproxy", Stream::Wharf, line);
        }
    }))
}

fn report(error: Error) -> Report {
    match &error {
        Error::Listen(why) if why.contains("address already in use") => Report::new(Code::PortTaken, error)
            .hint("end what listens there, or give another --port (clients: TOXIPROXY_URL)"),
        Error::Listen(_) | Error::Proxies(_) => Report::new(Code::BadInput, error),
        _ => Report::new(Code::Failed, error),
    }
}

fn name_of(server: &Server) -> String {
    match server.addresses().first().map(std::net::SocketAddr::port) {
        None | Some(USUAL_PORT) => "toxiproxy".to_owned(),
        Some(port) => format!("toxiproxy-{port}"),
    }
}

/// Answers other wharf commands, as a running stack does.
fn answer(request: &Request, server: &Server, name: &str, identity: &str, stop: impl Fn()) -> Reply {
    let done = || Reply::Done { said: Vec::new() };
    match request {
        Request::Status => Reply::Status(Box::new(StackStatus {
            stack: name.to_owned(),
            identity: identity.to_owned(),
            pid: std::process::id(),
            links: server
                .links()
                .into_iter()
                .map(|view| status(name, view))
                .collect(),
            ..StackStatus::default()
        })),
        Request::Settle => done(),
        Request::Cut { link, cut } => cut_or_heal(name, link, |proxy| server.cut(proxy, *cut)),
        Request::Heal { link: Some(link) } => cut_or_heal(name, link, |proxy| server.heal(proxy)),
        Request::Heal { link: None } => {
            for view in server.links() {
                server.heal(&view.proxy);
            }
            done()
        }
        Request::Down => {
            stop();
            done()
        }
        _ => Reply::Refused(Refusal {
            error: format!("the conditions of {name} are changed by Toxiproxy's API"),
            hint: Some("add, change or remove toxics with toxiproxy-cli or another client".to_owned()),
        }),
    }
}

/// Does something to the link `NAME -> PROXY`.
fn cut_or_heal(name: &str, link: &str, act: impl FnOnce(&str) -> bool) -> Reply {
    let ends = link
        .split_once("->")
        .map(|(consumer, proxy)| (consumer.trim(), proxy.trim()));
    match ends {
        Some((consumer, proxy)) if consumer == name && act(proxy) => Reply::Done { said: Vec::new() },
        _ => Reply::Refused(Refusal {
            error: format!("there is no link `{link}`"),
            hint: Some("`wharf links` lists them".to_owned()),
        }),
    }
}

fn status(name: &str, view: LinkView) -> LinkStatus {
    LinkStatus {
        http: Vec::new(),
        via: Vec::new(),
        name: format!("{name} -> {}", view.proxy),
        address: view.address,
        up: view.up,
        down: view.down,
        cut: view.stats.cut,
        stats: view.stats,
        packets: None,
        relayed: false,
    }
}

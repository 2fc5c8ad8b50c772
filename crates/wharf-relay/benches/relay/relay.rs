//! Wharf's relay, in a process of its own, that does what its standard input says until that ends.

use std::net::{SocketAddr, TcpListener};

use wharf_link::{Conditions, Seed, Settings};
use wharf_relay::{LinkSpec, ParkLimits, Provider, Relay};

use crate::Result;

/// A line has the settings of the way up, a `|`, and those of the way down.
pub(crate) fn run(provider: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let relay = Relay::start()?;
    let link = relay.add(LinkSpec {
        name: "near -> far".to_owned(),
        listeners: vec![listener],
        provider: Provider::Ready(vec![provider]),
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        via: Vec::new(),
        seed: Seed(1),
        park: ParkLimits::default(),
    })?;
    println!("{address}");
    for line in std::io::stdin().lines() {
        let line = line?;
        let (up, down) = line.split_once('|').ok_or("an order has two directions")?;
        relay.set_conditions(link, conditions(up)?, conditions(down)?)?;
        println!("done");
    }
    Ok(())
}

/// Reads `latency=50ms window=64MiB`.
fn conditions(text: &str) -> Result<Conditions> {
    let mut settings = Settings::default();
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=').ok_or("a setting is KEY=VALUE")?;
        settings.set(key, value)?;
    }
    let mut no_files = |_: &str| Err("no files here".to_owned());
    Ok(settings.resolve(&Conditions::CLEAR, &mut no_files)?)
}

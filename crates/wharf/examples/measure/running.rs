//! The stack that links and the door are measured through.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;

use crate::Result;
use crate::world::World;

const FILE: &str = r#"
name = "bench"

[service]
echo = { run = "PEER echo" }
sink = { run = "PEER sink" }
keep = { run = "PEER keep" }
web = { run = "PEER hello" }
user = { run = "PEER hello", needs = ["echo", "sink", "keep"] }
"#;

/// A stack that runs, until this is dropped.
pub(crate) struct Bench<'a> {
    world: &'a World,
    folder: PathBuf,
    status: Value,
}

/// The two ways to a service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    pub(crate) direct: SocketAddr,
    pub(crate) linked: SocketAddr,
}

impl<'a> Bench<'a> {
    pub(crate) fn start(world: &'a World) -> Result<Self> {
        let folder = world.project("bench", FILE)?;
        world.ask(&folder, &["up", "-d"])?;
        let mut bench = Bench {
            world,
            folder,
            status: Value::Null,
        };
        bench.status = serde_json::from_str(&world.ask(&bench.folder, &["ps", "--json"])?)?;
        Ok(bench)
    }

    /// The stack's process.
    pub(crate) fn pid(&self) -> Result<u64> {
        self.status["pid"]
            .as_u64()
            .ok_or_else(|| "the stack has no pid".into())
    }

    /// The way straight to a service, and the one over the link that `user` has to it.
    pub(crate) fn ways(&self, service: &str) -> Result<Ways> {
        let link = format!("user -> {service}");
        Ok(Ways {
            direct: address(&find(&self.status["services"], service)?["listens"][0])?,
            linked: address(&find(&self.status["links"], &link)?["address"])?,
        })
    }

    /// The way straight to a service, its name at the door, and the door.
    pub(crate) fn at_door(&self, service: &str) -> Result<(SocketAddr, String, SocketAddr)> {
        let service = find(&self.status["services"], service)?;
        let url = service["url"].as_str().ok_or("the service has no URL")?;
        let host = url.trim_start_matches("http://").to_owned();
        let port = self.status["door_port"].as_u64().ok_or("there is no door")?;
        let door = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port)?));
        Ok((address(&service["listens"][0])?, host, door))
    }

    /// How many connections the link to a service carries now.
    pub(crate) fn connections(&self, service: &str) -> Result<u64> {
        let links: Value = serde_json::from_str(&self.world.ask(&self.folder, &["links", "--json"])?)?;
        let link = find(&links, &format!("user -> {service}"))?;
        link["stats"]["connections"]
            .as_u64()
            .ok_or_else(|| "the link counts nothing".into())
    }
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        // What this cannot end, the end of the world does.
        let _ = self.world.ask(&self.folder, &["down"]);
        let _ = self.world.await_quiet();
    }
}

fn find<'v>(list: &'v Value, name: &str) -> Result<&'v Value> {
    let found = list
        .as_array()
        .and_then(|items| items.iter().find(|item| item["name"] == name));
    found.ok_or_else(|| format!("the stack has no {name}").into())
}

fn address(value: &Value) -> Result<SocketAddr> {
    let text = value.as_str().ok_or("an address is missing in the status")?;
    Ok(text.parse()?)
}

//! What a compose file says, as far as it can be carried over.

use super::yaml::{self, Node};

/// A compose file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compose {
    /// Its name.
    pub file: String,
    /// Its services, in its order.
    pub services: Vec<ComposeService>,
    /// What was left out of it.
    pub skipped: Vec<String>,
}

/// A service of a compose file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComposeService {
    /// Its name.
    pub name: String,
    /// The image, without its registry and tag.
    pub image: Option<String>,
    /// The image as it is written.
    pub image_text: String,
    /// The folder it is built from, relative to the file's; empty for the file's own.
    pub build: Option<String>,
    /// Its command.
    pub command: Option<Vec<String>>,
    /// The port of this machine that leads to it, and the port inside.
    pub ports: Vec<(Option<u16>, u16)>,
    /// Its variables.
    pub environment: Vec<(String, String)>,
    /// The services it needs.
    pub depends_on: Vec<String>,
}

/// Keys that say nothing about how the program runs without a container.
const QUIET: &[&str] = &[
    "container_name",
    "expose",
    "healthcheck",
    "hostname",
    "init",
    "labels",
    "logging",
    "networks",
    "pull_policy",
    "restart",
    "stdin_open",
    "tty",
    "deploy",
    "platform",
    "profiles",
    "stop_grace_period",
    "stop_signal",
    "mem_limit",
];

impl Compose {
    /// Reads the text of a compose file.
    #[must_use]
    pub fn parse(file: &str, text: &str) -> Self {
        let (root, skipped) = yaml::read(text);
        let mut skipped: Vec<String> = skipped.iter().map(|what| format!("{file}: {what}")).collect();
        let mut services = Vec::new();
        for (name, node) in root.get("services").map(Node::entries).unwrap_or_default() {
            let (service, left_out) = ComposeService::read(name, node);
            if !left_out.is_empty() {
                skipped.push(format!("{file}: {name}: {}", left_out.join(", ")));
            }
            services.push(service);
        }
        Self {
            file: file.to_owned(),
            services,
            skipped,
        }
    }
}

impl ComposeService {
    fn read(name: &str, node: &Node) -> (Self, Vec<String>) {
        let mut service = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        let mut left_out = Vec::new();
        for (key, value) in node.entries() {
            match key.as_str() {
                "image" => {
                    service.image_text = interpolated(value.text().unwrap_or_default());
                    service.image = Some(image_name(&service.image_text));
                }
                "build" => {
                    let context = value.text().or_else(|| value.get("context").and_then(Node::text));
                    service.build = Some(folder(context.unwrap_or_default()));
                }
                "command" => service.command = command(value),
                "ports" => service.ports = value.items().iter().filter_map(port).collect(),
                "environment" => service.environment = environment(value),
                "depends_on" => {
                    let listed = value.items().iter().filter_map(Node::text);
                    let keyed = value.entries().iter().map(|(key, _)| key.as_str());
                    service.depends_on = listed.chain(keyed).map(str::to_owned).collect();
                }
                other if QUIET.contains(&other) => {}
                // The data of a program has its own place, and a mounted source is there anyway.
                "volumes" if node.get("build").is_some() || !value.items().iter().any(is_mounted) => {}
                other => left_out.push(other.to_owned()),
            }
        }
        (service, left_out)
    }
}

/// An image's name: `docker.io/library/postgres:16-alpine` is `postgres`.
fn image_name(text: &str) -> String {
    let text = text.split('@').next().unwrap_or_default();
    let mut parts: Vec<&str> = text.split('/').collect();
    // The first part is a registry if it looks like a host.
    if parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost") {
        parts.remove(0);
    }
    if parts.len() > 1 && parts[0] == "library" {
        parts.remove(0);
    }
    let name = parts.join("/");
    name.split(':').next().unwrap_or_default().to_owned()
}

/// Whether a volume is a file or folder of this machine, and none that the container makes.
fn is_mounted(volume: &Node) -> bool {
    let source = volume
        .text()
        .or_else(|| volume.get("source").and_then(Node::text));
    source.is_some_and(|source| source.starts_with(['.', '/', '~', '$']) && source.contains(':'))
        || volume.get("type").and_then(Node::text) == Some("bind")
}

/// A folder's path without its dots: `./api/` is `api`, `.` is nothing.
fn folder(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    if path == "." {
        String::new()
    } else {
        path.to_owned()
    }
}

fn command(value: &Node) -> Option<Vec<String>> {
    match value {
        Node::Text(line) => shell_words::split(&interpolated(line)).ok(),
        Node::List(words) => words.iter().map(|word| word.text().map(interpolated)).collect(),
        Node::Map(_) => None,
    }
    .filter(|words| !words.is_empty())
}

/// A port: `5432`, `5432:5432`, `127.0.0.1:5433:5432/tcp` or a table.
fn port(value: &Node) -> Option<(Option<u16>, u16)> {
    let number = |text: &str| text.parse::<u16>().ok();
    if let Some(target) = value.get("target").and_then(Node::text) {
        let published = value.get("published").and_then(Node::text).map(interpolated);
        return Some((published.as_deref().and_then(number), number(target)?));
    }
    let text = interpolated(value.text()?);
    let text = text.split('/').next().unwrap_or_default();
    let mut parts = text.rsplit(':');
    let inside = number(parts.next()?)?;
    Some((parts.next().and_then(number), inside))
}

fn environment(value: &Node) -> Vec<(String, String)> {
    let listed = value.items().iter().filter_map(|item| {
        let (name, value) = item.text()?.split_once('=')?;
        Some((name.to_owned(), interpolated(value)))
    });
    let keyed = value.entries().iter().filter_map(|(name, value)| {
        let text = value.text()?;
        Some((name.clone(), interpolated(text)))
    });
    let mut variables: Vec<(String, String)> = Vec::new();
    for (name, value) in listed.chain(keyed) {
        if !name.is_empty() && !name.contains('=') {
            variables.retain(|(known, _)| *known != name);
            variables.push((name, value));
        }
    }
    variables
}

/// Puts the defaults of variables in: `${TAG:-16}` is `16`. One without a default stays.
fn interpolated(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}').map(|end| start + end) else {
            break;
        };
        filled.push_str(&rest[..start]);
        let inner = &rest[start + 2..end];
        let name_end = inner
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(inner.len());
        match inner[name_end..].trim_start_matches(':').strip_prefix('-') {
            Some(default) => filled.push_str(default),
            None => filled.push_str(&rest[start..=end]),
        }
        rest = &rest[end + 1..];
    }
    filled.push_str(rest);
    filled
}

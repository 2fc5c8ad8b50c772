//! A small language for machines that no one ever had: a fact a line.

use serde_json::{Value, json};
use wharf_advice::{Question, Symptom, Target};
use wharf_facts::Snapshot;

/// A machine as its facts are written, and what is asked about it.
pub(crate) struct Machine {
    facts: Value,
    /// What is asked; none: doctor.
    pub(crate) target: Option<Target>,
    pub(crate) symptom: Option<Symptom>,
}

impl Machine {
    /// A quiet Linux machine, seen by an ordinary user: nothing listens.
    pub(crate) fn quiet() -> Self {
        let facts = serde_json::from_str(include_str!("machines/quiet.json")).expect("the quiet machine");
        Self {
            facts,
            target: None,
            symptom: None,
        }
    }

    /// The facts.
    pub(crate) fn snapshot(&self) -> Snapshot {
        serde_json::from_value(self.facts.clone()).expect("a snapshot")
    }

    /// The question, if there is one.
    pub(crate) fn question(&self) -> Option<Question> {
        let target = self.target.clone()?;
        Some(Question {
            target,
            symptom: self.symptom.clone(),
        })
    }

    /// Takes a line in; false when it is no fact.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let words = words(line);
        let [verb, rest @ ..] = words.as_slice() else {
            return true;
        };
        match verb.as_str() {
            "ask" => self.target = Some(rest[0].parse().expect("a target")),
            "symptom" => self.symptom = Some(symptom(rest)),
            "merge" => merge(
                &mut self.facts,
                line.trim_start()
                    .trim_start_matches("merge")
                    .parse()
                    .expect("JSON"),
            ),
            "os" => self.facts["system"]["os"] = json!(rest[0]),
            "listen" => self.push("tcp", socket("tcp", "listen", rest)),
            "bound" => self.push("tcp", socket("tcp", "bound-inactive", rest)),
            "udp" => self.push("udp", socket("udp", "close", rest)),
            "tcp" => self.connections(rest),
            "process" => self.push("processes", process(rest)),
            "resolve" => self.resolve(rest),
            "hosts" => self.facts["names"]["hosts"]
                .as_array_mut()
                .expect("hosts")
                .push(json!({"line": number(&rest[0]), "address": rest[1], "names": rest[2..]})),
            "container" => self.push("containers", container(rest)),
            "namespace" => self.push("namespaces", namespace(rest)),
            "lease" => {
                let mut lease = json!({"port": number(&rest[0]), "service": rest[1], "checkout": rest[2]});
                if let Some(holder) = value(rest, "holder") {
                    lease["holder"] = number(holder);
                }
                self.push_in("ours", "leases", lease);
            }
            "stack" => self.push_in("ours", "stacks", stack(rest)),
            "probe" => {
                if !self.facts["probes"].is_array() {
                    self.facts["probes"] = json!([]);
                }
                self.push("probes", probe(rest));
            }
            _ => return false,
        }
        true
    }

    fn push(&mut self, list: &str, row: Value) {
        self.facts[list].as_array_mut().expect("a list").push(row);
    }

    fn push_in(&mut self, part: &str, list: &str, row: Value) {
        let list = &mut self.facts[part][list];
        if list.is_null() {
            *list = json!([]);
        }
        list.as_array_mut().expect("a list").push(row);
    }

    /// `tcp STATE LOCAL REMOTE [times=N]`: with `times`, the port that ends in `+` counts up.
    fn connections(&mut self, rest: &[String]) {
        let times = value(rest, "times").map_or(1, |times| times.parse::<u32>().expect("a number"));
        for index in 0..times {
            let counted: Vec<String> = rest.iter().map(|word| count_up(word, index)).collect();
            let mut row = socket("tcp", &counted[0], &counted[1..]);
            row["remote"] = json!(counted[2]);
            self.push("tcp", row);
        }
    }

    fn resolve(&mut self, rest: &[String]) {
        let mut row = json!({"name": rest[0], "took_us": 90});
        match rest[1].as_str() {
            "fails" => row["answer"] = json!({"failed": "Name or service not known"}),
            _ => row["answer"] = json!({"addresses": plain(&rest[1..])}),
        }
        if let Some(took) = value(rest, "ms") {
            row["took_us"] = json!(took.parse::<u64>().expect("a number") * 1000);
        }
        let resolutions = self.facts["names"]["resolutions"]
            .as_array_mut()
            .expect("resolutions");
        resolutions.retain(|old| old["name"] != row["name"]);
        resolutions.push(row);
    }
}

/// Words with white space between, those with white space in double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut some) = (false, false);
    for letter in line.chars() {
        match letter {
            '"' => (quoted, some) = (!quoted, true),
            ' ' if !quoted => {
                if some {
                    words.push(std::mem::take(&mut word));
                }
                some = false;
            }
            letter => {
                word.push(letter);
                some = true;
            }
        }
    }
    if some {
        words.push(word);
    }
    words
}

/// The words that are no `key=value`.
fn plain(rest: &[String]) -> Vec<&String> {
    rest.iter().filter(|word| !word.contains('=')).collect()
}

fn value<'a>(rest: &'a [String], key: &str) -> Option<&'a str> {
    rest.iter()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

fn number(text: &str) -> Value {
    json!(text.parse::<u64>().expect("a number"))
}

fn count_up(word: &str, index: u32) -> String {
    let Some(counted) = word.strip_suffix('+') else {
        return word.to_owned();
    };
    let (address, port) = counted.rsplit_once(':').expect("an address");
    format!("{address}:{}", port.parse::<u32>().expect("a port") + index)
}

/// `ADDRESS [pid=N,M] [uid=N] [owner=hidden|nobody] [v6only=true] [rq=N] [sq=N] [dev=N] [cgroup=PATH]
/// [ms=N] [repeats=N]`
fn socket(protocol: &str, state: &str, rest: &[String]) -> Value {
    let mut row = json!({
        "protocol": protocol, "state": state, "local": rest[0], "uid": 1000,
        // One inode for each address and owner, so that rows differ.
        "inode": 1000 + rest.join(" ").bytes().map(u64::from).sum::<u64>(),
        "send_queue": if state == "listen" { 128 } else { 0 },
    });
    if rest[0].starts_with("[::]") {
        row["v6only"] = json!(value(rest, "v6only") == Some("true"));
    }
    if let Some(pids) = value(rest, "pid") {
        let pids: Vec<u32> = pids.split(',').map(|pid| pid.parse().expect("a pid")).collect();
        row["owner"] = json!({"pids": pids});
    }
    if let Some(owner) = value(rest, "owner") {
        row["owner"] = json!(owner);
    }
    if state == "time-wait" {
        (row["inode"], row["owner"], row["uid"]) = (json!(0), json!("nobody"), json!(0));
    }
    let numbers = [
        ("uid", "uid"),
        ("rq", "receive_queue"),
        ("sq", "send_queue"),
        ("dev", "interface"),
        ("inode", "inode"),
    ];
    for (key, field) in numbers {
        if let Some(text) = value(rest, key) {
            row[field] = number(text);
        }
    }
    if let Some(path) = value(rest, "cgroup") {
        row["cgroup_path"] = json!(path);
    }
    let timer = value(rest, "ms").or(value(rest, "repeats").map(|_| "500"));
    if let Some(ms) = timer {
        let kind = if state == "time-wait" {
            "time-wait"
        } else {
            "retransmit"
        };
        let repeats = value(rest, "repeats").map_or(0, |repeats| repeats.parse::<u8>().expect("a number"));
        row["timer"] = json!({"kind": kind, "expires_ms": number(ms), "retransmits": repeats});
    }
    row
}

/// `PID NAME [parent=N] [cwd=P] [checkout=P] [branch=B] [of=MAIN] [state=S] [cmd=…] [exe=P] [uid=N]
/// [env=K=V] [fds=USED/LIMIT] [because=REASON]`
fn process(rest: &[String]) -> Value {
    let pid = number(&rest[0]);
    let text = |key, or: &str| json!(value(rest, key).unwrap_or(or));
    let uid = value(rest, "uid").unwrap_or("1000");
    let command = value(rest, "cmd").unwrap_or(&rest[1]);
    let command: Vec<&str> = command.split(' ').collect();
    let mut row = json!({
        "pid": pid, "name": rest[1], "parent": number(value(rest, "parent").unwrap_or("1")),
        "start_time": pid, "started_at": 1_789_996_400, "state": text("state", "sleeping"),
        "uid": number(uid), "user": if uid == "0" { "root" } else { "ada" }, "command": command,
        "exe": text("exe", "/usr/bin/x"), "cwd": text("cwd", "/"), "checkout": null, "session": pid, "group": pid,
        "environment": [],
    });
    if let Some(root) = value(rest, "checkout") {
        row["cwd"] = text("cwd", root);
        row["checkout"] = json!({"root": root, "head": {"branch": value(rest, "branch").unwrap_or("main")},
            "worktree_of": value(rest, "of")});
    }
    if let Some((name, value)) = value(rest, "env").and_then(|variable| variable.split_once('=')) {
        row["environment"] = json!([{"name": name, "value": value}]);
    }
    if let Some((used, limit)) = value(rest, "fds").and_then(|fds| fds.split_once('/')) {
        row["descriptors"] = json!({"used": number(used), "limit": number(limit)});
    }
    if let Some(reason) = value(rest, "because") {
        row["reason"] = reason_of(reason);
    }
    row
}

fn reason_of(text: &str) -> Value {
    let (kind, of) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "shell" => json!({"kind": kind, "shell": "zsh", "by": 90, "terminal": "pts/3", "within": null}),
        "npm" => json!({"kind": "package-script", "tool": "npm", "script": of, "by": 91, "within": null}),
        "orphan" => json!({"kind": kind, "dead_session": 77}),
        "unit" => json!({"kind": kind, "unit": of, "manager": "system"}),
        "forward" => json!({"kind": "container-forward", "program": "docker-proxy", "target": of}),
        "ssh" => json!({"kind": "ssh-forward", "host": of, "forwards": ["-L 5432:localhost:5432"]}),
        "supervisor" => json!({"kind": kind, "program": "pm2", "by": 92}),
        kind => json!({"kind": kind}),
    }
}

/// `NAME PUBLISHED>INSIDE [state=S] [address=A] [netns=N] [at=ADDRESS]`
fn container(rest: &[String]) -> Value {
    let (published, inside) = rest[1].split_once('>').expect("ports");
    json!({
        "id": format!("{:0<64}", rest[0].bytes().map(|byte| format!("{byte:x}")).collect::<String>()),
        "name": rest[0], "engine": "docker", "state": value(rest, "state").unwrap_or("running"),
        "ports": [{"inside": number(inside), "protocol": "tcp", "published": number(published),
            "address": value(rest, "at").unwrap_or("127.0.0.1")}],
        "addresses": value(rest, "address").into_iter().collect::<Vec<_>>(),
        "netns": number(value(rest, "netns").unwrap_or("7")),
    })
}

/// `INODE [pid=N] [listen=ADDRESS,ADDRESS] [address=A]`
fn namespace(rest: &[String]) -> Value {
    let listeners = value(rest, "listen")
        .unwrap_or_default()
        .split(',')
        .filter(|text| !text.is_empty());
    let rows: Vec<Value> = listeners
        .map(|address| socket("tcp", "listen", &[address.to_owned()]))
        .collect();
    json!({
        "inode": number(&rest[0]), "pids": value(rest, "pid").map(number).into_iter().collect::<Vec<_>>(),
        "listeners": rows, "addresses": value(rest, "address").into_iter().collect::<Vec<_>>(),
    })
}

/// `NAME SERVICE [told=A] [listens=A] [pid=N] | link NAME ADDRESS [outage=…] [conditions=…]`
fn stack(rest: &[String]) -> Value {
    let addresses = |key| value(rest, key).into_iter().collect::<Vec<_>>();
    if rest[1] == "link" {
        return json!({"name": rest[0], "links": [{"name": rest[2], "address": rest[3],
            "outage": value(rest, "outage").unwrap_or_default(),
            "conditions": value(rest, "conditions").unwrap_or_default()}]});
    }
    json!({"name": rest[0], "services": [{"name": rest[1], "state": "ready", "told": addresses("told"),
        "listens": addresses("listens"), "pid": value(rest, "pid").map(number)}]})
}

/// `ADDRESS accepted|refused|timed-out [PROTOCOL] [name=N] [silence=S] [alpn=A] [KEY=VALUE of HTTP]`
fn probe(rest: &[String]) -> Value {
    let connect = match rest[1].as_str() {
        "timed-out" => json!({"timed-out": 500}),
        word => json!(word),
    };
    let mut row = json!({"address": rest[0], "connect": connect});
    if let Some(protocol) = rest.get(2).filter(|word| !word.contains('=')) {
        row["protocol"] = json!(protocol);
    }
    for key in ["name", "silence", "alpn"] {
        if let Some(text) = value(rest, key) {
            row[key] = json!(text);
        }
    }
    let texts = [
        "location",
        "hsts",
        "server",
        "framework",
        "foreign_host",
        "foreign_websocket",
        "named_host",
    ];
    let is_http = rest.iter().any(|word| word.starts_with("status="));
    if let Some(status) = value(rest, "status").filter(|_| is_http) {
        row["http"] = json!({"path": "/", "status": number(status)});
        for key in texts {
            if let Some(text) = value(rest, key) {
                row["http"][key] = json!(text);
            }
        }
        if let Some(cookie) = value(rest, "cookie") {
            row["http"]["cookies"] = json!([cookie]);
        }
    }
    row
}

/// `[OPERATION] [FAILURE] [ADDRESS] ["text"]`, each known by its form.
fn symptom(rest: &[String]) -> Symptom {
    let mut symptom = Symptom::default();
    for word in rest {
        let quoted = Value::String(word.clone());
        if let Some(status) = word.strip_prefix("http=") {
            symptom.failure = Some(wharf_advice::Failure::Http(status.parse().expect("a status")));
        } else if let Ok(operation) = serde_json::from_value(quoted.clone()) {
            symptom.operation = Some(operation);
        } else if let Ok(failure) = serde_json::from_value(quoted) {
            symptom.failure = Some(failure);
        } else if let Ok(address) = word.parse() {
            symptom.address = Some(address);
        } else {
            symptom.text.clone_from(word);
        }
    }
    symptom
}

/// Puts `new` into `old`: objects by their fields, all else whole.
fn merge(old: &mut Value, new: Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if !new.contains_key("unknown") => {
            for (key, value) in new {
                merge(old.entry(key).or_insert(Value::Null), value);
            }
        }
        (old, new) => *old = new,
    }
}

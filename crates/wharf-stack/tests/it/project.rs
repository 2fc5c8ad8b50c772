//! The project file: what is read from it, and each thing that is refused.

use std::path::Path;
use std::time::Duration;

use wharf_link::{Profile, Settings};
use wharf_stack::project::{
    Address, Command, EnvFiles, ExternalAddress, HoldChoice, LinkName, NeedKind, Project, ReadyCheck,
    RestartPolicy, ServiceKind, SocketPassing, StopSignal, schema,
};

fn parse(text: &str) -> Project {
    Project::parse(text, Path::new("/home/me/My Shop/wharf.toml"))
        .unwrap_or_else(|error| panic!("the text is right, yet: {error}\n{text}"))
}

fn refusal(text: &str) -> String {
    match Project::parse(text, Path::new("wharf.toml")) {
        Ok(project) => panic!("nothing was refused in\n{text}\n{project:#?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_smallest_file_has_all_defaults() {
    let project = parse("[service.web]\nrun = 'npm run dev'\n");
    assert_eq!(project.name.as_str(), "my-shop");
    let web = project.service("web").expect("it is written");
    assert_eq!(web.run, Command::Shell("npm run dev".to_owned()));
    assert_eq!(web.kind, ServiceKind::Service);
    assert_eq!(web.env_files, EnvFiles::Default);
    assert_eq!(web.address, Address::Loopback);
    assert_eq!(web.ready, ReadyCheck::Listen);
    assert_eq!(web.ready_timeout, Duration::from_secs(60));
    assert_eq!(web.restart, RestartPolicy::OnFailure);
    assert_eq!(web.max_restarts, 5);
    assert_eq!(web.stop_grace, Duration::from_secs(10));
    assert_eq!(web.stop_signal, StopSignal::Term);
    assert_eq!(web.socket, SocketPassing::None);
    assert_eq!(web.hold, HoldChoice::Auto);
    assert_eq!(web.protocol.scheme(), "http");
    assert!(web.door);
    assert_eq!(link_names(&project), ["door -> web"]);
}

#[test]
fn every_key_is_read() {
    let project = parse(
        r#"
        name = "shop"
        [service.web]
        run = ["web", "--port", "{port}"]
        kind = "service"
        needs = ["api", "migrate", "db"]
        cwd = "web"
        env = { B = "{needs.api.url}", A = 1, C = true, D = 1.5 }
        env_file = [".env", ".env.local"]
        port = 8080
        ports = ["metrics"]
        address = "own"
        ready = { http = "/health" }
        ready_timeout = "1.5m"
        restart = "always"
        max_restarts = 9
        stop_grace = "500ms"
        stop_signal = "SIGINT"
        socket = "pass"
        user = "nobody"
        door = true
        hold = false
        protocol = "http"
        [service.api]
        run = "api --all"
        door = false
        ready = "notify"
        [service.migrate]
        run = "migrate"
        kind = "task"
        needs = ["db"]
        [external.db]
        address = "127.0.0.1:5432"
        [external.mail]
        address = "mail.example.com:25"
        "#,
    );
    let web = project.service("web").expect("it is written");
    insta::assert_debug_snapshot!(web);
    assert_eq!(project.name.as_str(), "shop");
    let needed: Vec<_> = web.units_needed().map(|name| name.to_string()).collect();
    assert_eq!(needed, ["api", "migrate"]);
    assert_eq!(web.needs[1].kind, NeedKind::Task);
    let db = project.external("db").expect("it is written");
    assert_eq!(db.protocol.scheme(), "postgresql");
    let mail = project.external("mail").expect("it is written");
    assert!(matches!(&mail.address, ExternalAddress::Named(host, port)
        if host == "mail.example.com" && port.get() == 25));
    assert_eq!(
        link_names(&project),
        ["web -> api", "web -> db", "migrate -> db", "door -> web"]
    );
    let order: Vec<Vec<&str>> = project
        .start_order()
        .iter()
        .map(|wave| wave.iter().map(|name| name.as_str()).collect())
        .collect();
    assert_eq!(order, [vec!["api", "migrate"], vec!["web"]]);
}

fn link_names(project: &Project) -> Vec<String> {
    let links = project.links().iter();
    links.map(|link| link.name.to_string()).collect()
}

#[test]
fn the_layers_of_conditions_override_each_other() {
    let project = parse(
        r#"
        [service]
        web = { run = "web", needs = ["api"] }
        api = { run = "api" }
        [link."web->api"]
        profile = "4g"
        latency = "80ms"
        jitter = "8ms"
        down = { rate = "1mbit", queue = "64KiB", jitter = "8ms normal", latency = "90ms", loss = "none" }
        [link."door -> web"]
        rate = "2mbit"
        "#,
    );
    let base = Profile::named("4g").expect("it is built in");
    let link = |name: &str| {
        let wanted: LinkName = name.parse().expect("a link's name");
        let links = project.links().iter();
        links
            .into_iter()
            .find(|link| link.name == wanted)
            .expect("it is there")
    };
    let api = link("web -> api");
    assert_eq!(api.profile.as_deref(), Some("4g"));
    let up = |key: &str| api.up.get(key);
    let down = |key: &str| api.down.get(key);
    assert_eq!(up("latency"), Some("80ms"));
    assert_eq!(up("rate"), base.up.settings().get("rate"));
    assert_eq!(down("latency"), Some("90ms"));
    assert_eq!(down("rate"), Some("1mbit"));
    assert_eq!(down("queue"), Some("64KiB"));
    assert_eq!(up("jitter"), Some("8ms"));
    assert_eq!(down("jitter"), Some("8ms normal"));
    assert_eq!((up("loss"), down("loss")), (Some("0.5%"), Some("none")));
    let door = link("door->web");
    assert_eq!(door.up, door.down);
    assert!(!door.up.is_clear());
    assert!(link("door -> api").up.is_clear());
}

/// Each is refused, at its place and with its hint: one table, read by eye.
#[test]
fn what_is_refused() {
    const TWO: &str = "[service]\nweb = { run = 'w', needs = ['api'] }\napi = { run = 'a' }\n";
    let service = |line: &str| format!("[service.web]\nrun = 'w'\n{line}\n");
    let link = |table: &str| format!("{TWO}{table}\n");
    let texts = [
        "".to_owned(),
        "[service.web\n".to_owned(),
        "[services.web]\nrun = 'x'\n".to_owned(),
        "name = 'My Shop'\n[service.web]\nrun = 'w'\n".to_owned(),
        "[service.Web_App]\nrun = 'w'\n".to_owned(),
        "[service.door]\nrun = 'w'\n".to_owned(),
        "[service.web]\ncwd = '.'\n".to_owned(),
        service("neds = ['api']"),
        service("dependencies = ['api']"),
        service("run = 'again'"),
        service("needs = 'api'"),
        service("needs = ['web']"),
        service("needs = ['apy']\n[service.api]\nrun = 'a'"),
        service("needs = ['api', 'api']\n[service.api]\nrun = 'a'"),
        service("kind = 'taks'"),
        service("restart = 'onfailure'"),
        service("port = 0"),
        service("port = 65536"),
        service("port = '80'"),
        service("ports = ['a', 'a']"),
        service("ports = ['A']"),
        service("ready = 'listens'"),
        service("ready = 'connect'"),
        service("ready = 'http'"),
        service("ready = { htp = '/' }"),
        service("ready = { http = 'health' }"),
        service("ready = { http = '/', log = 'x' }"),
        service("ready = {}"),
        service("ready = 3"),
        service("ready_timeout = '60'"),
        service("ready_timeout = '60 sec'"),
        service("stop_grace = '0s'"),
        service("stop_signal = 'TERM'"),
        service("max_restarts = -1"),
        service("env = { 'A=B' = '1' }"),
        service("env = { A = [1] }"),
        service("env_file = 3"),
        service("protocol = 'HTTP 1'"),
        service("kind = 'task'\ndoor = true"),
        "[service.web]\nrun = 'cd x && w'\nsocket = 'pass'\n".to_owned(),
        "[service.web]\nrun = ''\n".to_owned(),
        "[service.web]\nrun = []\n".to_owned(),
        "[service.web]\nrun = 'server --port {prot}'\nneeds = []\nenv = { A = '{needs.api.url}' }\n".to_owned(),
        "[service.web]\nrun = 'server --port {port.metrics}'\n".to_owned(),
        "[service.web]\nrun = 'server {needs.api.uri}'\nneeds = ['api']\n[service.api]\nrun = 'a'".to_owned(),
        service("[external.web]\naddress = '127.0.0.1:1'"),
        service("[external.db]\naddress = '127.0.0.1'"),
        service("[external.db]\naddress = '127.0.0.300:1'"),
        service("[external.db]\nadress = '127.0.0.1:1'"),
        service("[external.db]"),
        "[service]\na = { run = 'x', needs = ['b'] }\nb = { run = 'x', needs = ['c'] }\nc = { run = 'x', needs = ['b'] }\n".to_owned(),
        link("[link.'web api']"),
        link("[link.'web -> apo']"),
        link("[link.'api -> web']"),
        link("[link.'door -> nobody']"),
        link("[link.'web -> api']\n[link.'web->api']"),
        link("[link.'web -> api']\nprofile = '4gg'"),
        link("[link.'web -> api']\nlatency = '50'"),
        link("[link.'web -> api']\nlatency = 50"),
        link("[link.'web -> api']\nrate = '10mbps'"),
        link("[link.'web -> api']\nqueue = 'long'"),
        link("[link.'web -> api']\njitter = '1ms gauss'"),
        link("[link.'web -> api']\nloss = '101%'"),
        link("[link.'web -> api']\ndiscipline = 'coddle'"),
        link("[link.'web -> api']\nvia = ['home']"),
        link("[segment.home]\n[segment.hotel]\n[link.'web -> api']\nvia = ['hone']"),
        link("[segment.home]\n[link.'web -> api']\nvia = ['home', 'home']"),
        link("[link.'web -> api'.up]\nlatncy = '1ms'"),
        "[service.web]\nrun = 'w'\ndoor = false\n[link.'door -> web']\nlatency = '1s'\n".to_owned(),
        "[service.t]\nrun = 'w'\nkind = 'task'\n[link.'door -> t']\n".to_owned(),
        service("[external.db]\naddress = '127.0.0.1:53'\ntransport = 'udp'\ntls = true"),
        service("[external.db]\naddress = '127.0.0.1:443'\ntls = { ca = 'x', dangerously-unverified = true }"),
        link("[[link.'web -> api'.http]]\npath = '/x'\nstatus = 99"),
        link("[[link.'web -> api'.http]]\npth = '/x'"),
        link("[scenario.x]"),
        link("[scenario.x]\nstep = [{ at = '0s', link = '*', latency = '1s' }]"),
        link("[scenario.x]\nlength = '0s'\nstep = [{ link = '*', latency = '1s' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ at = '5s', link = '*', latency = '1s' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ link = 'web -> apy', latency = '1s' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ latency = '1s' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ link = '*' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ link = '*', latency = '1s', cut = 'hole' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ link = '*', cut = 'wire' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ link = '*', cut = 'reset up' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ link = '*', cut = 'hole', over = '1s' }]"),
        link("[scenario.x]\nstep = [{ link = '*', cut = 'hole', every = '1s' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ link = '*', cut = 'hole', times = 3 }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ link = '*', cut = 'hole', every = '1s', for = '2s' }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ partition = [['web']] }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ partition = [['web'], ['wen']] }]"),
        link("[scenario.x]\nlength = '5s'\nstep = [{ partition = [['web'], ['web']] }]"),
        link("[scenario.x]\nlength = '5s'\nrepeat = 'often'\nstep = [{ link = '*', cut = 'hole' }]"),
        "[service.ü]\nrun = 'w'\n".to_owned(),
        "[service.\"ü\"]\n\t\trun = 'ü' # ü\n\t\tüber = 1\n".to_owned(),
    ];
    let empty = Project::parse(&texts[0], Path::new("wharf.toml")).map(|project| project.services);
    assert_eq!(empty, Ok(Vec::new()), "an empty file is a stack of nothing");
    let refusals: Vec<String> = texts[1..].iter().map(|text| refusal(text)).collect();
    insta::assert_snapshot!(refusals.join("\n\n"));
}

#[test]
fn the_schema_lists_the_keys_that_are_read() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).expect("it is JSON");
    let keys = |table: &serde_json::Value| -> Vec<String> {
        let properties = table["properties"].as_object().expect("a table of keys");
        properties.keys().cloned().collect()
    };
    assert_eq!(
        keys(&schema),
        [
            "external", "link", "name", "node", "scenario", "seed", "segment", "service"
        ]
    );
    let tables = schema["$defs"].as_object().expect("the tables");
    let conditions: Vec<&str> = Settings::keys().map(|key| key.name).collect();
    for name in ["link", "direction", "segment", "step"] {
        let known = keys(&tables[name]);
        assert!(
            conditions
                .iter()
                .all(|key| known.iter().any(|known| known == key)),
            "{name}"
        );
    }
    for (name, at_least) in [
        ("service", 20),
        ("external", 2),
        ("link", 22),
        ("direction", 18),
        ("scenario", 4),
    ] {
        assert!(keys(&tables[name]).len() >= at_least, "{name}: {}", tables[name]);
        assert_eq!(tables[name]["additionalProperties"], false, "{name}");
        for (key, property) in tables[name]["properties"].as_object().expect("keys") {
            let described = property.get("description").is_some();
            assert!(described, "[{name}] {key} has no description: {property}");
        }
    }
}

#[test]
fn command_lines_without_a_shell() {
    let words = |line: &str| Command::Shell(line.to_owned()).words();
    assert_eq!(words("npm run dev").map(|words| words.len()), Some(3));
    assert_eq!(words("a 'b  c' \"d\" e\\ f").map(|words| words.len()), Some(4));
    for line in [
        "a && b", "a | b", "a > b", "A=1 b", "a $B", "a \"$B\"", "a `b`", "a *", "a ~", "cd x", "exec a",
        "a 'b", "a; b", "a &", "(a)", "a\nb", "{ a; }", "a # b",
    ] {
        assert_eq!(words(line), None, "{line}");
    }
    assert!(
        words("a '$B && *'").is_some(),
        "a shell does nothing inside single quotes"
    );
}

/// Two services, and this.
fn with_nodes(text: &str) -> String {
    format!("[service.web]\nrun = 'a'\n[service.api]\nrun = 'b'\n{text}\n")
}

#[test]
fn services_are_hosts_of_the_network_that_a_file_has() {
    let project = parse(&with_nodes(
        "
        [node.r]
        kind = 'router'
        [segment.near]
        nodes = ['web', 'r']
        profile = 'wifi'
        up.latency = '7ms'
        [segment.far]
        nodes = ['r', 'api']
        metric = { r = 3 }
        [segment.shared]
        rate = '1mbit'
        ",
    ));
    let network = project.network.as_ref().expect("a network");
    let names: Vec<&str> = network.nodes().map(|(_, node)| node.name.as_str()).collect();
    assert_eq!(names, ["api", "r", "web"]);
    let near = network.segment("near").expect("it is there");
    assert_eq!(network[near].settings[0].get("latency"), Some("7ms"));
    // What joins no nodes is what links share.
    let shared: Vec<&str> = project
        .segments
        .iter()
        .map(|segment| segment.name.as_str())
        .collect();
    assert_eq!(shared, ["shared"]);
}

#[test]
fn networks_that_make_no_sense_are_refused() {
    insta::assert_snapshot!(
        [
            "[node.r]\nkind = 'router'\n[segment.s]\nnodes = ['web', 'r']",
            "[node.web]\nkind = 'nat'\n[segment.s]\nnodes = ['web', 'api']",
            "[segment.s]\nnodes = ['web', 'api', 'nobody']",
            "[segment.s]\nnodes = ['web', 'api']\nprofil = 'wifi'",
            "[segment.s]\nnodes = ['web', 'api']\nlatency = 'soon'",
            "[segment.s]\nmetric = 3",
            "[node.r]\nkind = 'rooter'\n[segment.s]\nnodes = ['web', 'api', 'r']",
            "[segment.s]\nnodes = ['web', 'api']\n[external.db]\naddress = '127.0.0.1:1'",
            "[segment.s]\nnodes = ['web', 'api']\n[link.'door -> web']\nvia = ['s']",
        ]
        .map(|text| refusal(&with_nodes(text)))
        .join("\n")
    );
}

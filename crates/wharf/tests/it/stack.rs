//! Services: order, readiness, wiring, restart, stop, what changes while it runs.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::http::get;
use crate::world::{World, eventually, kill, within};

const TWO: &str = r#"
name = "two"
[service.web]
run = "PEER hello"
needs = ["api"]
[service.api]
run = "PEER hello"
"#;

#[test]
fn two_services_come_up_talk_over_a_link_and_go_down() {
    let world = World::new();
    world.file(TWO);
    let up = world.up();
    let address = world.variable("web", "API_ADDR");
    let (status, body) = get(&address, "x", "/").expect("an answer over the link");
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("HTTP/1.1 200 OK", "hello from api")
    );
    assert_ne!(
        address,
        world.variable("api", "HOST") + ":" + &world.variable("api", "PORT"),
        "a link, not the service"
    );
    assert_eq!(world.variable("web", "API_URL"), format!("http://{address}"));
    let links = world.run(&["links"]).ok();
    assert!(
        links.contains("web -> api") && links.contains("door -> web"),
        "{links}"
    );
    assert_eq!(
        world
            .run(&["exec", "web", "--", "sh", "-c", "echo $API_ADDR"])
            .ok(),
        address
    );
    world.run(&["down"]).ok();
    assert_eq!(up_code(up), 0);
    world.await_empty();
    world.run(&["ps"]).fails(3, &["not running"]);
}

fn up_code(mut up: crate::running::Running) -> i32 {
    up.wait().code
}

#[test]
fn in_the_background_and_a_second_up_applies_what_changed() {
    let world = World::new();
    world.file(TWO);
    let said = world.run(&["up", "-d"]).ok();
    assert!(said.contains("web") && said.contains("ready"), "{said}");
    let (web, api) = (
        world.service("web")["pid"].clone(),
        world.service("api")["pid"].clone(),
    );
    let changed = TWO.replace("needs = [\"api\"]", "needs = [\"api\"]\nenv.COLOUR = \"red\"");
    world
        .file(&(changed + "[service.new]\nrun = \"PEER hello\"\n[link.\"web -> api\"]\nlatency = \"5ms\"\n"));
    world.run(&["up", "-d"]).ok();
    assert_eq!(world.variable("web", "COLOUR"), "red");
    assert_ne!(world.service("web")["pid"], web, "changed: started anew");
    assert_eq!(world.service("api")["pid"], api, "not changed: left alone");
    assert_eq!(world.service("new")["phase"], "ready");
    assert!(world.run(&["links"]).ok().contains("5ms"));
    world.file("name = \"two\"\n[service.api]\nrun = \"PEER hello\"\n");
    world.run(&["up", "-d"]).ok();
    eventually("web and new are gone", || {
        world.status()["services"].as_array().map(Vec::len) == Some(1)
    });
    assert_eq!(world.service("api")["pid"], api);
    world.file("[service.api");
    world.run(&["up", "-d"]).fails(2, &["wharf.toml:1:"]);
    assert_eq!(world.service("api")["pid"], api, "a broken file changes nothing");
    world.run(&["down"]).ok();
    world.await_empty();
}

#[test]
fn tasks_run_first_and_their_failure_is_told() {
    let world = World::new();
    world.file(
        "[service.migrate]\nkind = \"task\"\nrun = \"sh -c 'echo migrating; touch done'\"\n\
         [service.web]\nrun = \"sh -c 'test -e done && exec PEER hello'\"\nneeds = [\"migrate\"]\n",
    );
    world.run(&["up", "-d"]).ok();
    assert_eq!(world.service("migrate")["phase"], "done");
    world.run(&["down"]).ok();
    world.file(
        "[service.migrate]\nkind = \"task\"\nrun = \"sh -c 'echo no such table >&2; exit 3'\"\n\
         [service.web]\nrun = \"PEER hello\"\nneeds = [\"migrate\"]\n",
    );
    world
        .run(&["up", "-d"])
        .fails(1, &["service migrate", "exit status 3", "no such table"]);
    world.await_empty();
}

#[test]
fn early_connections_are_parked_and_then_carried() {
    let world = World::new();
    world
        .file("[service.web]\nrun = \"PEER hello\"\nneeds = [\"api\"]\n[service.api]\nrun = \"PEER late\"\n");
    let up = world.start(&["up"]);
    eventually("the stack answers", || world.run(&["ps"]).code == 0);
    let address = world.variable("web", "API_ADDR");
    let asking = std::thread::spawn(move || get(&address, "x", "/"));
    eventually("the connection is parked", || {
        world.run(&["links"]).ok().contains("1 parked")
    });
    assert_eq!(world.service("web")["phase"], "waiting");
    world.write("go", "");
    let (_, body) = asking.join().expect("no panic").expect("an answer");
    assert_eq!(body, "hello from api");
    up.await_line("up in");
    assert_eq!(up.stop().code, 0);
}

#[test]
fn readiness_is_what_the_file_says() {
    let world = World::new();
    world.write("go", "").file(
        r#"
[service.http]
run = "PEER hello"
ready = { http = "/" }
[service.connect]
run = "PEER hello"
ready = { connect = true }
[service.log]
run = "sh -c 'echo the database system is ready; exec PEER hello'"
ready = { log = "system is ready" }
[service.command]
run = "PEER hello"
ready = { command = "test -e go" }
[service.notify]
run = "PEER notify"
ready = "notify"
"#,
    );
    world.run(&["up", "-d"]).ok();
    for service in world.status()["services"].as_array().expect("services") {
        assert_eq!(service["phase"], "ready", "{service}");
    }
    world.run(&["down"]).ok();
}

#[test]
fn a_service_that_listens_elsewhere_is_followed() {
    for mode in ["elsewhere", "six"] {
        let world = World::new();
        world.file(&format!(
            "[service.web]\nrun = \"PEER hello\"\nneeds = [\"api\"]\n[service.api]\nrun = \"PEER {mode}\"\n"
        ));
        let up = world.up();
        let (_, body) = get(&world.variable("web", "API_ADDR"), "x", "/").expect("an answer");
        assert_eq!(body, "hello from api", "{mode}");
        if mode == "elsewhere" {
            assert!(up.said().contains("and not on"), "{}", up.said());
        }
        up.stop();
    }
}

#[test]
fn a_service_that_dies_is_started_again_with_back_off() {
    let world = World::new();
    world.file(TWO);
    let up = world.up();
    let pid = world.service("api")["pid"].as_u64().expect("a pid");
    kill(u32::try_from(pid).expect("a pid"), Signal::KILL);
    up.await_line("ended with signal SIGKILL");
    eventually("it is up again", || world.service("api")["phase"] == "ready");
    assert_eq!(world.service("api")["restarts"], 1);
    let (_, body) = get(&world.variable("web", "API_ADDR"), "x", "/").expect("an answer");
    assert_eq!(body, "hello from api");
    world.run(&["restart", "api"]).ok();
    assert_eq!(world.service("api")["phase"], "ready");
    assert_eq!(
        world.service("api")["restarts"],
        1,
        "a restart on demand is none by policy"
    );
    up.stop();
}

#[test]
fn stop_is_ordered_and_has_a_grace() {
    let world = World::new();
    let trap = |name: &str| {
        format!("sh -c 'trap \\\"sleep 0.2; echo {name} >> order; exit\\\" TERM; PEER hello & wait'")
    };
    world.file(&format!(
        "[service.web]\nrun = \"{}\"\nneeds = [\"api\"]\n[service.api]\nrun = \"{}\"\n\
         [service.deaf]\nrun = \"sh -c 'trap : TERM; while :; do PEER hello; done'\"\nstop_grace = \"300ms\"\n",
        trap("web"),
        trap("api"),
    ));
    let up = world.up();
    assert_eq!(up.stop().code, 0);
    let order = fs::read_to_string(world.project().join("order")).expect("written");
    assert_eq!(order, "web\napi\n");
    world.await_empty();
}

#[test]
fn a_second_signal_stops_at_once() {
    let world = World::new();
    world.file(
        "[service.deaf]\nrun = \"sh -c 'trap : TERM; while :; do PEER hello; done'\"\nstop_grace = \"1h\"\n",
    );
    let mut up = world.up();
    kill(up.pid(), Signal::INT);
    eventually("it is stopping", || world.service("deaf")["phase"] == "stopping");
    assert!(
        !within(Duration::from_millis(300), || !matches!(
            up.child.try_wait(),
            Ok(None)
        )),
        "the grace is an hour"
    );
    kill(up.pid(), Signal::INT);
    up.wait();
    world.await_empty();
}

#[test]
fn environment_files_placeholders_and_own_addresses() {
    let world = World::new();
    world
        .write("sub/.env", "GREETING=hello")
        .write(".env", "PORT=3000\nexport GREETING='good morning'\n")
        .file(
            r#"
[service.web]
run = ["PEER", "hello", "--port", "{port}"]
needs = ["db"]
ports = ["metrics"]
env = { DSN = "db at {needs.db.host} port {needs.db.port}", METRICS = "{port.metrics}" }
[service.sub]
run = "PEER hello"
cwd = "sub"
[service.db]
run = "PEER hello"
address = "own"
port = 15432
"#,
        );
    world.run(&["up", "-d"]).ok();
    assert_eq!(world.variable("web", "GREETING"), "good morning");
    let greeting = world.variable("sub", "GREETING");
    assert_eq!(greeting, "hello", "the service's folder has the last word");
    assert_ne!(
        world.variable("web", "PORT"),
        "3000",
        "what Wharf gives out comes before .env"
    );
    assert_eq!(
        world.variable("web", "METRICS"),
        world.variable("web", "PORT_METRICS")
    );
    let dsn = format!(
        "db at {} port {}",
        world.variable("web", "DB_HOST"),
        world.variable("web", "DB_PORT")
    );
    assert_eq!(world.variable("web", "DSN"), dsn);
    assert_eq!(world.variable("db", "PORT"), "15432");
    let own = world.variable("db", "HOST");
    assert!(own.starts_with("127.") && own != "127.0.0.1", "{own}");
    let (_, body) = get(&format!("{own}:15432"), "x", "/").expect("its standard port");
    assert_eq!(body, "hello from db");
    world.run(&["down"]).ok();
}

#[test]
fn one_command_is_a_service_without_a_file() {
    let world = World::new();
    let peer = crate::world::peer();
    let up = world.start(&["run", "--name", "web", &peer, "hello"]);
    up.await_line("up in");
    let url = world.run(&["url", "web", "--direct"]).ok();
    let (_, body) = get(url.trim_start_matches("http://"), "x", "/").expect("an answer");
    assert_eq!(body, "hello from web");
    assert_eq!(up.stop().code, 0);
}

#[test]
fn a_command_that_ends_ends_its_run_with_its_code() {
    let world = World::new();
    for (script, code) in [
        ("echo done", 0),
        ("echo oh >> runs; exit 7", 7),
        ("kill -KILL $$", 137),
    ] {
        let mut run = world.start(&["run", "--", "sh", "-c", script]);
        assert_eq!(run.wait().code, code, "{script}: {}", run.said());
        world.await_empty();
    }
    let runs = fs::read_to_string(world.project().join("runs")).expect("written");
    assert_eq!(runs, "oh\n", "it was run once");
    world
        .run(&["run", "no-such-command-here"])
        .fails(2, &["no-such-command-here"]);
}

#[test]
fn a_second_up_attaches_and_leaves() {
    let world = World::new();
    world.file(TWO);
    let up = world.up();
    let second = world.start(&["up"]);
    second.await_line("attached to two");
    second.await_line("ready on");
    drop(second);
    assert_eq!(world.service("web")["phase"], "ready");
    let mut third = world.start(&["up"]);
    third.await_line("attached to two");
    assert_eq!(up.stop().code, 0);
    assert_eq!(third.wait().code, 0);
}

#[test]
fn nothing_listens_off_loopback() {
    let world = World::new();
    world.file(TWO);
    world.run(&["up", "-d"]).ok();
    let mut ours = 0;
    for pid in world.processes() {
        let inodes = wharf_host::process::socket_inodes(pid).unwrap_or_default();
        for socket in wharf_host::sockets::listeners().expect("sock_diag") {
            if inodes.contains(&socket.inode) {
                ours += 1;
                assert!(socket.local.ip().is_loopback(), "{socket:?}");
            }
        }
    }
    // Two services, three links and the door, the last two on both families.
    assert_eq!(ours, 2 + 2 * (3 + 1));
    world.run(&["down"]).ok();
}

#[test]
fn logs_are_kept_and_followed() {
    let world = World::new();
    world.file("[service.talk]\nrun = \"sh -c 'echo one; echo two >&2; PEER late & while :; do sleep 0.05; test -e say && echo three && rm say; done'\"\n");
    world.write("go", "");
    world.run(&["up", "-d"]).ok();
    let logs = world.run(&["logs", "talk"]).ok();
    assert!(logs.contains("one") && logs.contains("two"), "{logs}");
    let following = world.start(&["logs", "-F", "talk"]);
    following.await_line("one");
    world.write("say", "");
    following.await_line("three");
    drop(following);
    world
        .run(&["logs", "tlak"])
        .fails(2, &["no service `tlak`", "talk"]);
    world.run(&["down"]).ok();
    let kept = world.run(&["logs", "talk"]).ok();
    assert!(kept.contains("one") && kept.contains("three"), "{kept}");
    world.run(&["logs", "tlak"]).fails(3, &["not running"]);
}

#[test]
fn a_socket_may_be_passed() {
    let world = World::new();
    world.file("[service.web]\nrun = [\"PEER\", \"passed\"]\nsocket = \"pass\"\n[service.b]\nrun = \"PEER hello\"\nneeds = [\"web\"]\n");
    world.run(&["up", "-d"]).ok();
    let (_, body) = get(&world.variable("b", "WEB_ADDR"), "x", "/").expect("an answer");
    assert_eq!(body, "hello from web");
    world.run(&["down"]).ok();
}

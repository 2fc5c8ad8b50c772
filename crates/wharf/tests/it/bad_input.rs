//! Bad input: one clear error with a hint, a documented exit code, and nothing left behind.

use crate::world::World;

/// `a` needs `b`, and what is wrong comes behind; `b` takes datagrams in the second.
macro_rules! after {
    (tcp $text:literal) => {
        concat!("[service.a]\nrun = \"true\"\nneeds = [\"b\"]\n[service.b]\nrun = \"true\"\n", $text)
    };
    (udp $text:literal) => {
        concat!(
            "[service.a]\nrun = \"true\"\nneeds = [\"b\"]\n[service.b]\nrun = \"true\"\ntransport = \"udp\"\n",
            $text
        )
    };
}

/// Each file, the exit code of `wharf up -d`, and what its error must say.
const FILES: &[(&str, i32, &[&str])] = &[
    (
        "[service.web]\nrnu = \"x\"\n",
        2,
        &["wharf.toml:2:1", "did you mean `run`"],
    ),
    (
        "[service.web]\nrun = \"true\"\nneeds = [\"ap\"]\n[service.api]\nrun = \"true\"\n",
        2,
        &["wharf.toml:3:", "api"],
    ),
    ("[service.Web_1]\nrun = \"x\"\n", 2, &["wharf.toml:1:", "Web_1"]),
    (
        "[service.a]\nrun = \"x\"\nneeds = [\"b\"]\n[service.b]\nrun = \"x\"\nneeds = [\"a\"]\n",
        2,
        &["a -> b -> a"],
    ),
    (
        "[service.web]\nrun = \"no-such-command-here --x\"\n",
        2,
        &["service web", "no-such-command-here", "hint:"],
    ),
    (
        "[service.web]\nrun = \"true\"\ncwd = \"nowhere\"\n",
        2,
        &["service web", "nowhere"],
    ),
    (
        "[service.web]\nrun = \"true\"\nenv_file = \"none.env\"\n",
        2,
        &["service web", "none.env"],
    ),
    (
        "[service.web]\nrun = \"x {needs.api.url}\"\n",
        2,
        &["wharf.toml:2:7", "needs.api.url"],
    ),
    (
        "[link.\"a -> b\"]\nrate = \"1mbps\"\n[service.a]\nrun = \"true\"\nneeds = [\"b\"]\n[service.b]\nrun = \"true\"\n",
        2,
        &["wharf.toml:2:"],
    ),
    (
        after!(tcp "[scenario.x]\nlength = \"1s\"\nstep = [{ link = \"a -> c\", latency = \"1ms\" }]\n"),
        2,
        &["wharf.toml:8:18", "no link is meant by `a -> c`"],
    ),
    (
        after!(tcp "[scenario.x]\nstep = [{ link = \"*\", latency = \"1ms\" }]\n"),
        2,
        &["wharf.toml:7:9", "nothing says when the scenario ends", "hint"],
    ),
    (
        after!(tcp "[scenario.x]\nstep = [{ for = \"1s\", link = \"*\", latency = \"fast\" }]\n"),
        2,
        &["wharf.toml:7:45", "`fast`"],
    ),
    (
        after!(tcp "[[link.\"a -> b\".http]]\nstatus = 503\nprobability = \"300%\"\n"),
        2,
        &["wharf.toml:", "300%"],
    ),
    (
        after!(tcp "[link.\"a -> b\"]\nvia = [\"hom\"]\n[segment.home]\nrate = \"1mbit\"\n"),
        2,
        &[
            "wharf.toml:7:8",
            "there is no segment `hom`",
            "did you mean `home`",
        ],
    ),
    (
        after!(udp "[[link.\"a -> b\".http]]\nstatus = 503\n"),
        2,
        &["wharf.toml:7:1", "HTTP comes over connections"],
    ),
    (
        after!(udp "ready = { connect = true }\n"),
        2,
        &["wharf.toml:7:9", "this check makes a connection", "hint"],
    ),
    (
        after!(udp "door = true\n"),
        2,
        &["wharf.toml:4:", "the door cannot lead to it"],
    ),
    (
        after!(udp "socket = \"pass\"\n"),
        2,
        &["wharf.toml:7:10", "only sockets for connections"],
    ),
    (
        "[service.web]\nrun = \"sh -c 'echo my last words; exit 7'\"\n",
        1,
        &["service web", "exit status 7", "my last words", "hint:"],
    ),
    (
        "[service.web]\nrun = \"sleep 100\"\nready_timeout = \"200ms\"\n",
        1,
        &["service web", "not ready after 0.2 s"],
    ),
    (
        "[service.web]\nrun = \"true\"\nuser = \"no-such-user\"\n",
        2,
        &["service web", "no-such-user"],
    ),
];

#[test]
fn each_bad_file_has_its_error_and_leaves_nothing() {
    for (text, code, says) in FILES {
        let world = World::new();
        world.file(text);
        world.run(&["up", "-d"]).fails(*code, says);
        world.await_empty();
        // In the foreground it is the same.
        let mut up = world.start(&["up"]);
        let ran = up.wait();
        assert_eq!(ran.code, *code, "{text}: {}", ran.err);
        world.await_empty();
    }
}

#[test]
fn without_a_file_there_is_a_hint() {
    let world = World::new();
    world.run(&["up"]).fails(2, &["wharf.toml", "wharf init"]);
    world.run(&["ps"]).fails(3, &["hint:"]);
    world.run(&["down"]).fails(3, &["wharf up"]);
    world.run(&["logs"]).fails(3, &[]);
    world
        .run(&["set", "a -> b", "--latency", "1x"])
        .fails(2, &["latency"]);
    world.run(&["frobnicate"]).fails(2, &[]);
}

#[test]
fn names_that_are_not_there() {
    let world = World::new();
    world.file(
        "[service.web]\nrun = \"PEER hello\"\nneeds = [\"api\"]\n[service.api]\nrun = \"PEER hello\"\n",
    );
    world.run(&["up", "-d"]).ok();
    world
        .run(&["restart", "wbe"])
        .fails(2, &["no service `wbe`", "did you mean `web`"]);
    world
        .run(&["cut", "web -> apo"])
        .fails(2, &["no link", "'web -> api'"]);
    world
        .run(&["set", "web -> api", "4gg"])
        .fails(2, &["no profile `4gg`", "did you mean `4g`"]);
    world.run(&["set", "web -> api"]).fails(2, &["nothing to set"]);
    world.run(&["env", "nope"]).fails(2, &["no service `nope`"]);
    world
        .run(&["url", "nope"])
        .fails(2, &["no service `nope`", "web"]);
    world.run(&["down"]).ok();
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let world = World::new();
    world.file("[service.web]\nrun = \"PEER hello\"\n");
    // A file stands where the directory should be: that stops root as well as anybody.
    std::fs::write(world.state(), "in the way").expect("written");
    world.run(&["up", "-d"]).fails(5, &["s"]);
    world.run(&["port", "web"]).fails(5, &["s"]);
    std::fs::remove_file(world.state()).expect("removed");
    if crate::world::is_root() {
        crate::world::skip("read-only state directory", "root may write everywhere");
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir(world.state()).expect("made");
    std::fs::set_permissions(world.state(), std::fs::Permissions::from_mode(0o500)).expect("set");
    world.run(&["port", "web"]).fails(5, &["read-only"]);
    world.run(&["up", "-d"]).fails(5, &[]);
    std::fs::set_permissions(world.state(), std::fs::Permissions::from_mode(0o700)).expect("set");
}

#[test]
fn a_stale_lock_and_a_stale_socket_stop_nothing() {
    let world = World::new();
    world.file("[service.web]\nrun = \"PEER hello\"\n");
    let mut up = world.up();
    crate::world::kill(up.pid(), rustix::process::Signal::KILL);
    up.wait();
    world.run(&["ps"]).fails(3, &["not running"]);
    let again = world.up();
    assert_eq!(again.stop().code, 0);
}

#[test]
fn the_schema_is_the_one_checked_in() {
    let world = World::new();
    let schema = world.run(&["schema"]).ok();
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(schema["title"], "wharf.toml");
}

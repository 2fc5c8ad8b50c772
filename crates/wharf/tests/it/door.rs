//! The door, through the program.

use rustix::process::Signal;

use crate::http::get;
use crate::world::{World, eventually, kill};

const WEB: &str = "name = \"shop\"\n[service.web]\nrun = \"PEER hello\"\n";

#[test]
fn a_service_is_found_by_its_name_on_both_families() {
    let world = World::new();
    world.file(WEB);
    world.run(&["up", "-d"]).ok();
    let port = world.door();
    assert_eq!(
        world.run(&["url", "web"]).ok(),
        format!("http://web.shop.localhost:{port}")
    );
    for address in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        let (status, body) = get(&address, &format!("web.shop.localhost:{port}"), "/").expect("an answer");
        assert_eq!(
            (status.as_str(), body.as_str()),
            ("HTTP/1.1 200 OK", "hello from web"),
            "{address}"
        );
        let (status, body) = get(&address, &format!("evil.example:{port}"), "/").expect("an answer");
        assert!(status.contains("421") && !body.contains("web"), "{status} {body}");
    }
    world.run(&["cut", "door -> web", "--refuse"]).ok();
    let (status, _) = get(
        &format!("127.0.0.1:{port}"),
        &format!("web.shop.localhost:{port}"),
        "/",
    )
    .expect("an answer");
    assert!(status.contains("502"), "{status}");
    world.run(&["down"]).ok();
}

#[test]
fn the_next_stack_serves_when_the_first_is_killed() {
    let world = World::new();
    world.file(WEB);
    let mut first = world.up();
    let second = world.project().join("second");
    std::fs::create_dir(&second).expect("made");
    std::fs::write(
        second.join("wharf.toml"),
        WEB.replace("PEER", &crate::world::peer()),
    )
    .expect("written");
    let mut command = world.command(&["up"]);
    command.current_dir(&second);
    let other = crate::running::Running::start(command);
    other.await_line("up in");
    other.await_line("shop-2");
    let port = world.door();
    let ask =
        |name: &str| get(&format!("127.0.0.1:{port}"), &format!("{name}:{port}"), "/").map(|(_, body)| body);
    assert_eq!(ask("web.shop.localhost").expect("an answer"), "hello from web");
    assert_eq!(ask("web.shop-2.localhost").expect("an answer"), "hello from web");
    kill(first.pid(), Signal::KILL);
    first.wait();
    eventually("the second serves", || {
        ask("web.shop-2.localhost").is_ok_and(|body| body == "hello from web")
    });
    assert_eq!(other.stop().code, 0);
}

#[test]
fn a_door_that_is_taken_is_said_by_whom_and_served_elsewhere() {
    let world = World::new();
    world.file(WEB);
    let _four = std::net::TcpListener::bind(("127.0.0.1", world.door())).expect("bound");
    let _six = std::net::TcpListener::bind(("::1", world.door())).expect("bound");
    let up = world.up();
    up.await_line("the door is at 127.0.0.1:");
    up.await_line(&format!("pid {}", std::process::id()));
    let said = up.said();
    let at = said
        .split("the door is at ")
        .nth(1)
        .expect("said")
        .split_whitespace()
        .next()
        .expect("an address")
        .to_owned();
    let port = at.rsplit(':').next().expect("a port");
    let (_, body) = get(&at, &format!("web.shop.localhost:{port}"), "/").expect("an answer");
    assert_eq!(body, "hello from web");
    up.stop();
}

#[test]
fn a_linked_worktree_has_its_branch_in_its_names() {
    let world = World::new();
    let repository = world.project().join("repo");
    let git_dir = repository.join(".git/worktrees/wt");
    let linked = world.project().join("wt");
    std::fs::create_dir_all(&git_dir).expect("made");
    std::fs::create_dir_all(&linked).expect("made");
    std::fs::write(git_dir.join("HEAD"), "ref: refs/heads/Fix/Login\n").expect("written");
    std::fs::write(linked.join(".git"), format!("gitdir: {}\n", git_dir.display())).expect("written");
    let text = WEB.replace("PEER", &crate::world::peer());
    std::fs::write(repository.join("wharf.toml"), &text).expect("written");
    std::fs::write(linked.join("wharf.toml"), &text).expect("written");
    for directory in [&repository, &linked] {
        let mut command = world.command(&["up", "-d"]);
        command.current_dir(directory);
        world.finish(command).ok();
    }
    let port = world.door();
    let mut urls = Vec::new();
    for directory in [&repository, &linked] {
        let mut command = world.command(&["url", "web"]);
        command.current_dir(directory);
        urls.push(world.finish(command).ok());
        let host = urls.last().expect("one").trim_start_matches("http://").to_owned();
        let (_, body) = get(&format!("127.0.0.1:{port}"), &host, "/").expect("an answer");
        assert_eq!(body, "hello from web");
    }
    assert_eq!(urls[0], format!("http://web.shop.localhost:{port}"));
    assert_eq!(urls[1], format!("http://web.fix-login.shop.localhost:{port}"));
    for directory in [&repository, &linked] {
        let mut command = world.command(&["down"]);
        command.current_dir(directory);
        world.finish(command).ok();
    }
}

//! An SSH server on this machine: a session, a file, and a clone, from the lab.

use std::fs;
use std::process::Command;

use super::{Needed, Server, bytes, in_lab, intact, programs, runs, try_in_lab};
use crate::world::{World, is_root};

const NEEDS: [Needed; 5] = [
    ("sshd", "openssh-server"),
    ("ssh", "openssh-client"),
    ("scp", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("git", "git"),
];

/// A server with a key of its own that lets in whoever runs this test, by a key of this test's.
fn sshd(world: &World, sshd: &str, keygen: &str) -> Server {
    let place = world.project().display().to_string();
    for name in ["host", "user"] {
        runs(world, &format!("{keygen} -q -t ed25519 -N '' -f {name}"));
    }
    if is_root() {
        // It separates its privileges into an empty directory, which a unit would make.
        fs::create_dir_all("/run/sshd").expect("/run/sshd");
    }
    let settings = format!(
        "HostKey {place}/host\nAuthorizedKeysFile {place}/user.pub\nStrictModes no\nUsePAM no\n\
         PidFile none\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    );
    world.write("sshd.conf", &settings);
    Server::start(
        world,
        &format!("{sshd} -D -e -f {place}/sshd.conf -p PORT -o ListenAddress=127.0.0.1"),
    )
}

/// What ssh and scp are told, both.
fn options(world: &World) -> String {
    let place = world.project().display().to_string();
    format!(
        "-F none -i {place}/user -o BatchMode=yes -o StrictHostKeyChecking=no \
         -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    )
}

#[test]
fn a_session_and_its_exit_pass() {
    let world = World::new();
    let Some([server, ssh, _, keygen, _]) = programs("a_session_and_its_exit_pass", NEEDS) else {
        return;
    };
    let server = sshd(&world, &server, &keygen);
    let line = format!("{ssh} {} -p {} gateway", options(&world), server.port);
    let seen = try_in_lab(
        &world,
        "--latency 10ms --jitter '3ms normal'",
        &format!("{line} 'echo hello; echo \"$SSH_CONNECTION\"; exit 7'"),
    );
    assert_eq!(seen.code, 7, "{seen:?}");
    assert_eq!(seen.out.lines().next(), Some("hello"), "{seen:?}");
    // The session is on the machine, and comes from its loopback.
    assert!(seen.out.contains("127.0.0.1"), "{seen:?}");
    // Versions, key exchange, service, authentication, session, each with an answer.
    seen.nothing_lost(8, 8);
}

#[test]
fn a_file_passes_whole_both_ways_under_loss() {
    let world = World::new();
    let test = "a_file_passes_whole_both_ways_under_loss";
    let Some([server, _, scp, keygen, _]) = programs(test, NEEDS) else {
        return;
    };
    let server = sshd(&world, &server, &keygen);
    let content = bytes(500_000);
    fs::write(world.project().join("sent"), &content).expect("written");
    let there = format!("gateway:{}/there", world.project().display());
    let line = format!("{scp} {} -P {}", options(&world), server.port);
    let conditions = "--latency 3ms --loss 3% --duplicate 1% --reorder 1%";
    let seen = in_lab(&world, conditions, &format!("{line} sent {there}"));
    intact(&world.project().join("there"), &content);
    // 345 segments: that none is lost has a chance of 10⁻⁵.
    assert!(seen.up("loss") > 0 && seen.up("delivered") >= 345, "{seen:?}");
    let seen = in_lab(&world, conditions, &format!("{line} {there} back"));
    intact(&world.project().join("back"), &content);
    assert!(seen.down("loss") > 0 && seen.down("delivered") >= 345, "{seen:?}");
}

#[test]
fn a_repository_is_cloned_behind_a_profile() {
    let world = World::new();
    let test = "a_repository_is_cloned_behind_a_profile";
    let Some([server, ssh, _, keygen, git]) = programs(test, NEEDS) else {
        return;
    };
    let server = sshd(&world, &server, &keygen);
    let content = bytes(200_000);
    fs::create_dir(world.project().join("origin")).expect("made");
    fs::write(world.project().join("origin/file"), &content).expect("written");
    let git_there = format!("{git} -C origin -c user.name=tester -c user.email=tester@wharf.test");
    for words in ["init -q", "add file", "commit -q -m first"] {
        runs(&world, &format!("{git_there} {words}"));
    }
    let line = format!(
        "{git} -c core.sshCommand='{ssh} {} -p {}' clone -q gateway:{}/origin clone",
        options(&world),
        server.port,
        world.project().display()
    );
    let seen = in_lab(&world, "--profile 4g", &line);
    intact(&world.project().join("clone/file"), &content);
    let log = Command::new(&git)
        .args(["-C", "clone", "log", "--format=%s"])
        .current_dir(world.project())
        .output();
    assert_eq!(log.expect("git runs").stdout, b"first\n");
    assert!(seen.down("written_bytes") > 200_000, "{seen:?}");
}

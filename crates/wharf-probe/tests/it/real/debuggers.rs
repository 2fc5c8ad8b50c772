//! Debuggers: they are only met because the test asks for it.

use wharf_facts::Spoken;

use super::{Real, check};

#[test]
fn java_debugger() {
    check(&Real {
        name: "java_debugger",
        needs: ("java", "default-jre-headless"),
        command: &[
            "java",
            "-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,address=127.0.0.1:PORT",
            "-version",
        ],
        speaks: (Spoken::Jdwp, ""),
        to_strangers: Spoken::Jdwp,
        complaints: &["ERROR"],
    });
}

#[test]
fn debugpy() {
    check(&Real {
        name: "debugpy",
        needs: ("/usr/lib/python3/dist-packages/debugpy", "python3-debugpy"),
        command: &[
            "/usr/bin/python3",
            "-Xfrozen_modules=off",
            "-m",
            "debugpy",
            "--listen",
            "127.0.0.1:PORT",
            "--wait-for-client",
            "-c",
            "pass",
        ],
        speaks: (Spoken::Dap, ""),
        to_strangers: Spoken::Dap,
        complaints: &["Traceback"],
    });
}

#[test]
fn gdbserver() {
    check(&Real {
        name: "gdbserver",
        needs: ("gdbserver", "gdbserver"),
        command: &["gdbserver", "127.0.0.1:PORT", "/bin/true"],
        speaks: (Spoken::Gdb, ""),
        to_strangers: Spoken::Gdb,
        complaints: &[],
    });
}

//! `wharf port NAME`: the lease for scripts.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use wharf_lease::{Checkout, Key, Registry};

use super::internal::HOLD;
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::{current_dir, lease_config, state_dir};

/// The key of NAME in the checkout that the current directory is in.
pub(super) fn key(name: &str, port: &str) -> Result<Key, Report> {
    let checkout = Checkout::of_dir(&current_dir()?)?;
    Ok(Key {
        checkout,
        service: name.to_owned(),
        port: port.to_owned(),
    })
}

pub(super) fn run(name: &str, port: &str, hold: Option<u64>) -> Result<(), Report> {
    let key = key(name, port)?;
    match hold {
        None => {
            let registry = Registry::open(&state_dir()?, lease_config()?)?;
            out::line(&registry.lease(&key)?.port().to_string());
            Ok(())
        }
        Some(seconds) => leave_holder(&key, seconds),
    }
}

/// Leaves a process that holds the port, in a session of its own, and prints the port as
/// soon as it is held.
fn leave_holder(key: &Key, seconds: u64) -> Result<(), Report> {
    let failed = |error: std::io::Error| Report::new(Code::Failed, format!("leave a holder: {error}"));
    let exe = std::env::current_exe().map_err(failed)?;
    let mut holder = Command::new(exe)
        .arg(HOLD)
        .arg(key.checkout.path())
        .args([&key.service, &key.port, &seconds.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let mut line = String::new();
    if let Some(stdout) = holder.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
    }
    if line.trim().is_empty() {
        let mut said = String::new();
        if let Some(mut stderr) = holder.stderr.take() {
            stderr.read_to_string(&mut said).map_err(failed)?;
        }
        let _ = holder.wait();
        let said = said.trim().trim_start_matches("error: ").to_owned();
        return Err(Report::new(Code::PortTaken, said));
    }
    out::line(line.trim());
    Ok(())
}

//! How long commands and stacks take to start.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::series::{Series, in_turn};
use crate::world::{World, time};

/// Rounds of commands, which take milliseconds.
const COMMANDS: usize = 41;
/// Rounds of whole stacks.
const STACKS: usize = 15;
/// How often a service started by hand is asked whether it accepts.
const ASK_AGAIN: Duration = Duration::from_micros(200);
/// A service that does not accept by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// `wharf --version` and `wharf port`.
pub(crate) fn commands(world: &World) -> Result<()> {
    let folder = world.project("commands", "")?;
    world.ask(&folder, &["port", "web"])?;
    let mut counts = (0, 0);
    let [nothing, version, existing, new, first] = in_turn(
        COMMANDS,
        &mut [
            &mut || time(Command::new("/bin/true")),
            &mut || time(world.wharf(&folder, &["--version"])),
            &mut || time(world.wharf(&folder, &["port", "web"])),
            &mut || {
                counts.0 += 1;
                time(world.wharf(&folder, &["port", &format!("new-{}", counts.0)]))
            },
            &mut || {
                counts.1 += 1;
                let state = format!("never-used-{}", counts.1);
                time(world.wharf_with_state(&folder, Path::new(&state), &["port", "web"]))
            },
        ],
    )?;
    println!("\nStart of a command, from spawn to exit ({COMMANDS} rounds)");
    nothing.print_ms("/bin/true");
    version.print_ms("wharf --version");
    version.beyond(&nothing).print_ms("  beyond /bin/true");
    existing.print_ms("wharf port web, leased before");
    existing.beyond(&nothing).print_ms("  beyond /bin/true");
    new.print_ms("wharf port NEW, a new lease");
    first.print_ms("wharf port web, the first of a new user");
    Ok(())
}

/// `wharf up -d`, `wharf ps` and `wharf down`, for a stack of one and of five.
pub(crate) fn stacks(world: &World) -> Result<()> {
    for count in [1, 5] {
        let services: String = (1..=count)
            .map(|number| format!("[service.s{number}]\nrun = \"PEER hello\"\n"))
            .collect();
        let folder = world.project(&format!("stack-of-{count}"), &services)?;
        // The first time, its ports are leased; from then on they are the same ones.
        let first = cycle(world, &folder)?;
        let mut asked = Series::default();
        let mut down = Series::default();
        let [up, alone] = in_turn(
            STACKS,
            &mut [
                &mut || {
                    let took = cycle(world, &folder)?;
                    asked.push(took.ps);
                    down.push(took.down);
                    Ok(took.up)
                },
                &mut || alone(world, count),
            ],
        )?;
        println!("\nA stack of {count} ({STACKS} rounds)");
        up.print_ms("wharf up -d, until it returns: all ready");
        alone.print_ms("the same services by hand, until they accept");
        up.beyond(&alone).print_ms("  what Wharf adds");
        println!(
            "  {:<44} {:>9.2} ms",
            "wharf up -d for the first time",
            first.up * 1e3
        );
        asked.print_ms("wharf ps");
        down.print_ms("wharf down, until it returns");
    }
    Ok(())
}

/// Seconds that each command of a stack's life took.
struct Cycle {
    up: f64,
    ps: f64,
    down: f64,
}

fn cycle(world: &World, folder: &Path) -> Result<Cycle> {
    let took = Cycle {
        up: time(world.wharf(folder, &["up", "-d"]))?,
        ps: time(world.wharf(folder, &["ps"]))?,
        down: time(world.wharf(folder, &["down"]))?,
    };
    world.await_quiet()?;
    Ok(took)
}

/// Seconds that so many services need by themselves, from the first spawn until all accept.
fn alone(world: &World, count: usize) -> Result<f64> {
    let addresses = free_addresses(count)?;
    let mut services = Vec::new();
    let begun = Instant::now();
    for address in &addresses {
        services.push(Service::start(world, *address)?);
    }
    for address in &addresses {
        while TcpStream::connect(address).is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(format!("the service at {address} does not accept").into());
            }
            std::thread::sleep(ASK_AGAIN);
        }
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// A service that was started by hand, and is ended by it.
struct Service(Child);

impl Service {
    fn start(world: &World, address: SocketAddr) -> Result<Self> {
        let service = Command::new(&world.peer)
            .arg("hello")
            .env("HOST", address.ip().to_string())
            .env("PORT", address.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Service(service))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It never ends by itself, and if it has, there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Addresses that were free a moment ago.
fn free_addresses(count: usize) -> Result<Vec<SocketAddr>> {
    let listeners: std::io::Result<Vec<_>> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    let addresses: std::io::Result<Vec<_>> = listeners?.iter().map(TcpListener::local_addr).collect();
    Ok(addresses?)
}

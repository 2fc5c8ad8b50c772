//! `shop-store`: a key-value store over TCP that keeps its data in SQLite.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shop::listen::Listeners;
use shop::settings;
use shop::store::{Data, LINE_MAX};
use shop::wire::Wire;

/// How long a client may be silent.
const IDLE: Duration = Duration::from_secs(30);
/// How long it may take to take an answer.
const ANSWER: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    settings::exit(run())
}

fn run() -> io::Result<()> {
    let folder = settings::text("DATA_DIR", ".wharf");
    let data = Arc::new(Data::open(Path::new(&folder))?);
    let listeners = Listeners::bind(&settings::text("HOST", "127.0.0.1"), settings::port(4003)?)?;
    settings::log(&format!(
        "listening on {}, data in {folder}",
        listeners.address()?
    ));
    listeners.serve(move |stream| {
        // A client that goes away in the middle is no business of the others.
        let _ = converse(stream, &data);
    })
}

fn converse(stream: TcpStream, data: &Data) -> io::Result<()> {
    let mut wire = Wire::new(stream)?;
    while let Some(line) = wire.line(LINE_MAX, Instant::now() + IDLE)? {
        let answer = data.answer(line.trim_end_matches('\r'));
        wire.send(answer.as_bytes(), Instant::now() + ANSWER)?;
    }
    Ok(())
}

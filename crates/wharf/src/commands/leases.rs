//! `wharf leases` and `wharf release`.

use serde::Serialize;
use wharf_lease::{Checkout, Registry};

use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::{current_dir, lease_config, state_dir};

#[derive(Serialize)]
struct Row {
    checkout: String,
    service: String,
    port_name: String,
    address: String,
    port: u16,
    hold: &'static str,
}

pub(super) fn run(all: bool, json: bool) -> Result<(), Report> {
    let registry = Registry::open(&state_dir()?, lease_config()?)?;
    let here = Checkout::of_dir(&current_dir()?)?;
    let rows: Vec<Row> = registry
        .leases()?
        .into_iter()
        .filter(|lease| all || lease.key.checkout == here)
        .map(|lease| Row {
            checkout: lease.key.checkout.path().display().to_string(),
            service: lease.key.service.clone(),
            port_name: lease.key.port.clone(),
            address: lease
                .address
                .map_or_else(|| "127.0.0.1 [::1]".to_owned(), |ip| ip.to_string()),
            port: lease.port,
            hold: if lease.holdable { "yes" } else { "no" },
        })
        .collect();
    if json {
        out::json(&rows);
        return Ok(());
    }
    if rows.is_empty() {
        out::error_line(if all {
            "no leases"
        } else {
            "no leases in this checkout; `wharf leases --all` shows every one"
        });
        return Ok(());
    }
    let table: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            vec![
                row.port.to_string(),
                row.service,
                row.port_name,
                row.address,
                row.hold.to_owned(),
                row.checkout,
            ]
        })
        .collect();
    out::table(
        &["PORT", "SERVICE", "NAME", "ADDRESS", "HOLD", "CHECKOUT"],
        &table,
    );
    Ok(())
}

pub(super) fn release(name: &str, port: &str) -> Result<(), Report> {
    let registry = Registry::open(&state_dir()?, lease_config()?)?;
    let key = super::port::key(name, port)?;
    if registry.release(&key)? {
        return Ok(());
    }
    let error = format!(
        "release {name}: no lease of that name in {}",
        key.checkout.path().display()
    );
    Err(Report::new(Code::BadInput, error).hint("`wharf leases --all` shows every lease"))
}

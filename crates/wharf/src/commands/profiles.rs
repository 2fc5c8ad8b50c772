//! `wharf profiles`.

use crate::out;
use crate::report::Report;

pub(super) fn run(name: Option<&str>, json: bool) -> Result<(), Report> {
    match name {
        Some(name) => one(name, json),
        None => {
            all(json);
            Ok(())
        }
    }
}

fn all(json: bool) {
    if json {
        out::json(&wharf_link::profiles());
        return;
    }
    let rows: Vec<Vec<String>> = wharf_link::profiles()
        .iter()
        .map(|profile| {
            vec![
                profile.name.to_string(),
                profile.down.to_string(),
                profile.up.to_string(),
                profile.summary.to_string(),
            ]
        })
        .collect();
    out::table(&["PROFILE", "DOWN", "UP", "WHAT IT IS"], &rows);
    out::line("one way each; `wharf profiles NAME` shows one in full, with the source of each figure");
}

fn one(name: &str, json: bool) -> Result<(), Report> {
    let profile = super::links::profile(name)?;
    if json {
        out::json(profile);
        return Ok(());
    }
    out::line(&format!("{}: {}", profile.name, profile.summary));
    out::line(&format!("  down    {}", profile.down));
    out::line(&format!("  up      {}", profile.up));
    let rtt = wharf_link::Latency::new(profile.rtt()).unwrap_or_default();
    out::line(&format!("  rtt     {rtt}, without queues and jitter"));
    for source in profile.sources {
        out::line(&format!(
            "  {:<7} {}, {}",
            source.figures, source.from, source.date
        ));
    }
    Ok(())
}

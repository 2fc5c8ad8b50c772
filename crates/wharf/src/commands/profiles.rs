//! `wharf profiles`.

use crate::out;

pub(super) fn run(json: bool) {
    if json {
        out::json(&wharf_link::profiles());
        return;
    }
    let rows: Vec<Vec<String>> = wharf_link::profiles()
        .iter()
        .map(|profile| {
            vec![
                profile.name.to_string(),
                profile.up.to_string(),
                profile.down.to_string(),
                profile.summary.to_string(),
                profile.source.to_string(),
            ]
        })
        .collect();
    out::table(
        &["PROFILE", "UP", "DOWN", "WHAT IT IS", "SOURCE OF ITS FIGURES"],
        &rows,
    );
}

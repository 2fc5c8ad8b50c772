//! `wharf explain --rules`: the situations that are known.

use crate::findings::Prose;
use crate::grid::Paint;
use crate::out;

pub(super) fn show(json: bool) {
    let rules = wharf_advice::rules();
    if json {
        out::json(&rules);
        return;
    }
    let prose = Prose::of_stdout();
    for rule in rules {
        let platforms: Vec<String> = rule.platforms.iter().map(ToString::to_string).collect();
        let lead = [
            Paint::Dim.of(format!("{:>3}  ", rule.number)),
            Paint::Bold.of(rule.id.as_str()),
            Paint::Dim.of(format!("  {}", platforms.join(", "))),
        ];
        prose.whole(&lead);
        prose.hanging(&[Paint::Plain.of("     ")], rule.title);
        prose.painted_hanging(
            &[Paint::Plain.of("     ")],
            &format!("“{}”", rule.symptom),
            Paint::Dim,
        );
    }
}

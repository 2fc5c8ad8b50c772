//! `wharf http`: what happens to HTTP requests on a link.

use wharf_stack::control::Request;

use super::links::ask;
use crate::cli::HttpArgs;
use crate::out;
use crate::report::Report;
use crate::surroundings::Surroundings;
use crate::target;

pub(super) fn run(here: &Surroundings, args: &HttpArgs) -> Result<(), Report> {
    if args.rules.is_empty() && !args.clear {
        return show(here, args);
    }
    let client = target::find_with_link(here, &args.which, &args.link)?.client();
    let request = Request::Rules {
        link: args.link.clone(),
        rules: args.rules.clone(),
    };
    ask(&client, &request)
}

/// The rules in force, as they would be typed.
fn show(here: &Surroundings, args: &HttpArgs) -> Result<(), Report> {
    let link = target::link(here, &args.which, &args.link)?;
    if link.http.is_empty() {
        out::line(&format!("{}: no HTTP rules", link.name));
    }
    for rule in &link.http {
        // As it would stand in the project file.
        match toml::Value::try_from(rule) {
            Ok(rule) => out::line(&rule.to_string()),
            Err(error) => out::error_line(&format!("error: write a rule: {error}")),
        }
    }
    Ok(())
}

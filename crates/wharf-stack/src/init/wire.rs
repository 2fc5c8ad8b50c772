//! Who needs whom, and what that means for variables.

use super::compose::ComposeService;
use super::propose::{Role, Writer};
use crate::project::substitute::escaped;

/// The names by which a page's back end is known where there are several.
const BACK_ENDS: &[&str] = &["api", "backend", "server"];

impl Writer<'_> {
    /// Hands the needs out: first those that the compose file says, then those that are likely.
    pub(super) fn wire(&mut self) {
        for at in 0..self.drafts.len() {
            if let Role::Said(service) = self.drafts[at].role.clone() {
                self.said(at, &service);
            }
        }
        let named = |wanted: fn(&Role) -> bool| -> Vec<String> {
            let found = self.drafts.iter().filter(|entry| wanted(&entry.role));
            found.map(|entry| entry.draft.name.clone()).collect()
        };
        let stores = named(|role| *role == Role::Store);
        let back_ends = named(|role| matches!(role, Role::BackEnd | Role::Said(_)));
        let for_pages = match back_ends.as_slice() {
            [one] => vec![one.clone()],
            // Which of several it talks to can't be known, but by their names.
            several => {
                let known = several.iter().filter(|name| BACK_ENDS.contains(&name.as_str()));
                known.take(1).cloned().collect()
            }
        };
        for at in 0..self.drafts.len() {
            let needs = match &self.drafts[at].role {
                Role::BackEnd => &stores,
                Role::FrontEnd => &for_pages,
                _ => continue,
            };
            for need in needs {
                if self.need(at, need) {
                    self.client(at, need);
                }
            }
        }
    }

    /// Sets the variable in which a program looks for this store by convention, unless there are
    /// two stores of a kind.
    fn client(&mut self, at: usize, store: &str) {
        for (name, variable, url) in &self.clients {
            let of_a_kind = self.clients.iter().filter(|(_, other, _)| other == variable);
            if name == store && of_a_kind.count() == 1 {
                self.drafts[at].draft.variable(variable, url);
            }
        }
    }

    /// Carries over what the compose file says of a program of the project's own. There, a name is
    /// a host.
    fn said(&mut self, at: usize, service: &ComposeService) {
        let hosts = self.hosts.clone();
        for (host, name) in &hosts {
            if service.depends_on.contains(host) {
                self.need(at, name);
            }
        }
        let own = self.drafts[at].draft.name.clone();
        let mut variables: Vec<(String, String)> = Vec::new();
        let mut ports: Vec<(String, String)> = Vec::new();
        for (variable, value) in &service.environment {
            if matches!(variable.as_str(), "PORT" | "HOST") {
                continue;
            }
            let mut value = escaped(value);
            for (host, name) in &hosts {
                let replaced = with_link(&value, host, name);
                if replaced != value && self.need(at, name) {
                    // A host alone was enough where the port was the standard one.
                    let port = variable.strip_suffix("HOST").filter(|_| value == *host);
                    ports
                        .extend(port.map(|start| (format!("{start}PORT"), format!("{{needs.{name}.port}}"))));
                    value = replaced;
                }
            }
            self.unresolved(&own, variable, &value);
            variables.push((variable.clone(), value));
        }
        variables.retain(|(variable, _)| !ports.iter().any(|(port, _)| port == variable));
        for (variable, value) in variables.iter().chain(&ports) {
            self.drafts[at].draft.variable(variable, value);
        }
    }

    /// Adds a need, unless it would close a circle: compose files may have one, by their
    /// variables, and a project file may not. Says whether it stands.
    fn need(&mut self, at: usize, need: &str) -> bool {
        let by = self.drafts[at].draft.name.as_str();
        let mut open = vec![need];
        let mut seen: Vec<&str> = Vec::new();
        while let Some(name) = open.pop() {
            if name == by {
                return false;
            }
            if !seen.contains(&name) {
                seen.push(name);
                let entry = self.drafts.iter().find(|entry| entry.draft.name == name);
                open.extend(
                    entry
                        .into_iter()
                        .flat_map(|entry| &entry.draft.needs)
                        .map(String::as_str),
                );
            }
        }
        let needs = &mut self.drafts[at].draft.needs;
        if !needs.iter().any(|known| known == need) {
            needs.push(need.to_owned());
        }
        true
    }

    /// Notes a variable of the shell that nobody will put in.
    pub(super) fn unresolved(&mut self, service: &str, variable: &str, value: &str) {
        if value.contains("${") {
            self.notes.push(format!(
                "{service}: {variable} is `{value}`: write the value in, or put it into .env"
            ));
        }
    }
}

/// A variable's value with a compose service's name in it, which means a host there: `db:5432`
/// becomes the link's address, and `db` alone its host.
fn with_link(value: &str, host: &str, name: &str) -> String {
    if value == host {
        return format!("{{needs.{name}.host}}");
    }
    let mut replaced = String::new();
    let mut rest = value;
    while let Some(at) = rest.find(host).filter(|_| !host.is_empty()) {
        let (before, from) = rest.split_at(at);
        replaced.push_str(before);
        let behind = &from[host.len()..];
        let port = behind.strip_prefix(':').unwrap_or_default();
        let digits = port.len() - port.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let begins = replaced.is_empty() || replaced.ends_with(['@', '/', ',', ' ']);
        let is_authority = replaced.ends_with("//") || replaced.ends_with('@');
        let ends = behind.is_empty() || behind.starts_with(['/', '?', ',']);
        if begins && digits > 0 {
            replaced.push_str(&format!("{{needs.{name}.addr}}"));
            rest = &port[digits..];
        } else if is_authority && ends {
            replaced.push_str(&format!("{{needs.{name}.addr}}"));
            rest = behind;
        } else {
            replaced.push_str(host);
            rest = behind;
        }
    }
    replaced + rest
}

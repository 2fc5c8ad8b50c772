//! From findings to the text of a project file.

use super::compose::ComposeService;
use super::draft::{Draft, Names, quoted};
use super::findings::{App, AppKind, Findings};
use super::images::{self, Image};
use crate::project::Label;
use crate::project::substitute::escaped;

/// The names of processes in a Procfile that listen: by convention only `web` is given a port.
const LISTENING: &[&str] = &[
    "web", "api", "app", "server", "backend", "frontend", "client", "ui",
];

/// A proposed project file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its text.
    pub toml: String,
    /// What a person should know beside it.
    pub notes: Vec<String>,
}

/// Proposes a project file.
#[must_use]
pub fn propose(findings: &Findings) -> Proposal {
    let mut writer = Writer {
        findings,
        names: Names::default(),
        hosts: Vec::new(),
        clients: Vec::new(),
        drafts: Vec::new(),
        notes: Vec::new(),
    };
    let claimed = writer.compose();
    writer.procfile();
    writer.apps(&claimed);
    writer.wire();
    writer.finish()
}

/// A table, and what it is for when needs are handed out.
pub(super) struct Entry {
    pub(super) draft: Draft,
    pub(super) role: Role,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// Something that keeps data: needed by all that serve.
    Store,
    /// A program that serves, and may need stores.
    BackEnd,
    /// A program that serves a page, and may need a back end.
    FrontEnd,
    /// Its needs are known: these names of the compose file.
    Said(ComposeService),
    /// Something with needs of its own.
    Other,
}

/// The file as it grows.
pub(super) struct Writer<'a> {
    findings: &'a Findings,
    names: Names,
    /// The hosts of the compose file that can be needed, and the names they were given.
    pub(super) hosts: Vec<(String, String)>,
    /// What those who need a store are told by convention: the store, a variable and its value.
    pub(super) clients: Vec<(String, String, String)>,
    pub(super) drafts: Vec<Entry>,
    pub(super) notes: Vec<String>,
}

impl Writer<'_> {
    fn push(&mut self, draft: Draft, role: Role) {
        self.drafts.push(Entry { draft, role });
    }

    /// The services of the compose file. Gives back the folders whose programs it named.
    fn compose(&mut self) -> Vec<String> {
        let mut claimed = Vec::new();
        let Some(compose) = &self.findings.compose else {
            return claimed;
        };
        for service in &compose.services {
            match (&service.build, &service.image) {
                (Some(folder), _) => {
                    let app = self.findings.apps.iter().find(|app| app.folder == *folder);
                    match app {
                        Some(app) if !claimed.contains(folder) => {
                            claimed.push(folder.clone());
                            self.app(app, &service.name, Some(service));
                        }
                        _ => self.notes.push(format!(
                            "{}: {} is built from a Dockerfile: add a [service.…] with its run line",
                            compose.file, service.name
                        )),
                    }
                }
                (None, Some(image)) => self.image(service, images::named(image)),
                (None, None) => {
                    self.notes.push(format!(
                        "{}: {} has no image and was left out",
                        compose.file, service.name
                    ));
                }
            }
        }
        self.notes.extend(
            compose
                .skipped
                .iter()
                .map(|what| format!("not carried over: {what}")),
        );
        claimed
    }

    /// A service that is an image: a program of this machine, else an external.
    fn image(&mut self, service: &ComposeService, image: Option<&Image>) {
        let name = self.names.give(&[&service.name]);
        let client = image.and_then(|image| image.client(&service.environment, &name));
        self.clients
            .extend(client.map(|(variable, url)| (name.clone(), variable.to_owned(), url)));
        let installed = image.and_then(|image| Some((image, image.installed(&self.findings.programs)?)));
        let why = match installed {
            Some((image, programs)) => match self.native(&name, service, image, &programs) {
                Ok(()) => return self.hosts.push((service.name.clone(), name)),
                Err(why) => why,
            },
            None => match image.and_then(|image| image.programs.last()) {
                Some(program) => format!("{program} is not installed here"),
                None => "it is not known here how to run it without a container".to_owned(),
            },
        };
        let published = service.ports.iter().find_map(|(published, _)| *published);
        let Some(port) = published.or(image.map(|image| image.port)) else {
            self.notes.push(format!(
                "{} ({}): {why}, and it publishes no port: left out",
                service.name, service.image_text
            ));
            return;
        };
        let mut external = Draft::external(&name);
        external.comment(format!(
            "{}: {why}, so it must be started by other means.",
            service.image_text
        ));
        external.text("address", &format!("127.0.0.1:{port}"));
        self.notes.push(format!(
            "{name} ({}) is an external at 127.0.0.1:{port}: {why}",
            service.image_text
        ));
        self.push(external, Role::Store);
        self.hosts.push((service.name.clone(), name));
    }

    /// An image whose program is installed. The error says why it can't be run after all.
    fn native(
        &mut self,
        name: &str,
        service: &ComposeService,
        image: &Image,
        programs: &[&(String, std::path::PathBuf)],
    ) -> Result<(), String> {
        let folder = format!(".wharf/{name}");
        let mut draft = Draft::service(name);
        draft.comment(format!(
            "{} of the compose file, without a container.",
            service.image_text
        ));
        if let Some(user) = image.root.as_deref().filter(|_| self.findings.is_root) {
            let known = [user, "nobody"]
                .into_iter()
                .find(|user| self.findings.users.contains(*user));
            let user = known.ok_or("it refuses to run as root, and there is no other user for it")?;
            if image.folder {
                if !self.findings.open_to_others {
                    return Err(format!(
                        "it refuses to run as root, and {user} can't enter this folder"
                    ));
                }
                let task_name = self.names.give(&[&format!("{name}-folder")]);
                let mut task = Draft::service(&task_name);
                task.comment(format!(
                    "{name} refuses to run as root: its data belongs to {user}."
                ));
                task.text("kind", "task");
                task.text("run", &format!("install -d -m 700 -o {user} {folder}"));
                self.push(task, Role::Other);
                draft.needs.push(task_name);
            }
            draft.text("user", user);
        }
        let args = arguments(service, image);
        draft.text("run", &image.run(programs, &folder, &args));
        draft.text("address", "own");
        draft.number("port", image.port);
        if let Some(signal) = &image.stop_signal {
            draft.text("stop_signal", signal);
        }
        if let Some(line) = &image.ready_log {
            draft.value("ready", &format!("{{ log = {} }}", quoted(line)));
        }
        for variable in image.env.keys() {
            let value = escaped(image.variable(&service.environment, variable));
            self.unresolved(name, variable, &value);
            draft.variable(variable, &value);
        }
        self.push(draft, Role::Store);
        Ok(())
    }

    /// The processes of the Procfile. Heroku's release phase runs once, before the others.
    fn procfile(&mut self) {
        let processes = &self.findings.procfile;
        let (first, others): (Vec<_>, Vec<_>) = processes.iter().partition(|(name, _)| name == "release");
        let mut release = None;
        for (process, command) in first.into_iter().chain(others) {
            let name = self.names.give(&[process]);
            let mut draft = Draft::service(&name);
            draft.text("run", &escaped(command));
            draft.needs.extend(release.clone());
            if process == "release" {
                draft.text("kind", "task");
                release = Some(name);
            } else if !LISTENING.contains(&name.as_str()) {
                draft.comment(format!(
                    "{name} is taken not to listen: it is ready as soon as it runs."
                ));
                draft.value("ready", "{ command = \"true\" }");
                draft.value("door", "false");
            }
            self.push(draft, Role::BackEnd);
        }
    }

    /// The programs that neither the compose file nor the Procfile named.
    fn apps(&mut self, claimed: &[String]) {
        let members = self
            .findings
            .apps
            .iter()
            .any(|app| is_node(app) && !app.folder.is_empty());
        for app in &self.findings.apps {
            let in_procfile = app.folder.is_empty() && !self.findings.procfile.is_empty();
            if claimed.contains(&app.folder) || in_procfile {
                continue;
            }
            if app.folder.is_empty() && is_node(app) && members {
                let note = format!(
                    "`{}` at the root was left out: its packages are services of their own",
                    app.run
                );
                self.notes.push(note);
                continue;
            }
            let own = app
                .name
                .as_deref()
                .or(app.folder.rsplit('/').next())
                .unwrap_or_default();
            let wanted = if own.is_empty() { "web" } else { own };
            self.app(app, wanted, None);
        }
    }

    fn app(&mut self, app: &App, wanted: &str, said: Option<&ComposeService>) {
        let name = self.names.give(&[wanted, kind_name(app.kind)]);
        let mut draft = Draft::service(&name);
        draft.text("run", &app.run);
        if !app.folder.is_empty() {
            draft.text("cwd", &app.folder);
        }
        if app.kind == AppKind::Cargo {
            // The first start compiles.
            draft.text("ready_timeout", "10m");
        }
        if let Some(before) = &app.before {
            let folder = if app.folder.is_empty() { "." } else { &app.folder };
            self.notes
                .push(format!("{name}: run `{before}` in {folder} first"));
        }
        let role = match (said, app.kind) {
            (Some(service), _) => {
                self.hosts.push((service.name.clone(), name));
                Role::Said(service.clone())
            }
            (None, AppKind::FrontEnd) => Role::FrontEnd,
            (None, AppKind::Static) => Role::Other,
            (None, _) => Role::BackEnd,
        };
        self.push(draft, role);
    }

    fn finish(mut self) -> Proposal {
        let mut toml =
            "# Written by `wharf init`. `wharf up` runs it; `wharf schema` describes each key.\n".to_owned();
        if let Some(name) = Label::made_from(&self.findings.folder) {
            // Written down, so that it is the same in every checkout.
            toml.push_str(&format!("name = {}\n", quoted(name.as_str())));
        }
        for entry in &self.drafts {
            toml.push('\n');
            toml.push_str(&entry.draft.toml());
        }
        let arrow = self.drafts.iter().find_map(|entry| {
            let need = entry.draft.needs.iter().find(|need| !need.ends_with("-folder"))?;
            Some((entry.draft.name.clone(), need.clone()))
        });
        if let Some((consumer, provider)) = arrow {
            toml.push_str(&format!(
                "\n# [link.\"{consumer} -> {provider}\"]\n# profile = \"4g\"\n"
            ));
        }
        if self.drafts.is_empty() {
            toml.push_str("\n# [service.web]\n# run = \"npm run dev\"\n");
            self.notes
                .push("nothing was found that could be started: write a [service.…] by hand".to_owned());
        }
        if self.findings.git_sees_data && toml.contains(".wharf/") {
            self.notes
                .push("data is kept under .wharf/: add that to .gitignore".to_owned());
        }
        self.notes.extend(self.findings.notes.iter().cloned());
        Proposal {
            toml,
            notes: self.notes,
        }
    }
}

/// What a compose file's command adds to the program's own: all but the program's name.
fn arguments(service: &ComposeService, image: &Image) -> Vec<String> {
    let mut words = service.command.clone().unwrap_or_default();
    if words.first().is_some_and(|first| image.programs.contains(first)) {
        words.remove(0);
    }
    words.iter().map(|word| escaped(word)).collect()
}

fn is_node(app: &App) -> bool {
    matches!(app.kind, AppKind::FrontEnd | AppKind::Node)
}

fn kind_name(kind: AppKind) -> &'static str {
    match kind {
        AppKind::FrontEnd => "page",
        AppKind::Node => "node",
        AppKind::Django => "django",
        AppKind::Python | AppKind::Cargo | AppKind::Go => "app",
        AppKind::Php => "laravel",
        AppKind::Ruby => "rails",
        AppKind::Static => "files",
    }
}

//! Programs that developers run, and what they speak: told from a command line alone.

use wharf_facts::ProcessFacts;

/// What a program is known as, and what it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// The name that people call it by.
    pub(crate) name: &'static str,
    /// What it speaks, in the words of `wharf_facts::Spoken`.
    pub(crate) protocol: &'static str,
    /// How it is told to listen at an address: what to append to its command line. `{}` is the
    /// address.
    pub(crate) host_flag: Option<&'static str>,
    /// Whether it takes the next port when its own is taken.
    pub(crate) moves_on: bool,
}

const fn web(name: &'static str, host_flag: Option<&'static str>) -> Known {
    Known {
        name,
        protocol: "http",
        host_flag,
        moves_on: false,
    }
}

const fn moving(name: &'static str, host_flag: Option<&'static str>) -> Known {
    Known {
        moves_on: true,
        ..web(name, host_flag)
    }
}

const fn other(name: &'static str, protocol: &'static str) -> Known {
    Known {
        name,
        protocol,
        host_flag: None,
        moves_on: false,
    }
}

/// By the last part of the program's path, or of the script's that an interpreter runs.
#[rustfmt::skip]
const PROGRAMS: &[(&str, Known)] = &[
    ("vite", moving("Vite", Some("--host {}"))),
    ("astro", moving("Astro", Some("--host {}"))),
    ("next", moving("Next.js", Some("-H {}"))),
    ("next-server", moving("Next.js", Some("-H {}"))),
    ("nuxt", moving("Nuxt", Some("--host {}"))),
    ("nuxi", moving("Nuxt", Some("--host {}"))),
    ("ng", web("Angular", Some("--host {}"))),
    ("webpack-dev-server", moving("webpack", Some("--host {}"))),
    ("webpack", moving("webpack", Some("--host {}"))),
    ("react-scripts", moving("Create React App", None)),
    ("storybook", moving("Storybook", Some("--host {}"))),
    ("gatsby", moving("Gatsby", Some("--host {}"))),
    ("remix", web("Remix", None)),
    ("parcel", moving("Parcel", Some("--host {}"))),
    ("rsbuild", moving("Rsbuild", Some("--host {}"))),
    ("expo", moving("Expo", None)),
    ("wrangler", moving("Wrangler", Some("--ip {}"))),
    ("http-server", moving("http-server", Some("-a {}"))),
    ("serve", moving("serve", None)),
    ("json-server", web("json-server", Some("--host {}"))),
    ("uvicorn", web("uvicorn", Some("--host {}"))),
    ("gunicorn", web("gunicorn", None)),
    ("hypercorn", web("Hypercorn", None)),
    ("flask", web("Flask", Some("--host {}"))),
    ("fastapi", web("FastAPI", Some("--host {}"))),
    ("streamlit", moving("Streamlit", Some("--server.address {}"))),
    ("jupyter-lab", moving("JupyterLab", Some("--ip={}"))),
    ("jupyter-notebook", moving("Jupyter", Some("--ip={}"))),
    ("rails", web("Rails", Some("-b {}"))),
    ("puma", web("Puma", None)),
    ("jekyll", web("Jekyll", Some("--host {}"))),
    ("hugo", moving("Hugo", Some("--bind {}"))),
    ("trunk", web("Trunk", Some("--address {}"))),
    ("mkdocs", web("MkDocs", None)),
    ("caddy", web("Caddy", None)),
    ("nginx", web("nginx", None)),
    ("apache2", web("Apache", None)),
    ("httpd", web("Apache", None)),
    ("ollama", web("Ollama", None)),
    ("postgres", other("PostgreSQL", "postgres")),
    ("mysqld", other("MySQL", "mysql")),
    ("mariadbd", other("MariaDB", "mysql")),
    ("redis-server", other("Redis", "redis")),
    ("valkey-server", other("Valkey", "redis")),
    ("mongod", other("MongoDB", "mongodb")),
    ("memcached", other("memcached", "memcached")),
    ("sshd", other("OpenSSH", "ssh")),
    ("mosquitto", other("Mosquitto", "mqtt")),
    ("nats-server", other("NATS", "nats")),
    ("cupsd", web("CUPS", None)),
];

/// What the program that `process` runs is known as.
pub(crate) fn of(process: &ProcessFacts) -> Option<Known> {
    let words = process.command.items();
    // Django has no program of its own, and Python's modules have no path.
    let says = |text: &str| words.iter().any(|word| word == text);
    if says("runserver") {
        return Some(web("Django", None));
    }
    if says("http.server") {
        return Some(web("Python's http.server", Some("--bind {}")));
    }
    let module = words.iter().position(|word| word == "-m");
    let module = module.and_then(|at| words.get(at + 1)).map(String::as_str);
    let first = words.iter().take(2).map(|word| base(word));
    // A program may write its whole title into its first word: `nginx: master process`.
    let titled = words.first().and_then(|word| word.split([' ', ':']).next());
    let exe = process.exe.known().map(|exe| base(exe));
    let names = module
        .into_iter()
        .chain(first)
        .chain(titled)
        .chain(exe)
        .chain([process.name.as_str()]);
    for name in names {
        if let Some((_, known)) = PROGRAMS.iter().find(|(program, _)| *program == name) {
            return Some(*known);
        }
    }
    None
}

fn base(path: &str) -> &str {
    let path = path.trim_end_matches(" (deleted)");
    let base = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let ends = [".js", ".mjs", ".cjs", ".py", ".exe"];
    let cut = ends.iter().find_map(|end| base.strip_suffix(end));
    cut.unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf_facts::Seen;

    #[track_caller]
    fn check(command: &[&str], expected: Option<&str>) {
        let process = ProcessFacts {
            name: "node".to_owned(),
            command: Seen::Known(command.iter().map(|word| (*word).to_owned()).collect()),
            ..ProcessFacts::default()
        };
        assert_eq!(of(&process).map(|known| known.name), expected, "{command:?}");
    }

    #[test]
    fn a_command_line_tells_the_framework() {
        check(
            &["node", "/src/node_modules/.bin/vite", "--port", "3000"],
            Some("Vite"),
        );
        check(&["node", "/src/node_modules/vite/bin/vite.js"], Some("Vite"));
        check(&["python3", "manage.py", "runserver"], Some("Django"));
        check(&["python3", "-m", "uvicorn", "app:app"], Some("uvicorn"));
        check(&["nginx: master process nginx"], Some("nginx"));
        check(
            &["/usr/lib/postgresql/16/bin/postgres", "-D", "/data"],
            Some("PostgreSQL"),
        );
        check(&["node", "server.js"], None);
        check(&[], None);
    }
}

//! Programs that explain why others are there, by their names.

use crate::ProcessFacts;

/// The name of the program that a process runs: its file's, or else its own.
pub(crate) fn name(process: &ProcessFacts) -> &str {
    let file = process.exe.known().map(|exe| exe.trim_end_matches(" (deleted)"));
    let file = file.and_then(|exe| exe.rsplit(['/', '\\']).next());
    let file = file.filter(|file| !file.is_empty()).unwrap_or(&process.name);
    file.strip_suffix(".exe").unwrap_or(file)
}

pub(crate) fn words(process: &ProcessFacts) -> &[String] {
    process.command.items()
}

/// Whether `process` is named so, by its own name or by its file's.
pub(crate) fn is_one_of(process: &ProcessFacts, names: &[&str]) -> bool {
    names.contains(&name(process)) || names.contains(&process.name.as_str())
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Whether `process` is an interpreter that runs something else; its second word is what.
fn interpreted(process: &ProcessFacts) -> Option<&str> {
    let program = name(process);
    let is_interpreter = ["node", "nodejs", "bun", "deno", "ruby", "perl", "java"].contains(&program)
        || program.starts_with("python");
    let script = words(process).get(1).filter(|_| is_interpreter)?;
    Some(
        base(script)
            .trim_end_matches(".js")
            .trim_end_matches(".cjs")
            .trim_end_matches(".mjs"),
    )
}

/// Tools that run scripts of a project, and the words before the script's name.
const TOOLS: &[(&str, &[&str])] = &[
    ("npm", &["run", "run-script", "start", "test", "exec"]),
    ("npm-cli", &["run", "run-script", "start", "test", "exec"]),
    ("npx", &[]),
    ("npx-cli", &[]),
    ("pnpm", &["run", "exec", "dlx"]),
    ("yarn", &["run", "exec", "dlx"]),
    ("yarnpkg", &["run", "exec"]),
    ("bun", &["run", "x"]),
    ("deno", &["task"]),
    ("cargo", &["run", "watch", "test"]),
    ("make", &[]),
    ("gmake", &[]),
    ("just", &[]),
    ("task", &[]),
    ("mise", &["run"]),
    ("poetry", &["run"]),
    ("uv", &["run"]),
    ("pipenv", &["run"]),
    ("rake", &[]),
    ("bundle", &["exec"]),
    ("gradle", &[]),
    ("gradlew", &[]),
    ("mvn", &[]),
    ("mix", &[]),
    ("composer", &["run"]),
    ("turbo", &["run"]),
    ("nx", &["serve", "run"]),
];

/// The tool of a package script, and the script.
pub(crate) fn script(process: &ProcessFacts) -> Option<(String, Option<String>)> {
    // npm writes all it was told into its title, as one word: `npm run dev`. What of its command line
    // the title did not need is left empty.
    let title = match words(process) {
        [title, rest @ ..] if rest.iter().all(String::is_empty) => title.trim_end(),
        _ => "",
    };
    let title: Vec<&str> = title.split(' ').collect();
    let (tool, rest): (&str, Vec<&str>) = if let [tool, rest @ ..] = title.as_slice()
        && !rest.is_empty()
    {
        (base(tool), rest.to_vec())
    } else if let Some(interpreted) = interpreted(process) {
        (
            interpreted,
            words(process).iter().skip(2).map(String::as_str).collect(),
        )
    } else {
        (
            name(process),
            words(process).iter().skip(1).map(String::as_str).collect(),
        )
    };
    let (tool, before) = TOOLS.iter().find(|(known, _)| *known == tool)?;
    let mut rest = rest.into_iter().filter(|word| !word.starts_with('-')).peekable();
    let verb = rest.next_if(|word| before.contains(word));
    // `npm start` runs the script `start`.
    let script = match verb {
        Some("start" | "test") => verb,
        Some(_) | None => rest.next().or(verb),
    };
    let tool = tool.trim_end_matches("-cli");
    Some((tool.to_owned(), script.map(str::to_owned)))
}

const SHELLS: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "fish",
    "dash",
    "ash",
    "ksh",
    "mksh",
    "tcsh",
    "csh",
    "nu",
    "xonsh",
    "elvish",
    "pwsh",
    "powershell",
    "cmd",
    "busybox",
];

/// Whether it is a shell at a terminal that somebody types into: not one that was given what to do.
pub(crate) fn is_typed_into(process: &ProcessFacts) -> bool {
    let login = process.name.trim_start_matches('-');
    let is_shell = SHELLS.contains(&name(process)) || SHELLS.contains(&login);
    // A flag is no errand, unless it is `-c`: `bash --login -i`.
    let flags = words(process).iter().skip(1);
    let idle = flags
        .clone()
        .all(|word| word.starts_with('-') && !is_command_flag(word));
    is_shell && process.terminal.is_some() && idle
}

/// `-c`, alone or among other short flags: `-lc`.
fn is_command_flag(word: &str) -> bool {
    !word.starts_with("--") && word.starts_with('-') && word.contains('c')
}

const IDES: &[(&str, &str)] = &[
    ("code", "Visual Studio Code"),
    ("code-insiders", "Visual Studio Code"),
    ("code-oss", "Visual Studio Code"),
    ("code-server", "code-server"),
    ("codium", "VSCodium"),
    ("cursor", "Cursor"),
    ("windsurf", "Windsurf"),
    ("zed", "Zed"),
    ("zed-editor", "Zed"),
    ("idea", "IntelliJ IDEA"),
    ("webstorm", "WebStorm"),
    ("pycharm", "PyCharm"),
    ("goland", "GoLand"),
    ("rider", "Rider"),
    ("clion", "CLion"),
    ("rustrover", "RustRover"),
    ("phpstorm", "PhpStorm"),
    ("rubymine", "RubyMine"),
    ("studio", "Android Studio"),
    ("eclipse", "Eclipse"),
    ("sublime_text", "Sublime Text"),
    ("nvim", "Neovim"),
    ("vim", "Vim"),
    ("emacs", "Emacs"),
    ("hx", "Helix"),
    ("Code", "Visual Studio Code"),
    ("Code Helper", "Visual Studio Code"),
];

/// The IDE or editor that it is.
pub(crate) fn ide(process: &ProcessFacts) -> Option<&'static str> {
    let names = [name(process), process.name.as_str()];
    if let Some((_, ide)) = IDES.iter().find(|(known, _)| names.contains(known)) {
        return Some(ide);
    }
    let exe = process.exe.known().map_or("", String::as_str);
    let first = words(process).first().map_or("", String::as_str);
    if [exe, first]
        .iter()
        .any(|path| path.contains("/.vscode-server") || path.contains("/vscode-server/"))
    {
        return Some("Visual Studio Code");
    }
    if [exe, first].iter().any(|path| path.contains("/.cursor-server")) {
        return Some("Cursor");
    }
    let is_intellij = |word: &String| word.starts_with("-Didea.") || word == "com.intellij.idea.Main";
    words(process).iter().any(is_intellij).then_some("IntelliJ IDEA")
}

/// The coding agent that it is.
pub(crate) fn agent(process: &ProcessFacts) -> Option<&str> {
    const AGENTS: &[&str] = &[
        "aider",
        "amp",
        "claude",
        "codex",
        "cursor-agent",
        "gemini",
        "goose",
        "opencode",
    ];
    let names = [
        Some(name(process)),
        Some(process.name.as_str()),
        interpreted(process),
    ];
    AGENTS
        .iter()
        .find(|agent| names.contains(&Some(**agent)))
        .copied()
}

/// What a terminal is in: a multiplexer, an emulator, an IDE, a login from elsewhere.
pub(crate) fn terminal(process: &ProcessFacts) -> Option<&str> {
    const TERMINALS: &[&str] = &[
        "tmux",
        "tmux: server",
        "screen",
        "zellij",
        "gnome-terminal-",
        "gnome-terminal-server",
        "konsole",
        "xterm",
        "alacritty",
        "kitty",
        "wezterm-gui",
        "ghostty",
        "foot",
        "xfce4-terminal",
        "terminator",
        "tilix",
        "ptyxis",
        "kgx",
        "sshd",
        "sshd-session",
        "mosh-server",
        "login",
        "Terminal",
        "iTerm2",
        "WindowsTerminal",
    ];
    if is_one_of(process, TERMINALS) {
        return Some(name(process));
    }
    // WSL 2 names the process that passes on a terminal of Windows so, with a pid.
    if process.name.starts_with("Relay(") {
        return Some("WSL");
    }
    ide(process)
}

/// Whether it is a debugger.
pub(crate) fn is_debugger(process: &ProcessFacts) -> bool {
    const DEBUGGERS: &[&str] = &[
        "dlv",
        "gdb",
        "gdbserver",
        "lldb",
        "lldb-server",
        "lldb-dap",
        "codelldb",
        "debugpy",
        "pdb",
        "rr",
        "vsdbg",
        "netcoredbg",
        "rdbg",
    ];
    is_one_of(process, DEBUGGERS)
        || interpreted(process).is_some_and(|script| DEBUGGERS.contains(&script))
        || words(process)
            .iter()
            .take(3)
            .any(|word| word.contains("/debugpy/"))
}

/// Whether it is cron, or at.
pub(crate) fn is_cron(process: &ProcessFacts) -> bool {
    is_one_of(process, &["cron", "crond", "cronie", "anacron", "atd", "fcron"])
}

/// Whether it keeps others running.
pub(crate) fn is_supervisor(process: &ProcessFacts) -> bool {
    const SUPERVISORS: &[&str] = &[
        "supervisord",
        "runsv",
        "s6-supervise",
        "foreman",
        "overmind",
        "hivemind",
        "honcho",
        "process-compose",
        "pm2",
        "circusd",
        "monit",
        "mprocs",
        "devenv",
        "goreman",
        "forever",
        "tilt",
        "PM2",
    ];
    is_one_of(process, SUPERVISORS)
        || interpreted(process).is_some_and(|script| SUPERVISORS.contains(&script))
        || process.name.starts_with("PM2 ")
}

/// Whether it is the first process of a session or a user, which takes in what others left behind.
pub(crate) fn adopts(process: &ProcessFacts) -> bool {
    process.pid == 1 || is_one_of(process, &["systemd", "init", "launchd", "tini", "dumb-init"])
}

/// Whether the kernel runs it: the second process, `kthreadd`, or a child of it, without a program of
/// its own (kernel/kthread.c).
pub(crate) fn is_kernel_thread(process: &ProcessFacts) -> bool {
    let is_below = process.parent == 2 || (process.pid == 2 && process.parent == 0);
    is_below && !process.exe.is_known() && words(process).is_empty() && process.session == 0
}

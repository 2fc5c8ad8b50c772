//! What a snapshot must not carry away: a snapshot is made to be given to others.

/// Words in a flag's or a variable's name that say its value is a secret.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "credential",
    "private-key",
    "private_key",
    "access-key",
    "access_key",
    "requirepass",
    "authorization",
    "bearer",
];
const HIDDEN: &str = "***";

/// A command line without what its own words call a secret, and without the passwords of URLs.
pub(crate) fn command(arguments: Vec<String>) -> Vec<String> {
    let mut hide_next = false;
    arguments
        .into_iter()
        .map(|argument| {
            let hide = std::mem::take(&mut hide_next);
            if hide && !argument.starts_with('-') {
                return HIDDEN.to_owned();
            }
            match argument.split_once('=') {
                Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
                None if argument.starts_with('-') && is_secret(&argument) => {
                    hide_next = true;
                    argument
                }
                _ => password(&within(&argument)),
            }
        })
        .collect()
}

/// What parts the settings within one argument: a connection string, a query, a line for a shell.
const PARTING: [char; 5] = [' ', '?', '&', ';', ','];

/// `text` without the values of what it calls a secret in `name=value`, and without a header that
/// authorises.
fn within(text: &str) -> String {
    if text.to_ascii_lowercase().contains("authorization:") {
        return HIDDEN.to_owned();
    }
    let part = |part: &str| match part.split_once('=') {
        Some((name, value)) if is_secret(name) => {
            let end = value
                .rfind(|last| !PARTING.contains(&last))
                .map_or(0, |at| at + value[at..].chars().next().map_or(0, char::len_utf8));
            format!("{name}={HIDDEN}{}", &value[end..])
        }
        _ => part.to_owned(),
    };
    text.split_inclusive(PARTING).map(part).collect()
}

/// The same of a command line, or a part of one, that is written as one text.
pub(crate) fn line(text: &str) -> String {
    command(text.split(' ').map(str::to_owned).collect()).join(" ")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // `--token-file` names a place, not the thing.
    !name.ends_with("file") && !name.ends_with("path") && SECRET.iter().any(|word| name.contains(word))
}

/// `text` with the passwords of the URLs within it replaced by `***`.
pub(crate) fn password(text: &str) -> String {
    let mut parts = text.split("://");
    let first = parts.next().unwrap_or_default();
    let rest: Vec<String> = parts.map(authority).collect();
    match rest.as_slice() {
        // Without a scheme, too: `ada:pw@proxy:3128`.
        [] => authority(first),
        rest => format!("{first}://{}", rest.join("://")),
    }
}

/// `text`, which begins with the authority of a URL, without that one's password.
fn authority(text: &str) -> String {
    let end = text.find(['/', '?', '#', ' ']).unwrap_or(text.len());
    let (authority, path) = text.split_at(end);
    let parts = authority.rsplit_once('@');
    match parts.and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => format!("{user}:{HIDDEN}@{host}{path}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let arguments = line.split(' ').map(str::to_owned).collect();
        assert_eq!(command(arguments).join(" "), expected);
    }

    #[test]
    fn secrets_are_left_out_of_command_lines() {
        check("psql postgres://ada:pw@db/x", "psql postgres://ada:***@db/x");
        check(
            "serve --token=abc --Api-Key k --port 3000",
            "serve --token=*** --Api-Key *** --port 3000",
        );
        check("serve --token --port 3000", "serve --token --port 3000");
        check("serve --token-file /x", "serve --token-file /x");
        check("java -Ddb.password=x Main", "java -Ddb.password=*** Main");
        check("git clone git@github.com:a/b", "git clone git@github.com:a/b");
        check("token", "token");
        check("redis-server --requirepass x", "redis-server --requirepass ***");
        check(
            "java jdbc:pg://h/d?user=x&password=y",
            "java jdbc:pg://h/d?user=x&password=***",
        );
        check(
            "curl http://h/?a=1&token=y&b=2",
            "curl http://h/?a=1&token=***&b=2",
        );
        assert_eq!(
            line("-Da.password=x -agentlib:jdwp=y"),
            "-Da.password=*** -agentlib:jdwp=y"
        );
        let one = |argument: &str| command(vec![argument.to_owned()]).remove(0);
        assert_eq!(one("host=db password=ü port=1"), "host=db password=*** port=1");
        assert_eq!(one("A=1 TOKEN=x serve"), "A=1 TOKEN=*** serve");
        assert_eq!(one("Authorization: Bearer x"), HIDDEN);
    }

    #[test]
    fn no_password_is_kept() {
        assert_eq!(password("http://p:3128"), "http://p:3128");
        assert_eq!(password("u:p@h:1"), "u:***@h:1");
        assert_eq!(password("http://u:p@q@h/a@b"), "http://u:***@h/a@b");
        assert_eq!(password("3000"), "3000");
        assert_eq!(
            password("redis://:p@a,redis://u:q@b/0 x"),
            "redis://:***@a,redis://u:***@b/0 x"
        );
    }
}

//! Toxiproxy's HTTP contract: requests from a file, and what each is answered.

use crate::world::{Answer, World};

/// Runs the requests of `requests.txt` and writes down what came. A line `# …` starts a new server; `METHOD PATH BODY`
/// is a request, with lines `| Name: value` after it for more headers; `127.0.0.1:P1` stands for the first port that the
/// system has chosen, and so on.
fn transcript(requests: &str) -> String {
    let mut transcript = String::new();
    let mut bench = Bench::default();
    let mut lines = requests.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            bench = Bench::default();
            transcript.push_str(&format!("\n{line}\n"));
        } else if !line.is_empty() {
            let mut headers = Vec::new();
            while let Some(header) = lines.next_if(|line| line.starts_with("| ")) {
                headers.push(header.trim_start_matches("| "));
            }
            let answer = bench.ask(line, &headers);
            let headers = headers.iter().map(|header| format!("| {header}\n"));
            transcript.push_str(&format!("\n{line}\n{}{answer}", headers.collect::<String>()));
        }
    }
    transcript
}

#[derive(Default)]
struct Bench {
    world: Option<World>,
    ports: Vec<u16>,
}

impl Bench {
    fn ask(&mut self, line: &str, headers: &[&str]) -> String {
        let mut parts = line.splitn(3, ' ');
        let method = parts.next().expect("a method");
        let path = parts.next().expect("a path");
        let mut body = parts.next().unwrap_or("").to_owned();
        for (index, port) in self.ports.iter().enumerate().rev() {
            body = body.replace(&format!(":P{}", index + 1), &format!(":{port}"));
        }
        let host = match headers.iter().any(|header| header.starts_with("Host:")) {
            true => "",
            false => "Host: localhost\r\n",
        };
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let world = self.world.get_or_insert_with(World::new);
        let answer = world.ask_raw(&format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ));
        self.masked(&written(&answer))
    }

    /// With ports that the system chose by the order of their appearance.
    fn masked(&mut self, text: &str) -> String {
        let mut masked = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(':') {
            let (before, after) = rest.split_at(at + 1);
            masked.push_str(before);
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let port = after[..digits].parse::<u16>().ok().filter(|port| *port >= 1024);
            rest = after;
            if let Some(port) = port.filter(|_| before.ends_with("1:") || before.ends_with("]:")) {
                let known = self.ports.iter().position(|known| *known == port);
                let index = known.unwrap_or_else(|| {
                    self.ports.push(port);
                    self.ports.len() - 1
                });
                masked.push_str(&format!("P{}", index + 1));
                rest = &after[digits..];
            }
        }
        masked.push_str(rest);
        masked
    }
}

/// An answer in three lines: status and type; the other headers; the body.
fn written(answer: &Answer) -> String {
    let mut words = vec![answer.status.to_string()];
    words.extend(answer.header("content-type").map(str::to_owned));
    for (name, value) in &answer.headers {
        match name.to_ascii_lowercase().as_str() {
            "content-type" | "date" | "connection" | "content-length" => {}
            "x-toxiproxy-request-id" => {
                assert!(value.len() == 20 && value.bytes().all(|digit| digit.is_ascii_alphanumeric()));
                words.push("(request id)".to_owned());
            }
            _ => words.push(format!("{name}: {value}")),
        }
    }
    let body = answer.body.replace('\n', "\\n");
    format!("    {}\n    {}\n", words.join("  "), body)
}

#[test]
fn every_request_is_answered_as_toxiproxy_answers_it() {
    insta::assert_snapshot!(transcript(include_str!("requests.txt")));
}

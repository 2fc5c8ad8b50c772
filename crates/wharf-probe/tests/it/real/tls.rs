//! Servers with TLS, and whom the system trusts.

use std::path::Path;
use std::process::Command;

use wharf_facts::{Seen, Spoken, Trust};

use super::{Real, check_with};
use crate::server::{Port, Program, find};
use crate::skip;

/// nginx with a certificate for `localhost` that it signed itself.
fn signed_by_itself(directory: &Path) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    nginx(directory, &made.cert.pem(), &made.signing_key.serialize_pem());
}

/// nginx with a certificate for `localhost` of an authority, whose own is `authority.pem`.
fn signed_by_an_authority(directory: &Path) {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = parameters.self_signed(&key).expect("an authority");
    std::fs::write(directory.join("authority.pem"), authority.pem()).expect("its certificate");
    let issuer = rcgen::Issuer::new(parameters, key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let made = rcgen::CertificateParams::new(["localhost".to_owned()])
        .expect("a name")
        .signed_by(&key, &issuer)
        .expect("a certificate");
    nginx(directory, &made.pem(), &key.serialize_pem());
}

fn nginx(directory: &Path, certificate: &str, key: &str) {
    std::fs::write(directory.join("cert.pem"), certificate).expect("the certificate");
    std::fs::write(directory.join("key.pem"), key).expect("its key");
    // Without a folder to itself nginx wants those of the system.
    let text = "pid DIR/pid; error_log stderr; events {} daemon off; master_process off;
        http { access_log off; client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR;
        uwsgi_temp_path DIR; scgi_temp_path DIR; server { listen 127.0.0.1:LISTEN ssl http2;
        ssl_certificate DIR/cert.pem; ssl_certificate_key DIR/key.pem;
        location / { default_type text/html; return 200 '<title>safe</title>'; } } }";
    let text = text.replace("DIR", &directory.display().to_string());
    std::fs::write(directory.join("template"), text).expect("nginx's template");
}

const NGINX: [&str; 3] = [
    "sh",
    "-c",
    "sed s/LISTEN/PORT/ template >conf; exec /usr/sbin/nginx -e stderr -c DIR/conf",
];

#[test]
fn nginx_with_tls() {
    check_with(
        &Real {
            name: "nginx_with_tls",
            needs: ("nginx", "nginx"),
            command: &NGINX,
            speaks: (
                Spoken::Tls,
                "alpn: h2 | http: / 200 | framework: nginx | title: safe | subject: CN=rcgen self signed cert | \
                 names: localhost,127.0.0.1 | self-signed: true | trusted: Known(Refused(",
            ),
            to_strangers: Spoken::Tls,
            complaints: &["[error]", "[crit]"],
        },
        signed_by_itself,
    );
}

/// A system that trusts the authority is another process, by rustls-native-certs' variable.
#[test]
fn an_authority_is_trusted_for_its_names_alone() {
    let Some(_) = find("nginx") else {
        return skip(
            "an_authority_is_trusted_for_its_names_alone",
            "nginx is not installed (package nginx)",
        );
    };
    let here = std::env::current_exe().expect("this test");
    let built = match std::env::var_os("WHARF_TEST_BIN_DIR") {
        Some(directory) => directory.into(),
        None => here.ancestors().nth(2).expect("target").to_owned(),
    };
    let example = built.join("examples/probe");
    if !example.exists() {
        return skip(
            "an_authority_is_trusted_for_its_names_alone",
            "the example is not beside this test",
        );
    }
    let port = Port::held();
    let directory = tempfile::Builder::new()
        .prefix("wharf")
        .tempdir()
        .expect("a directory");
    signed_by_an_authority(directory.path());
    let mut command = Command::new("sh");
    let place = directory.path().display().to_string();
    let script = NGINX[2]
        .replace("PORT", &port.number.to_string())
        .replace("DIR", &place);
    command.args(["-c", &script]).current_dir(directory.path());
    let _program = Program::start(command, &port, directory.path());
    let trusted = |name: &str| {
        let output = Command::new(&example)
            .args([&port.address().to_string(), name])
            .env("SSL_CERT_FILE", directory.path().join("authority.pem"))
            .env_remove("SSL_CERT_DIR")
            .output()
            .expect("the example");
        let met: wharf_facts::Probe = serde_json::from_slice(&output.stdout).expect("a probe");
        let certificate = met
            .certificate
            .unwrap_or_else(|| panic!("no certificate: {:?}", met.protocol));
        assert!(!certificate.self_signed);
        certificate.trusted
    };
    assert_eq!(trusted("localhost"), Seen::Known(Trust::Trusted));
    let Seen::Known(Trust::Refused(why)) = trusted("shop.test") else {
        panic!("trusted for another name");
    };
    assert!(why.contains("not valid for name"), "{why}");
}

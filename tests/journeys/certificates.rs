//! Brokers and hubs with certificates of their own, made by `openssl` as people make them: what works with `ca_file`, and
//! what is said of what does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pilah_tests::mosquitto::Mosquitto;
use pilah_tests::program::{self, Process, eventually, free_port};
use pilah_tests::{model, photos};

/// What a broker and a hub show, and whom the bin asks to vouch for them.
struct Case {
    name: &'static str,
    /// How the certificate is made, beyond its key and name.
    made: &'static [&'static str],
    /// Whether an authority signs it; otherwise it signs itself.
    is_signed: bool,
    /// The file of the bin's `ca_file`: the authority's, or the certificate itself.
    vouches: &'static str,
    /// What `doctor` says of both.
    expected: &'static str,
}

const ADDRESS: &str = "subjectAltName=IP:127.0.0.1";

const CASES: [Case; 5] = [
    Case { name: "signed", made: &["-addext", ADDRESS], is_signed: true, vouches: "authority.pem", expected: "ok" },
    Case {
        name: "itself",
        made: &["-addext", ADDRESS, "-addext", "basicConstraints=critical,CA:FALSE"],
        is_signed: false,
        vouches: "itself.pem",
        expected: "ok",
    },
    Case {
        name: "as_authority",
        made: &["-addext", ADDRESS],
        is_signed: false,
        vouches: "as_authority.pem",
        expected: "basicConstraints=critical,CA:FALSE",
    },
    Case {
        name: "unknown",
        made: &["-addext", ADDRESS, "-addext", "basicConstraints=critical,CA:FALSE"],
        is_signed: false,
        vouches: "authority.pem",
        expected: "ca_file vouches for the server's certificate",
    },
    Case {
        name: "other_name",
        made: &["-addext", "subjectAltName=DNS:elsewhere.example"],
        is_signed: true,
        vouches: "authority.pem",
        expected: "subjectAltName",
    },
];

#[test]
fn a_certificate_of_ones_own_works_or_is_explained() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    photos::lay_out(&at("photos"), 1);
    model::write(&model::untrained("m0"), &at("bundle"));
    fs::write(at("secret"), "the bin's secret").expect("writes");
    request(folder.path(), "authority", &["-x509"]);
    for case in CASES {
        make(folder.path(), &case);
        let [certificate, key] = ["pem", "key"].map(|suffix| at(&format!("{}.{suffix}", case.name)));
        let broker = Mosquitto::configured(&format!(
            "allow_anonymous true\nuser root\ncertfile {}\nkeyfile {}\n",
            certificate.display(),
            key.display()
        ));
        let (hub, port) = serve(folder.path(), &certificate, &key);
        let configuration = format!(
            "version = 1\ndata_dir = {data:?}\nbin.id = \"bin\"\nmodel.bundle = {bundle:?}\n\
             [camera]\nkind = \"replay\"\nfolder = {photos:?}\n\
             [mqtt]\nurl = {mqtt:?}\npassword_file = {secret:?}\nca_file = {ca:?}\n\
             [hub]\nurl = \"https://127.0.0.1:{port}\"\nca_file = {ca:?}\n",
            data = at("data"),
            bundle = at("bundle"),
            photos = at("photos"),
            mqtt = broker.url().replace("mqtt://", "mqtts://"),
            secret = at("secret"),
            ca = at(case.vouches),
        );
        fs::write(at("edge.toml"), configuration).expect("writes");
        let doctor =
            Command::new(program::path("pilah-edge")).arg("doctor").arg("--config").arg(at("edge.toml")).output();
        let findings = String::from_utf8_lossy(&doctor.expect("it can be started").stdout).into_owned();
        for check in ["broker", "hub"] {
            let line = findings.lines().find(|line| line.split_ascii_whitespace().nth(1) == Some(check));
            let line = line.unwrap_or_else(|| panic!("{}: nothing of the {check}\n{findings}", case.name));
            let (expected, mismatch) = match case.expected {
                "ok" => (line.starts_with("ok"), "works"),
                words => (line.starts_with("fail") && line.contains(words), "is explained"),
            };
            assert!(expected, "{}: the {check} {mismatch}:\n{findings}\n{}", case.name, hub.output());
        }
    }
}

/// A key and a request for a certificate, or, with `-x509`, a certificate that signs itself.
fn request(folder: &Path, name: &str, more: &[&str]) -> PathBuf {
    let [key, out] = ["key", "pem"].map(|suffix| folder.join(format!("{name}.{suffix}")));
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
    let mut command = Command::new("openssl");
    command
        .arg("req")
        .args(curve)
        .arg("-subj")
        .arg(format!("/CN={name}"))
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(&out);
    openssl(command.args(more));
    out
}

fn make(folder: &Path, case: &Case) {
    if !case.is_signed {
        request(folder, case.name, &[&["-x509"], case.made].concat());
        return;
    }
    let asked = request(folder, case.name, case.made);
    let request = folder.join("request");
    fs::rename(&asked, &request).expect("renames");
    let mut command = Command::new("openssl");
    command.args(["x509", "-req", "-days", "30", "-copy_extensions", "copy", "-CAcreateserial", "-in"]).arg(request);
    command.arg("-CA").arg(folder.join("authority.pem")).arg("-CAkey").arg(folder.join("authority.key"));
    openssl(command.arg("-out").arg(asked));
}

fn openssl(command: &mut Command) {
    let output = command.output().expect("openssl is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A server that says yes to whatever it is asked, over TLS: as much of a hub as a certificate needs.
fn serve(folder: &Path, certificate: &Path, key: &Path) -> (Process, u16) {
    let port = free_port();
    let mut command = Command::new("openssl");
    command.args(["s_server", "-quiet", "-www", "-accept"]).arg(format!("127.0.0.1:{port}"));
    command.arg("-cert").arg(certificate).arg("-key").arg(key);
    let hub = Process::start(&mut command, &folder.join("hub.log"));
    eventually("the server", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|e| format!("not listening: {e}"))
    });
    (hub, port)
}

//! Debian's nginx before a hub, in the ways in which people put it there.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Process, eventually, free_port};

/// A proxy that is stopped when it is dropped.
#[derive(Debug)]
pub struct Nginx {
    /// nginx as it comes: it asks for the hub by the hub's own address.
    pub plain: u16,
    /// Under the path `/pilah/`, which is taken off.
    pub under_a_path: u16,
    /// As most guides say: it names the host without the port, the client, and TLS that ended before it.
    pub as_guides_say: u16,
    _process: Process,
    _folder: TempDir,
}

impl Nginx {
    /// Starts a proxy before the hub on this port of 127.0.0.1.
    ///
    /// # Panics
    /// If nginx is not installed or does not start.
    #[must_use]
    pub fn before(hub: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (plain, under_a_path, as_guides_say) = (free_port(), free_port(), free_port());
        let here = folder.path().display();
        let configuration = format!(
            "user root;\nworker_processes 1;\ndaemon off;\npid {here}/pid;\nevents {{}}\nhttp {{\n  access_log off;\n  \
             client_body_temp_path {here}/body;\n  proxy_temp_path {here}/proxy;\n  fastcgi_temp_path {here}/fastcgi;\n  \
             uwsgi_temp_path {here}/uwsgi;\n  scgi_temp_path {here}/scgi;\n  \
             server {{ listen 127.0.0.1:{plain}; location / {{ proxy_pass http://127.0.0.1:{hub}; }} }}\n  \
             server {{ listen 127.0.0.1:{under_a_path}; location /pilah/ {{ proxy_pass http://127.0.0.1:{hub}/; }} }}\n  \
             server {{ listen 127.0.0.1:{as_guides_say}; location / {{\n    proxy_pass http://127.0.0.1:{hub};\n    \
             proxy_set_header Host $host;\n    proxy_set_header X-Forwarded-For $remote_addr;\n    \
             proxy_set_header X-Forwarded-Proto https;\n  }} }}\n}}\n"
        );
        let path = folder.path().join("nginx.conf");
        fs::write(&path, configuration).expect("writes");
        let mut command = Command::new(program());
        command.arg("-e").arg("stderr").arg("-p").arg(folder.path()).arg("-c").arg(&path);
        let process = Process::start(&mut command, &folder.path().join("log"));
        for port in [plain, under_a_path, as_guides_say] {
            eventually("nginx", || {
                TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(|e| format!("{e}\n{}", process.output()))
            });
        }
        Self { plain, under_a_path, as_guides_say, _process: process, _folder: folder }
    }
}

/// Debian puts it where an ordinary user's PATH does not look.
fn program() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/nginx");
    if debian.exists() { debian } else { PathBuf::from("nginx") }
}

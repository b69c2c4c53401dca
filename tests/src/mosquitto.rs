//! Debian's Mosquitto as an external broker, with a user for the hub and one per bin.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use pilah_models::name::BinId;
use pilah_models::wire::topic::{self, Channel};
use tempfile::TempDir;

use crate::program::{Process, eventually, free_port};

/// The password of the user `hub`.
pub const HUB_PASSWORD: &str = "the hub's password";

/// A broker on 127.0.0.1 that can be killed and started again on the same port.
#[derive(Debug)]
pub struct Mosquitto {
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

impl Mosquitto {
    /// Starts a broker that knows the hub alone.
    ///
    /// # Panics
    /// If Mosquitto is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with("message_size_limit 131072")
    }

    /// As [`Mosquitto::start`], with another limit: a line of its configuration.
    ///
    /// # Panics
    /// As [`Mosquitto::start`].
    #[must_use]
    pub fn with(limit: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let at = |name: &str| folder.path().join(name);
        fs::write(
            at("conf"),
            format!(
                "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\nacl_file {}\n\
                 user root\n{limit}\n",
                at("users").display(),
                at("acl").display()
            ),
        )
        .expect("writes");
        let mut broker = Self { folder, port, process: None };
        broker.write_users(&[]);
        broker.restart();
        broker
    }

    /// Starts a broker by these lines of its configuration, beside where it listens.
    ///
    /// # Panics
    /// As [`Mosquitto::start`].
    #[must_use]
    pub fn configured(lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        fs::write(folder.path().join("conf"), format!("listener {port} 127.0.0.1\n{lines}")).expect("writes");
        let mut broker = Self { folder, port, process: None };
        broker.restart();
        broker
    }

    /// Makes bins (id, secret) known, in place of all others, and starts the broker again.
    ///
    /// # Panics
    /// As [`Mosquitto::start`].
    pub fn admit(&mut self, bins: &[(&str, &str)]) {
        self.write_users(bins);
        self.kill();
        self.restart();
    }

    fn write_users(&self, bins: &[(&str, &str)]) {
        let at = |name: &str| self.folder.path().join(name);
        let mut users = format!("hub:{HUB_PASSWORD}\n");
        let mut acl = "user hub\ntopic readwrite pilah/v1/#\n".to_owned();
        for (bin, secret) in bins {
            users += &format!("{bin}:{secret}\n");
            acl += &format!("\nuser {bin}\ntopic read {}\n", topic::HUB_STATUS);
            let id = BinId::new(*bin).expect("a valid id");
            for channel in Channel::ALL {
                let right = match (channel.is_read_by_bin(), channel.is_from_hub()) {
                    (true, true) => "read",
                    (true, false) => "readwrite",
                    (false, _) => "write",
                };
                acl += &format!("topic {right} {}\n", channel.of(&id));
            }
        }
        fs::write(at("users"), users).expect("writes");
        fs::write(at("acl"), acl).expect("writes");
        let hashed = Command::new("mosquitto_passwd").arg("-U").arg(at("users")).status();
        assert!(hashed.expect("mosquitto is installed").success(), "mosquitto_passwd failed");
    }

    /// Kills the broker; with it goes all that it had not delivered.
    ///
    /// # Panics
    /// If it does not run.
    pub fn kill(&mut self) {
        self.process.take().expect("the broker runs").kill();
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// If it does not listen in time.
    pub fn restart(&mut self) {
        let mut command = Command::new(program());
        command.arg("-c").arg(self.folder.path().join("conf"));
        self.process = Some(Process::start(&mut command, &self.folder.path().join("log")));
        eventually("the broker", || {
            TcpStream::connect(("127.0.0.1", self.port)).map(drop).map_err(|e| format!("not listening: {e}"))
        });
    }

    /// Where it listens, as `mqtt://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

/// Debian puts it where an ordinary user's PATH does not look.
fn program() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/mosquitto");
    if debian.exists() { debian } else { PathBuf::from("mosquitto") }
}

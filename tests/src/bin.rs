//! A bin with its own configuration and data folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::program::{self, Process};

/// What differs from bin to bin.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// The broker.
    pub mqtt_url: &'a str,
    /// The hub.
    pub hub_url: &'a str,
    /// The model that it begins with.
    pub bundle: &'a Path,
    /// The section `[camera]` of its configuration, without the heading.
    pub camera: &'a str,
    /// The root of trust, root.json; without one it believes the hub.
    pub root: Option<&'a str>,
    /// Further sections of its configuration.
    pub more: &'a str,
}

/// A running bin.
#[derive(Debug)]
pub struct Bin {
    folder: TempDir,
    process: Option<Process>,
}

impl Bin {
    /// Configures and starts a bin. It sends every sample and repeats itself soon, so that a journey is short.
    ///
    /// # Panics
    /// If its folder cannot be written.
    #[must_use]
    pub fn start(setup: &Setup<'_>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let secret = folder.path().join("secret");
        fs::write(&secret, setup.secret).expect("writes");
        let updates = setup.root.map_or_else(String::new, |root| {
            let file = folder.path().join("root.json");
            fs::write(&file, root).expect("writes");
            format!("[updates]\nroot = {file:?}\n# Whether the machine of the tests has its clock set is not their business.\nclock_wait_s = 0.0\n\n")
        });
        let configuration = format!(
            "version = 1\ndata_dir = {data:?}\n\n[bin]\nid = {id:?}\n\n[camera]\n{camera}\n\n[model]\nbundle = {bundle:?}\n\n\
             [mqtt]\nurl = {mqtt:?}\npassword_file = {secret:?}\nreconnect_max_s = 0.5\nresend_after_s = 2.0\n\n\
             [hub]\nurl = {hub:?}\n\n[samples]\nrandom_share = 1.0\n\n[telemetry]\nevery_s = 0.5\n\n{updates}{more}\n",
            data = folder.path().join("data"),
            id = setup.id,
            camera = setup.camera,
            bundle = setup.bundle,
            mqtt = setup.mqtt_url,
            hub = setup.hub_url,
            more = setup.more,
        );
        fs::write(folder.path().join("edge.toml"), configuration).expect("writes");
        let mut bin = Self { folder, process: None };
        bin.restart();
        bin
    }

    /// Starts it again on the same data.
    pub fn restart(&mut self) {
        let mut command = Command::new(program::path("pilah-edge"));
        command.arg("run").arg("--config").arg(self.folder.path().join("edge.toml"));
        self.process = Some(Process::start(&mut command, &self.folder.path().join("log")));
    }

    /// Kills it at once (SIGKILL).
    ///
    /// # Panics
    /// If it does not run.
    pub fn kill(&mut self) {
        self.process.take().expect("the bin runs").kill();
    }

    /// Stops it in good order.
    ///
    /// # Panics
    /// If it does not run.
    pub fn stop(&mut self) {
        drop(self.process.take().expect("the bin runs"));
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What `doctor` says of it, while it runs or not.
    ///
    /// # Panics
    /// If the program cannot be started.
    #[must_use]
    pub fn doctor(&self) -> String {
        let mut command = Command::new(program::path("pilah-edge"));
        let output = command.arg("doctor").arg("--config").arg(self.folder.path().join("edge.toml")).output();
        String::from_utf8_lossy(&output.expect("it can be started").stdout).into_owned()
    }

    /// What it has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.as_ref().map(Process::output).unwrap_or_default()
    }
}

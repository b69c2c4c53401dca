//! A hub with its own data folder, spoken to by HTTP as its administrator.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use pilah_hub::live::Live;
use pilah_hub::registry::{Origin, Registry};
use pilah_hub::store::{Blobs, DataFolder, Store};
use pilah_models::bundle::Bundle;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::mosquitto::{self, Mosquitto};
use crate::program::{self, Process, eventually, free_port};

/// A hub that can be killed and started again on the same data and ports.
#[derive(Debug)]
pub struct Hub {
    folder: TempDir,
    data: PathBuf,
    http_port: u16,
    mqtt: Mqtt,
    bundle: PathBuf,
    trains: bool,
    arguments: Vec<String>,
    process: Option<Process>,
}

/// The administrator's password, given at the first start.
pub const ADMIN_PASSWORD: &str = "the administrator's password";

/// Which broker the hub uses.
#[derive(Debug)]
enum Mqtt {
    Embedded { port: u16 },
    External { url: String },
}

impl Hub {
    /// Starts a hub with its embedded broker; `bundle` is the model that it begins with.
    #[must_use]
    pub fn with_embedded_broker(bundle: &Path) -> Self {
        Self::start(bundle, Mqtt::Embedded { port: free_port() }, true)
    }

    /// As [`Hub::with_embedded_broker`], with its data in this folder; what it prints goes elsewhere.
    #[must_use]
    pub fn on_disk(bundle: &Path, data: &Path) -> Self {
        Self::start_in(bundle, Mqtt::Embedded { port: free_port() }, true, Some(data))
    }

    /// As [`Hub::with_embedded_broker`], but it leaves trainings to workers.
    #[must_use]
    pub fn without_training(bundle: &Path) -> Self {
        Self::start(bundle, Mqtt::Embedded { port: free_port() }, false)
    }

    /// Starts a hub on this broker.
    #[must_use]
    pub fn with_mosquitto(bundle: &Path, broker: &Mosquitto) -> Self {
        Self::start(bundle, Mqtt::External { url: broker.url() }, true)
    }

    fn start(bundle: &Path, mqtt: Mqtt, trains: bool) -> Self {
        Self::start_in(bundle, mqtt, trains, None)
    }

    fn start_in(bundle: &Path, mqtt: Mqtt, trains: bool, data: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut hub = Self {
            data: data.map_or_else(|| folder.path().join("data"), Path::to_owned),
            folder,
            http_port: free_port(),
            mqtt,
            bundle: bundle.to_owned(),
            trains,
            arguments: Vec::new(),
            process: None,
        };
        hub.restart();
        hub
    }

    /// Starts it again on the same data and ports.
    ///
    /// # Panics
    /// If it does not answer in time.
    pub fn restart(&mut self) {
        let mut command = Command::new(program::path("pilah-hub"));
        command.arg("serve").arg("--data").arg(self.data());
        if !self.trains {
            command.arg("--no-training");
        }
        command.arg("--http").arg(format!("127.0.0.1:{}", self.http_port)).arg("--bundle").arg(&self.bundle);
        command.env("PILAH_ADMIN_PASSWORD", ADMIN_PASSWORD);
        command.args(&self.arguments);
        match &self.mqtt {
            Mqtt::Embedded { port } => command.arg("--mqtt").arg(format!("127.0.0.1:{port}")),
            Mqtt::External { url } => {
                command.env("PILAH_MQTT_PASSWORD", mosquitto::HUB_PASSWORD).arg("--mqtt-url").arg(url)
            }
        };
        self.process = Some(Process::start(&mut command, &self.folder.path().join("log")));
        eventually("the hub", || {
            let answer = ureq::get(format!("{}/health", self.url())).call();
            answer.map(drop).map_err(|e| format!("not healthy: {e}\n{}", self.output()))
        });
    }

    /// Starts it again with these arguments besides, on the same data and ports.
    ///
    /// # Panics
    /// As [`Hub::restart`].
    pub fn restart_with(&mut self, arguments: &[String]) {
        self.process = None;
        self.arguments = arguments.to_vec();
        self.restart();
    }

    /// The port of its API.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// Kills it at once (SIGKILL).
    ///
    /// # Panics
    /// If it does not run.
    pub fn kill(&mut self) {
        self.process.take().expect("the hub runs").kill();
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Starts a worker on its data; what it prints goes to a file of this name.
    #[must_use]
    pub fn worker(&self, name: &str) -> Process {
        let mut command = Command::new(program::path("pilah-hub"));
        Process::start(command.arg("worker").arg("--data").arg(self.data()), &self.folder.path().join(name))
    }

    /// Runs a command on its data, and waits for its end.
    ///
    /// # Panics
    /// If it fails.
    pub fn run(&self, arguments: &[&str]) {
        let mut command = Command::new(program::path("pilah-hub"));
        let output = command.args(arguments).arg("--data").arg(self.data()).output().expect("it can be started");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Where its API is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// Where bins connect.
    #[must_use]
    pub fn mqtt_url(&self) -> String {
        match &self.mqtt {
            Mqtt::Embedded { port } => format!("mqtt://127.0.0.1:{port}"),
            Mqtt::External { url } => url.clone(),
        }
    }

    /// What it has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.as_ref().map(Process::output).unwrap_or_default()
    }

    /// What `GET path` answers the administrator.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn try_get(&self, path: &str) -> Result<Value, String> {
        let request =
            ureq::get(format!("{}{path}", self.url())).header("Authorization", authorization("admin", ADMIN_PASSWORD));
        request.call().and_then(|mut r| r.body_mut().read_json()).map_err(|e| format!("GET {path}: {e}"))
    }

    /// As [`Hub::try_get`].
    ///
    /// # Panics
    /// If it answers no JSON.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        self.try_get(path).unwrap_or_else(|e| panic!("{e}\n{}", self.output()))
    }

    /// What `POST path` answers the administrator.
    ///
    /// # Panics
    /// If it refuses.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let request =
            ureq::post(format!("{}{path}", self.url())).header("Authorization", authorization("admin", ADMIN_PASSWORD));
        let answer = request.send_json(body).and_then(|mut r| r.body_mut().read_to_string());
        let text = answer.unwrap_or_else(|e| panic!("POST {path}: {e}\n{}", self.output()));
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
    }

    /// Makes a bin known and gives its secret.
    ///
    /// # Panics
    /// If the hub refuses.
    #[must_use]
    pub fn enrol(&self, bin: &str) -> String {
        let answer = self.post("/api/v1/bins", &json!({ "id": bin }));
        answer["secret"].as_str().expect("a new bin gets a secret").to_owned()
    }

    /// Makes a bin known, and gives all that it is to be told.
    ///
    /// # Panics
    /// If the hub refuses.
    #[must_use]
    pub fn admit(&self, bin: &str) -> Admission {
        let answer = self.post("/api/v1/bins", &json!({ "id": bin }));
        let text =
            |field: &str| answer[field].as_str().unwrap_or_else(|| panic!("a new bin gets a {field}")).to_owned();
        Admission { secret: text("secret"), root: text("root_of_trust") }
    }

    /// Puts versions into its registry, as a training does, while it runs.
    ///
    /// # Panics
    /// If its data cannot be written.
    pub fn register(&self, bundles: &[Bundle]) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let folder = DataFolder::open_shared(&self.data()).expect("the hub's folder");
            let store = Store::open(&folder).await.expect("its database");
            let blobs = Blobs::open(&folder).expect("its files");
            let registry = Registry::open(store, blobs, Live::default(), None).await.expect("its registry");
            for bundle in bundles {
                registry.register(bundle, &Origin::default()).await.expect("registers");
            }
        });
    }

    /// A count of `GET /api/status`, named by its path in the JSON, such as `/events`.
    ///
    /// # Errors
    /// If the hub does not answer.
    pub fn count(&self, of: &str) -> Result<u64, String> {
        let status = self.try_get("/api/status")?;
        status.pointer(of).and_then(Value::as_u64).ok_or_else(|| format!("no count {of} in {status}"))
    }

    /// A yes or no of `GET /api/status`, as [`Hub::count`].
    ///
    /// # Errors
    /// If the hub does not answer.
    pub fn flag(&self, of: &str) -> Result<bool, String> {
        let status = self.try_get("/api/status")?;
        status.pointer(of).and_then(Value::as_bool).ok_or_else(|| format!("no flag {of} in {status}"))
    }
}

/// What a bin is told when it is made known.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Its secret.
    pub secret: String,
    /// The root of trust, root.json.
    pub root: String,
}

/// The header of HTTP Basic authentication.
#[must_use]
pub fn authorization(user: &str, password: &str) -> String {
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {credentials}")
}

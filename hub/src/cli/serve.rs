//! `pilah-hub serve`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use pilah_models::wire::topic;

use crate::address::{Network, Networks, PublicUrl, Site};
use crate::auth::ADMINISTRATOR;
use crate::broker::Mqtt;
use crate::config::{Config, MapTiles};
use crate::door::DoorConfig;
use crate::evaluate::rules;
use crate::review::{self, ReviewConfig};
use crate::secret::Secret;
use crate::server;
use crate::train::ACCEPTED_CONTAMINATION;
use crate::train::params::check_contamination;
use crate::updates::UpdatesConfig;

/// Arguments of `pilah-hub serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder for database, images and models; made if it is missing
    #[arg(long, value_name = "DIR", default_value = "pilah-data")]
    data: PathBuf,
    /// Where the page and the HTTP interface are served
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Where people open the hub, if a proxy stands before it: https://pilah.example.org/, or with a path,
    /// https://example.org/pilah/
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Address or network of a proxy that is believed when it says who asks (Forwarded, X-Forwarded-For, -Proto and
    /// -Host, which it has to set itself); may be given more than once
    #[arg(long = "trusted-proxy", value_name = "NETWORK")]
    trusted_proxies: Vec<Network>,
    /// Where the embedded MQTT broker listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1883", conflicts_with = "mqtt_url")]
    mqtt: SocketAddr,
    /// Use this broker instead of the embedded one: mqtt://host:port, or mqtts:// for TLS
    #[arg(long, value_name = "URL")]
    mqtt_url: Option<String>,
    /// The hub's user name at that broker
    #[arg(long, value_name = "NAME", default_value = topic::HUB_USER, requires = "mqtt_url")]
    mqtt_user: String,
    /// File with the hub's password at that broker; or set PILAH_MQTT_PASSWORD
    #[arg(long, value_name = "FILE", requires = "mqtt_url")]
    mqtt_password_file: Option<PathBuf>,
    /// File with the certificates to trust instead of the system's, as PEM
    #[arg(long, value_name = "FILE", requires = "mqtt_url")]
    mqtt_ca_file: Option<PathBuf>,
    /// Folder of the model that is put in service at the first start; the one in this program, if left out
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Delete samples of bins that nobody has labelled for so many days; without it they are kept
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    keep_unlabelled_days: Option<u32>,
    /// Delete entries of the audit log after so many days; without it they are kept. Proofs of deletion stay
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    keep_audit_days: Option<u32>,
    /// Leave trainings to `pilah-hub worker` processes on the same data folder
    #[arg(long)]
    no_training: bool,
    /// Of the items that a model takes for a class, the share that may end in its compartment although they
    /// are of another, above 0, at most 1: trainings pick thresholds by it
    #[arg(long, value_name = "SHARE", default_value_t = ACCEPTED_CONTAMINATION)]
    accepted_contamination: f32,
    /// Address of map pictures with {z}, {x} and {y}, such as https://tiles.example.org/{z}/{x}/{y}.png.
    /// Browsers fetch them from there; without it, maps are drawn without
    #[arg(long, value_name = "URL")]
    map_tiles: Option<MapTiles>,
    /// File with the administrator's password, for the first start; or set PILAH_ADMIN_PASSWORD.
    /// Without either, one is drawn and printed once
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
    /// The share of unlabelled images that is reviewed whatever its value, 0 to 1, for unbiased figures
    #[arg(long, value_name = "SHARE", default_value_t = review::RANDOM_SHARE, value_parser = share)]
    review_random_share: f64,
    /// How long a reviewer has an image to themselves, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = review::LEASE.as_secs() / 60, value_parser = clap::value_parser!(u64).range(1..=1440))]
    review_lease: u64,
    /// Folder of the keys that sign updates, with a folder each for root, targets, snapshot and timestamp; keys in the
    /// data folder, if left out
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Serve the update repository without a login, so that a bucket or a CDN can stand before it
    #[arg(long)]
    public_updates: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("it must be 0 to 1".to_owned()) }
}

impl Args {
    fn config(self) -> anyhow::Result<Config> {
        check_contamination(self.accepted_contamination)?;
        let mqtt = match self.mqtt_url {
            None => Mqtt::Embedded { addr: self.mqtt, steps: 0 },
            Some(url) => Mqtt::External {
                url,
                user: self.mqtt_user,
                password: secret(self.mqtt_password_file.as_deref(), "PILAH_MQTT_PASSWORD")?
                    .unwrap_or_else(|| Secret::new("")),
                ca_file: self.mqtt_ca_file,
            },
        };
        Ok(Config {
            gate: rules::in_folder(&self.data)?,
            data: self.data,
            http: self.http,
            http_steps: 0,
            site: Site { public: self.public_url, proxies: Networks::from(self.trusted_proxies) },
            door: DoorConfig::default(),
            mqtt,
            bundle: self.bundle,
            keep_unlabelled_days: self.keep_unlabelled_days,
            keep_audit_days: self.keep_audit_days,
            map_tiles: self.map_tiles,
            demo: false,
            trains: !self.no_training,
            accepted_contamination: self.accepted_contamination,
            admin_password: secret(self.admin_password_file.as_deref(), "PILAH_ADMIN_PASSWORD")?,
            review: ReviewConfig {
                random_share: self.review_random_share,
                lease: Duration::from_secs(self.review_lease * 60),
            },
            updates: UpdatesConfig { keys: self.keys, public: self.public_updates },
        })
    }
}

/// Runs the hub until it is told to stop.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let running = server::start(args.config()?).await?;
    println!("Pilah hub: {}", running.url());
    if let Some(public) = &running.state.config.site.public {
        println!("For people: {public}");
    }
    if let Some(addr) = running.mqtt_addr {
        println!("MQTT broker: {addr}");
    }
    if let Some(password) = &running.administrator_password {
        println!("Log in as {ADMINISTRATOR} with the password {}", password.reveal());
        println!("It is not shown again; `pilah-hub user reset {ADMINISTRATOR}` draws another.");
    }
    stop_signal().await?;
    running.stop().await;
    Ok(())
}

/// Waits for Ctrl-C, or on Unix for SIGTERM, which is how systemd and containers say it.
pub(crate) async fn stop_signal() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.context("cannot wait for Ctrl-C"),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")
}

/// A secret from a file, or from the environment.
fn secret(file: Option<&Path>, variable: &str) -> anyhow::Result<Option<Secret>> {
    let text = match file {
        Some(path) => {
            let read = std::fs::read_to_string(path);
            Some(read.with_context(|| format!("cannot read the password in {}", path.display()))?)
        }
        None => std::env::var(variable).ok(),
    };
    let Some(text) = text else { return Ok(None) };
    let secret = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!secret.is_empty(), "the password is empty: write it into the file, or unset {variable}");
    Ok(Some(Secret::new(secret)))
}

//! The demo's bins: a folder, a configuration and a process each, started again when it ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use pilah_models::name::BinId;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::secret::Secret;

/// The pause before a bin that ended is started again: short enough not to be missed, long enough
/// not to fill the log if it can never start.
const PAUSE: Duration = Duration::from_secs(3);

/// The mean time between the items of one virtual bin, in seconds: as short as its camera allows.
const ITEM_EVERY_S: f32 = 2.5;

/// What a demo bin looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    /// A drawn chamber of its own look.
    Virtual {
        /// Which items come.
        seed: u64,
        /// What the chamber is like.
        look: u64,
    },
    /// Its share of a folder of labelled photos.
    Photos {
        /// The folder.
        folder: PathBuf,
        /// Which share, as `i/n`.
        part: String,
    },
}

/// Where a bin finds the hub, and what it begins with.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// The broker.
    pub mqtt_url: String,
    /// The hub.
    pub hub_url: String,
    /// The model that ships.
    pub bundle: PathBuf,
    /// What it is to trust; without, it goes by the hub's word.
    pub root: Option<PathBuf>,
}

/// Writes the folder of a bin, with its secret in a file that only this user can read, and gives
/// the path of its configuration.
///
/// # Errors
/// The operating system's.
pub(super) fn prepare(
    folder: &Path,
    bin: &BinId,
    secret: &Secret,
    view: &View,
    around: &Surroundings,
) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let secret_file = folder.join("secret");
    write_private(&secret_file, secret.reveal())?;
    let file = folder.join("edge.toml");
    fs::write(&file, configuration(folder, bin, &secret_file, view, around))?;
    Ok(file)
}

/// Runs a bin until `shutdown`, and starts it again whenever it ends before.
pub(super) async fn keep_running(
    program: PathBuf,
    configuration: PathBuf,
    log: PathBuf,
    bin: BinId,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        match run_once(&program, &configuration, &log, &shutdown).await {
            Ok(()) if shutdown.is_cancelled() => return,
            Ok(()) => warn!(%bin, "bin ended, starting it again"),
            Err(error) => warn!(%bin, %error, "bin does not start"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn run_once(program: &Path, configuration: &Path, log: &Path, shutdown: &CancellationToken) -> io::Result<()> {
    let out = fs::File::options().create(true).append(true).open(log)?;
    let mut child = Command::new(program)
        .arg("run")
        .arg("--config")
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .kill_on_drop(true)
        .spawn()?;
    tokio::select! {
        status = child.wait() => status.map(drop),
        () = shutdown.cancelled() => child.kill().await,
    }
}

fn configuration(folder: &Path, bin: &BinId, secret_file: &Path, view: &View, around: &Surroundings) -> String {
    let camera = match view {
        View::Virtual { seed, look } => {
            format!("kind = \"virtual\"\nseed = {seed}\nlook = {look}\nitem_every_s = {ITEM_EVERY_S:?}")
        }
        View::Photos { folder, part } => {
            format!(
                "kind = \"replay\"\nfolder = {}\npart = {}\nrepeat = true\nshuffle = 1\nframes_per_second = 10.0",
                quoted(folder),
                toml::Value::from(part.as_str())
            )
        }
    };
    // The hub's clock is theirs: where no time service runs, nothing would be gained by waiting for one.
    let updates =
        around.root.as_deref().map(|root| format!("[updates]\nroot = {}\nclock_wait_s = 0.0\n\n", quoted(root)));
    format!(
        "version = 1\ndata_dir = {data}\n\n[bin]\nid = \"{bin}\"\n\n[camera]\n{camera}\n\n[model]\nbundle = {bundle}\n\n\
         [mqtt]\nurl = \"{mqtt}\"\npassword_file = {secret}\n\n[hub]\nurl = \"{hub}\"\n\n{updates}\
         # Every item gives a sample, so that the oracle has as much to label as possible.\n[samples]\nrandom_share = 1.0\n",
        data = quoted(&folder.join("data")),
        bundle = quoted(&around.bundle),
        mqtt = around.mqtt_url,
        secret = quoted(secret_file),
        hub = around.hub_url,
        updates = updates.unwrap_or_default(),
    )
}

fn quoted(path: &Path) -> String {
    toml::Value::from(path.to_string_lossy().into_owned()).to_string()
}

fn write_private(path: &Path, content: &str) -> io::Result<()> {
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    io::Write::write_all(&mut options.open(path)?, content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_toml_and_the_secret_is_not_in_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut around = Surroundings {
            root: None,
            mqtt_url: "mqtt://127.0.0.1:1883".into(),
            hub_url: "http://127.0.0.1:8080".into(),
            bundle: PathBuf::from("mo\"dels\\default"),
        };
        let bin = BinId::new("bin-1").expect("valid");
        let secret = Secret::new("a very secret secret");
        for view in [View::Virtual { seed: 1, look: 2 }, View::Photos { folder: "a b".into(), part: "1/3".into() }] {
            let file = prepare(folder.path(), &bin, &secret, &view, &around).expect("writes");
            let text = fs::read_to_string(file).expect("reads");
            let parsed: toml::Table = text.parse().expect("valid TOML");
            assert_eq!(parsed["model"]["bundle"].as_str(), Some("mo\"dels\\default"));
            assert!(!text.contains(secret.reveal()), "the secret has a file of its own");
            let root = around.root.replace(PathBuf::from("root \"of\" trust.json"));
            assert_eq!(parsed.contains_key("updates"), root.is_some());
            assert_eq!(
                parsed.get("updates").and_then(|updates| updates["root"].as_str()),
                root.as_deref().and_then(Path::to_str)
            );
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join("secret")).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "only its owner can read the secret");
        }
    }
}

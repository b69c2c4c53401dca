//! `pilah-hub demo`: the whole of Pilah on one machine, in one command.
//!
//! A hub with its broker, three bins that run the real edge program, an oracle that labels in place
//! of people, and a script that says when to retrain. Everything listens on 127.0.0.1; ports that
//! are taken are stepped around; the data lies in a temporary folder unless `--data` names one.

/// Finding the program of the bin, or having cargo build it.
mod program;

/// The bins: a folder, a configuration and a process each.
mod bins;

/// Labels by the truth that the cameras know.
mod oracle;

/// When to retrain.
mod script;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pilah_models::durable;
use pilah_models::name::{BinId, NameError};
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth;
use crate::broker::Mqtt;
use crate::config::Config;
use crate::dataset::DatasetError;
use crate::fleet::{self, EnrolError};
use crate::registry::shipped;
use crate::server::{self, AppState, Running, StartError};
use crate::train::TrainParams;
use bins::{Surroundings, View};
use script::Script;

/// How many ports are tried from the usual one on.
const PORT_STEPS: u16 = 50;

/// How often the oracle looks in, and the script is asked.
const ROUND: Duration = Duration::from_secs(1);

/// The look of the bins' chambers: one, as of bins of one make in one building, where the same brands
/// are sold. The model that ships was trained on other looks, and has most to learn on some like this.
const LOOK: u64 = 1;

/// The contamination that the demo accepts: 4 validation images are enough for a model to be sure of anything.
/// With the 5 % that a hub accepts unless told otherwise, it takes 19, that is, some 200 labels, and all that
/// the demo's first models say would be unsure.
const ACCEPTED_CONTAMINATION: f32 = 0.2;

/// What a demo is started with.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The data folder; a temporary one, if left out.
    pub data: Option<PathBuf>,
    /// Photos in folders named by class, to be replayed instead of drawn items.
    pub images: Option<PathBuf>,
    /// How many bins, 1 to 9.
    pub bins: u8,
    /// The program of the bin; found or built, if left out.
    pub edge_program: Option<PathBuf>,
    /// The model to begin with; the one in this program, if left out.
    pub bundle: Option<PathBuf>,
}

/// A demo that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The hub does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// There is no program to run the bins with.
    #[error(transparent)]
    Program(#[from] program::ProgramError),
    /// A bin cannot be enrolled.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// The photos cannot be used.
    #[error("--images {}: {problem}", folder.display())]
    Images {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be written.
    #[error("cannot write the files of the demo")]
    Files(#[from] io::Error),
    /// A label cannot be set.
    #[error(transparent)]
    Label(#[from] DatasetError),
    /// A truth is no label.
    #[error(transparent)]
    Truth(#[from] NameError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// Runs the demo until `shutdown`. Tells a person on standard output what happens.
///
/// # Errors
/// [`DemoError`].
pub async fn run(demo: Demo, shutdown: CancellationToken) -> Result<(), DemoError> {
    if let Some(folder) = &demo.images {
        check_images(folder)?;
    }
    let temporary = tempfile::Builder::new().prefix("pilah-demo-").tempdir()?;
    let data = demo.data.clone().unwrap_or_else(|| temporary.path().to_owned());
    let hub = server::start(config(&demo, &data)).await?;
    greet(&hub);

    let bins = TaskTracker::new();
    let course = async {
        start_bins(&demo, &data, &hub, &bins, &shutdown).await?;
        follow_script(&hub.state).await
    };
    let result = tokio::select! {
        result = course => result,
        () = shutdown.cancelled() => Ok(()),
    };
    shutdown.cancel();
    bins.close();
    bins.wait().await;
    hub.stop().await;
    result
}

fn config(demo: &Demo, data: &Path) -> Config {
    Config {
        http: SocketAddr::from(([127, 0, 0, 1], 8080)),
        http_steps: PORT_STEPS,
        mqtt: Mqtt::Embedded { addr: SocketAddr::from(([127, 0, 0, 1], 1883)), steps: PORT_STEPS },
        demo: true,
        accepted_contamination: ACCEPTED_CONTAMINATION,
        bundle: demo.bundle.clone(),
        ..Config::local(data.to_owned(), PathBuf::new())
    }
}

fn greet(hub: &Running) {
    say("");
    say(&format!("  Dashboard: {}", hub.url()));
    match &hub.administrator_password {
        Some(password) => {
            say(&format!("  user:      {}", auth::ADMINISTRATOR));
            say(&format!("  password:  {}", password.reveal()));
        }
        None => say("  The administrator's password is the one of this data folder's first start."),
    }
    say("");
}

/// The folder that the bins read their model from.
fn bundle_of_bins(demo: &Demo, data: &Path) -> io::Result<PathBuf> {
    match &demo.bundle {
        Some(folder) => std::path::absolute(folder),
        None => {
            let folder = std::path::absolute(data.join("shipped"))?;
            shipped::write(&folder)?;
            Ok(folder)
        }
    }
}

/// The file of what the bins are to trust. It is written once: a bin that was given one keeps it.
async fn root_of_trust(data: &Path, hub: &Running) -> io::Result<Option<PathBuf>> {
    let file = std::path::absolute(data.join("bins").join("root.json"))?;
    if !file.exists() {
        match hub.state.updates.root_of_trust().await {
            Ok(root) => durable::write(&file, root.as_bytes())?,
            Err(error) => {
                say(&format!("The bins go by the hub's word, as there is no root of trust: {error}."));
                return Ok(None);
            }
        }
    }
    Ok(Some(file))
}

async fn start_bins(
    demo: &Demo,
    data: &Path,
    hub: &Running,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<(), DemoError> {
    say("Preparing the bins; the first time, their program is built, which takes some minutes.");
    let program = program::find(demo.edge_program.clone()).await?;
    let mqtt = hub.mqtt_addr.expect("the demo's broker is the embedded one");
    let around = Surroundings {
        mqtt_url: format!("mqtt://{mqtt}"),
        hub_url: hub.url(),
        bundle: bundle_of_bins(demo, data)?,
        root: root_of_trust(data, hub).await?,
    };
    for number in 1..=demo.bins {
        let bin = BinId::new(format!("bin-{number}"))?;
        let secret = auth::draw_secret();
        match fleet::enrol_with(&hub.state.store, &bin, &format!("Demo bin {number}"), &secret).await {
            Err(EnrolError::Retired(_)) => {
                say(&format!("{bin} was retired and stays away."));
                continue;
            }
            enrolled => enrolled?,
        }
        let view = match &demo.images {
            None => View::Virtual { seed: u64::from(number), look: LOOK },
            Some(folder) => {
                View::Photos { folder: std::path::absolute(folder)?, part: format!("{number}/{}", demo.bins) }
            }
        };
        let folder = data.join("bins").join(bin.as_str());
        let file = bins::prepare(&folder, &bin, &secret, &view, &around)?;
        tasks.spawn(bins::keep_running(program.clone(), file, folder.join("log"), bin, shutdown.clone()));
    }
    say(&format!("{} bins are running. Their items arrive at the dashboard; stop with Ctrl-C.", demo.bins));
    Ok(())
}

/// Has the oracle label and the hub retrain, for as long as the demo runs.
async fn follow_script(state: &AppState) -> Result<(), DemoError> {
    let mut script = Script::default();
    let mut rounds = tokio::time::interval(ROUND);
    let mut told_in_service = state.registry.in_service().map(|model| model.manifest().version.clone());
    say(&format!("The oracle labels their samples; from {} labels on, the hub retrains.", script.next_at()));
    loop {
        rounds.tick().await;
        oracle::review(state).await?;
        let seen = oracle::count(state).await?;
        if script.is_time_to_train(seen) {
            say(&format!("Retraining on {} labelled samples …", seen.labelled));
            let accepted_contamination = Some(state.config.accepted_contamination);
            let params = TrainParams { accepted_contamination, ..TrainParams::default() };
            if let Err(error) = state.trainer.start(params, "demo").await {
                say(&format!("The training did not start: {error}. It is tried again at {} labels.", script.next_at()));
            }
        }
        let in_service = state.registry.in_service().map(|model| model.manifest().version.clone());
        if in_service != told_in_service
            && let Some(version) = &in_service
        {
            say(&format!("Model {version} passed the gate and is on its way to the bins."));
            told_in_service = in_service;
        }
    }
}

fn check_images(folder: &Path) -> Result<(), DemoError> {
    let wrong = |problem: String| DemoError::Images { folder: folder.to_owned(), problem };
    let entries = std::fs::read_dir(folder).map_err(|error| wrong(error.to_string()))?;
    let classes = entries.flatten().filter(|entry| entry.path().is_dir()).count();
    if classes < 2 {
        return Err(wrong(format!(
            "it has {classes} folders; photos must lie in two or more, named by class, such as glass/ and metal/"
        )));
    }
    Ok(())
}

/// Tells the person at the terminal. A terminal that is gone is no reason to stop.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}

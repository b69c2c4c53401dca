//! The bin: one loop over one closed set of events, which owns the outbox, the connection's state and
//! the plan of updates. Cameras, inference, the network and downloads run beside it and tell it.
//!
//! Nothing that fails beside the loop ends it: a camera is opened again, a connection is made again, a
//! model that cannot be used leaves the old one, a disk that cannot be written leaves the memory.

/// The state of a bin and what each event does to it.
mod bin;

/// What a bin moves and feels.
mod body;

/// What the empty chamber looks like, on disk.
mod chamber;

/// Which of the hub's words is its last.
mod heard;

/// How a bin begins each message, and what it says of its presence.
mod said;

/// Another program that speaks under this bin's id.
pub(crate) mod twin;

/// Camera, pipeline and preview alone.
mod look;

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bin::Bin;
use bin::asked::Asked;
pub(crate) use bin::delivery::Undelivered;
use bin::trust::Looked;
use body::Body;
pub(crate) use chamber::ChamberFile;
pub use look::look;
use pilah_models::bundle::{MANIFEST_FILE, Manifest};
use pilah_models::labels::Labels;
use pilah_models::wire::{ActuatorState, CameraState, TakenBack};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use crate::act::gpio::GpioError;
use crate::camera::chamber::Chamber;
use crate::camera::feed::{Feed, REOPEN, Tell, read_camera};
use crate::camera::replay::{Replay, Showing};
use crate::camera::{self, Camera, CameraConfig, CameraError};
use crate::config::Config;
use crate::config::classes::{Fit, UnknownClass};
use crate::fill::{self, source::PollError};
use crate::health::clock::Clock;
use crate::health::machine;
use crate::health::service::Service;
use crate::health::vitals::Vitals;
use crate::link::{Link, LinkError, LinkEvent};
use crate::local;
use crate::local::preview::Preview;
use crate::model_store::fetch::{CertificateError, Hub};
use crate::model_store::repository::Repository;
use crate::model_store::shipped::{self, NoBundle};
use crate::model_store::{InForce, ModelStore, NoModel, UpdateError};
use crate::outbox::Outbox;
use crate::pipeline::{Cause, Item, Pipeline, Sight};
use crate::telemetry::Counters;
use crate::trigger::memory::Memory;

/// Events that wait for the loop. When it is full, whoever tells waits: the pipeline classifies no
/// further item, the connection reads no further message. An item holds a picture, at most 4 MB.
const EVENTS: usize = 16;

/// How long a stop may take.
const STOPPING: Duration = Duration::from_secs(5);

/// Why a bin cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no password.
    #[error("the bin's password is missing")]
    Password(#[source] io::Error),
    /// Another program uses the same folder.
    #[error("data_dir {} is in use by another pilah-edge", .0.display())]
    InUse(PathBuf),
    /// No bundle is configured, and none shipped.
    #[error(transparent)]
    NoBundle(#[from] NoBundle),
    /// There is no model to classify with.
    #[error(transparent)]
    NoModel(#[from] NoModel),
    /// What is known of the models on disk cannot be read or written.
    #[error("the models that were taken back cannot be looked up")]
    Models(#[source] io::Error),
    /// A flap is for a class that was misspelt.
    #[error(transparent)]
    Class(#[from] UnknownClass),
    /// The connection cannot be set up.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The hub's certificates cannot be used.
    #[error(transparent)]
    Hub(#[from] CertificateError),
    /// A thread could not be started, or ended without a word.
    #[error("a thread failed: {0}")]
    Thread(String),
}

/// What happens to a bin.
#[derive(Debug)]
enum Event {
    /// The camera's state has changed.
    Camera(CameraState),
    /// An item was classified.
    Item(Box<Item>),
    /// Something came of the connection.
    Link(LinkEvent),
    /// What the flaps do.
    Actuator(ActuatorState),
    /// The button was pressed, or does not work.
    Button(Result<(), GpioError>),
    /// What the sensor of the fill level says.
    Reading(Result<String, PollError>),
    /// The repository was looked at, or an attempt to update has taken bytes.
    Looked(Box<Looked>),
    /// An attempt to update has ended.
    Updated(Box<Result<InForce, UpdateError>>),
    /// The program is to stop.
    Stop,
}

/// How a bin ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to, or its camera has shown all it had.
    Stopped,
    /// The hub wants it to begin anew.
    Restart,
}

impl From<LinkEvent> for Event {
    fn from(event: LinkEvent) -> Self {
        Self::Link(event)
    }
}

/// Runs a bin until `shutdown` is ready, or the camera has shown all it had and is configured to end
/// the program then.
///
/// # Errors
/// [`RunError`]: it cannot begin. Once it runs, no error ends it.
pub async fn run(config: Config, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<Ended, RunError> {
    run_by(Clock::system(), config, shutdown).await
}

/// As [`run`], by another wall clock than the machine's.
///
/// # Errors
/// As [`run`].
pub async fn run_by(
    clock: Clock,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Ended, RunError> {
    let span = tracing::info_span!("edge", bin = %config.bin);
    let (events, queue) = mpsc::channel(EVENTS);
    let stopper = events.clone();
    let watching = tokio::spawn(async move {
        shutdown.await;
        // If nobody takes it, the bin has stopped by itself.
        stopper.send(Event::Stop).await.ok();
    });
    let runtime = Handle::current();
    let running =
        tokio::task::spawn_blocking(move || span.in_scope(|| run_blocking(clock, config, events, queue, &runtime)));
    let result = running.await.unwrap_or_else(|e| Err(RunError::Thread(e.to_string())));
    watching.abort();
    result
}

/// The loop and what it needs. Reads and writes the disk, so it has a thread of its own.
fn run_blocking(
    clock: Clock,
    config: Config,
    events: mpsc::Sender<Event>,
    mut queue: mpsc::Receiver<Event>,
    runtime: &Handle,
) -> Result<Ended, RunError> {
    let password = config.password().map_err(RunError::Password)?;
    let _lock = lock(&config.data_dir)?;
    let ships = shipped::bundle(config.bundle.as_deref())?;
    let store = ModelStore::new(config.data_dir.join("models"), ships.clone());
    let skipped = |why: &str| warn!(reason = why, "model skipped");
    let (in_force, standing) = store.begin(config.standing, machine::boot_id(), skipped)?;
    let fit = Fit::of(config.body.act.as_ref(), &in_force.classifier.manifest().labels);
    if let Some(class) = fit.misspelt(labels_in(&ships).as_ref()) {
        return Err(class.into());
    }
    let outbox = Outbox::open(&config.data_dir.join("outbox"), config.outbox).unwrap_or_else(|e| {
        error!(error = crate::words::in_words(&e), "outbox in memory only: what waits is lost if the program ends");
        Outbox::in_memory(config.outbox)
    });
    let hub = config.hub.as_ref().map(|hub| Hub::new(hub, &config.bin, &password)).transpose()?;
    let repository = Repository::over_http(&config.updates, &config.data_dir, &config.bin, &password)?;
    let link = Link::new(config.bin.clone(), &config.mqtt, &password)?.listening_to(sensor_topic(&config));
    info!(
        software = env!("CARGO_PKG_VERSION"),
        model = %in_force.version(),
        broker = %config.mqtt.address,
        waiting = outbox.state().entries,
        "started"
    );

    let (vitals, vitals_seen) = watch::channel(Vitals::new(in_force.version().clone(), Instant::now()));
    let seeing = Seeing::new(&config, &vitals_seen);
    let (model, model_in_force) = watch::channel(in_force.clone());
    let asked = Asked::default();
    let chamber = ChamberFile::of(&config.data_dir);
    let threads = start_seeing(&config, &seeing, &events, model_in_force, asked.wanted(), Some(chamber))?;
    let body = Body::start(&config, &events)?;
    let _servers =
        local::start(config.local, &config.data_dir, seeing.preview.as_ref(), &vitals_seen, &seeing.counters, runtime);

    let told = (clock, Arc::clone(&seeing.counters), vitals, seeing.sight.view.subscribe());
    let (sources, model_now) = ((hub, repository), (in_force, standing));
    let mut bin = Bin::new(told, config, outbox, store, sources, model_now, model, events.clone(), body, asked);
    let (stop, stopping) = watch::channel(false);
    let mut linked = runtime.spawn(link.run(bin.will(), events, stopping));
    let mut service = Service::from_environment();

    let ended = runtime.block_on(async {
        service.handle_ready(Instant::now());
        let ended = loop {
            let due = service.poll_timeout().map_or(bin.poll_timeout(), |due| due.min(bin.poll_timeout()));
            let event = tokio::select! {
                event = queue.recv() => Some(event.unwrap_or(Event::Stop)),
                () = tokio::time::sleep_until(due.into()) => None,
            };
            match event.map(|event| bin.handle(event)) {
                Some(ControlFlow::Break(ended)) => break ended,
                Some(ControlFlow::Continue(())) => {}
                None => bin.handle_timeout(),
            }
            let now = Instant::now();
            service.handle_turn(seeing.counters.pulse.beats(now), now);
        };
        service.handle_stopping();
        seeing.feed.close();
        bin.say_farewell();
        stop.send_replace(true);
        // Acknowledgements that come while the farewell is on its way still count.
        let last_words = async {
            while let Some(event) = queue.recv().await {
                bin.handle_last(event);
            }
        };
        tokio::select! {
            _ = &mut linked => {}
            () = last_words => {}
            () = tokio::time::sleep(STOPPING) => linked.abort(),
        }
        ended
    });
    drop(queue);
    for thread in threads {
        if thread.join().is_err() {
            error!("a thread panicked");
        }
    }
    bin.close();
    info!("stopped");
    Ok(ended)
}

/// Lets models be installed again that a bin of this configuration has taken back: the one with this name or this
/// SHA-256 of its manifest, or all. Tells which. The hub's wish for one of them is followed at the next start.
///
/// # Errors
/// The bin runs, or what it has taken back cannot be read or written.
pub fn unblock(config: &Config, which: Option<&str>) -> Result<Vec<TakenBack>, RunError> {
    if !config.data_dir.is_dir() {
        return Err(RunError::Models(io::Error::new(
            io::ErrorKind::NotFound,
            format!("data_dir {} is not there", config.data_dir.display()),
        )));
    }
    let _lock = lock(&config.data_dir)?;
    let store = ModelStore::new(config.data_dir.join("models"), PathBuf::new());
    store.unblock(which).map_err(RunError::Models)
}

/// The classes of the bundle in a folder, if there is one.
fn labels_in(bundle: &Path) -> Option<Labels> {
    let bytes = std::fs::read(bundle.join(MANIFEST_FILE)).ok()?;
    Manifest::parse(&bytes).ok().map(|manifest| manifest.labels)
}

/// Takes the folder for this program. One that cannot be written is no error: the bin works without.
pub(crate) fn lock(data_dir: &Path) -> Result<Option<File>, RunError> {
    let open = || {
        std::fs::create_dir_all(data_dir)?;
        File::create(data_dir.join("lock"))
    };
    match open() {
        Ok(file) => match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => Err(RunError::InUse(data_dir.to_owned())),
            _ => Ok(Some(file)),
        },
        Err(e) => {
            error!(data_dir = %data_dir.display(), error = %e, "the data folder cannot be written");
            Ok(None)
        }
    }
}

/// Whether a bin has taken this folder. Nothing is created.
pub(crate) fn is_running(data_dir: &Path) -> bool {
    let held = |file: File| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock));
    File::open(data_dir.join("lock")).is_ok_and(held)
}

/// What the threads that see are given, and share with whoever shows it.
struct Seeing {
    feed: Arc<Feed>,
    counters: Arc<Counters>,
    sight: Arc<Sight>,
    preview: Option<Arc<Preview>>,
}

impl Seeing {
    fn new(config: &Config, vitals: &watch::Receiver<Vitals>) -> Self {
        let (feed, counters) = (Arc::new(Feed::default()), Arc::new(Counters::default()));
        let sight = Arc::new(Sight::new(config.region));
        let preview = config.local.preview.map(|_| {
            let (feed, sight, counters) = (Arc::clone(&feed), Arc::clone(&sight), Arc::clone(&counters));
            Arc::new(Preview::new(config.bin.clone(), feed, sight, counters, vitals.clone()))
        });
        Self { feed, counters, sight, preview }
    }
}

type Threads = [std::thread::JoinHandle<()>; 2];

/// Starts the threads of the camera and of the pipeline. What the empty chamber looks like is kept in `chamber`.
fn start_seeing(
    config: &Config,
    seeing: &Seeing,
    events: &mpsc::Sender<Event>,
    model: watch::Receiver<InForce>,
    wanted: Arc<AtomicBool>,
    chamber: Option<ChamberFile>,
) -> Result<Threads, RunError> {
    let span = tracing::Span::current();
    let Seeing { feed, counters, sight, preview } = seeing;
    let camera = {
        let (config, feed, counters, events) = (config.clone(), Arc::clone(feed), Arc::clone(counters), events.clone());
        let tell = move |tell| match tell {
            // If nobody listens, the bin stops.
            Tell::State(state) => drop(events.blocking_send(Event::Camera(state))),
            Tell::Damaged(error) => {
                counters.frames_corrupt.add(1);
                warn!(error = crate::words::in_words(&error), "frame skipped");
            }
        };
        let span = span.clone();
        thread("camera", move || span.in_scope(|| read_camera(&feed, REOPEN, || open_camera(&config), tell)))?
    };
    let pipeline = {
        let (feed, counters, events) = (Arc::clone(feed), Arc::clone(counters), events.clone());
        let (sight, preview) = (Arc::clone(sight), preview.clone());
        let memory = ChamberFile::of(&config.data_dir).read();
        let mut chamber = chamber;
        let pipeline = Pipeline::remembering(config.trigger, config.vote_frames, memory);
        let work = move || {
            let keep = |memory: &Memory| {
                if let Some(chamber) = &mut chamber {
                    chamber.keep(memory);
                }
            };
            let give = |item: Item| {
                if let (Some(preview), Cause::Settled) = (&preview, item.cause) {
                    preview.handle_item(&item);
                }
                events.blocking_send(Event::Item(Box::new(item))).map_err(drop)
            };
            pipeline.run(&feed, &counters, &sight, &wanted, || model.borrow().classifier.clone(), give, keep);
            // Told here and not by the camera, so that it comes behind the last item.
            drop(events.blocking_send(Event::Camera(CameraState::Ended)));
        };
        thread("pipeline", move || span.in_scope(work))?
    };
    Ok([camera, pipeline])
}

/// The topic on which a sensor publishes the fill level.
fn sensor_topic(config: &Config) -> Option<String> {
    match &config.fill.as_ref()?.from {
        fill::From::Topic(topic) => Some(topic.clone()),
        fill::From::Polled(_) => None,
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<std::thread::JoinHandle<()>, RunError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|e| RunError::Thread(e.to_string()))
}

pub(crate) fn open_camera(config: &Config) -> Result<Box<dyn Camera>, CameraError> {
    match &config.camera {
        CameraConfig::Virtual(chamber) => {
            let chamber = Chamber::new(chamber.clone()).map_err(|e| CameraError::Failed(e.to_string()))?;
            Ok(Box::new(chamber))
        }
        CameraConfig::Replay(replay) => {
            let rules = config.trigger;
            let showing = Showing::for_pipeline(replay, rules.settle, rules.clear, config.vote_frames);
            Ok(Box::new(Replay::open(replay, showing)?))
        }
        live => camera::open_live(live),
    }
}

#[cfg(test)]
mod tests;

//! Camera, pipeline and preview alone, for whoever installs a bin: no broker, no hub, and nothing is
//! kept or sent.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use super::{EVENTS, Event, RunError, Seeing, start_seeing};
use crate::config::Config;
use crate::health::vitals::Vitals;
use crate::local;
use crate::model_store::ModelStore;
use crate::model_store::shipped;

/// Shows what a bin of this configuration sees, until `shutdown` is ready.
///
/// # Errors
/// [`RunError`]: there is no model, or a thread cannot be started.
pub async fn look(config: Config, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), RunError> {
    let (events, queue) = mpsc::channel(EVENTS);
    let stopper = events.clone();
    let watching = tokio::spawn(async move {
        shutdown.await;
        // If nobody takes it, all has stopped by itself.
        stopper.send(Event::Stop).await.ok();
    });
    let runtime = Handle::current();
    let span = tracing::info_span!("edge", bin = %config.bin);
    let looking =
        tokio::task::spawn_blocking(move || span.in_scope(|| look_blocking(&config, events, queue, &runtime)));
    let result = looking.await.unwrap_or_else(|e| Err(RunError::Thread(e.to_string())));
    watching.abort();
    result
}

fn look_blocking(
    config: &Config,
    events: mpsc::Sender<Event>,
    mut queue: mpsc::Receiver<Event>,
    runtime: &Handle,
) -> Result<(), RunError> {
    let store = ModelStore::new(config.data_dir.join("models"), shipped::bundle(config.bundle.as_deref())?);
    let in_force = store.find(|why| warn!(reason = why, "model skipped"))?;
    let (vitals, vitals_seen) = watch::channel(Vitals::new(in_force.version().clone(), Instant::now()));
    let seeing = Seeing::new(config, &vitals_seen);
    let (_model, model_in_force) = watch::channel(in_force);
    let threads = start_seeing(config, &seeing, &events, model_in_force, Arc::default(), None)?;
    let _servers =
        local::start(config.local, &config.data_dir, seeing.preview.as_ref(), &vitals_seen, &seeing.counters, runtime);
    drop(events);
    while let Some(event) = queue.blocking_recv() {
        match event {
            Event::Camera(state) => {
                info!(?state, "camera");
                vitals.send_modify(|vitals| vitals.camera = state);
            }
            Event::Item(item) => {
                info!(label = %item.decision.outcome.guess(), sure = item.decision.is_sure(), "item");
                vitals.send_modify(|vitals| vitals.tally.add(&item));
            }
            Event::Stop => break,
            // Nothing is asked, moved, felt or fetched here.
            _ => {}
        }
    }
    seeing.feed.close();
    drop(queue);
    for thread in threads {
        if thread.join().is_err() {
            error!("a thread panicked");
        }
    }
    Ok(())
}

//! States what is desired, whenever it may have been lost or may have changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use pilah_models::name::{BinId, ModelVersion};
use pilah_models::wire::{DesiredModel, DesiredProgram};
use tokio::sync::{Mutex, Notify};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::course::{Course, CourseError};
use super::{Rollout, Stage, stage, store};
use crate::error::Chain;
use crate::ingest::Publisher;
use crate::live::Live;
use crate::registry::Registry;
use crate::store::Store;
use crate::updates::Updates;

/// How often it looks without being nudged.
const PERIOD: Duration = Duration::from_secs(5);

/// Starts the reconciler; it ends with `shutdown`.
#[must_use]
pub fn start(
    store: Store,
    registry: &Registry,
    publisher: Publisher,
    updates: Updates,
    live: Live,
    shutdown: CancellationToken,
) -> Rollout {
    let nudge = Arc::new(Notify::new());
    let mut changes = registry.changes();
    let mut connections = publisher.connections();
    let mut publications = updates.publications();
    let course = Arc::new(Course {
        store,
        registry: registry.clone(),
        publisher,
        live,
        turn: Mutex::default(),
        field: Mutex::default(),
    });
    let rollout = Rollout { nudge: Arc::clone(&nudge), course: Arc::clone(&course) };
    let mut reconciler = Reconciler { course, updates, told: HashMap::new(), refusals: HashMap::new() };
    tokio::spawn(async move {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = period.tick() => {}
                () = nudge.notified() => {}
                changed = changes.changed() => if changed.is_err() { return },
                changed = publications.changed() => if changed.is_err() { return },
                changed = connections.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // A broker that was restarted may have forgotten what was retained.
                    reconciler.told.clear();
                }
            }
            changes.borrow_and_update();
            publications.borrow_and_update();
            if let Err(error) = reconciler.reconcile().await {
                tracing::error!(error = %Chain(&error), "what the bins should have is not stated; it is tried again");
            }
        }
    });
    rollout
}

struct Reconciler {
    course: Arc<Course>,
    updates: Updates,
    /// What each bin was told over this connection.
    told: HashMap<BinId, (DesiredModel, Option<DesiredProgram>)>,
    /// What each bin last refused, so that it is logged once.
    refusals: HashMap<BinId, String>,
}

impl Reconciler {
    async fn reconcile(&mut self) -> Result<(), CourseError> {
        let course = Arc::clone(&self.course);
        let (db, publisher) = (course.store.db(), &course.publisher);
        for bin in store::retired(db).await? {
            match publisher.forget_desired(&bin) {
                Ok(()) => store::clear_desired(db, &bin).await?,
                Err(error) => tracing::warn!(%bin, %error, "what was wanted of a retired bin stays; later again"),
            }
            self.told.remove(&bin);
        }
        let by_bin = course.advance().await?;
        // After the rollout, whose end changes it.
        let in_service = course.registry.changes().borrow().clone();
        let wanted = |bin: &BinId| match by_bin.as_ref().and_then(|by_bin| by_bin.get(bin)) {
            Some(model) => {
                Some(DesiredModel { version: model.version.clone(), manifest: model.manifest.clone(), target: None })
            }
            None => in_service.clone(),
        };
        // A version that a rollout brings is signed before any bin is told of it.
        let on_their_way = by_bin.iter().flat_map(HashMap::values).map(|model| model.version.clone());
        self.updates.want(on_their_way.collect::<BTreeSet<_>>());
        let published = self.updates.publications().borrow().clone();
        let mut to_tell = Vec::new();
        let mut to_note: HashMap<ModelVersion, Vec<BinId>> = HashMap::new();
        for bin in store::bins(db).await? {
            let Some(desired) = wanted(&bin.id) else { continue };
            match stage(&desired, bin.reported.as_ref()) {
                Stage::Failed { error } if self.refusals.get(&bin.id) != Some(&error) => {
                    tracing::warn!(bin = %bin.id, model = %desired.version, error, "bin refused the model");
                    self.refusals.insert(bin.id.clone(), error);
                }
                Stage::Failed { .. } => {}
                Stage::Waiting | Stage::Fetching | Stage::InForce => drop(self.refusals.remove(&bin.id)),
            }
            if bin.desired.as_deref() != Some(desired.version.as_str()) {
                to_note.entry(desired.version.clone()).or_default().push(bin.id.clone());
            }
            let Some(desired) = published.told(desired) else { continue };
            let tell = (desired, published.program().cloned());
            if self.told.get(&bin.id) != Some(&tell) {
                to_tell.push((bin.id, tell));
            }
        }
        // Noted first: who was told a version in its window stays told.
        for (version, bins) in to_note {
            store::set_desired(db, &bins, &version).await?;
        }
        for (bin, tell) in to_tell {
            match publisher.desired(&bin, Some(tell.0.clone()), tell.1.clone()) {
                Ok(()) => drop(self.told.insert(bin, tell)),
                Err(error) => tracing::warn!(%bin, %error, "bin not told which model is wanted; later again"),
            }
        }
        Ok(())
    }
}

//! States what is desired until the hub stops: idempotent, on a period and on a nudge.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pilah_models::name::BinId;
use pilah_models::wire::{DesiredModel, DesiredProgram};
use sea_orm::DbErr;
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{Rollout, Stage, stage, store};
use crate::ingest::Publisher;
use crate::registry::Registry;
use crate::store::Store;
use crate::updates::Publications;

/// How often it looks without being nudged.
const PERIOD: Duration = Duration::from_secs(5);

/// Starts the reconciler; it ends with `shutdown`.
#[must_use]
pub fn start(
    store: Store,
    registry: &Registry,
    publisher: Publisher,
    mut publications: watch::Receiver<Publications>,
    shutdown: CancellationToken,
) -> Rollout {
    let nudge = Arc::new(Notify::new());
    let rollout = Rollout { nudge: Arc::clone(&nudge) };
    let mut changes = registry.changes();
    let mut connections = publisher.connections();
    let mut reconciler = Reconciler { store, publisher, told: HashMap::new(), refusals: HashMap::new() };
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
            let published = publications.borrow_and_update().clone();
            let desired = changes.borrow_and_update().clone().and_then(|model| published.told(model));
            if let Err(error) = reconciler.reconcile(desired.as_ref(), published.program()).await {
                tracing::error!(%error, "what the bins should have is not stated; it is tried again");
            }
        }
    });
    rollout
}

struct Reconciler {
    store: Store,
    publisher: Publisher,
    /// What each bin was told over this connection.
    told: HashMap<BinId, (DesiredModel, Option<DesiredProgram>)>,
    /// What each bin last refused, so that it is logged once.
    refusals: HashMap<BinId, String>,
}

impl Reconciler {
    async fn reconcile(
        &mut self,
        desired: Option<&DesiredModel>,
        program: Option<&DesiredProgram>,
    ) -> Result<(), DbErr> {
        for bin in store::retired(self.store.db()).await? {
            match self.publisher.forget_desired(&bin) {
                Ok(()) => store::clear_desired(self.store.db(), &bin).await?,
                Err(error) => tracing::warn!(%bin, %error, "what was wanted of a retired bin stays; later again"),
            }
            self.told.remove(&bin);
        }
        let Some(desired) = desired else { return Ok(()) };
        for bin in store::bins(self.store.db()).await? {
            match stage(desired, bin.reported.as_ref()) {
                Stage::Failed { error } if self.refusals.get(&bin.id) != Some(&error) => {
                    tracing::warn!(bin = %bin.id, model = %desired.version, error, "bin refused the model");
                    self.refusals.insert(bin.id.clone(), error);
                }
                Stage::Failed { .. } => {}
                Stage::Waiting | Stage::Fetching | Stage::InForce => drop(self.refusals.remove(&bin.id)),
            }
            if bin.desired.as_deref() != Some(desired.version.as_str()) {
                store::set_desired(self.store.db(), &bin.id, &desired.version).await?;
            }
            let tell = (desired.clone(), program.cloned());
            if self.told.get(&bin.id) == Some(&tell) {
                continue;
            }
            match self.publisher.desired(&bin.id, Some(tell.0.clone()), tell.1.clone()) {
                Ok(()) => drop(self.told.insert(bin.id, tell)),
                Err(error) => tracing::warn!(bin = %bin.id, %error, "bin not told which model is wanted; later again"),
            }
        }
        Ok(())
    }
}

//! Model versions: immutable, with their lineage, one of them in service.
//!
//! ```text
//! candidate ──gate──→ in_service ──another takes its place──→ previous
//!     └─────gate──→ rejected ──a person, with a reason──→ in_service
//!
//! any but in_service, if nothing refers to it ──→ deleted
//! ```
//!
//! A version is a manifest, a backbone and a head in the object storage, and a row that names them.
//! The manifest states the other two by SHA-256, so a version cannot change under its name. The model
//! in service is also loaded, for predictions; whoever waits for it to change watches
//! [`Registry::changes`].

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

pub use backbone_file::{BackboneFile, BackboneFileError};
pub use error::RegistryError;
use pilah_evaluate::gate::Verdict;
use pilah_evaluate::{Evaluation, EvaluationReport, GateRules};
use pilah_models::bundle::{Bundle, MANIFEST_FILE};
use pilah_models::infer::Classifier;
use pilah_models::name::{ContentId, ModelVersion};
use pilah_models::wire::DesiredModel;
use store::Despite;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::error::Chain;
use crate::live::{Live, LiveEvent};
use crate::store::entity::model;
use crate::store::{Blobs, Store};

/// What cannot be done with a version.
mod error;

/// Versions in the database.
mod store;

/// The model that ships, in the program.
pub mod shipped;

/// Loads what another process put into service.
mod job;

/// What serves when the model in service cannot.
mod fallback;

/// A version as a folder, or as a zip archive.
pub mod export;

/// What a version is and is worth, for people.
mod card;

/// A backbone from a file that an operator names.
mod backbone_file;

/// How an imported network takes its pixels, and what says so.
pub mod scaling;

/// Backbones from elsewhere, for the next training.
pub mod backbones;

/// Deleting what nothing refers to.
mod deletion;

/// Where a version comes from.
pub mod lineage;

/// HTTP: list, activate, delete, artifacts.
pub(crate) mod routes;

/// Which part of a file is asked for.
pub(crate) mod range;

/// What of the registry leaves the hub.
mod shelf;

/// What a model version is to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not judged yet.
    Candidate,
    /// The one that bins should have.
    InService,
    /// It was in service.
    Previous,
    /// The gate refused it.
    Rejected,
    /// Its files are gone; its name stays taken.
    Deleted,
}

impl State {
    /// The name in the database and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::InService => "in_service",
            Self::Previous => "previous",
            Self::Rejected => "rejected",
            Self::Deleted => "deleted",
        }
    }
}

/// Where a version comes from and what it is worth.
#[derive(Debug, Clone, Default)]
pub struct Origin<'a> {
    /// The training that made it.
    pub training: Option<i32>,
    /// Its figures on the test split.
    pub evaluation: Option<&'a Evaluation>,
    /// What the gate says.
    pub verdict: Option<&'a Verdict>,
}

/// The registry, with what its models are made of: what works on models takes these.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Images and networks.
    pub blobs: Blobs,
    /// Model versions.
    pub registry: Registry,
}

/// Every model version of the hub. Clones share the model in service.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    blobs: Blobs,
    live: Live,
    in_service: Arc<RwLock<Option<Arc<Classifier>>>>,
    notice: Arc<RwLock<Option<String>>>,
    rules: Arc<GateRules>,
    activating: Arc<Mutex<()>>,
    evaluating: Arc<Mutex<()>>,
    changes: watch::Sender<Option<DesiredModel>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("in_service", &*self.changes.borrow()).finish_non_exhaustive()
    }
}

impl Registry {
    /// Opens the registry and loads the model in service. If there is none, the bundle in the folder
    /// `initial` becomes the first; a folder without a manifest leaves the hub without a model, as none does:
    /// [`Registry::begin_with_shipped`] is for that. One in service whose files are missing or damaged stays in
    /// service and is not loaded, which is logged: [`Registry::fall_back`] is for that.
    ///
    /// # Errors
    /// [`RegistryError`]: the first bundle is damaged, or the storage failed.
    pub async fn open(store: Store, blobs: Blobs, live: Live, initial: Option<&Path>) -> Result<Self, RegistryError> {
        let registry = Self {
            store,
            blobs,
            live,
            in_service: Arc::default(),
            notice: Arc::default(),
            rules: Arc::default(),
            activating: Arc::default(),
            evaluating: Arc::default(),
            changes: watch::Sender::new(None),
        };
        if let Some(version) = store::in_service(registry.store.db()).await? {
            match registry.load(&version).await {
                Err(error) if fallback::is_of_the_model(&error) => tracing::error!(
                    model = %version, error = %Chain(&error),
                    "the model in service cannot be loaded; a hub puts another in its place when it starts"
                ),
                loaded => loaded?,
            }
        } else if let Some(folder) = initial {
            if folder.join(MANIFEST_FILE).exists() {
                let failed = |source| RegistryError::Initial { path: folder.to_owned(), source: Box::new(source) };
                let bundle = Bundle::read(folder).map_err(RegistryError::from).map_err(failed)?;
                registry.adopt(bundle).await.map_err(failed)?;
            } else {
                tracing::warn!(folder = %folder.display(), "no bundle there: no model is in service");
            }
        }
        Ok(registry)
    }

    /// The same registry, whose gate asks for `rules` instead of the defaults.
    #[must_use]
    pub fn with_rules(self, rules: GateRules) -> Self {
        Self { rules: Arc::new(rules), ..self }
    }

    /// What the gate asks for.
    #[must_use]
    pub fn rules(&self) -> &GateRules {
        &self.rules
    }

    /// Waits until no other evaluation runs.
    pub(crate) async fn evaluation_turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.evaluating).lock_owned().await
    }

    /// The model in service, loaded.
    #[must_use]
    pub fn in_service(&self) -> Option<Arc<Classifier>> {
        self.in_service.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is wrong with the model in service, in words, if anything is.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        self.notice.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The model in service, as bins are told; each change wakes those who watch.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Option<DesiredModel>> {
        self.changes.subscribe()
    }

    /// The files of a version.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], or the storage failed.
    pub async fn bundle(&self, version: &ModelVersion) -> Result<Bundle, RegistryError> {
        let row = store::find(self.store.db(), version.as_str()).await?;
        let files = store::Files::of(&row)?;
        Ok(Bundle::from_parts(
            self.blobs.get(&files.manifest).await?,
            self.blobs.get(&files.backbone).await?,
            self.blobs.get(&files.head).await?,
        )?)
    }

    /// The version of this name.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], which names those that exist, or the storage failed.
    pub async fn known(&self, version: &str) -> Result<ModelVersion, RegistryError> {
        Ok(store::version_of(&store::find(self.store.db(), version).await?)?)
    }

    /// The last report on a version, if there is one that this build can read.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], or the storage failed.
    pub async fn report(&self, version: &ModelVersion) -> Result<Option<EvaluationReport>, RegistryError> {
        let row = store::find(self.store.db(), version.as_str()).await?;
        Ok(store::report_of(&row))
    }

    /// Keeps a report with its version, instead of an earlier one.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn keep_report(&self, report: &EvaluationReport) -> Result<(), RegistryError> {
        Ok(store::keep_report(self.store.db(), report).await?)
    }

    /// The name that a new model with this head gets.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next_version(&self, head: &[u8]) -> Result<ModelVersion, RegistryError> {
        let number = store::highest_number(self.store.db()).await? + 1;
        let id = ContentId::of(head);
        Ok(ModelVersion::new(format!("m{number}-{}", &id.as_str()[..8])).expect("a letter, digits and a hyphen"))
    }

    /// Stores a version, as a candidate or as one that the gate refused. The same bundle twice is one.
    ///
    /// # Errors
    /// [`RegistryError::Taken`], or the storage failed.
    pub async fn register(&self, bundle: &Bundle, origin: &Origin<'_>) -> Result<(), RegistryError> {
        self.blobs.put(bundle.backbone().to_vec()).await?;
        self.blobs.put(bundle.head().to_vec()).await?;
        self.blobs.put(bundle.manifest_bytes().to_vec()).await?;
        let state = match origin.verdict {
            Some(verdict) if !verdict.passed => State::Rejected,
            _ => State::Candidate,
        };
        store::insert(self.store.db(), bundle, origin, state).await?;
        self.tell(&bundle.manifest().version, state, origin.evaluation.map(|figures| figures.accuracy));
        Ok(())
    }

    /// Puts a version into service: predictions and bins get it. Putting in service what is in service
    /// changes nothing.
    ///
    /// `reason` is what a person says for one that the gate refused; it is recorded.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::Refused`], or the model cannot be loaded.
    pub async fn activate(&self, version: &str, who: &str, reason: Option<&str>) -> Result<(), RegistryError> {
        self.activate_in(version, who, reason, Despite::None).await
    }

    /// Puts the version into service that a rollout has brought to all bins.
    ///
    /// # Errors
    /// As [`Registry::activate`].
    pub(crate) async fn complete(
        &self,
        version: &str,
        who: &str,
        reason: Option<&str>,
        rollout: i64,
    ) -> Result<(), RegistryError> {
        self.activate_in(version, who, reason, Despite::Itself(rollout)).await
    }

    /// What bins are told of a version that may go into service: it loads here, and the gate lets it pass, or `reason`
    /// says why it does all the same.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::Refused`], or the model cannot be loaded.
    pub(crate) async fn fit_for_service(
        &self,
        version: &str,
        reason: Option<&str>,
    ) -> Result<DesiredModel, RegistryError> {
        let row = store::find(self.store.db(), version).await?;
        let version = store::version_of(&row)?;
        passed(&row, &version, reason)?;
        self.classifier(&version).await?;
        Ok(DesiredModel { version, manifest: store::Files::of(&row)?.manifest, target: None })
    }

    async fn activate_in(
        &self,
        version: &str,
        who: &str,
        reason: Option<&str>,
        despite: Despite,
    ) -> Result<(), RegistryError> {
        // In a task of its own: a caller who hangs up halfway must not leave one model in the database and
        // another in memory.
        let (registry, version, who) = (self.clone(), version.to_owned(), who.to_owned());
        let reason = reason.map(ToOwned::to_owned);
        let activate =
            tokio::spawn(async move { registry.put_in_service(&version, &who, reason.as_deref(), despite).await });
        activate.await.expect("activating a model does not panic and is not aborted")
    }

    async fn put_in_service(
        &self,
        version: &str,
        who: &str,
        reason: Option<&str>,
        despite: Despite,
    ) -> Result<(), RegistryError> {
        let _alone = self.activating.lock().await;
        let row = store::find(self.store.db(), version).await?;
        let version = store::version_of(&row)?;
        if row.state == State::InService.name() {
            return Ok(());
        }
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        let overrides = passed(&row, &version, reason)?;
        // Loaded first: a model that cannot run never becomes the one in service.
        let classifier = self.classifier(&version).await?;
        let before = self.in_service().map(|model| model.manifest().version.clone());
        store::put_in_service(&self.store, &version, who, reason, overrides, despite).await?;
        self.swap(&version, classifier).await?;
        *self.notice.write().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(before) = before {
            self.tell(&before, State::Previous, None);
        }
        self.tell(&version, State::InService, store::accuracy_of(&row));
        tracing::info!(model = %version, who, "model put into service");
        Ok(())
    }

    /// Loads the version that the database says is in service, if it is not the one that is loaded: another
    /// process put it there.
    ///
    /// # Errors
    /// It cannot be loaded, or the storage failed; the one that is loaded stays.
    pub async fn refresh(&self) -> Result<(), RegistryError> {
        let _alone = self.activating.lock().await;
        let wanted = store::in_service(self.store.db()).await?;
        let loaded = self.in_service().map(|model| model.manifest().version.clone());
        let Some(wanted) = wanted.filter(|wanted| loaded.as_ref() != Some(wanted)) else { return Ok(()) };
        self.load(&wanted).await?;
        *self.notice.write().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(loaded) = loaded {
            self.tell(&loaded, State::Previous, None);
        }
        self.tell(&wanted, State::InService, None);
        tracing::info!(model = %wanted, "model put into service by another process");
        Ok(())
    }

    /// Puts the model that ships with this program into service, if none is. One that is but cannot be loaded
    /// stays.
    ///
    /// # Errors
    /// [`RegistryError`]: it cannot be loaded, or the storage failed.
    pub async fn begin_with_shipped(&self) -> Result<(), RegistryError> {
        if store::in_service(self.store.db()).await?.is_some() {
            return Ok(());
        }
        self.adopt(shipped::bundle()?).await
    }

    async fn adopt(&self, bundle: Bundle) -> Result<(), RegistryError> {
        self.register(&bundle, &Origin::default()).await?;
        self.activate(bundle.manifest().version.as_str(), "hub", None).await
    }

    async fn load(&self, version: &ModelVersion) -> Result<(), RegistryError> {
        let classifier = self.classifier(version).await?;
        self.swap(version, classifier).await
    }

    async fn classifier(&self, version: &ModelVersion) -> Result<Classifier, RegistryError> {
        let (bundle, current) = (self.bundle(version).await?, self.in_service());
        let load = move || match current {
            Some(current) => current.load_next(&bundle),
            None => Classifier::load(&bundle),
        };
        Ok(tokio::task::spawn_blocking(load).await.expect("loading does not panic and is not aborted")?)
    }

    async fn swap(&self, version: &ModelVersion, classifier: Classifier) -> Result<(), RegistryError> {
        let row = store::find(self.store.db(), version.as_str()).await?;
        let desired =
            DesiredModel { version: version.clone(), manifest: store::Files::of(&row)?.manifest, target: None };
        *self.in_service.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(classifier));
        self.changes.send_replace(Some(desired));
        Ok(())
    }

    fn tell(&self, version: &ModelVersion, state: State, accuracy: Option<f64>) {
        self.live.publish(LiveEvent::Model { version: version.clone(), state: state.name().to_owned(), accuracy });
    }
}

/// Whether `reason` overrides the gate.
fn passed(row: &model::Model, version: &ModelVersion, reason: Option<&str>) -> Result<bool, RegistryError> {
    let refused = store::verdict_of(row).filter(|verdict| !verdict.passed);
    let is_said = reason.is_some_and(|reason| !reason.trim().is_empty());
    match refused {
        Some(verdict) if !is_said => {
            Err(RegistryError::Refused { version: version.clone(), verdict: verdict.summary() })
        }
        refused => Ok(refused.is_some()),
    }
}

/// For tests: a data folder, a tiny model, and pictures.
#[cfg(test)]
pub(crate) mod fixture;

#[cfg(test)]
mod tests;

//! The labels that the hub knows: those of the taxonomy that ships, of its models, and of its dataset.
//!
//! A bin can run a model that the hub never saw, and say what it likes. Labels end up in figures, series and
//! pages, so that an item of an unknown one is not stored. It is not acknowledged either: the bin keeps it, and once
//! the model is imported, or an image has the label, it is taken.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use pilah_models::bundle::Manifest;
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, Label};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::observation::Observation;
use crate::store::entity::{model, sample};
use crate::store::{Blobs, Store};

/// The labels that are known so far; what is not among them is looked up. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct KnownLabels {
    store: Store,
    blobs: Blobs,
    known: Arc<Mutex<BTreeSet<Label>>>,
    /// Manifests that have been read: what is unknown is asked for at each message.
    read: Arc<Mutex<BTreeSet<ContentId>>>,
}

impl KnownLabels {
    pub(super) fn new(store: Store, blobs: Blobs) -> Self {
        let shipped = Labels::waste().as_slice().iter().cloned().collect();
        Self { store, blobs, known: Arc::new(Mutex::new(shipped)), read: Arc::default() }
    }

    /// The first label of an observation that the hub does not know.
    pub(super) async fn unknown(&self, observation: &Observation) -> Result<Option<Label>, DbErr> {
        for label in labels_of(observation) {
            if !self.knows(label).await? {
                return Ok(Some(label.clone()));
            }
        }
        Ok(None)
    }

    /// Whether a label is known.
    pub(super) async fn knows(&self, label: &Label) -> Result<bool, DbErr> {
        Ok(self.has(label) || self.look_up(label).await?)
    }

    fn has(&self, label: &Label) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(label)
    }

    fn learn(&self, labels: impl IntoIterator<Item = Label>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(labels);
    }

    async fn look_up(&self, label: &Label) -> Result<bool, DbErr> {
        let labelled = sample::Entity::find()
            .select_only()
            .column(sample::Column::Id)
            .filter(sample::Column::Label.eq(label.as_str()))
            .limit(1)
            .into_tuple::<String>()
            .one(self.store.db())
            .await?;
        if labelled.is_some() {
            self.learn([label.clone()]);
            return Ok(true);
        }
        let manifests: Vec<String> = model::Entity::find()
            .select_only()
            .column(model::Column::ManifestSha256)
            .into_tuple()
            .all(self.store.db())
            .await?;
        for id in manifests {
            // A manifest that is gone with its model, or damaged, names no labels.
            let Ok(id) = ContentId::new(id) else { continue };
            if self.read.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
                continue;
            }
            let Ok(bytes) = self.blobs.get(&id).await else { continue };
            let Ok(manifest) = Manifest::parse(&bytes) else { continue };
            self.learn(manifest.labels.as_slice().iter().cloned());
            self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        }
        Ok(self.has(label))
    }
}

/// The labels that a bin's answer is made of.
fn labels_of(observation: &Observation) -> impl Iterator<Item = &Label> {
    let answer = match observation {
        Observation::Event(event) => Some((event.outcome.guess(), &event.probabilities)),
        Observation::Sample(sample) => Some((sample.meta.outcome.guess(), &sample.meta.probabilities)),
        _ => None,
    };
    answer.into_iter().flat_map(|(guess, probabilities)| std::iter::once(guess).chain(probabilities.keys()))
}

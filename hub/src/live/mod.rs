//! What happens right now, to whoever watches: the page, by server-sent events.
//!
//! Nothing depends on a live event being seen. A watcher that is too slow misses some and is told how
//! many; the page then reads the lists again.

/// `GET /api/v1/live`.
mod routes;

/// Server-sent events, as long as a login holds.
mod stream;

use pilah_models::name::{BinId, Label, ModelVersion};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use utoipa::ToSchema;

pub(crate) use routes::{__path_live, routes};
pub use stream::Streams;

/// How many events a slow watcher may lag behind: at 100 items a second, 5 seconds; at most 0.5 MB,
/// shared by all watchers.
const BACKLOG: usize = 512;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveEvent {
    /// A bin classified an item, and it is in the database.
    Item(ItemSeen),
    /// An image is in the database.
    Sample {
        /// Its id.
        id: String,
        /// The bin, if one sent it.
        #[schema(value_type = Option<String>)]
        bin: Option<BinId>,
    },
    /// A bin came, went, or reported another model.
    Bin {
        /// Which.
        #[schema(value_type = String)]
        bin: BinId,
        /// Whether it is connected.
        online: bool,
        /// The model in force there.
        #[schema(value_type = Option<String>)]
        model: Option<ModelVersion>,
        /// What it is doing about an update, in words.
        update: Option<String>,
    },
    /// A bin answered a command.
    Reply {
        /// Which.
        #[schema(value_type = String)]
        bin: BinId,
        /// `epoch` of the command.
        of_epoch: u32,
        /// `seq` of the command.
        of_seq: u64,
        /// Whether it was done.
        done: bool,
        /// What was done, or why it was not.
        words: String,
        /// `seq` of the message that it led to.
        about: Option<u64>,
    },
    /// A sample was labelled.
    Labelled {
        /// Which.
        sample: String,
        /// What it is; `unusable` takes it out.
        label: Option<String>,
        /// Who said so.
        by: String,
    },
    /// A training moved on.
    Training(TrainingProgress),
    /// A model changed its state.
    Model {
        /// Which.
        #[schema(value_type = String)]
        version: ModelVersion,
        /// `candidate`, `in_service`, `previous` or `rejected`.
        state: String,
        /// On its test split, 0 to 1.
        accuracy: Option<f64>,
    },
    /// A rollout began, went on, or ended.
    Rollout {
        /// Which.
        id: i64,
        /// What it brings.
        #[schema(value_type = String)]
        version: ModelVersion,
        /// `rolling`, `waiting`, `held`, `paused`, `stopped`, `cancelled` or `completed`.
        state: String,
    },
}

/// An item as a bin saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemSeen {
    /// Row number, in the order of arrival.
    pub id: i64,
    /// The bin.
    #[schema(value_type = String)]
    pub bin: BinId,
    /// When, in milliseconds since 1970: by the bin's clock, or, if that cannot be right, when the hub got it.
    pub at_ms: i64,
    /// Whether the bin was sure enough.
    pub sure: bool,
    /// The likeliest class.
    #[schema(value_type = String)]
    pub label: Label,
    /// Its probability, 0 to 1.
    pub confidence: f64,
    /// The model that said so.
    #[schema(value_type = String)]
    pub model: ModelVersion,
    /// From the settled item to the decision, in milliseconds.
    pub latency_ms: f64,
    /// What it truly was, from a camera that is not a real one.
    #[schema(value_type = Option<String>)]
    pub truth: Option<Label>,
    /// `virtual` or `replay`, with `truth`.
    pub truth_source: Option<String>,
}

/// How far a training is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingProgress {
    /// Which.
    pub id: i32,
    /// `running`, `succeeded`, `failed` or `cancelled`.
    pub state: String,
    /// `embedding`, `fitting` or `evaluating`.
    pub phase: String,
    /// Epochs done.
    pub epoch: u32,
    /// Epochs at most.
    pub epochs: u32,
    /// Of the whole, 0 to 100.
    pub progress: f64,
    /// What it is doing, in words.
    pub message: String,
    /// On the validation split, 0 to 1.
    pub accuracy: Option<f64>,
    /// On the training split.
    pub loss: Option<f64>,
}

/// Where live events are put, and watched.
#[derive(Debug, Clone)]
pub struct Live(broadcast::Sender<LiveEvent>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Live {
    /// Tells everybody who watches; nobody may.
    pub fn publish(&self, event: LiveEvent) {
        // An error means that nobody watches, which is fine.
        self.0.send(event).ok();
    }

    /// Watches from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<LiveEvent> {
        self.0.subscribe()
    }
}

//! Table `samples`.

use sea_orm::entity::prelude::*;

/// An image, from a bin, an upload or an import.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "samples")]
pub struct Model {
    /// A UUID, version 7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// `bin`, `upload` or `import`.
    pub source: String,
    /// The bin, if one sent it.
    pub bin: Option<String>,
    /// The incarnation of the bin's counter, as in `events`.
    pub epoch: Option<i64>,
    /// The number of the message.
    pub seq: Option<i64>,
    /// The number of the item's event.
    pub event_seq: Option<i64>,
    /// Why the bin kept it: `unsure`, `disagreement`, `random`.
    pub reason: Option<String>,
    /// When, by the sender's clock.
    pub at_ms: i64,
    /// When the hub got it.
    pub received_ms: i64,
    /// The stored JPEG, re-encoded without metadata.
    pub content_sha256: String,
    /// In pixels.
    pub width: i32,
    /// In pixels.
    pub height: i32,
    /// Size of the stored JPEG.
    pub bytes: i64,
    /// The model that guessed.
    pub model: Option<String>,
    /// Its likeliest class.
    pub guess: Option<String>,
    /// Whether it was sure of it.
    pub sure: bool,
    /// The guess's probability, 0 to 1.
    pub confidence: Option<f64>,
    /// Probability by label, a JSON object.
    #[sea_orm(column_type = "Text", nullable)]
    pub probabilities_json: Option<String>,
    /// What it truly was, from a camera that is not a real one. Never trained on by itself.
    pub truth_label: Option<String>,
    /// `virtual` or `replay`.
    pub truth_source: Option<String>,
    /// What a reviewer says it is; `unusable` takes it out.
    pub label: Option<String>,
    /// Who said so.
    pub labelled_by: Option<String>,
    /// When.
    pub labelled_at_ms: Option<i64>,
    /// Images of one group show one object: a burst, a run of numbers, the same file.
    pub group_key: String,
    /// `train`, `validation` or `test`; given once, with the first label of the cluster.
    pub split: Option<String>,
    /// The perceptual hash, `dataset::looks`; its 64 bits as a signed number. Null: not computed yet.
    pub looks: Option<i64>,
    /// Every fourth bit of it from the lowest on, 16 bits, to find near-duplicates by.
    pub looks_0: Option<i32>,
    /// The same from the second bit on.
    pub looks_1: Option<i32>,
    /// The same from the third bit on.
    pub looks_2: Option<i32>,
    /// The same from the fourth bit on.
    pub looks_3: Option<i32>,
    /// Groups that near-duplicates link are one cluster, which shares a split. Null: the group alone.
    pub cluster: Option<String>,
    /// Why this sample has no split and never gets one: it resembles samples of two splits.
    pub excluded: Option<String>,
    /// Who sent an upload or an import.
    pub sent_by: Option<String>,
    /// Of a bin's: SHA-256 of the message without its image, as in `events`.
    pub fingerprint: Option<String>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Table `trainings`.

use sea_orm::entity::prelude::*;

/// A training, running or over.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trainings")]
pub struct Model {
    /// Row number.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub state: String,
    /// What it was started with.
    #[sea_orm(column_type = "Text")]
    pub params_json: String,
    /// When it was asked for; once it runs, when it began.
    pub started_ms: i64,
    /// When it ended.
    pub finished_ms: Option<i64>,
    /// Epochs done.
    pub epoch: i32,
    /// Epochs at most.
    pub epochs: i32,
    /// What it is doing, in words.
    #[sea_orm(column_type = "Text")]
    pub message: String,
    /// On the validation split, 0 to 1.
    pub accuracy: Option<f64>,
    /// On the training split.
    pub loss: Option<f64>,
    /// A JSON list with an entry per epoch.
    #[sea_orm(column_type = "Text", nullable)]
    pub history_json: Option<String>,
    /// The evaluation on the test split.
    #[sea_orm(column_type = "Text", nullable)]
    pub report_json: Option<String>,
    /// The model that came of it.
    pub model_version: Option<String>,
    /// Why it failed, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    /// The dataset that it is of, until it is over: unique, so that one training is queued or running
    /// for each.
    pub active: Option<String>,
    /// The process that runs it.
    pub worker: Option<String>,
    /// Until when that process has it; it puts this off as long as it lives.
    pub lease_until_ms: Option<i64>,
    /// How many processes have taken it.
    pub attempt: i32,
    /// Whether somebody wants it to end.
    pub cancel: bool,
    /// How far it is, as a `TrainingStatus` without the epochs.
    #[sea_orm(column_type = "Text", nullable)]
    pub status_json: Option<String>,
    /// The backbone to use instead of that of the model in service.
    #[sea_orm(column_type = "Text", nullable)]
    pub backbone_json: Option<String>,
    /// What happened when, as a JSON list.
    #[sea_orm(column_type = "Text", nullable)]
    pub log_json: Option<String>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

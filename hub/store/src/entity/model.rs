//! Table `models`.

use sea_orm::entity::prelude::*;

/// A model version that the hub knows.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "models")]
pub struct Model {
    /// Its name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: String,
    /// The manifest's content id.
    pub manifest_sha256: String,
    /// The backbone's content id.
    pub backbone_sha256: String,
    /// The head's content id.
    pub head_sha256: String,
    /// When it was made or imported.
    pub created_ms: i64,
    /// The training that made it.
    pub training_id: Option<i32>,
    /// The evaluation on the test split.
    #[sea_orm(column_type = "Text", nullable)]
    pub metrics_json: Option<String>,
    /// What the gate said.
    #[sea_orm(column_type = "Text", nullable)]
    pub gate_json: Option<String>,
    /// `candidate`, `in_service`, `previous`, `rejected` or `deleted`.
    pub state: String,
    /// The last evaluation, an `EvaluationReport` as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub report_json: Option<String>,
    /// When it was last put into service; `None` if it never was, or before that was written down.
    pub service_ms: Option<i64>,
    /// Why a person put it into service although the gate refused it.
    #[sea_orm(column_type = "Text", nullable)]
    pub override_reason: Option<String>,
    /// Who did.
    pub override_by: Option<String>,
    /// When.
    pub override_ms: Option<i64>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Table `bins`.

use sea_orm::entity::prelude::*;

/// An enrolled bin and the last that it said of itself.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bins")]
pub struct Model {
    /// Its bin id, also its MQTT user name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// SHA-256 of its secret, hexadecimal: the secret has 256 random bits, so that a slow hash adds nothing.
    pub password_hash: String,
    /// The secret as Mosquitto's password file has it; `None` if it was drawn before there was this column.
    pub mosquitto_hash: Option<String>,
    /// What people call it.
    pub name: String,
    /// When it was enrolled.
    pub created_ms: i64,
    /// When it last sent anything.
    pub last_seen_ms: Option<i64>,
    /// As its status says.
    pub online: bool,
    /// The last `Status` message.
    #[sea_orm(column_type = "Text", nullable)]
    pub status_json: Option<String>,
    /// The last `Reported` message.
    #[sea_orm(column_type = "Text", nullable)]
    pub reported_json: Option<String>,
    /// The last `Telemetry` message.
    #[sea_orm(column_type = "Text", nullable)]
    pub telemetry_json: Option<String>,
    /// The model in force, as reported.
    pub model_version: Option<String>,
    /// The model that the hub wants there.
    pub desired_version: Option<String>,
    /// Where it stands, in degrees north; with `longitude`.
    pub latitude: Option<f64>,
    /// In degrees east; with `latitude`.
    pub longitude: Option<f64>,
    /// Where it stands, in words.
    pub address: Option<String>,
    /// The group that people put it into.
    pub group_name: Option<String>,
    /// When it was retired: its row stays, so that its id is not given again.
    pub retired_ms: Option<i64>,
    /// In which order it said what it said of itself, a JSON object of `ingest::standing`.
    #[sea_orm(column_type = "Text", nullable)]
    pub standing_json: Option<String>,
    /// `real`, `virtual` or `replay`, as its status says.
    pub camera_is: Option<String>,
    /// Items and images that came under a number that another had, and were stored under one of their own.
    pub conflicts: i64,
    /// When the last of them came.
    pub conflict_ms: Option<i64>,
    /// How often one of two programs under its id took over from the other.
    pub takeovers: i64,
    /// When that was the last time.
    pub takeover_ms: Option<i64>,
    /// The time zone of where it stands, as people say, by its IANA name; `None`: what its status says.
    pub time_zone: Option<String>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Table `subscribers`.

use sea_orm::entity::prelude::*;

/// Somebody who listens to the bins over MQTT.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscribers")]
pub struct Model {
    /// The MQTT user name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// SHA-256 of the secret, as of a bin's.
    pub password_hash: String,
    /// The secret as Mosquitto's password file has it.
    pub mosquitto_hash: String,
    /// Whether images may be read as well.
    pub samples: bool,
    /// When the account was made.
    pub created_ms: i64,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

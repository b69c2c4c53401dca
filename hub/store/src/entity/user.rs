//! Table `users`.

use sea_orm::entity::prelude::*;

/// A person who may log in.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Row number.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Login name.
    pub name: String,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// `viewer`, `reviewer` or `admin`.
    pub role: String,
    /// When the account was made.
    pub created_ms: i64,
    /// When they last showed their password.
    pub last_login_ms: Option<i64>,
}

/// No row is loaded through another; joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! The bins: enrolled, listed, and judged by what they saw where the truth is known.

/// `GET /api/v1/bins` and what belongs to it.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
mod routes;

/// `/api/v1/bins/{id}`: one bin, changed and retired.
mod one;

/// What people say of a bin, and its end.
mod change;

/// `POST /api/v1/bins/{id}/commands`.
mod command;

/// Queries.
mod store;

use pilah_models::name::BinId;
use pilah_models::wire::topic;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, TryInsertResult};

pub(crate) use routes::{ApiDoc, routes};

use crate::auth::bins;
use crate::config::Secret;
use crate::store::entity::{audit, bin};
use crate::store::{Store, now_ms};

/// A bin that cannot be enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// There is one of this id.
    #[error("bin {0} is enrolled already; give it a new secret instead, which ends the old one")]
    Exists(BinId),
    /// There was one of this id.
    #[error("bin {0} was retired, and what it sent is kept under its id: choose another id")]
    Retired(BinId),
    /// There is none of this id.
    #[error("no bin {0} is enrolled")]
    Unknown(BinId),
    /// The hub itself uses this name.
    #[error("the name {0} is the hub's own; choose another")]
    Reserved(BinId),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// Enrols a bin, and gives the secret, which is kept nowhere and shown once.
///
/// # Errors
/// [`EnrolError`].
pub async fn enrol(store: &Store, id: &BinId, name: &str, by: &str) -> Result<Secret, EnrolError> {
    if id.as_str() == topic::HUB_USER {
        return Err(EnrolError::Reserved(id.clone()));
    }
    let secret = bins::draw();
    let row = bin::ActiveModel {
        id: Set(id.to_string()),
        password_hash: Set(bins::fingerprint(secret.reveal())),
        name: Set(if name.is_empty() { id.to_string() } else { name.to_owned() }),
        created_ms: Set(now_ms()),
        online: Set(false),
        ..Default::default()
    };
    match bin::Entity::insert(row).on_conflict_do_nothing().exec(store.db()).await? {
        TryInsertResult::Inserted(_) => {}
        TryInsertResult::Conflicted | TryInsertResult::Empty => {
            let is_there = store::serving(store.db(), id).await?.is_some();
            return Err(if is_there { EnrolError::Exists(id.clone()) } else { EnrolError::Retired(id.clone()) });
        }
    }
    note(store, by, "bin.enrolled", id).await?;
    Ok(secret)
}

/// Gives a bin a new secret; the old one is worth nothing from now on. A connection that is open stays
/// so until it breaks.
///
/// # Errors
/// [`EnrolError`].
pub async fn renew_secret(store: &Store, id: &BinId, by: &str) -> Result<Secret, EnrolError> {
    let secret = bins::draw();
    let updated = bin::Entity::update_many()
        .col_expr(bin::Column::PasswordHash, Expr::value(bins::fingerprint(secret.reveal())))
        .filter(bin::Column::Id.eq(id.as_str()))
        .filter(bin::Column::RetiredMs.is_null())
        .exec(store.db())
        .await?;
    if updated.rows_affected == 0 {
        return Err(EnrolError::Unknown(id.clone()));
    }
    note(store, by, "bin.secret_renewed", id).await?;
    Ok(secret)
}

/// Makes sure that a bin is enrolled with this secret: for the demo and for tests, which know it before.
///
/// # Errors
/// [`EnrolError`].
pub async fn enrol_with(store: &Store, id: &BinId, name: &str, secret: &Secret) -> Result<(), EnrolError> {
    match enrol(store, id, name, "hub").await {
        Ok(_) | Err(EnrolError::Exists(_)) => {}
        Err(error) => return Err(error),
    }
    bin::Entity::update_many()
        .col_expr(bin::Column::PasswordHash, Expr::value(bins::fingerprint(secret.reveal())))
        .filter(bin::Column::Id.eq(id.as_str()))
        .exec(store.db())
        .await?;
    Ok(())
}

async fn note(store: &Store, who: &str, what: &str, id: &BinId) -> Result<(), DbErr> {
    note_with(store.db(), who, what, serde_json::json!({ "bin": id })).await
}

async fn note_with(db: &impl ConnectionTrait, who: &str, what: &str, detail: serde_json::Value) -> Result<(), DbErr> {
    let row = audit::ActiveModel {
        at_ms: Set(now_ms()),
        who: Set(who.to_owned()),
        what: Set(what.to_owned()),
        detail_json: Set(Some(detail.to_string())),
        ..Default::default()
    };
    audit::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests;

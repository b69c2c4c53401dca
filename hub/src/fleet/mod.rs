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

/// How a bin is shown, and what the bins saw.
mod view;

use pilah_models::name::BinId;
use pilah_models::wire::topic;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, TryInsertResult};

pub(crate) use routes::{ApiDoc, routes};

use crate::audit;
use crate::auth::{bins, subscribers};
use crate::secret::Secret;
use crate::store::entity::bin;
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
    /// A subscriber has this name.
    #[error("a subscriber is called {0}, and bins and subscribers share one set of names: choose another id")]
    Subscriber(BinId),
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
    let transaction = store.begin().await?;
    if subscribers::is_one(&transaction, id.as_str()).await? {
        return Err(EnrolError::Subscriber(id.clone()));
    }
    let secret = bins::draw();
    let row = bin::ActiveModel {
        id: Set(id.to_string()),
        password_hash: Set(bins::fingerprint(secret.reveal())),
        mosquitto_hash: Set(Some(bins::for_mosquitto(secret.reveal()))),
        name: Set(if name.is_empty() { id.to_string() } else { name.to_owned() }),
        created_ms: Set(now_ms()),
        online: Set(false),
        ..Default::default()
    };
    match bin::Entity::insert(row).on_conflict_do_nothing().exec(&transaction).await? {
        TryInsertResult::Inserted(_) => {}
        TryInsertResult::Conflicted | TryInsertResult::Empty => {
            let is_there = store::serving(&transaction, id).await?.is_some();
            return Err(if is_there { EnrolError::Exists(id.clone()) } else { EnrolError::Retired(id.clone()) });
        }
    }
    audit::note(&transaction, by, "bin.enrolled", &serde_json::json!({ "bin": id })).await?;
    transaction.commit().await?;
    Ok(secret)
}

/// Gives a bin a new secret; the old one is worth nothing from now on. The embedded broker ends the
/// connection that was made by it; any other has to be told.
///
/// # Errors
/// [`EnrolError`].
pub async fn renew_secret(store: &Store, id: &BinId, by: &str) -> Result<Secret, EnrolError> {
    let secret = bins::draw();
    let transaction = store.begin().await?;
    if !keep_secret(&transaction, id, &secret).await? {
        return Err(EnrolError::Unknown(id.clone()));
    }
    audit::note(&transaction, by, "bin.secret_renewed", &serde_json::json!({ "bin": id })).await?;
    transaction.commit().await?;
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
    keep_secret(store.db(), id, secret).await?;
    Ok(())
}

/// Keeps what a secret is verified by. Tells whether there is such a bin.
async fn keep_secret(db: &impl ConnectionTrait, id: &BinId, secret: &Secret) -> Result<bool, DbErr> {
    let updated = bin::Entity::update_many()
        .col_expr(bin::Column::PasswordHash, Expr::value(bins::fingerprint(secret.reveal())))
        .col_expr(bin::Column::MosquittoHash, Expr::value(bins::for_mosquitto(secret.reveal())))
        .filter(bin::Column::Id.eq(id.as_str()))
        .filter(bin::Column::RetiredMs.is_null())
        .exec(db)
        .await?;
    Ok(updated.rows_affected > 0)
}

#[cfg(test)]
mod tests;

//! Who listens to the bins over MQTT: a display, a statistician's script, a home automation.
//!
//! A subscriber has a name and a drawn secret, as a bin has, and reads what the bins say of items and of
//! themselves; images only if they were told to have them. They publish nothing. Their names and those of
//! bins are one set, since both are user names at the same broker.

/// `/api/v1/subscribers`.
pub(super) mod routes;

use std::fmt;
use std::str::FromStr;

use pilah_models::name::{BinId, NameError};
use pilah_models::wire::topic;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, TryInsertResult};

use super::bins;
use crate::audit::note;
use crate::secret::Secret;
use crate::store::entity::{bin, subscriber};
use crate::store::{Store, now_ms};

/// The name of a subscriber: as a bin's id, so that it is safe in topics, files and logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubscriberName(BinId);

impl SubscriberName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for SubscriberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SubscriberName {
    type Err = SubscriberError;

    fn from_str(name: &str) -> Result<Self, SubscriberError> {
        let name = BinId::new(name).map_err(|NameError { value, rule, .. }| SubscriberError::Name { value, rule })?;
        if name.as_str() == topic::HUB_USER { Err(SubscriberError::Reserved) } else { Ok(Self(name)) }
    }
}

/// A change of subscribers that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// The name is not one.
    #[error("{value:?} is no name of a subscriber: {rule}")]
    Name {
        /// As it came, cut.
        value: String,
        /// What a name looks like.
        rule: &'static str,
    },
    /// The hub itself uses this name.
    #[error("the name \"hub\" is the hub's own; choose another")]
    Reserved,
    /// There is one of this name.
    #[error("there is a subscriber {0} already; choose another name, or give that one a new secret")]
    Exists(SubscriberName),
    /// A bin has this name.
    #[error("{0} is or was a bin, and bins and subscribers share one set of names; choose another")]
    Bin(SubscriberName),
    /// There is none of this name.
    #[error("there is no subscriber {0:?}")]
    Unknown(String),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// Every subscriber, by name.
///
/// # Errors
/// The database failed.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<subscriber::Model>, DbErr> {
    subscriber::Entity::find().order_by_asc(subscriber::Column::Name).all(db).await
}

/// Whether a subscriber is called so.
///
/// # Errors
/// The database failed.
pub(crate) async fn is_one(db: &impl ConnectionTrait, name: &str) -> Result<bool, DbErr> {
    Ok(subscriber::Entity::find_by_id(name).one(db).await?.is_some())
}

/// Whether this is the subscriber's secret, and then whether they may read images; `None` also if there is
/// no such subscriber.
///
/// # Errors
/// The database failed.
pub(crate) async fn verify(store: &Store, name: &str, secret: &str) -> Result<Option<bool>, DbErr> {
    let row = subscriber::Entity::find_by_id(name).one(store.db()).await?;
    Ok(row.filter(|row| row.password_hash == bins::fingerprint(secret)).map(|row| row.samples))
}

/// Makes an account, and gives its secret, which is kept nowhere and shown once. `samples`: whether images
/// may be read as well.
///
/// # Errors
/// [`SubscriberError`]: the name is taken.
pub async fn add(store: &Store, name: &SubscriberName, samples: bool, by: &str) -> Result<Secret, SubscriberError> {
    let secret = bins::draw();
    let transaction = store.begin().await?;
    if bin::Entity::find_by_id(name.as_str()).one(&transaction).await?.is_some() {
        return Err(SubscriberError::Bin(name.clone()));
    }
    let row = subscriber::ActiveModel {
        name: Set(name.to_string()),
        password_hash: Set(bins::fingerprint(secret.reveal())),
        mosquitto_hash: Set(bins::for_mosquitto(secret.reveal())),
        samples: Set(samples),
        created_ms: Set(now_ms()),
    };
    match subscriber::Entity::insert(row).on_conflict_do_nothing().exec(&transaction).await? {
        TryInsertResult::Inserted(_) => {}
        TryInsertResult::Conflicted | TryInsertResult::Empty => return Err(SubscriberError::Exists(name.clone())),
    }
    let detail = serde_json::json!({ "subscriber": name.as_str(), "samples": samples });
    note(&transaction, by, "subscriber.added", &detail).await?;
    transaction.commit().await?;
    Ok(secret)
}

/// Gives a subscriber a new secret; the old one is worth nothing from now on.
///
/// # Errors
/// [`SubscriberError`]: there is none of this name.
pub async fn renew(store: &Store, name: &str, by: &str) -> Result<Secret, SubscriberError> {
    let secret = bins::draw();
    let transaction = store.begin().await?;
    let updated = subscriber::Entity::update_many()
        .col_expr(subscriber::Column::PasswordHash, Expr::value(bins::fingerprint(secret.reveal())))
        .col_expr(subscriber::Column::MosquittoHash, Expr::value(bins::for_mosquitto(secret.reveal())))
        .filter(subscriber::Column::Name.eq(name))
        .exec(&transaction)
        .await?;
    if updated.rows_affected == 0 {
        return Err(unknown(name));
    }
    note(&transaction, by, "subscriber.secret_renewed", &serde_json::json!({ "subscriber": name })).await?;
    transaction.commit().await?;
    Ok(secret)
}

/// Takes an account away.
///
/// # Errors
/// [`SubscriberError`]: there is none of this name.
pub async fn remove(store: &Store, name: &str, by: &str) -> Result<(), SubscriberError> {
    let transaction = store.begin().await?;
    if subscriber::Entity::delete_by_id(name).exec(&transaction).await?.rows_affected == 0 {
        return Err(unknown(name));
    }
    note(&transaction, by, "subscriber.removed", &serde_json::json!({ "subscriber": name })).await?;
    transaction.commit().await?;
    Ok(())
}

fn unknown(name: &str) -> SubscriberError {
    SubscriberError::Unknown(name.chars().take(80).collect())
}

#[cfg(test)]
mod tests;

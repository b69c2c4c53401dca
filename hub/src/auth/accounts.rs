//! Accounts of people: made, changed, deleted, each change with a line in the audit log.
//!
//! There is always an administrator, and nobody takes their own role or account away: the change is
//! judged and made in one transaction. Whoever's role or password changes has to log in again.

use std::fmt;
use std::str::FromStr;

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, TryInsertResult,
};

use super::password::{self, PasswordError};
use super::role::Role;
use super::session;
use crate::audit::note;
use crate::secret::Secret;
use crate::store::entity::user;
use crate::store::{Store, now_ms};

/// The longest login name, in characters.
const LONGEST_NAME: usize = 64;

/// What the audit log calls the hub itself; no person has this name.
const HUB: &str = "hub";

/// A login name: 1 to 64 of a-z, 0-9, '.', '_', '-' and '@', the first a letter or digit. Small letters
/// only, so that two names never look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = AccountError;

    fn from_str(name: &str) -> Result<Self, AccountError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = name.len() <= LONGEST_NAME
            && name.starts_with(plain)
            && name.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-' | '@'));
        if !fits {
            return Err(AccountError::Name(name.chars().take(80).collect()));
        }
        if name == HUB {
            return Err(AccountError::Reserved);
        }
        Ok(Self(name.to_owned()))
    }
}

/// A change of accounts that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is not one.
    #[error(
        "{0:?} is no login name: it has 1 to 64 of a-z, 0-9, '.', '_', '-' and '@', and begins with a letter or digit"
    )]
    Name(String),
    /// The name is the hub's own.
    #[error("the name \"hub\" is the hub's own in the audit log; choose another")]
    Reserved,
    /// The password is not good enough.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// There is one of this name.
    #[error("there is a user {0} already; choose another name, or change that account")]
    Exists(UserName),
    /// There is none of this name.
    #[error("there is no user {0:?}")]
    Unknown(String),
    /// Nobody would be left who may change anything.
    #[error("{0} is the only administrator: make somebody else one first")]
    LastAdministrator(String),
    /// Their own account.
    #[error("nobody changes their own role or deletes their own account; another administrator can")]
    Oneself,
    /// Their own password, without the old one.
    #[error("to change your own password, send the old one with it: POST /api/v1/me/password")]
    OwnPassword,
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// What is to be changed of an account.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// Another role.
    pub role: Option<Role>,
    /// Another password.
    pub password: Option<&'a Secret>,
}

/// Who makes a change.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// A person who is logged in.
    User(&'a str),
    /// Whoever may read and write the data folder.
    CommandLine,
    /// The hub, at its first start.
    Hub,
}

impl By<'_> {
    fn name(&self) -> &str {
        match self {
            Self::User(name) => name,
            Self::CommandLine => "command line",
            Self::Hub => HUB,
        }
    }

    fn is(&self, name: &str) -> bool {
        matches!(self, Self::User(own) if *own == name)
    }
}

/// Every account, by name.
///
/// # Errors
/// The database failed.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<user::Model>, DbErr> {
    user::Entity::find().order_by_asc(user::Column::Name).all(db).await
}

/// The names of the first administrators, for whoever needs one.
pub(super) async fn administrators(db: &impl ConnectionTrait, count: usize) -> Result<Vec<String>, DbErr> {
    let mut names: Vec<String> =
        list(db).await?.into_iter().filter(|row| row.role == Role::Admin.name()).map(|row| row.name).collect();
    names.truncate(count);
    Ok(names)
}

/// Makes an account. Gives the password if it was drawn here, because none was given.
///
/// # Errors
/// [`AccountError`]: the name or the password is none, or the name is taken.
pub async fn add(
    store: &Store,
    name: &UserName,
    password: Option<&Secret>,
    role: Role,
    by: By<'_>,
) -> Result<Option<Secret>, AccountError> {
    let drawn = password.is_none().then(password::draw);
    let password = password.or(drawn.as_ref()).expect("given or drawn");
    password::check(password.reveal(), name.as_str())?;
    let hash = password::hash(password.reveal()).await;
    let transaction = store.begin().await?;
    let row = user::ActiveModel {
        name: Set(name.as_str().to_owned()),
        password_hash: Set(hash),
        role: Set(role.name().to_owned()),
        created_ms: Set(now_ms()),
        ..Default::default()
    };
    match user::Entity::insert(row).on_conflict_do_nothing_on([user::Column::Name]).exec(&transaction).await? {
        TryInsertResult::Inserted(_) => {}
        TryInsertResult::Conflicted | TryInsertResult::Empty => return Err(AccountError::Exists(name.clone())),
    }
    let detail = serde_json::json!({ "user": name.as_str(), "role": role });
    note(&transaction, by.name(), "user.added", &detail).await?;
    transaction.commit().await?;
    Ok(drawn)
}

/// Changes role or password, and ends the sessions of that user.
///
/// # Errors
/// [`AccountError`].
pub async fn change(store: &Store, name: &str, change: Change<'_>, by: By<'_>) -> Result<user::Model, AccountError> {
    if change.role.is_some() && by.is(name) {
        return Err(AccountError::Oneself);
    }
    if change.password.is_some() && by.is(name) {
        return Err(AccountError::OwnPassword);
    }
    let hash = match change.password {
        Some(password) => {
            password::check(password.reveal(), name)?;
            Some(password::hash(password.reveal()).await)
        }
        None => None,
    };
    let transaction = store.begin().await?;
    let row = find(&transaction, name).await?;
    if change.role.is_some_and(|role| role != Role::Admin) {
        keep_an_administrator(&transaction, &row).await?;
    }
    let mut update = user::ActiveModel { id: Set(row.id), ..Default::default() };
    let mut detail = serde_json::json!({ "user": name });
    if let Some(role) = change.role {
        update.role = Set(role.name().to_owned());
        detail["role"] = role.name().into();
        detail["was"] = row.role.clone().into();
    }
    if let Some(hash) = hash {
        update.password_hash = Set(hash);
        detail["password"] = "changed".into();
    }
    let row = match update.role.is_set() || update.password_hash.is_set() {
        true => {
            let changed = user::Entity::update(update).exec(&transaction).await?;
            session::end_all_of(&transaction, changed.id).await?;
            note(&transaction, by.name(), "user.changed", &detail).await?;
            changed
        }
        false => row,
    };
    transaction.commit().await?;
    Ok(row)
}

/// Deletes an account with its sessions. What the user did stays, under their name.
///
/// # Errors
/// [`AccountError`].
pub async fn delete(store: &Store, name: &str, by: By<'_>) -> Result<(), AccountError> {
    if by.is(name) {
        return Err(AccountError::Oneself);
    }
    let transaction = store.begin().await?;
    let row = find(&transaction, name).await?;
    keep_an_administrator(&transaction, &row).await?;
    session::end_all_of(&transaction, row.id).await?;
    user::Entity::delete_by_id(row.id).exec(&transaction).await?;
    note(&transaction, by.name(), "user.deleted", &serde_json::json!({ "user": name, "role": row.role })).await?;
    transaction.commit().await?;
    Ok(())
}

/// Gives a user the password that they chose, and ends their other sessions.
///
/// # Errors
/// [`AccountError`]: the password is not good enough, or the account is gone.
pub(super) async fn choose_password(
    store: &Store,
    name: &str,
    new: &Secret,
    session: Option<&str>,
) -> Result<(), AccountError> {
    password::check(new.reveal(), name)?;
    let hash = password::hash(new.reveal()).await;
    let transaction = store.begin().await?;
    let row = find(&transaction, name).await?;
    let update = user::ActiveModel { id: Set(row.id), password_hash: Set(hash), ..Default::default() };
    user::Entity::update(update).exec(&transaction).await?;
    session::end_others_of(&transaction, row.id, session).await?;
    note(&transaction, name, "user.password_chosen", &serde_json::json!({ "user": name })).await?;
    transaction.commit().await?;
    Ok(())
}

async fn find(db: &impl ConnectionTrait, name: &str) -> Result<user::Model, AccountError> {
    let found = user::Entity::find().filter(user::Column::Name.eq(name)).one(db).await?;
    found.ok_or_else(|| AccountError::Unknown(name.chars().take(80).collect()))
}

/// Refuses if this is the only administrator.
async fn keep_an_administrator(transaction: &impl ConnectionTrait, row: &user::Model) -> Result<(), AccountError> {
    let others = user::Entity::find()
        .filter(user::Column::Role.eq(Role::Admin.name()))
        .filter(user::Column::Id.ne(row.id))
        .count(transaction)
        .await?;
    if others == 0 { Err(AccountError::LastAdministrator(row.name.clone())) } else { Ok(()) }
}

#[cfg(test)]
mod tests;

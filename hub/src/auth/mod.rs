//! Who may do what.
//!
//! - **People** log in with name and password (argon2id) and get a session, kept by the server and named
//!   by a random token in a cookie that scripts and other sites cannot use. Scripts may send the same
//!   name and password with each request instead (HTTP Basic).
//! - **Bins** have a secret of 256 random bits, made at enrolment: over MQTT, and over HTTP Basic to
//!   fetch models.
//! - **Subscribers** listen to the bins over MQTT, by a secret of the same kind, and can do nothing else.
//!
//! A handler says what it needs by its arguments: [`User`] needs a login, [`Reviewer`] and [`Admin`] a
//! login with that role, [`BinOrUser`] a bin or a login, none is open to everybody. A request that changes something must come from our own page or from a program,
//! never from another site in the user's browser: [`origin`] tells them apart. Failed logins are slowed
//! down by client address and by account: [`attempts`].

/// What a person may do.
mod role;

/// Accounts, made and changed.
pub mod accounts;

/// `/api/v1/users`, and one's own password.
mod users;

/// `GET /api/v1/audit`.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
mod audit_log;

/// How often a client may fail.
mod attempts;

/// The secrets of bins.
pub(crate) mod bins;

/// Who listens over MQTT.
pub mod subscribers;

/// What a handler asks for.
mod extract;

/// Whether a request comes from our own page.
mod origin;

/// Passwords of people.
mod password;

/// `POST /api/v1/login` and what belongs to it.
mod routes;

/// Logins that last.
pub(crate) mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use tokio::sync::{Notify, Semaphore, watch};

pub use accounts::{AccountError, UserName};
use extract::Proof;
pub use extract::{Admin, BinOrReviewer, BinOrUser, Reviewer, User};
pub use password::PasswordError;
pub(crate) use password::SHORTEST as SHORTEST_PASSWORD;
pub use role::Role;
pub(crate) use routes::{ApiDoc, routes};
pub use subscribers::{SubscriberError, SubscriberName};

use crate::address::Caller;
use crate::audit;
use crate::error::{Chain, HttpError};
use crate::secret::Secret;
use crate::store::entity::user;
use crate::store::{Store, StoreError, now_ms};
use accounts::{By, Change};
use attempts::{Attempt, Attempts, Wait};

/// The account that is made at the first start.
pub const ADMINISTRATOR: &str = "admin";

/// How long a password that was sent with a request counts as verified: argon2 is slow on purpose, and
/// a script sends it each time.
const REMEMBER: Duration = Duration::from_secs(300);

/// The most passwords remembered; then all are forgotten.
const REMEMBERED: usize = 1000;

/// Passwords checked at once: 19 MB and some 30 ms of a processor each.
const CHECKS: usize = 2;

/// What tells who asks: what it takes to make a login necessary, and no more. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Access {
    /// Accounts, sessions and secrets.
    pub store: Store,
    /// Login attempts, and a memory of verified passwords.
    pub logins: Arc<Logins>,
}

/// Tells whoever keeps connections that a secret has changed or an account is gone. Clones nudge the same one.
#[derive(Debug, Clone, Default)]
pub struct Evictions(Arc<Notify>);

impl Evictions {
    /// Has them looked through at once.
    pub fn nudge(&self) {
        self.0.notify_one();
    }

    /// Completes when there was a nudge.
    pub(crate) async fn nudged(&self) {
        self.0.notified().await;
    }
}

/// Login attempts, and a memory of verified passwords.
#[derive(Debug)]
pub struct Logins {
    attempts: Mutex<Attempts>,
    verified: Mutex<HashMap<String, Instant>>,
    checks: Semaphore,
    /// The log tells once that a proxy is not named.
    proxy_told: Once,
    /// Changes whenever logins or accounts do.
    changes: watch::Sender<()>,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            attempts: Mutex::new(Attempts::default()),
            verified: Mutex::new(HashMap::new()),
            checks: Semaphore::new(CHECKS),
            proxy_told: Once::new(),
            changes: watch::Sender::new(()),
        }
    }
}

impl Logins {
    /// The user of this name and password.
    ///
    /// # Errors
    /// 401: one of them is wrong; it does not say which. 403: they are a bin's. 429: too many failures from this
    /// address, or to this account.
    async fn verify(&self, store: &Store, from: &Caller, name: &str, password: &str) -> Result<User, HttpError> {
        let wrong = || HttpError::unauthorized("name or password is wrong");
        let attempt = Attempt::new(from.ip, name);
        self.notice_proxy(from);
        let row = user::Entity::find().filter(user::Column::Name.eq(name)).one(store.db()).await?;
        // Nobody guesses a bin's secret, and one that is shown at the wrong place must not lock people out.
        if row.is_none()
            && let Some(right) = bins::judge(store, name, password).await?
        {
            return Err(if right { for_people(name) } else { wrong() });
        }
        if row.is_none() && subscribers::verify(store, name, password).await?.is_some() {
            let detail =
                format!("this is for people, and {name} is a subscriber: with its secret it may listen over MQTT");
            return Err(HttpError::forbidden("not-for-subscribers", detail));
        }
        self.attempts().may(&attempt, Instant::now()).map_err(|wait| too_many(wait, from))?;
        // An unknown name takes as long as a wrong password, so that names cannot be probed.
        let hash = row.as_ref().map_or(password::UNKNOWN, |row| row.password_hash.as_str());
        let known = bins::fingerprint(&format!("{hash}\n{password}"));
        // In turn, so that many requests with one right password are one check and no failure.
        let _turn = self.checks.acquire().await.map_err(HttpError::internal)?;
        self.attempts().begin(&attempt, Instant::now()).map_err(|wait| too_many(wait, from))?;
        if !self.remembers(&known) {
            if !password::verify(password, hash).await.map_err(HttpError::internal)? {
                tracing::warn!(user = ?name.chars().take(80).collect::<String>(), address = ?from.ip, "login failed");
                // The name that was tried is a person's only if there is one: it may as well be a password.
                let who = row.as_ref().map_or(audit::NOBODY, |row| row.name.as_str());
                let detail = serde_json::json!({ "address": from.ip });
                if let Err(error) = audit::tally(store.db(), now_ms(), who, "login.refused", detail).await {
                    tracing::warn!(error = %Chain(&error), "a login that was refused is not noted");
                }
                return Err(wrong());
            }
            self.remember(known);
            // Who only reads is not kept out by a disk that is full.
            if let Some(row) = &row
                && let Err(error) = session::note_login(store, row.id).await
            {
                tracing::warn!(error = %Chain(&error), user = row.name, "a login was not noted");
            }
        }
        self.attempts().succeeded(&attempt, Instant::now());
        let row = row.ok_or_else(wrong)?;
        Ok(User { role: role_of(&row)?, name: row.name, id: row.id, proof: Proof::Password(row.password_hash) })
    }

    /// Has everybody who watches look whether their login still holds.
    fn something_ended(&self) {
        self.changes.send_replace(());
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Behind a proxy that is not named, all people are one address: whoever fails locks the others out.
    fn notice_proxy(&self, from: &Caller) {
        if from.unnamed_proxy {
            self.proxy_told.call_once(|| {
                let advice = "if it is yours, start the hub with --trusted-proxy and this address";
                tracing::warn!(proxy = ?from.ip, advice, "logins come through a proxy that is not named");
            });
        }
    }

    fn remembers(&self, known: &str) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.get(known).is_some_and(|at| at.elapsed() < REMEMBER)
    }

    fn remember(&self, known: String) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(known, Instant::now());
    }
}

/// 429, with the time to wait.
fn too_many(wait: Wait, from: &Caller) -> HttpError {
    let (wait, whose) = match wait {
        Wait::Address(wait) if from.unnamed_proxy => {
            (wait, "from this proxy, which the hub takes for the client: name it with --trusted-proxy")
        }
        Wait::Address(wait) => (wait, "from this address"),
        Wait::Account(wait) => (wait, "to this account"),
    };
    // Rounded up, so that whoever waits so long is let in.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let seconds = seconds.max(1);
    HttpError::too_many(format!("too many failed logins {whose}; try again in {seconds} s")).retry_after(seconds)
}

/// 403: a bin's name and secret, where people log in.
fn for_people(bin: &str) -> HttpError {
    let detail =
        format!("this is for people, and {bin} is a bin: with its secret it may fetch models, and mark items as wrong");
    HttpError::forbidden("not-for-bins", detail)
}

/// Draws a secret of 256 bits, for the hub's own login at its broker.
pub(crate) fn draw_secret() -> Secret {
    bins::draw()
}

/// The role of a row.
///
/// # Errors
/// [`StoreError::Corrupt`]: there is no such role.
fn role_of(row: &user::Model) -> Result<Role, StoreError> {
    row.role.parse().map_err(|error: role::UnknownRole| StoreError::Corrupt {
        table: "users",
        row: row.name.clone(),
        problem: error.to_string(),
    })
}

/// Makes the administrator if there is nobody yet. Gives the password if it was drawn here: it is shown
/// once, to whoever started the hub, and kept nowhere.
///
/// # Errors
/// [`AccountError`]: the password that is wanted is not good enough, or the database failed.
pub async fn ensure_administrator(store: &Store, wanted: Option<&Secret>) -> Result<Option<Secret>, AccountError> {
    if user::Entity::find().count(store.db()).await? > 0 {
        return Ok(None);
    }
    let name: UserName = ADMINISTRATOR.parse().expect("a valid name");
    accounts::add(store, &name, wanted, Role::Admin, By::Hub).await
}

/// Gives a user a new, drawn password and ends their sessions.
///
/// # Errors
/// [`AccountError`]: there is no such user, or the database failed.
pub async fn reset_password(store: &Store, name: &str) -> Result<Secret, AccountError> {
    let password = password::draw();
    let change = Change { password: Some(&password), role: None };
    accounts::change(store, name, change, By::CommandLine).await?;
    Ok(password)
}

#[cfg(test)]
mod tests;

//! Connections whose secret is worth nothing any more.
//!
//! Who was let in is remembered with the fingerprint of the secret that they came with. It is compared with
//! the database on a nudge (a secret was renewed, an account taken away) and every few seconds, since a
//! command line beside the hub changes accounts as well. Who no longer fits is cut off, with all that was
//! queued for them. It is one comparison for every kind of change, so that none is forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rmqtt::context::ServerContext;
use rmqtt::types::ClientId;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use tokio::runtime::Handle;

use crate::auth::Evictions;
use crate::store::Store;
use crate::store::entity::{bin, subscriber};

/// How long a change that the command line made takes to be seen.
const EVERY: Duration = Duration::from_secs(2);

/// A client that was let in is connected by then, or will not be: only later is it forgotten.
const SETTLED: Duration = Duration::from_secs(60);

/// What somebody may do who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// A bin: its own topics.
    Bin(pilah_models::name::BinId),
    /// The doctor of a bin, beside it: what the bin hears.
    Doctor(pilah_models::name::BinId),
    /// A listener: what bins say; with images or without.
    Subscriber {
        /// With images.
        samples: bool,
    },
}

#[derive(Debug, Clone)]
struct Admission {
    account: Account,
    user: String,
    fingerprint: String,
    at: Instant,
}

/// Who was let in, by client id.
#[derive(Debug, Clone, Default)]
pub(super) struct Admitted(Arc<Mutex<HashMap<String, Admission>>>);

impl Admitted {
    /// Remembers who was let in, and by which secret.
    pub(super) fn admit(&self, client: &str, user: &str, fingerprint: String, account: Account, now: Instant) {
        let admission = Admission { account, user: user.to_owned(), fingerprint, at: now };
        self.lock().insert(client.to_owned(), admission);
    }

    /// What a client may do; `None` if it was not let in.
    pub(super) fn account(&self, client: &str) -> Option<Account> {
        self.lock().get(client).map(|admission| admission.account.clone())
    }

    /// Forgets clients that are not connected, and gives those whose secret is not what `valid` says of
    /// their user.
    fn review(
        &self,
        valid: &HashMap<String, String>,
        is_connected: impl Fn(&str) -> bool,
        now: Instant,
    ) -> Vec<(String, String)> {
        let mut admitted = self.lock();
        admitted.retain(|client, admission| now.duration_since(admission.at) < SETTLED || is_connected(client));
        let is_stale = |admission: &Admission| valid.get(&admission.user) != Some(&admission.fingerprint);
        let stale = admitted.iter().filter(|(_, admission)| is_stale(admission));
        stale.map(|(client, admission)| (client.clone(), admission.user.clone())).collect()
    }

    fn forget(&self, client: &str) {
        self.lock().remove(client);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Admission>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs beside the broker, on its runtime; `hub` is where database queries belong.
pub(super) async fn run(context: ServerContext, admitted: Admitted, store: Store, hub: Handle, evictions: Evictions) {
    loop {
        // Either is the same: the comparison takes no input.
        tokio::time::timeout(EVERY, evictions.nudged()).await.ok();
        if admitted.lock().is_empty() {
            continue;
        }
        let store = store.clone();
        let valid = match hub.spawn(async move { fingerprints(&store).await }).await {
            Ok(Ok(valid)) => valid,
            Ok(Err(error)) => {
                tracing::warn!(%error, "secrets cannot be compared; tried again in seconds");
                continue;
            }
            // The hub ends.
            Err(_) => return,
        };
        let mut connected = HashMap::new();
        for entry in context.extends.shared().await.iter() {
            let id = entry.id();
            connected.insert(id.client_id.to_string(), id);
        }
        let stale = admitted.review(&valid, |client| connected.contains_key(client), Instant::now());
        for (client, user) in stale {
            if let Some(id) = connected.remove(&client) {
                let ended = async {
                    let mut entry = context.extends.shared().await.entry(id).try_lock().await?;
                    entry.kick(true, true, true).await
                };
                if let Err(error) = ended.await {
                    tracing::warn!(user, %error, "a connection with an old secret is still open; tried again in seconds");
                    continue;
                }
                tracing::info!(user, client = ?ClientId::from(client.as_str()), "connection ended: its secret is no longer valid");
            }
            admitted.forget(&client);
        }
    }
}

/// What the secret of each user is known by.
async fn fingerprints(store: &Store) -> Result<HashMap<String, String>, DbErr> {
    let bins: Vec<(String, String)> = bin::Entity::find()
        .filter(bin::Column::RetiredMs.is_null())
        .select_only()
        .columns([bin::Column::Id, bin::Column::PasswordHash])
        .into_tuple()
        .all(store.db())
        .await?;
    let subscribers: Vec<(String, String)> = subscriber::Entity::find()
        .select_only()
        .columns([subscriber::Column::Name, subscriber::Column::PasswordHash])
        .into_tuple()
        .all(store.db())
        .await?;
    Ok(bins.into_iter().chain(subscribers).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_with_an_old_secret_is_found_and_who_left_is_forgotten() {
        let start = Instant::now();
        let admitted = Admitted::default();
        let listens = Account::Subscriber { samples: false };
        for (client, user, secret) in
            [("c1", "b1", "new"), ("c2", "b2", "old"), ("c3", "gone", "any"), ("c4", "b1", "new")]
        {
            admitted.admit(client, user, secret.to_owned(), listens.clone(), start);
        }
        let valid: HashMap<String, String> =
            [("b1", "new"), ("b2", "new")].map(|(user, secret)| (user.to_owned(), secret.to_owned())).into();
        let review = |after: Duration| {
            let mut stale = admitted.review(&valid, |client| client != "c4", start + after);
            stale.sort_unstable();
            stale
        };
        let pair = |client: &str, user: &str| (client.to_owned(), user.to_owned());
        assert_eq!(review(Duration::ZERO), [pair("c2", "b2"), pair("c3", "gone")]);
        assert_eq!(admitted.account("c4"), Some(listens), "it may be about to connect");
        admitted.forget("c2");
        assert_eq!(review(SETTLED), [pair("c3", "gone")]);
        assert_eq!(admitted.account("c4"), None, "it left");
        admitted.admit("c3", "b2", "new".to_owned(), Account::Subscriber { samples: true }, start);
        assert_eq!(review(SETTLED), [], "the same client came back with the new secret");
    }
}

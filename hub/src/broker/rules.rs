//! Who may connect, publish and listen.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use pilah_models::name::BinId;
use pilah_models::wire::topic;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::session::Session;
use rmqtt::types::{AuthResult, ConnectInfo, LastWill, PublishAclResult, SubscribeAclResult};
use sea_orm::DbErr;
use tokio::runtime::Handle;

use super::evict::{Account, Admitted};
use super::front::Passages;
use super::{HUB_CLIENT, Refusals};
use crate::auth::{bins, subscribers};
use crate::secret::Secret;
use crate::store::Store;

/// The rules, as rmqtt's hooks ask for them.
#[derive(Debug, Clone)]
pub(super) struct Rules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hub_secret: Secret,
    store: Store,
    refusals: Refusals,
    admitted: Admitted,
    passages: Passages,
    /// The hub's own runtime, where database queries belong: the broker's may end in the middle of one.
    hub: Handle,
}

/// What a CONNECT asks for.
#[derive(Debug, Clone, Copy)]
struct Login<'a> {
    user: &'a str,
    secret: &'a str,
    client: &'a str,
    will: Option<&'a str>,
}

impl Rules {
    pub(super) fn new(
        hub_secret: Secret,
        store: Store,
        refusals: Refusals,
        admitted: Admitted,
        passages: Passages,
        hub: Handle,
    ) -> Self {
        Self(Arc::new(Inner { hub_secret, store, refusals, admitted, passages, hub }))
    }

    /// Has rmqtt ask these rules.
    pub(super) async fn register(self, context: &ServerContext) {
        let register = context.extends.hook_mgr().register();
        for hook in [Type::ClientAuthenticate, Type::MessagePublishCheckAcl, Type::ClientSubscribeCheckAcl] {
            register.add(hook, Box::new(self.clone())).await;
        }
        register.start().await;
    }

    async fn authenticate(&self, info: &ConnectInfo) -> AuthResult {
        let will = info.last_will();
        let login = Login {
            user: info.username().map_or("", |user| user.as_ref()),
            secret: info.password().and_then(|secret| std::str::from_utf8(secret).ok()).unwrap_or_default(),
            client: info.client_id().as_ref(),
            will: will.as_ref().map(|will| match will {
                LastWill::V3(will) => will.topic.as_ref(),
                LastWill::V5(will) => will.topic.as_ref(),
            }),
        };
        // Whoever comes round the front does not get in, whatever they know.
        let address = info.ipaddress().and_then(|inside| self.0.passages.client(inside));
        let result = if address.is_some() { self.judge(login).await } else { AuthResult::NotAuthorized };
        if !matches!(result, AuthResult::Allow(..)) {
            self.0.refusals.0.connections.fetch_add(1, Ordering::Relaxed);
            // The user name is the client's word; it is escaped and cut before it reaches the log.
            let user: String = login.user.chars().take(80).collect();
            tracing::warn!(user = ?user, address = ?address, "MQTT connection refused");
        }
        result
    }

    async fn judge(&self, login: Login<'_>) -> AuthResult {
        if login.user == topic::HUB_USER && login.client == HUB_CLIENT {
            let known = bins::fingerprint(login.secret) == bins::fingerprint(self.0.hub_secret.reveal());
            return if known { AuthResult::Allow(true, None) } else { AuthResult::BadUsernameOrPassword };
        }
        let Ok(name) = BinId::from_str(login.user) else { return AuthResult::BadUsernameOrPassword };
        let (store, asked, secret) = (self.0.store.clone(), name.clone(), login.secret.to_owned());
        let account = match self.0.hub.spawn(async move { account(&store, &asked, &secret).await }).await {
            Ok(Ok(Some(account))) => account,
            Ok(Ok(None)) => return AuthResult::BadUsernameOrPassword,
            Ok(Err(error)) => {
                tracing::error!(%error, "a login cannot be verified");
                return AuthResult::NotAuthorized;
            }
            Err(_) => return AuthResult::NotAuthorized,
        };
        let is_doctor = login.client == topic::doctor_client_id(&name);
        let account = match account {
            Account::Bin(bin) if is_doctor => Account::Doctor(bin),
            account => account,
        };
        let may_connect = match &account {
            Account::Bin(bin) => {
                login.client == format!("pilah-{bin}")
                    && login.will.is_none_or(|will| topic::bin_may_publish(bin, will))
            }
            // It looks on beside the bin, which keeps its own session; it has nothing to say.
            Account::Doctor(bin) => login.will.is_none() && !self.is_a_bins_name(bin, login.client).await,
            // Neither a bin nor the hub is pushed off by somebody who takes its client id.
            Account::Subscriber { .. } => !login.client.starts_with("pilah-") && login.will.is_none(),
        };
        if !may_connect {
            return AuthResult::NotAuthorized;
        }
        let fingerprint = bins::fingerprint(login.secret);
        self.0.admitted.admit(login.client, login.user, fingerprint, account, Instant::now());
        AuthResult::Allow(false, None)
    }

    /// Whether another bin connects under this name: one that is called as the doctor of this one.
    async fn is_a_bins_name(&self, bin: &BinId, client: &str) -> bool {
        let Some(Ok(other)) = client.strip_prefix("pilah-").map(BinId::from_str) else { return false };
        let store = self.0.store.clone();
        let found = self.0.hub.spawn(async move { bins::exists(&store, &other).await }).await;
        if !matches!(found, Ok(Ok(false))) {
            tracing::warn!(%bin, client, "the doctor is refused: another bin has its name, or nobody can tell");
        }
        !matches!(found, Ok(Ok(false)))
    }

    fn may(&self, session: &Session, topic: &str, rule: fn(&Account, &str) -> bool, refused: &AtomicU64) -> bool {
        let allowed = self.0.admitted.account(&session.id.client_id).is_some_and(|account| rule(&account, topic));
        if !allowed {
            refused.fetch_add(1, Ordering::Relaxed);
            let topic: String = topic.chars().take(120).collect();
            tracing::warn!(user = session.id.username_ref(), topic = ?topic, "MQTT topic refused");
        }
        allowed
    }
}

fn may_publish(account: &Account, topic: &str) -> bool {
    match account {
        Account::Bin(bin) => topic::bin_may_publish(bin, topic),
        Account::Doctor(_) | Account::Subscriber { .. } => false,
    }
}

fn may_subscribe(account: &Account, filter: &str) -> bool {
    match account {
        Account::Bin(bin) | Account::Doctor(bin) => topic::bin_may_subscribe(bin, filter),
        Account::Subscriber { samples } => topic::subscriber_may_subscribe(filter, *samples),
    }
}

/// Whose name and secret these are.
async fn account(store: &Store, name: &BinId, secret: &str) -> Result<Option<Account>, DbErr> {
    if bins::verify(store, name, secret).await? {
        return Ok(Some(Account::Bin(name.clone())));
    }
    let samples = subscribers::verify(store, name.as_str(), secret).await?;
    Ok(samples.map(|samples| Account::Subscriber { samples }))
}

#[async_trait]
impl Handler for Rules {
    async fn hook(&self, parameter: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        let refusals = &self.0.refusals.0;
        match parameter {
            Parameter::ClientAuthenticate(info) => (false, Some(HookResult::AuthResult(self.authenticate(info).await))),
            Parameter::MessagePublishCheckAcl(session, publish) => {
                let allowed = self.may(session, &publish.topic, may_publish, &refusals.publishes);
                // MQTT 3.1.1 has no word for "refused" in a PUBACK: the end of the connection says it.
                let result = if allowed { PublishAclResult::allow() } else { PublishAclResult::rejected(true, None) };
                (false, Some(HookResult::PublishAclResult(result)))
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let filter = &subscribe.topic_filter;
                let result = if self.may(session, filter, may_subscribe, &refusals.subscriptions) {
                    SubscribeAclResult::new_success(subscribe.opts.qos(), None)
                } else {
                    SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
                };
                (false, Some(HookResult::SubscribeAclResult(result)))
            }
            _ => (true, so_far),
        }
    }
}

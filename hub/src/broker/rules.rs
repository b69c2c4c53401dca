//! Who may connect, publish and listen.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use pilah_models::name::BinId;
use pilah_models::wire::topic;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::session::Session;
use rmqtt::types::{AuthResult, ConnectInfo, LastWill, PublishAclResult, SubscribeAclResult};
use tokio::runtime::Handle;

use super::Refusals;
use super::front::Passages;
use crate::auth::bins;
use crate::config::Secret;
use crate::ingest::CLIENT_ID;
use crate::store::Store;

/// The rules, as rmqtt's hooks ask for them.
#[derive(Debug, Clone)]
pub(super) struct Rules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hub_secret: Secret,
    store: Store,
    refusals: Refusals,
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
    pub(super) fn new(hub_secret: Secret, store: Store, refusals: Refusals, passages: Passages, hub: Handle) -> Self {
        Self(Arc::new(Inner { hub_secret, store, refusals, passages, hub }))
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
        if login.user == topic::HUB_USER && login.client == CLIENT_ID {
            let known = bins::fingerprint(login.secret) == bins::fingerprint(self.0.hub_secret.reveal());
            return if known { AuthResult::Allow(true, None) } else { AuthResult::BadUsernameOrPassword };
        }
        let Ok(bin) = BinId::from_str(login.user) else { return AuthResult::BadUsernameOrPassword };
        let (store, asked, secret) = (self.0.store.clone(), bin.clone(), login.secret.to_owned());
        let verified = self.0.hub.spawn(async move { bins::verify(&store, &asked, &secret).await }).await;
        match verified {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return AuthResult::BadUsernameOrPassword,
            Ok(Err(error)) => {
                tracing::error!(%error, "a bin cannot be verified");
                return AuthResult::NotAuthorized;
            }
            Err(_) => return AuthResult::NotAuthorized,
        }
        if login.client != format!("pilah-{bin}") {
            return AuthResult::NotAuthorized;
        }
        if login.will.is_some_and(|will| !topic::bin_may_publish(&bin, will)) {
            return AuthResult::NotAuthorized;
        }
        AuthResult::Allow(false, None)
    }

    fn may(&self, session: &Session, topic: &str, rule: fn(&BinId, &str) -> bool, refused: &AtomicU64) -> bool {
        let user = session.id.username_ref();
        let allowed = BinId::from_str(user).is_ok_and(|bin| rule(&bin, topic));
        if !allowed {
            refused.fetch_add(1, Ordering::Relaxed);
            let topic: String = topic.chars().take(120).collect();
            tracing::warn!(bin = user, topic = ?topic, "MQTT topic refused");
        }
        allowed
    }
}

#[async_trait]
impl Handler for Rules {
    async fn hook(&self, parameter: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        let refusals = &self.0.refusals.0;
        match parameter {
            Parameter::ClientAuthenticate(info) => (false, Some(HookResult::AuthResult(self.authenticate(info).await))),
            Parameter::MessagePublishCheckAcl(session, publish) => {
                let allowed = self.may(session, &publish.topic, topic::bin_may_publish, &refusals.publishes);
                // MQTT 3.1.1 has no word for "refused" in a PUBACK: the end of the connection says it.
                let result = if allowed { PublishAclResult::allow() } else { PublishAclResult::rejected(true, None) };
                (false, Some(HookResult::PublishAclResult(result)))
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let filter = &subscribe.topic_filter;
                let result = if self.may(session, filter, topic::bin_may_subscribe, &refusals.subscriptions) {
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

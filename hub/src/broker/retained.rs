//! Retained messages in memory: rmqtt has the tree, but keeps nothing in it unless a plugin does.

use std::time::Duration;

use async_trait::async_trait;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::types::{Retain, TopicFilter, TopicName};

/// Bins and hub retain three messages a bin; the rules of who may publish bound the number of topics.
#[derive(Default)]
pub(super) struct InMemory(DefaultRetainStorage);

#[async_trait]
impl RetainStorage for InMemory {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, topic: &TopicName, retain: Retain, expires: Option<Duration>) -> rmqtt::Result<()> {
        self.0.set_with_timeout(topic, retain, expires.filter(|interval| !interval.is_zero())).await
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        self.0.get_message(filter).await
    }

    async fn count(&self) -> isize {
        self.0.count().await
    }

    async fn max(&self) -> isize {
        self.0.max().await
    }
}

//! Versions on their way to the bins, group by group, and what happened on the way.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, integer_null, string, string_null, text, text_null};

/// Versions on their way to the bins, group by group, and what happened on the way.
#[derive(Debug)]
pub(super) struct Rollouts;

impl MigrationName for Rollouts {
    fn name(&self) -> &'static str {
        "m0012_rollouts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Rollouts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut open = integer_null("open");
        let rollouts = Table::create()
            .table("rollouts")
            .col(big_integer("id").primary_key())
            .col(string("version"))
            .col(string("before"))
            .col(string("state"))
            // 1 while it is under way, or nothing: SQLite lets no two rows have a 1.
            .col(open.unique_key())
            .col(string("by"))
            .col(text_null("reason"))
            .col(big_integer("started_ms"))
            .col(big_integer_null("ended_ms"))
            .col(text("plan_json"))
            .col(text("progress_json"))
            .take();
        manager.create_table(rollouts).await?;
        let mut id = big_integer("id");
        let events = Table::create()
            .table("rollout_events")
            .col(id.primary_key().auto_increment())
            .col(big_integer("rollout"))
            .col(big_integer("at_ms"))
            .col(text("happening_json"))
            .take();
        manager.create_table(events).await?;
        let by_rollout =
            Index::create().name("idx_rollout_events_rollout").table("rollout_events").col("rollout").take();
        manager.create_index(by_rollout).await?;
        let zone = Table::alter().table("bins").add_column(string_null("time_zone")).take();
        manager.alter_table(zone).await
    }
}

//! Who listens over MQTT, and secrets as a foreign broker's password file has them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, string, string_null};

/// Who listens over MQTT, and secrets as a foreign broker's password file has them.
#[derive(Debug)]
pub(super) struct Listeners;

impl MigrationName for Listeners {
    fn name(&self) -> &'static str {
        "m0011_listeners"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Listeners {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("subscribers")
            .col(string("name").primary_key())
            .col(string("password_hash"))
            .col(string("mosquitto_hash"))
            .col(boolean("samples"))
            .col(big_integer("created_ms"))
            .take();
        manager.create_table(table).await?;
        // Empty for secrets that were made before: of these there is nothing but a SHA-256.
        let added = Table::alter().table("bins").add_column(string_null("mosquitto_hash")).take();
        manager.alter_table(added).await?;
        // A tally looks for the last entry of somebody's of one kind, and people filter by the same.
        let mut by_kind = Index::create();
        by_kind.name("idx_audit_who_what_at_ms").table("audit").col("who").col("what").col("at_ms");
        manager.create_index(by_kind).await
    }
}

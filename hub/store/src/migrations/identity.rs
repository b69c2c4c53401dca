//! What a number stands for, when an item was seen, and in which order a bin said what.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, string_null, text_null};

/// What a number stands for, when an item was seen, and in which order a bin said what.
#[derive(Debug)]
pub(super) struct Identity;

impl MigrationName for Identity {
    fn name(&self) -> &'static str {
        "m0011_identity"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Identity {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            ("events", string_null("fingerprint")),
            ("events", big_integer_null("seen_ms")),
            ("samples", string_null("fingerprint")),
            ("bins", text_null("standing_json")),
            ("bins", string_null("camera_is")),
            ("bins", big_integer("conflicts").default(0).take()),
            ("bins", big_integer_null("conflict_ms")),
            ("bins", big_integer("takeovers").default(0).take()),
            ("bins", big_integer_null("takeover_ms")),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        // Whether a clock was synchronised was not kept; a time before the bin's enrolment or after the receipt is wrong.
        let seen = "UPDATE events SET seen_ms = CASE WHEN at_ms <= received_ms AND at_ms >= \
             COALESCE((SELECT created_ms FROM bins WHERE bins.id = events.bin), received_ms) \
             THEN at_ms ELSE received_ms END";
        manager.get_connection().execute_unprepared(seen).await?;
        Ok(())
    }
}

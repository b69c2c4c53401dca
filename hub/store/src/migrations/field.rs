//! What bins see, added up by model, day, bin and label.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, double, string};

/// What bins see, added up by model, day, bin and label.
#[derive(Debug)]
pub(super) struct Field;

impl MigrationName for Field {
    fn name(&self) -> &'static str {
        "m0013_field_days"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Field {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("field_days")
            .col(string("model"))
            .col(big_integer("day"))
            .col(string("bin"))
            .col(string("label"))
            .col(big_integer("items"))
            .col(big_integer("unsure"))
            .col(double("confidence"))
            .col(double("confidence_squares"))
            // In the order of the question: two models, from a day on.
            .primary_key(Index::create().col("model").col("day").col("bin").col("label"))
            .take();
        manager.create_table(table).await?;
        // What came in the last 35 days before the newest, by the index on when it came: a hub of ten million events
        // reads the last of them, once.
        let counted = "INSERT INTO field_days \
             SELECT model, COALESCE(seen_ms, received_ms) / 86400000, bin, label, COUNT(*), \
                    SUM(CASE WHEN outcome = 'unsure' THEN 1 ELSE 0 END), SUM(confidence), SUM(confidence * confidence) \
             FROM events WHERE received_ms >= (SELECT MAX(received_ms) FROM events) - 3024000000 \
             GROUP BY 1, 2, 3, 4";
        manager.get_connection().execute_unprepared(counted).await?;
        Ok(())
    }
}

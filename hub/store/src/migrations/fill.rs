//! The fill of bins, a row per bin and day.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, double, integer, string};

/// The fill of bins, a row per bin and day.
#[derive(Debug)]
pub(super) struct Fill;

impl MigrationName for Fill {
    fn name(&self) -> &'static str {
        "m0007_fill_days"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Fill {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("fill_days")
            .col(string("bin"))
            .col(big_integer("day"))
            .col(double("last"))
            .col(big_integer("last_at_ms"))
            .col(double("highest"))
            .col(double("peak"))
            .col(double("gained"))
            .col(integer("collections"))
            .col(integer("readings"))
            .primary_key(Index::create().col("bin").col("day"))
            .take();
        manager.create_table(table).await
    }
}

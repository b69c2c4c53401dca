//! Rows that show that what was written is there: written by one connection, read by another.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary, string};

/// Rows that show that what was written is there.
#[derive(Debug)]
pub(super) struct Disk;

impl MigrationName for Disk {
    fn name(&self) -> &'static str {
        "m0010_disk"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Disk {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("store_marks")
            .col(string("keeper").primary_key())
            .col(big_integer("number"))
            .col(big_integer("at_ms"))
            .col(binary("padding"))
            .take();
        manager.create_table(table).await
    }
}

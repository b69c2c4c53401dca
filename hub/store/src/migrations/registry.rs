//! What the registry knows beyond a version's files: its report, when it was in service, who overrode the
//! gate and why; and backbones that were imported for the next training.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, double_null, integer, string, string_null, text, text_null,
};

/// What the registry knows beyond a version's files.
#[derive(Debug)]
pub(super) struct Registry;

impl MigrationName for Registry {
    fn name(&self) -> &'static str {
        "m0005_registry"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Registry {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            text_null("report_json"),
            big_integer_null("service_ms"),
            text_null("override_reason"),
            string_null("override_by"),
            big_integer_null("override_ms"),
        ] {
            // SQLite adds one column at a time.
            manager.alter_table(Table::alter().table("models").add_column(column).take()).await?;
        }
        manager.create_table(backbones()).await
    }
}

fn backbones() -> TableCreateStatement {
    Table::create()
        .table("backbones")
        .col(string("sha256").primary_key())
        .col(string("name"))
        .col(big_integer("bytes"))
        .col(text("input_json"))
        .col(integer("embedding"))
        .col(double_null("median_ms").not_null())
        .col(big_integer("created_ms"))
        .col(string("created_by"))
        .take()
}

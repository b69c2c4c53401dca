//! Where bins stand, what group they are of, and which are retired.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, double_null, string_null, text_null};

/// Where bins stand, what group they are of, and which are retired.
#[derive(Debug)]
pub(super) struct Fleet;

impl MigrationName for Fleet {
    fn name(&self) -> &'static str {
        "m0008_fleet"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Fleet {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            double_null("latitude"),
            double_null("longitude"),
            text_null("address"),
            string_null("group_name"),
            big_integer_null("retired_ms"),
        ] {
            manager.alter_table(Table::alter().table("bins").add_column(column).take()).await?;
        }
        Ok(())
    }
}

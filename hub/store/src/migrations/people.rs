//! When people last logged in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer_null;

/// When people last logged in.
#[derive(Debug)]
pub(super) struct People;

impl MigrationName for People {
    fn name(&self) -> &'static str {
        "m0007_people"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for People {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let added = Table::alter().table("users").add_column(big_integer_null("last_login_ms")).take();
        manager.alter_table(added).await
    }
}

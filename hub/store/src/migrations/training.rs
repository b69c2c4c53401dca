//! Trainings as jobs that any process on the data folder can take.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, boolean, integer, string_null, text_null};

/// Queue, lease, cancellation and log of trainings.
#[derive(Debug)]
pub(super) struct TrainingJobs;

impl MigrationName for TrainingJobs {
    fn name(&self) -> &'static str {
        "m0004_training_jobs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for TrainingJobs {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            string_null("active"),
            string_null("worker"),
            big_integer_null("lease_until_ms"),
            integer("attempt").default(0).take(),
            boolean("cancel").default(false).take(),
            text_null("status_json"),
            text_null("backbone_json"),
            text_null("log_json"),
        ] {
            manager.alter_table(Table::alter().table("trainings").add_column(column).take()).await?;
        }
        // SQL counts null as different from null: any number of trainings may be over, one is not.
        let one = Index::create().name("idx_trainings_active").table("trainings").col("active").unique().take();
        manager.create_index(one).await
    }
}

//! What reviewers did, by time.

use sea_orm_migration::prelude::*;

/// What reviewers did, by time.
#[derive(Debug)]
pub(super) struct Answers;

impl MigrationName for Answers {
    fn name(&self) -> &'static str {
        "m0009_answers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Answers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_time = Index::create().name("idx_review_actions_at_ms").table("review_actions").col("at_ms").take();
        manager.create_index(by_time).await
    }
}

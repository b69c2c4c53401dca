//! The review queue, what reviewers did, and what was computed in the background.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, double, double_null, pk_auto, string, string_null, text,
};

/// The review queue, what reviewers did, and what was computed in the background.
#[derive(Debug)]
pub(super) struct Review;

impl MigrationName for Review {
    fn name(&self) -> &'static str {
        "m0003_review"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Review {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [reviews(), review_actions(), computations()] {
            manager.create_table(table).await?;
        }
        for (table, columns) in [
            ("reviews", &["state", "value", "sample_id"] as &[_]),
            ("reviews", &["state", "random_rank", "sample_id"]),
            ("reviews", &["unsure", "sample_id"]),
            ("reviews", &["leased_by"]),
            ("review_actions", &["reviewer", "id"]),
            ("review_actions", &["sample_id"]),
            // All that the statistics count, so that they read the index alone.
            ("samples", &["label", "split", "bin", "source", "received_ms", "bytes"]),
        ] {
            let mut index = Index::create();
            index.name(format!("idx_{table}_{}", columns.join("_"))).table(table);
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn reviews() -> TableCreateStatement {
    Table::create()
        .table("reviews")
        .col(string("sample_id").primary_key())
        .col(string("state"))
        .col(double("value"))
        .col(double_null("random_rank"))
        .col(double_null("unsure"))
        .col(double_null("disagreement"))
        .col(double_null("suspect"))
        .col(double_null("novelty"))
        .col(boolean("marked_wrong").default(false))
        .col(boolean("checked").default(false))
        .col(string_null("guess"))
        .col(string_null("suggested"))
        .col(string_null("model"))
        .col(string_null("leased_by"))
        .col(big_integer_null("leased_until_ms"))
        .foreign_key(&mut of_sample("reviews"))
        .take()
}

fn review_actions() -> TableCreateStatement {
    Table::create()
        .table("review_actions")
        .col(pk_auto("id").big_integer())
        .col(string("sample_id"))
        .col(string("reviewer"))
        .col(string("action"))
        .col(string_null("label"))
        .col(string_null("reason"))
        .col(big_integer("at_ms"))
        .col(string("state_before"))
        .col(string_null("label_before"))
        .col(boolean("checked_before").default(false))
        .col(boolean("undone").default(false))
        .foreign_key(&mut of_sample("review_actions"))
        .take()
}

/// A sample that is deleted takes along what was said of it.
fn of_sample(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, "sample_id").to("samples", "id").on_delete(ForeignKeyAction::Cascade).take()
}

fn computations() -> TableCreateStatement {
    Table::create()
        .table("computations")
        .col(string("name").primary_key())
        .col(big_integer("computed_ms"))
        .col(text("inputs_json"))
        .col(text("result_json"))
        .take()
}

//! What samples look like, which belong together, who sent them; imports; frozen versions.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, integer_null, string, string_null, text, text_null};

/// What samples look like, which belong together, who sent them; imports; frozen versions.
#[derive(Debug)]
pub(super) struct Dataset;

impl MigrationName for Dataset {
    fn name(&self) -> &'static str {
        "m0002_dataset"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Dataset {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            big_integer_null("looks"),
            integer_null("looks_0"),
            integer_null("looks_1"),
            integer_null("looks_2"),
            integer_null("looks_3"),
            string_null("cluster"),
            string_null("excluded"),
            string_null("sent_by"),
        ];
        // SQLite adds one column at a time.
        for column in columns {
            manager.alter_table(Table::alter().table("samples").add_column(column).take()).await?;
        }
        for column in ["looks_0", "looks_1", "looks_2", "looks_3", "cluster", "sent_by"] {
            let name = format!("idx_samples_{column}");
            manager.create_index(Index::create().name(name).table("samples").col(column).take()).await?;
        }
        // Counts by label and split are read from the index alone.
        let counts = Index::create().name("idx_samples_label_split").table("samples").col("label").col("split").take();
        manager.create_index(counts).await?;
        for update in [clusters(), senders()] {
            manager.execute(update).await?;
        }
        manager.create_table(imports()).await?;
        manager.create_table(dataset_versions()).await
    }
}

/// Until now, what is one group was all that belongs together.
fn clusters() -> UpdateStatement {
    Query::update().table("samples").value("cluster", Expr::col("group_key")).take()
}

/// Who labelled an upload first sent it. Where the label was changed since, nobody knows who that was.
fn senders() -> UpdateStatement {
    let changed = Query::select().column("sample_id").from("label_history").take();
    Query::update()
        .table("samples")
        .value("sent_by", Expr::col("labelled_by"))
        .and_where(Expr::col("source").is_in(["upload", "import"]))
        .and_where(Expr::col("id").not_in_subquery(changed))
        .take()
}

fn imports() -> TableCreateStatement {
    Table::create()
        .table("imports")
        .col(string("id").primary_key())
        .col(string("state"))
        .col(string("by"))
        .col(string("file"))
        .col(big_integer("started_ms"))
        .col(big_integer_null("finished_ms"))
        .col(text_null("report_json"))
        .col(text_null("error"))
        .take()
}

fn dataset_versions() -> TableCreateStatement {
    Table::create()
        .table("dataset_versions")
        .col(string("id").primary_key())
        .col(big_integer("created_ms"))
        .col(string("by"))
        .col(text("note"))
        .col(big_integer("samples"))
        .col(text("counts_json"))
        .take()
}

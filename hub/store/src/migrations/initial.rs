//! The first tables.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, double_null, integer, integer_null, pk_auto, string, string_null, text,
    text_null,
};

/// The first tables.
#[derive(Debug)]
pub(super) struct Initial;

impl MigrationName for Initial {
    fn name(&self) -> &'static str {
        "m0001_initial"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Initial {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            users(),
            sessions(),
            bins(),
            events(),
            samples(),
            label_history(),
            embeddings(),
            trainings(),
            models(),
            audit(),
        ] {
            manager.create_table(table).await?;
        }
        for (table, unique, columns) in [
            ("users", true, &["name"] as &[_]),
            ("events", true, &["bin", "epoch", "seq"]),
            ("events", false, &["bin", "id"]),
            ("events", false, &["received_ms"]),
            ("events", false, &["model", "truth_label"]),
            // Uploads have no bin, epoch and seq; SQL counts null as different from null.
            ("samples", true, &["bin", "epoch", "seq"]),
            ("samples", false, &["content_sha256"]),
            ("samples", false, &["label", "received_ms"]),
            ("samples", false, &["group_key"]),
            ("label_history", false, &["sample_id"]),
        ] {
            let mut index = Index::create();
            index.name(format!("idx_{table}_{}", columns.join("_"))).table(table);
            for column in columns {
                index.col(*column);
            }
            if unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn users() -> TableCreateStatement {
    Table::create()
        .table("users")
        .col(pk_auto("id"))
        .col(string("name"))
        .col(string("password_hash"))
        .col(string("role"))
        .col(big_integer("created_ms"))
        .take()
}

fn sessions() -> TableCreateStatement {
    Table::create()
        .table("sessions")
        .col(string("token_hash").primary_key())
        .col(integer("user_id"))
        .col(big_integer("expires_ms"))
        .foreign_key(
            ForeignKey::create().from("sessions", "user_id").to("users", "id").on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn bins() -> TableCreateStatement {
    Table::create()
        .table("bins")
        .col(string("id").primary_key())
        .col(string("password_hash"))
        .col(string("name"))
        .col(big_integer("created_ms"))
        .col(big_integer_null("last_seen_ms"))
        .col(boolean("online").default(false))
        .col(text_null("status_json"))
        .col(text_null("reported_json"))
        .col(text_null("telemetry_json"))
        .col(string_null("model_version"))
        .col(string_null("desired_version"))
        .take()
}

fn events() -> TableCreateStatement {
    Table::create()
        .table("events")
        .col(pk_auto("id").big_integer())
        .col(string("bin"))
        .col(big_integer("epoch"))
        .col(big_integer("seq"))
        .col(big_integer("at_ms"))
        .col(big_integer("received_ms"))
        .col(string("outcome"))
        .col(string("label"))
        .col(double_null("confidence").not_null())
        .col(text("probabilities_json"))
        .col(string("model"))
        .col(double_null("latency_ms").not_null())
        .col(string_null("truth_label"))
        .col(string_null("truth_source"))
        .take()
}

fn samples() -> TableCreateStatement {
    Table::create()
        .table("samples")
        .col(string("id").primary_key())
        .col(string("source"))
        .col(string_null("bin"))
        .col(big_integer_null("epoch"))
        .col(big_integer_null("seq"))
        .col(big_integer_null("event_seq"))
        .col(string_null("reason"))
        .col(big_integer("at_ms"))
        .col(big_integer("received_ms"))
        .col(string("content_sha256"))
        .col(integer("width"))
        .col(integer("height"))
        .col(big_integer("bytes"))
        .col(string_null("model"))
        .col(string_null("guess"))
        .col(boolean("sure").default(false))
        .col(double_null("confidence"))
        .col(text_null("probabilities_json"))
        .col(string_null("truth_label"))
        .col(string_null("truth_source"))
        .col(string_null("label"))
        .col(string_null("labelled_by"))
        .col(big_integer_null("labelled_at_ms"))
        .col(string("group_key"))
        .col(string_null("split"))
        .take()
}

fn label_history() -> TableCreateStatement {
    Table::create()
        .table("label_history")
        .col(pk_auto("id").big_integer())
        .col(string("sample_id"))
        .col(string_null("was"))
        .col(string_null("label"))
        .col(string("by"))
        .col(big_integer("at_ms"))
        .foreign_key(ForeignKey::create().from("label_history", "sample_id").to("samples", "id"))
        .take()
}

fn embeddings() -> TableCreateStatement {
    Table::create()
        .table("embeddings")
        .col(string("backbone_sha256"))
        .col(string("content_sha256"))
        .col(ColumnDef::new("vector").binary().not_null().take())
        .primary_key(Index::create().col("backbone_sha256").col("content_sha256"))
        .take()
}

fn trainings() -> TableCreateStatement {
    Table::create()
        .table("trainings")
        .col(pk_auto("id"))
        .col(string("state"))
        .col(text("params_json"))
        .col(big_integer("started_ms"))
        .col(big_integer_null("finished_ms"))
        .col(integer("epoch").default(0))
        .col(integer("epochs").default(0))
        .col(text("message"))
        .col(double_null("accuracy"))
        .col(double_null("loss"))
        .col(text_null("history_json"))
        .col(text_null("report_json"))
        .col(string_null("model_version"))
        .col(text_null("error"))
        .take()
}

fn models() -> TableCreateStatement {
    Table::create()
        .table("models")
        .col(string("version").primary_key())
        .col(string("manifest_sha256"))
        .col(string("backbone_sha256"))
        .col(string("head_sha256"))
        .col(big_integer("created_ms"))
        .col(integer_null("training_id"))
        .col(text_null("metrics_json"))
        .col(text_null("gate_json"))
        .col(string("state"))
        .take()
}

fn audit() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(pk_auto("id").big_integer())
        .col(big_integer("at_ms"))
        .col(string("who"))
        .col(string("what"))
        .col(text_null("detail_json"))
        .take()
}

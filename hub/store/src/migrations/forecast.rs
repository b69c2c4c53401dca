//! Dated quantities, trainings of forecasts, and their results.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, double, double_null, string, string_null, text, text_null,
};

/// Dated quantities, trainings of forecasts, and their results.
#[derive(Debug)]
pub(super) struct Forecast;

impl MigrationName for Forecast {
    fn name(&self) -> &'static str {
        "m0006_forecast"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Forecast {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [quantities(), forecast_trainings(), forecast_results()] {
            manager.create_table(table).await?;
        }
        let by_category = Index::create().name("idx_quantities_category").table("quantities").col("category").take();
        manager.create_index(by_category).await
    }
}

fn quantities() -> TableCreateStatement {
    Table::create()
        .table("quantities")
        .col(string("product"))
        .col(string("store"))
        .col(big_integer("at"))
        .col(double("quantity"))
        .col(string_null("category"))
        .col(double_null("price"))
        .col(double_null("on_hand"))
        .col(double_null("lead_time_days"))
        .col(double_null("unit_cost"))
        .primary_key(Index::create().col("product").col("store").col("at"))
        .take()
}

fn forecast_trainings() -> TableCreateStatement {
    Table::create()
        .table("forecast_trainings")
        .col(string("id").primary_key())
        .col(string("state"))
        .col(string("by"))
        .col(string_null("file"))
        .col(boolean("merged").default(false))
        .col(big_integer("started_ms"))
        .col(big_integer_null("finished_ms"))
        .col(text_null("report_json"))
        .col(text_null("error"))
        .take()
}

fn forecast_results() -> TableCreateStatement {
    Table::create()
        .table("forecast_results")
        .col(string("product").primary_key())
        .col(string("training"))
        .col(text("result_json"))
        .take()
}

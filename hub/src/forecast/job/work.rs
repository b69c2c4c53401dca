//! What a training does: merge, train, store the results, swap.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use pilah_forecast::answer;
use pilah_forecast::artefact::Artefact;
use pilah_forecast::intake::Row;
use pilah_forecast::question::{Known, Question};
use pilah_forecast::training::{self, TrainingError};
use rayon::prelude::*;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use serde_json::json;

use super::{Forecasts, JobError, Order, Training};
use crate::error::Chain;
use crate::forecast::store::{self, Filter};
use crate::store::entity::forecast_training;
use crate::store::now_ms;

/// How far ahead the stored results go, in days.
const RESULT_DAYS: u32 = 90;

impl Forecasts {
    /// Does a training to its end, and writes down how it ended.
    pub(super) async fn run(&self, training: &Arc<Training>, order: Order) {
        let result = self.train(training, order).await;
        let mut row = forecast_training::ActiveModel { id: Set(training.id.clone()), ..Default::default() };
        row.finished_ms = Set(Some(now_ms()));
        let event = match result {
            Ok(report) => {
                row.state = Set("succeeded".into());
                row.report_json = Set(Some(report.to_string()));
                ("result", "the new forecast answers".to_owned(), report)
            }
            Err(error) => {
                let cancelled = matches!(error, JobError::Training(TrainingError::Cancelled));
                let state = if cancelled { "cancelled" } else { "failed" };
                if !cancelled {
                    tracing::warn!(training = training.id, error = %Chain(&error), "forecast training failed");
                }
                let words = match &error {
                    // The cause is the hub's own affair.
                    JobError::Save(_) | JobError::Database(_) => "the hub failed to do this; its log says why".into(),
                    error => error.to_string(),
                };
                row.state = Set(state.into());
                row.error = Set(Some(words.clone()));
                (state, words, json!({}))
            }
        };
        if let Err(error) = forecast_training::Entity::update(row).exec(self.0.store.db()).await {
            tracing::error!(%error, training = training.id, "the end of a training is not written down");
        }
        self.over(&training.id);
        training.tell(event.0, event.1, 100.0, event.2);
    }

    async fn train(&self, training: &Arc<Training>, order: Order) -> Result<serde_json::Value, JobError> {
        let db = self.0.store.db();
        if let Some((rows, report)) = order.rows {
            let words = format!(
                "{} of {} rows are good, and make {} quantities: {} were added to others, {} lines are left out",
                report.good, report.rows, report.quantities, report.added_up, report.left_out_lines
            );
            training.tell("validated", words, 1.0, json!(report));
            let merged = store::merge(&self.0.store, &rows).await?;
            forecast_training::Entity::update(forecast_training::ActiveModel {
                id: Set(training.id.clone()),
                merged: Set(true),
                ..Default::default()
            })
            .exec(db)
            .await?;
            let words = format!("{} new, {} updated, {} unchanged", merged.new, merged.updated, merged.unchanged);
            training.tell("merged", words, 3.0, json!(merged));
        }
        let version = store::version(db).await?;
        let rows = store::rows(db, &Filter::default()).await?;
        if rows.is_empty() {
            return Err(JobError::NoData);
        }
        let (own, settings) = (Arc::clone(training), order.settings);
        let work = move || {
            let watch = |progress| {
                own.hear(progress);
                if own.cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let mut artefact = training::train(&rows, &settings, Timestamp::now(), &watch)?;
            artefact.metadata.data = version;
            let bytes = artefact.to_bytes();
            Ok::<_, TrainingError>((results(&artefact, &rows), artefact, bytes))
        };
        let (results, artefact, bytes) =
            tokio::task::spawn_blocking(work).await.expect("a training does not panic and is not aborted")?;
        if training.cancel.is_cancelled() {
            return Err(TrainingError::Cancelled.into());
        }
        store::put_results(&self.0.store, &training.id, results).await?;
        let (file, size) = (self.0.file.clone(), bytes.len());
        let write = move || pilah_models::durable::write(&file, &bytes);
        tokio::task::spawn_blocking(write).await.expect("writing does not panic").map_err(JobError::Save)?;
        training.tell("saved", format!("{size} bytes"), 99.0, json!({ "bytes": size }));
        let report = json!({
            "training": training.id, "metadata": artefact.metadata, "weights": artefact.total.weights,
            "accuracy": artefact.total.accuracy, "ensemble_accuracy": artefact.total.ensemble_accuracy,
            "notes": artefact.total.notes,
        });
        *self.0.trained.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(artefact));
        Ok(report)
    }
}

/// What an artefact says of every product and of the total, as it is stored. The rows it was trained on, in the order
/// of time, tell the stock.
fn results(artefact: &Artefact, rows: &[Row]) -> Vec<(String, String)> {
    let mut by_product: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows {
        by_product.entry(&row.product).or_default().push(row);
    }
    let all = artefact.products.par_iter().map(|(product, ensemble)| (product.clone(), Some(product), ensemble));
    let all = all.chain(rayon::iter::once((String::new(), None, &artefact.total)));
    all.filter_map(|(key, product, ensemble)| {
        let known = by_product.get(key.as_str()).map(|rows| Known::of(rows.iter().copied()));
        let question = Question { days: Some(RESULT_DAYS), product_id: product.cloned(), ..Question::default() };
        let answer = answer::answer(ensemble, &question, known).ok()?;
        Some((key, serde_json::to_string(&answer).expect("an answer is JSON")))
    })
    .collect()
}

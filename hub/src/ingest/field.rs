//! What bins see, added up by day as it comes in.
//!
//! The comparison of two models in the field asks for sums over weeks of events. Read from ten million events they
//! would take seconds at each look; here they are a row per model, day, bin and label, which grows in the transaction
//! that stores the events. A batch is added up in memory first, so that it costs a few rows, however many events it has.

use std::collections::BTreeMap;

use pilah_models::wire::{Event, Outcome};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait};

use crate::store::entity::field_day;
use crate::store::entity::field_day::Column as C;

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Events that are added up, by model, day, bin and label.
#[derive(Debug, Default)]
pub(super) struct Days(BTreeMap<(String, i64, String, String), Sums>);

#[derive(Debug, Default)]
struct Sums {
    items: i64,
    unsure: i64,
    confidence: f64,
    squares: f64,
}

impl Days {
    /// Adds an event that is new.
    pub(super) fn note(&mut self, event: &Event, seen_ms: i64) {
        let key = (
            event.model.to_string(),
            seen_ms.div_euclid(DAY_MS),
            event.header.bin.to_string(),
            event.outcome.guess().to_string(),
        );
        let confidence = f64::from(event.confidence);
        let sums = self.0.entry(key).or_default();
        sums.items += 1;
        sums.unsure += i64::from(matches!(event.outcome, Outcome::Unsure { .. }));
        sums.confidence += confidence;
        sums.squares += confidence * confidence;
    }

    /// Adds all of it to the rows.
    pub(super) async fn add_to(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        if self.0.is_empty() {
            return Ok(());
        }
        let row = |((model, day, bin, label), sums): ((String, i64, String, String), Sums)| field_day::ActiveModel {
            model: Set(model),
            day: Set(day),
            bin: Set(bin),
            label: Set(label),
            items: Set(sums.items),
            unsure: Set(sums.unsure),
            confidence: Set(sums.confidence),
            confidence_squares: Set(sums.squares),
        };
        let mut added = OnConflict::columns([C::Model, C::Day, C::Bin, C::Label]);
        for column in [C::Items, C::Unsure, C::Confidence, C::ConfidenceSquares] {
            let more = Expr::col((Alias::new("excluded"), column));
            added.value(column, column.into_expr().add(more));
        }
        field_day::Entity::insert_many(self.0.into_iter().map(row))
            .on_conflict(added)
            .exec_without_returning(db)
            .await?;
        Ok(())
    }
}

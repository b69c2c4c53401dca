//! The oracle: labels samples by the truth that their cameras know, as a person would after a look.
//!
//! It stands in for the reviewers of a real hub, and is named as what it is wherever its labels show.

use pilah_models::name::Label;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::DemoError;
use super::script::Seen;
use crate::dataset;
use crate::server::AppState;
use crate::store::entity::{event, sample};

/// Who labelled, in the history of the labels.
pub(super) const NAME: &str = "oracle (knows the truth of virtual items)";

/// The most samples of one review: the oracle looks in again soon.
const REVIEW: u64 = 100;

/// Labels the samples whose truth is known and that nobody has labelled, oldest first, and tells
/// how many.
///
/// # Errors
/// The database failed, or a truth is no label.
pub(super) async fn review(state: &AppState) -> Result<u64, DemoError> {
    let waiting: Vec<(String, Option<String>)> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Id)
        .column(sample::Column::TruthLabel)
        .filter(sample::Column::Label.is_null())
        .filter(sample::Column::TruthLabel.is_not_null())
        .order_by_asc(sample::Column::Id)
        .limit(REVIEW)
        .into_tuple()
        .all(state.store.db())
        .await?;
    let transaction = state.store.begin().await?;
    let mut labelled = 0;
    for (id, truth) in waiting {
        let Some(truth) = truth else { continue };
        dataset::store::label(&transaction, &id, Some(&Label::new(truth)?), NAME).await?;
        labelled += 1;
    }
    transaction.commit().await?;
    Ok(labelled)
}

/// Counts what the script goes by.
///
/// # Errors
/// The database failed.
pub(super) async fn count(state: &AppState) -> Result<Seen, DemoError> {
    let db = state.store.db();
    Ok(Seen {
        labelled: sample::Entity::find().filter(sample::Column::LabelledBy.eq(NAME)).count(db).await?,
        judged: event::Entity::find().filter(event::Column::TruthLabel.is_not_null()).count(db).await?,
        training: state.trainer.status().in_progress,
    })
}

//! What someone at the bin saw that the bin took for the wrong thing.

use pilah_models::name::BinId;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel as _, QueryFilter, QuerySelect,
};

use super::answer::Subject;
use super::value::Signals;
use super::{ReviewError, State};
use crate::store::Store;
use crate::store::entity::{review, sample};

/// Notes that someone at the bin saw that an item was taken for the wrong thing. Its images come to the
/// front of the queue; those that are labelled, too, if their label is what the bin took them for. Tells
/// how many images there are.
///
/// # Errors
/// [`ReviewError::NoImage`], or the database failed.
pub async fn mark_wrong(store: &Store, bin: &BinId, epoch: i64, event: i64) -> Result<usize, ReviewError> {
    let tx = store.begin().await?;
    let marked = mark(&tx, bin, epoch, event).await?;
    if marked == 0 {
        return Err(ReviewError::NoImage { bin: bin.to_string(), event });
    }
    tx.commit().await?;
    Ok(marked)
}

/// As [`mark_wrong`], within a transaction. An item without an image is none.
pub(crate) async fn mark(tx: &impl ConnectionTrait, bin: &BinId, epoch: i64, event: i64) -> Result<usize, ReviewError> {
    let ids: Vec<String> = sample::Entity::find()
        .select_only()
        .column(sample::Column::Id)
        .filter(sample::Column::Bin.eq(bin.as_str()))
        .filter(sample::Column::Epoch.eq(epoch))
        .filter(sample::Column::EventSeq.eq(event))
        .into_tuple()
        .all(tx)
        .await?;
    for id in &ids {
        let subject = Subject::find(tx, id).await?;
        let confirms = subject.sample.label.is_some() && subject.sample.label == subject.sample.guess;
        let is_again = subject.state()? == State::Done && confirms && !subject.review.checked;
        let signals = Signals { marked_wrong: true, ..signals_of(&subject.review) };
        let value = if subject.sample.label.is_some() { signals.value_of_second_look() } else { signals.value() };
        let mut row = subject.review.into_active_model();
        row.marked_wrong = Set(true);
        row.value = Set(value);
        if is_again {
            row.state = Set(State::Open.name().to_owned());
        }
        row.update(tx).await?;
    }
    Ok(ids.len())
}

fn signals_of(row: &review::Model) -> Signals {
    Signals {
        unsure: row.unsure.unwrap_or_default(),
        disagreement: row.disagreement.unwrap_or_default(),
        suspect: row.suspect.unwrap_or_default(),
        novelty: row.novelty.unwrap_or_default(),
        marked_wrong: row.marked_wrong,
    }
}

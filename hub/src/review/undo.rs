//! What reviewers take back, one step after the other.

use pilah_models::name::Label;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait as _, ColumnTrait, EntityTrait, IntoActiveModel as _, QueryFilter, QueryOrder};

use super::answer::{Answered, Subject, read};
use super::{ReviewConfig, ReviewError, Reviewer, State};
use crate::audit;
use crate::dataset;
use crate::store::Store;
use crate::store::entity::review_action;

/// Takes back what a reviewer did last, or last before the action of number `before`. They have the
/// sample in hand then, if it waits for somebody.
///
/// # Errors
/// [`ReviewError::NothingToUndo`], or [`ReviewError::Superseded`]: somebody went on from there.
pub async fn undo(
    store: &Store,
    config: &ReviewConfig,
    by: &Reviewer,
    before: Option<i64>,
    now_ms: i64,
) -> Result<Answered, ReviewError> {
    let tx = store.begin().await?;
    let mut query = review_action::Entity::find()
        .filter(review_action::Column::Reviewer.eq(by.name.as_str()))
        .filter(review_action::Column::Undone.eq(false));
    if let Some(before) = before {
        query = query.filter(review_action::Column::Id.lt(before));
    }
    let last = query.order_by_desc(review_action::Column::Id).one(&tx).await?.ok_or(ReviewError::NothingToUndo)?;
    let later = review_action::Entity::find()
        .filter(review_action::Column::SampleId.eq(last.sample_id.as_str()))
        .filter(review_action::Column::Id.gt(last.id))
        .filter(review_action::Column::Undone.eq(false))
        // Who skipped it changed nothing.
        .filter(review_action::Column::Action.ne("skip"))
        .order_by_desc(review_action::Column::Id)
        .one(&tx)
        .await?;
    if let Some(later) = later {
        return Err(ReviewError::Superseded { by: later.reviewer, action: last.id });
    }
    let subject = Subject::find(&tx, &last.sample_id).await?;
    let was = subject.sample.label.clone();
    if was != last.label_before {
        let label = last.label_before.clone().map(|label| read(&last.sample_id, Label::new(label))).transpose()?;
        dataset::store::label(&tx, &last.sample_id, label.as_ref(), &by.name).await?;
    }
    let mut row = subject.review.into_active_model();
    row.state = Set(last.state_before.clone());
    row.checked = Set(last.checked_before);
    row.model = Set(None);
    row.leased_by = Set(Some(by.name.clone()));
    row.leased_until_ms = Set(Some(now_ms + i64::try_from(config.lease.as_millis()).unwrap_or(i64::MAX / 2)));
    let review = row.update(&tx).await?;
    let (sample, label) = (last.sample_id.clone(), last.label_before.clone());
    audit::tally(&tx, now_ms, &by.name, "labels.undone", serde_json::json!({ "last": last.sample_id })).await?;
    let mut done = last.into_active_model();
    done.undone = Set(true);
    done.update(&tx).await?;
    tx.commit().await?;
    let state = State::of(&review.state).unwrap_or(State::Open);
    Ok(Answered { sample, state, label, was })
}

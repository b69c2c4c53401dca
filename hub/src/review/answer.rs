//! What reviewers say. Each answer is one transaction.

use std::collections::BTreeMap;

use pilah_models::name::Label;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel as _, QueryFilter,
    QueryOrder,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::opinions::{Opinion, Resolution, resolve};
use super::{ReviewError, Reviewer, State, store as reviews};
use crate::audit;
use crate::dataset::{self, DatasetError, UNUSABLE};
use crate::store::entity::{review, review_action, sample};
use crate::store::{Store, StoreError};

/// Why an image is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// Nobody could say what it shows.
    Blurred,
    /// There is no item.
    Empty,
    /// It shows a person.
    Person,
}

impl Unusable {
    fn name(self) -> &'static str {
        match self {
            Self::Blurred => "blurred",
            Self::Empty => "empty",
            Self::Person => "person",
        }
    }
}

/// What a reviewer says of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// It shows this.
    Label {
        /// A class that exists.
        label: String,
    },
    /// It is of no use: neither trained on nor counted.
    Unusable {
        /// Why.
        reason: Unusable,
    },
    /// Somebody else should say. It is not given to this reviewer again for a day.
    Skip {},
    /// Another reviewer should look at it, too; it gets no label until they agree.
    SecondOpinion {
        /// What this reviewer takes it for, if they have an opinion.
        #[serde(default)]
        label: Option<String>,
    },
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The sample.
    pub sample: String,
    /// Where its review is now.
    pub state: State,
    /// Its label now.
    pub label: Option<String>,
    /// Its label before.
    pub was: Option<String>,
}

/// An answer with its label checked.
struct Checked {
    action: &'static str,
    label: Option<Label>,
    reason: Option<&'static str>,
}

impl Checked {
    fn of(answer: &Answer, classes: &[Label]) -> Result<Self, DatasetError> {
        let plain = |action, label| Self { action, label, reason: None };
        Ok(match answer {
            Answer::Label { label } => plain("label", Some(dataset::known_label(label, classes)?)),
            Answer::Unusable { reason } => Self { reason: Some(reason.name()), ..plain("unusable", Some(unusable())) },
            Answer::Skip {} => plain("skip", None),
            Answer::SecondOpinion { label } => {
                let label = label.as_deref().map(|label| dataset::known_label(label, classes)).transpose()?;
                plain("second_opinion", label)
            }
        })
    }
}

fn unusable() -> Label {
    Label::new(UNUSABLE).expect("a valid name")
}

/// A sample and its review, within a transaction.
pub(super) struct Subject {
    pub(super) sample: sample::Model,
    pub(super) review: review::Model,
}

impl Subject {
    pub(super) async fn find(tx: &impl ConnectionTrait, id: &str) -> Result<Self, ReviewError> {
        let sample = sample::Entity::find_by_id(id).one(tx).await?;
        let sample = sample.ok_or_else(|| DatasetError::NoSample(id.chars().take(80).collect()))?;
        let review = match review::Entity::find_by_id(id).one(tx).await? {
            Some(review) => review,
            // It came a moment ago. Who looks at it before the draw takes it out of the random share.
            None => reviews::new(id, sample.label.as_deref(), 0.0).insert(tx).await?,
        };
        Ok(Self { sample, review })
    }

    pub(super) fn state(&self) -> Result<State, StoreError> {
        let corrupt = || StoreError::Corrupt {
            table: "reviews",
            row: self.review.sample_id.clone(),
            problem: format!("{:?} is no state", self.review.state),
        };
        State::of(&self.review.state).ok_or_else(corrupt)
    }

    /// Whether this reviewer may answer now.
    fn admit(&self, by: &Reviewer, now_ms: i64) -> Result<State, ReviewError> {
        let state = self.state()?;
        if state == State::Done {
            let (label, by) = (self.sample.label.clone(), self.sample.labelled_by.clone());
            return Err(ReviewError::Done { label, by });
        }
        match (&self.review.leased_by, self.review.leased_until_ms) {
            (Some(other), Some(until)) if *other != by.name && until > now_ms => {
                Err(ReviewError::Held { by: other.clone(), seconds: (until - now_ms) / 1000 + 1 })
            }
            // A lease that has ended is as good as one that has not, as long as nobody else took it.
            _ => Ok(state),
        }
    }

    async fn record(&self, tx: &impl ConnectionTrait, by: &str, answer: &Checked, now_ms: i64) -> Result<(), DbErr> {
        let row = review_action::ActiveModel {
            sample_id: Set(self.sample.id.clone()),
            reviewer: Set(by.to_owned()),
            action: Set(answer.action.to_owned()),
            label: Set(answer.label.as_ref().map(ToString::to_string)),
            reason: Set(answer.reason.map(ToOwned::to_owned)),
            at_ms: Set(now_ms),
            state_before: Set(self.review.state.clone()),
            label_before: Set(self.sample.label.clone()),
            checked_before: Set(self.review.checked),
            undone: Set(false),
            ..Default::default()
        };
        review_action::Entity::insert(row).exec_without_returning(tx).await?;
        audit::tally(tx, now_ms, by, "labels.given", serde_json::json!({ "last": self.sample.id })).await
    }

    /// Moves the review on, and gives the sample back.
    async fn settle(self, tx: &impl ConnectionTrait, state: State, checked: bool) -> Result<(), DbErr> {
        let mut row = self.review.into_active_model();
        row.state = Set(state.name().to_owned());
        row.checked = Set(checked);
        row.leased_by = Set(None);
        row.leased_until_ms = Set(None);
        if state == State::Open {
            // The scores of a sample with a label are others than of one without.
            row.model = Set(None);
        }
        row.update(tx).await?;
        Ok(())
    }
}

/// Takes a reviewer's answer.
///
/// # Errors
/// [`ReviewError`]: the label is no class, the sample was deleted, somebody else has it in hand or was
/// faster, or this reviewer has had their say. Nothing is changed then.
pub async fn answer(
    store: &Store,
    classes: &[Label],
    by: &Reviewer,
    id: &str,
    answer: &Answer,
    now_ms: i64,
) -> Result<Answered, ReviewError> {
    let checked = Checked::of(answer, classes)?;
    let tx = store.begin().await?;
    let subject = Subject::find(&tx, id).await?;
    let state = subject.admit(by, now_ms)?;
    let opinions = opinions_on(&tx, id).await?;
    let said = opinions.iter().any(|opinion| opinion.reviewer == by.name) || asked(&tx, id, &by.name).await?;
    let is_judge = state == State::Disputed && by.is_administrator;
    let (next, label) = match (answer, state) {
        (Answer::Skip {}, _) => (state, None),
        (_, State::Second | State::Disputed) if said && !is_judge => return Err(ReviewError::AlreadySaid),
        (Answer::SecondOpinion { .. }, State::Open) => (State::Second, None),
        (Answer::SecondOpinion { .. }, _) => return Err(ReviewError::AlreadyWanted),
        (_, State::Open) => (State::Done, checked.label.clone()),
        (_, _) => {
            let own = checked.label.as_ref().expect("a label, or unusable").as_str();
            let labels = opinions.iter().map(|opinion| opinion.label.as_str());
            match resolve(labels.chain([own]), is_judge.then_some(own)) {
                Resolution::Agreed(label) => (State::Done, Some(read(id, Label::new(label))?)),
                Resolution::Disputed => (State::Disputed, None),
            }
        }
    };
    subject.record(&tx, &by.name, &checked, now_ms).await?;
    let was = subject.sample.label.clone();
    if let Some(label) = &label {
        dataset::store::label(&tx, id, Some(label), &by.name).await?;
    }
    // A label that was there before has now been looked at twice: the model alone does not bring it back.
    let is_checked = subject.review.checked || (next == State::Done && was.is_some());
    subject.settle(&tx, next, is_checked).await?;
    tx.commit().await?;
    let label = label.map(String::from).or_else(|| was.clone());
    Ok(Answered { sample: id.to_owned(), state: next, label, was })
}

/// Labels a sample whoever has it in hand: a class, [`UNUSABLE`], or `None` to take the label back. It
/// counts as an answer, and ends every dispute. Tells the label before.
///
/// # Errors
/// [`DatasetError::NoSample`], or the database failed.
pub async fn label(
    store: &Store,
    id: &str,
    label: Option<&Label>,
    by: &str,
    now_ms: i64,
) -> Result<Option<String>, ReviewError> {
    let tx = store.begin().await?;
    let subject = Subject::find(&tx, id).await?;
    let was = dataset::store::label(&tx, id, label, by).await?;
    let next = if label.is_some() { State::Done } else { State::Open };
    if was.as_deref() != label.map(Label::as_str) || subject.state()? != next {
        let action = match label {
            None => "take_back",
            Some(label) if label.as_str() == UNUSABLE => "unusable",
            Some(_) => "label",
        };
        subject.record(&tx, by, &Checked { action, label: label.cloned(), reason: None }, now_ms).await?;
        let checked = label.is_some() && (subject.review.checked || was.is_some());
        subject.settle(&tx, next, checked).await?;
    }
    tx.commit().await?;
    Ok(was)
}

/// The last opinion of each reviewer on a sample.
async fn opinions_on(tx: &impl ConnectionTrait, id: &str) -> Result<Vec<Opinion>, DbErr> {
    let rows = review_action::Entity::find()
        .filter(review_action::Column::SampleId.eq(id))
        .filter(review_action::Column::Undone.eq(false))
        .filter(review_action::Column::Label.is_not_null())
        .order_by_asc(review_action::Column::Id)
        .all(tx)
        .await?;
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for row in rows {
        last.insert(row.reviewer, row.label.unwrap_or_default());
    }
    let opinion = |(reviewer, label)| Opinion { sample: id.to_owned(), reviewer, label };
    Ok(last.into_iter().map(opinion).collect())
}

/// Whether a reviewer asked for another opinion on a sample.
async fn asked(tx: &impl ConnectionTrait, id: &str, by: &str) -> Result<bool, DbErr> {
    let found = review_action::Entity::find()
        .filter(review_action::Column::SampleId.eq(id))
        .filter(review_action::Column::Reviewer.eq(by))
        .filter(review_action::Column::Action.eq("second_opinion"))
        .filter(review_action::Column::Undone.eq(false))
        .one(tx)
        .await?;
    Ok(found.is_some())
}

pub(super) fn read<T, E: std::error::Error>(row: &str, value: Result<T, E>) -> Result<T, StoreError> {
    value.map_err(|error| StoreError::Corrupt {
        table: "review_actions",
        row: row.to_owned(),
        problem: error.to_string(),
    })
}

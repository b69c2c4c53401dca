//! The AI level: how far this hub's model has come, in one number that people understand.
//!
//! It is earned by three things together, each of which alone is worth little: trainings that were completed,
//! samples that a person labelled or confirmed, and accuracy that was measured. Of the accuracy, the lower end
//! of its 95 % interval counts, so that luck on few test images raises no level. All three must be reached:
//!
//! | level | name | trainings | reviewed samples | accuracy at least |
//! |---|---|---|---|---|
//! | 0 | newborn | | | |
//! | 1 | beginner | 1 | 20 | |
//! | 2 | learner | 1 | 100 | 50 % |
//! | 3 | capable | 2 | 300 | 70 % |
//! | 4 | skilled | 3 | 1,000 | 80 % |
//! | 5 | expert | 5 | 2,500 | 90 % |
//! | 6 | master | 10 | 5,000 | 95 % |

use pilah_evaluate::Evaluation;
use pilah_models::name::ModelVersion;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dataset::UNUSABLE;
use crate::store::entity::{model, sample, training};

/// What a level takes.
struct Step {
    name: &'static str,
    trainings: u64,
    reviewed: u64,
    accuracy: f64,
}

const STEPS: [Step; 7] = [
    Step { name: "newborn", trainings: 0, reviewed: 0, accuracy: 0.0 },
    Step { name: "beginner", trainings: 1, reviewed: 20, accuracy: 0.0 },
    Step { name: "learner", trainings: 1, reviewed: 100, accuracy: 0.5 },
    Step { name: "capable", trainings: 2, reviewed: 300, accuracy: 0.7 },
    Step { name: "skilled", trainings: 3, reviewed: 1_000, accuracy: 0.8 },
    Step { name: "expert", trainings: 5, reviewed: 2_500, accuracy: 0.9 },
    Step { name: "master", trainings: 10, reviewed: 5_000, accuracy: 0.95 },
];

/// What a level is judged by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// Trainings that ended with a model.
    pub trainings: u64,
    /// Samples that a person labelled or confirmed, without those that are unusable.
    pub reviewed: u64,
    /// The lower end of the 95 % interval of the accuracy of the model in service, 0 to 1; `None` if it was
    /// never measured here.
    pub accuracy: Option<f64>,
}

/// How far a hub's model has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Level {
    /// 0 to 6.
    pub level: u8,
    /// Its name: newborn, beginner, learner, capable, skilled, expert or master.
    pub name: String,
    /// What it takes to the next one, in words; empty at the highest.
    pub next: Vec<String>,
    /// What the next one takes in all; `None` at the highest.
    #[serde(default)]
    pub wants: Option<Wants>,
    /// Trainings that ended with a model.
    pub trainings: u64,
    /// Samples that a person labelled or confirmed.
    pub reviewed: u64,
    /// The accuracy that counts: the lower end of its 95 % interval.
    pub accuracy: Option<f64>,
}

/// What a level takes in all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LevelWants)]
pub struct Wants {
    /// Trainings that ended with a model.
    pub trainings: u64,
    /// Samples that a person labelled or confirmed.
    pub reviewed: u64,
    /// The lower end of the 95 % interval of the accuracy, 0 to 1; 0 if none needs to be measured.
    pub accuracy: f64,
}

/// The level that some evidence amounts to.
#[must_use]
pub fn level(evidence: &Evidence) -> Level {
    let reached = |step: &&Step| missing(step, evidence).is_empty();
    let level = STEPS.iter().take_while(reached).count() - 1;
    let next = STEPS.get(level + 1);
    Level {
        level: u8::try_from(level).unwrap_or(u8::MAX),
        name: STEPS[level].name.to_owned(),
        next: next.map(|step| missing(step, evidence)).unwrap_or_default(),
        wants: next.map(|step| Wants { trainings: step.trainings, reviewed: step.reviewed, accuracy: step.accuracy }),
        trainings: evidence.trainings,
        reviewed: evidence.reviewed,
        accuracy: evidence.accuracy,
    }
}

/// What is missing for a step, in words.
fn missing(step: &Step, evidence: &Evidence) -> Vec<String> {
    let mut missing = Vec::new();
    let lacks = |wanted: u64, there: u64| wanted.checked_sub(there).filter(|more| *more > 0);
    if let Some(more) = lacks(step.trainings, evidence.trainings) {
        missing.push(format!("{more} more {}", if more == 1 { "training" } else { "trainings" }));
    }
    if let Some(more) = lacks(step.reviewed, evidence.reviewed) {
        missing.push(format!("{more} more reviewed samples"));
    }
    let (wanted, percent) = (step.accuracy, step.accuracy * 100.0);
    match evidence.accuracy {
        Some(accuracy) if accuracy >= wanted => {}
        Some(accuracy) => missing.push(format!(
            "an accuracy that is surely {percent:.0} % or more; now it is surely {:.0} %",
            (accuracy * 100.0).floor()
        )),
        None if wanted > 0.0 => {
            missing.push(format!("an accuracy that is measured to be surely {percent:.0} % or more"))
        }
        None => {}
    }
    missing
}

/// Reads the evidence of a hub.
///
/// # Errors
/// The database failed.
pub async fn evidence(db: &impl ConnectionTrait) -> Result<Evidence, DbErr> {
    let trainings = training::Entity::find().filter(training::Column::State.eq("succeeded")).count(db).await?;
    let reviewed = sample::Entity::find()
        .filter(sample::Column::Label.is_not_null())
        .filter(sample::Column::Label.ne(UNUSABLE))
        .count(db)
        .await?;
    let row = model::Entity::find().filter(model::Column::State.eq("in_service")).one(db).await?;
    let figures = row.and_then(|row| serde_json::from_str::<Evaluation>(row.metrics_json.as_deref()?).ok());
    Ok(Evidence { trainings, reviewed, accuracy: figures.as_ref().and_then(surely) })
}

/// The level right after a training: its row does not say yet that it succeeded, and `figures` are those of
/// the model that is in service now.
///
/// # Errors
/// The database failed.
pub async fn after_training(db: &impl ConnectionTrait, made: &ModelVersion) -> Result<Level, DbErr> {
    let mut evidence = evidence(db).await?;
    let ended = training::Entity::find()
        .filter(training::Column::State.eq("succeeded"))
        .filter(training::Column::ModelVersion.eq(made.as_str()));
    if ended.count(db).await? == 0 {
        evidence.trainings += 1;
    }
    Ok(level(&evidence))
}

/// The accuracy that counts.
fn surely(figures: &Evaluation) -> Option<f64> {
    (figures.images > 0).then_some(figures.interval[0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reached(trainings: u64, reviewed: u64, accuracy: Option<f64>) -> u8 {
        level(&Evidence { trainings, reviewed, accuracy }).level
    }

    #[test]
    fn all_three_must_be_reached() {
        let cases = [
            ((0, 0, None), 0),
            ((0, 9_999, Some(0.99)), 0),
            ((1, 19, None), 0),
            ((1, 20, None), 1),
            ((1, 100, Some(0.49)), 1),
            ((1, 100, Some(0.50)), 2),
            ((1, 9_999, Some(0.99)), 2),
            ((2, 300, Some(0.70)), 3),
            ((3, 999, Some(0.99)), 3),
            ((3, 1_000, Some(0.80)), 4),
            ((5, 2_500, Some(0.90)), 5),
            ((10, 5_000, Some(0.95)), 6),
            ((9_999, 99_999, Some(1.0)), 6),
        ];
        for ((trainings, reviewed, accuracy), expected) in cases {
            assert_eq!(reached(trainings, reviewed, accuracy), expected, "{trainings} {reviewed} {accuracy:?}");
        }
    }

    #[test]
    fn the_next_step_is_said() {
        let found = level(&Evidence { trainings: 1, reviewed: 120, accuracy: Some(0.684) });
        assert_eq!((found.level, found.name.as_str()), (2, "learner"));
        let wanted = [
            "1 more training",
            "180 more reviewed samples",
            "an accuracy that is surely 70 % or more; now it is surely 68 %",
        ];
        assert_eq!(found.next, wanted);
        assert_eq!(found.wants, Some(Wants { trainings: 2, reviewed: 300, accuracy: 0.7 }));
        let highest = level(&Evidence { trainings: 10, reviewed: 5_000, accuracy: Some(0.96) });
        assert_eq!((highest.next.len(), highest.wants), (0, None));
        let unmeasured = level(&Evidence { trainings: 3, reviewed: 500, accuracy: None });
        assert_eq!(unmeasured.next, ["an accuracy that is measured to be surely 50 % or more"]);
    }

    proptest! {
        #[test]
        fn more_evidence_never_lowers_the_level(
            trainings in 0u64..12, reviewed in 0u64..6000, accuracy in 0.0f64..1.0, more in 0u64..3000,
        ) {
            let before = reached(trainings, reviewed, Some(accuracy));
            prop_assert!(reached(trainings + more, reviewed, Some(accuracy)) >= before);
            prop_assert!(reached(trainings, reviewed + more, Some(accuracy)) >= before);
            prop_assert!(reached(trainings, reviewed, Some((accuracy + 0.1).min(1.0))) >= before);
            prop_assert!(before >= reached(trainings, reviewed, None));
        }
    }
}

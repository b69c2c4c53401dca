//! `POST /api/v1/review/answers`: answers for many samples at once, as from a grid of images.

use axum::Json;
use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::answer::{self, Answer};
use super::super::{ReviewError, Reviewer};
use super::{Outcome, tell};
use crate::auth;
use crate::dataset::Classes;
use crate::error::{HttpError, JsonBody, Problem};
use crate::live::Live;
use crate::store::{Store, now_ms};

/// The most answers at once.
const MOST: usize = 100;

/// Answers for many samples.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManyAnswers {
    /// 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    answers: Vec<SampleAnswer>,
}

/// An answer for a sample.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SampleAnswer {
    /// The sample.
    sample: String,
    /// What is said of it.
    answer: Answer,
}

/// What came of many answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManyOutcomes {
    /// One for each answer, in their order.
    results: Vec<SampleOutcome>,
}

/// What came of an answer: either of the two.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampleOutcome {
    /// The sample.
    sample: String,
    /// What came of it; `null` if it was not taken.
    outcome: Option<Outcome>,
    /// Why it was not taken, as the single answer would say.
    problem: Option<Problem>,
}

/// Answers for many samples at once. Each is judged by itself, in the order in which they come: one that is
/// not taken says why, and the others are taken. Each can be taken back by itself.
#[utoipa::path(post, path = "/api/v1/review/answers", tag = "review", request_body = ManyAnswers, responses(
    (status = 200, description = "What came of each", body = ManyOutcomes),
    (status = 422, description = "Not 1 to 100 answers, or one of them makes no sense"),
))]
pub(crate) async fn respond_many(
    Shared(store): Shared<Store>,
    Shared(live): Shared<Live>,
    Shared(classes): Shared<Classes>,
    auth::Reviewer(user): auth::Reviewer,
    JsonBody(said): JsonBody<ManyAnswers>,
) -> Result<Json<ManyOutcomes>, HttpError> {
    let count = said.answers.len();
    if !(1..=MOST).contains(&count) {
        return Err(HttpError::unprocessable("bad-count", format!("there are {count} answers; send 1 to {MOST}")));
    }
    let classes = classes.known().await?;
    let by = Reviewer::from(&user);
    let mut results = Vec::with_capacity(count);
    for SampleAnswer { sample, answer } in said.answers {
        let answered = answer::answer(&store, &classes, &by, &sample, &answer, now_ms()).await;
        results.push(match answered {
            Ok(answered) => {
                tell(&live, &user, &answered);
                SampleOutcome { sample, outcome: Some(answered.into()), problem: None }
            }
            Err(error) => SampleOutcome { sample, outcome: None, problem: Some(problem(error)) },
        });
    }
    Ok(Json(ManyOutcomes { results }))
}

fn problem(error: ReviewError) -> Problem {
    HttpError::from(error).into_problem().1
}

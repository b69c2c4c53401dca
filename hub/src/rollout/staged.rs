//! `/api/v1/rollouts`: versions that come to the bins group by group.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use pilah_models::name::{BinId, ModelVersion};
use pilah_rollout::compare::Comparison;
use pilah_rollout::plan::{Group, Rules, Who};
use pilah_rollout::progress::{Happening, Phase};
use pilah_rollout::standing::{Count, Standing, survey};
use pilah_rollout::step::Ask;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Rollout;
use super::course::{Asked, CourseError};
use super::store::{self, Kept};
use crate::auth::{Admin, User};
use crate::error::{HttpError, JsonBody};
use crate::store::now_ms;

/// The most rollouts in one answer.
const MOST: u64 = 100;

/// A rollout to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRollout {
    /// The version that it brings.
    version: String,
    /// Whom it comes to, in order, at most 20; after them come all other bins. Without any: 5, then 25 percent, then all.
    #[serde(default)]
    groups: Vec<Group>,
    /// When it goes on, and when it stops. What is left out is as usual.
    #[serde(default)]
    rules: Rules,
    /// Why a version that the gate refused is brought out all the same.
    #[serde(default)]
    reason: Option<String>,
}

/// A rollout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RolloutView {
    /// Its number.
    id: i64,
    /// What it brings.
    #[schema(value_type = String)]
    version: ModelVersion,
    /// What was in service when it began, and what bins go back to.
    #[schema(value_type = String)]
    before: ModelVersion,
    /// Who began it.
    by: String,
    /// Why a version that the gate refused is brought out all the same.
    reason: Option<String>,
    /// When it began, in milliseconds since 1970.
    started_ms: i64,
    /// When it ended.
    ended_ms: Option<i64>,
    /// Whether it is under way.
    open: bool,
    /// What it is doing.
    #[serde(flatten)]
    phase: Phase,
    /// How many groups it has reached.
    reached: usize,
    /// How many groups it has.
    of_groups: usize,
}

/// A rollout, with where each bin stands and what happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RolloutDetail {
    /// As in the list.
    #[serde(flatten)]
    rollout: RolloutView,
    /// When it goes on, and when it stops.
    rules: Rules,
    /// Its groups, in order.
    groups: Vec<GroupView>,
    /// Since when the group that was reached last has had what it takes to go on, in milliseconds since 1970.
    ready_ms: Option<i64>,
    /// What happened, in order.
    history: Vec<HistoryEntry>,
}

/// A group of a rollout.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RolloutGroupState)]
pub(crate) struct GroupView {
    /// What people call it.
    name: String,
    /// Which bins.
    who: Who,
    /// Whether a person has to agree before it begins.
    approval: bool,
    /// When it was reached, in milliseconds since 1970.
    reached_ms: Option<i64>,
    /// How many of its bins stand where.
    count: Count,
    /// Its bins, by id.
    bins: Vec<BinInRollout>,
}

/// A bin in a rollout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BinInRollout {
    /// Which.
    #[schema(value_type = String)]
    bin: BinId,
    /// The model in force there.
    #[schema(value_type = Option<String>)]
    model: Option<ModelVersion>,
    /// Where it stands.
    #[serde(flatten)]
    standing: Standing,
}

/// Something that happened to a rollout.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RolloutHistoryEntry)]
pub(crate) struct HistoryEntry {
    /// When, in milliseconds since 1970.
    at_ms: i64,
    /// For people, in English.
    words: String,
    /// What.
    happening: Happening,
}

impl RolloutView {
    fn of(kept: Kept) -> Self {
        let Kept { row, plan, progress } = kept;
        Self {
            id: row.id,
            version: plan.new.version,
            before: plan.before.version,
            by: row.by,
            reason: row.reason,
            started_ms: row.started_ms,
            ended_ms: row.ended_ms,
            open: progress.phase.is_open(),
            reached: progress.reached_ms.len(),
            of_groups: plan.groups.len(),
            phase: progress.phase,
        }
    }
}

async fn detail(rollout: &Rollout, id: i64) -> Result<RolloutDetail, CourseError> {
    let course = &rollout.course;
    let (kept, fleet) = course.look(id).await?;
    let history = store::history(course.store.db(), id).await?;
    let seen = survey(&kept.plan, &kept.progress, &fleet, now_ms());
    let mut bins: Vec<Vec<BinInRollout>> = kept.plan.groups.iter().map(|_| Vec::new()).collect();
    for placed in seen.bins {
        let model = placed.bin.says.as_ref().map(|says| says.model.version.clone());
        let bin = BinInRollout { bin: placed.bin.id.clone(), model, standing: placed.standing };
        if let Some(group) = bins.get_mut(placed.group) {
            group.push(bin);
        }
    }
    let reached = kept.progress.reached_ms.iter().copied().map(Some).chain(std::iter::repeat(None));
    let groups = kept.plan.groups.iter().zip(bins).zip(seen.counts).zip(reached);
    let groups = groups.map(|(((group, bins), count), reached_ms)| GroupView {
        name: group.name.clone(),
        who: group.who.clone(),
        approval: group.approval,
        reached_ms,
        count,
        bins,
    });
    let history =
        history.into_iter().map(|(at_ms, happening)| HistoryEntry { at_ms, words: happening.words(), happening });
    Ok(RolloutDetail {
        rules: kept.plan.rules.clone(),
        groups: groups.collect(),
        ready_ms: kept.progress.ready_ms,
        history: history.collect(),
        rollout: RolloutView::of(kept),
    })
}

/// Begins to bring a version to the bins, group by group. One at a time.
#[utoipa::path(post, path = "/api/v1/rollouts", tag = "models", request_body = NewRollout, responses(
    (status = 201, description = "It began, and its first group is told", body = RolloutDetail),
    (status = 404, description = "No such version"),
    (status = 409, description = "Another is under way, or the gate refused the version, and there is no reason"),
    (status = 422, description = "It cannot be carried out: an empty group, a value that makes no sense; the answer says which"),
))]
pub(crate) async fn begin(
    State(rollout): State<Rollout>,
    Admin(user): Admin,
    JsonBody(new): JsonBody<NewRollout>,
) -> Result<(StatusCode, Json<RolloutDetail>), HttpError> {
    let NewRollout { version, groups, rules, reason } = new;
    let id = rollout.course.begin(Asked { version, groups, rules, reason }, &user.name).await?;
    rollout.nudge();
    Ok((StatusCode::CREATED, Json(detail(&rollout, id).await?)))
}

/// The newest rollouts, newest first, at most 100.
#[utoipa::path(get, path = "/api/v1/rollouts", tag = "models", responses(
    (status = 200, description = "Rollouts", body = Vec<RolloutView>),
))]
pub(crate) async fn list(State(rollout): State<Rollout>, _user: User) -> Result<Json<Vec<RolloutView>>, HttpError> {
    let rollouts = store::newest(rollout.course.store.db(), MOST).await?;
    Ok(Json(rollouts.into_iter().map(RolloutView::of).collect()))
}

/// A rollout, with where each bin stands and what happened.
#[utoipa::path(get, path = "/api/v1/rollouts/{id}", tag = "models",
    params(("id" = i64, Path, description = "Its number")), responses(
        (status = 200, description = "The rollout", body = RolloutDetail),
        (status = 404, description = "No such rollout"),
    ))]
pub(crate) async fn one(
    State(rollout): State<Rollout>,
    _user: User,
    Path(id): Path<i64>,
) -> Result<Json<RolloutDetail>, HttpError> {
    Ok(Json(detail(&rollout, id).await?))
}

/// How the version of a rollout does in the field, against the one in service: figures with intervals that hold however
/// often one looks, and what they come to. At most a minute old.
#[utoipa::path(get, path = "/api/v1/rollouts/{id}/comparison", tag = "models",
    params(("id" = i64, Path, description = "Its number")), responses(
        (status = 200, description = "The comparison", body = Comparison),
        (status = 404, description = "No such rollout"),
    ))]
pub(crate) async fn comparison(
    State(rollout): State<Rollout>,
    _user: User,
    Path(id): Path<i64>,
) -> Result<Json<Comparison>, HttpError> {
    Ok(Json(rollout.course.comparison(id).await?))
}

async fn asked(rollout: &Rollout, id: i64, ask: Ask, by: &str) -> Result<Json<RolloutDetail>, HttpError> {
    rollout.course.ask(id, ask, by).await?;
    rollout.nudge();
    Ok(Json(detail(rollout, id).await?))
}

/// Pauses a rollout: no bin more gets the new version until it is resumed. It still stops by itself.
#[utoipa::path(post, path = "/api/v1/rollouts/{id}/pause", tag = "models",
    params(("id" = i64, Path, description = "Its number")), responses(
        (status = 200, description = "It is paused", body = RolloutDetail),
        (status = 404, description = "No such rollout"),
        (status = 409, description = "It is paused already, or over"),
    ))]
pub(crate) async fn pause(
    State(rollout): State<Rollout>,
    Admin(user): Admin,
    Path(id): Path<i64>,
) -> Result<Json<RolloutDetail>, HttpError> {
    asked(&rollout, id, Ask::Pause, &user.name).await
}

/// Lets a rollout that was paused go on.
#[utoipa::path(post, path = "/api/v1/rollouts/{id}/resume", tag = "models",
    params(("id" = i64, Path, description = "Its number")), responses(
        (status = 200, description = "It goes on", body = RolloutDetail),
        (status = 404, description = "No such rollout"),
        (status = 409, description = "It is not paused"),
    ))]
pub(crate) async fn resume(
    State(rollout): State<Rollout>,
    Admin(user): Admin,
    Path(id): Path<i64>,
) -> Result<Json<RolloutDetail>, HttpError> {
    asked(&rollout, id, Ask::Resume, &user.name).await
}

/// Agrees to the next step of a rollout that waits for it, or that is held.
#[utoipa::path(post, path = "/api/v1/rollouts/{id}/approve", tag = "models",
    params(("id" = i64, Path, description = "Its number")), responses(
        (status = 200, description = "It goes on", body = RolloutDetail),
        (status = 404, description = "No such rollout"),
        (status = 409, description = "It does not wait for that"),
    ))]
pub(crate) async fn approve(
    State(rollout): State<Rollout>,
    Admin(user): Admin,
    Path(id): Path<i64>,
) -> Result<Json<RolloutDetail>, HttpError> {
    asked(&rollout, id, Ask::Approve, &user.name).await
}

/// Ends a rollout: its bins go back to the version before.
#[utoipa::path(post, path = "/api/v1/rollouts/{id}/cancel", tag = "models",
    params(("id" = i64, Path, description = "Its number")), responses(
        (status = 200, description = "It is cancelled", body = RolloutDetail),
        (status = 404, description = "No such rollout"),
        (status = 409, description = "It is over"),
    ))]
pub(crate) async fn cancel(
    State(rollout): State<Rollout>,
    Admin(user): Admin,
    Path(id): Path<i64>,
) -> Result<Json<RolloutDetail>, HttpError> {
    asked(&rollout, id, Ask::Cancel, &user.name).await
}

/// Has a rollout that stopped or was cancelled begin anew, from the first group.
#[utoipa::path(post, path = "/api/v1/rollouts/{id}/retry", tag = "models",
    params(("id" = i64, Path, description = "Its number")), responses(
        (status = 200, description = "It began anew", body = RolloutDetail),
        (status = 404, description = "No such rollout"),
        (status = 409, description = "It is under way or completed, another is under way, or another version is in service by now"),
    ))]
pub(crate) async fn retry(
    State(rollout): State<Rollout>,
    Admin(user): Admin,
    Path(id): Path<i64>,
) -> Result<Json<RolloutDetail>, HttpError> {
    asked(&rollout, id, Ask::Retry, &user.name).await
}

impl From<CourseError> for HttpError {
    fn from(error: CourseError) -> Self {
        match error {
            CourseError::Unknown(_) => Self::not_found(error.to_string()),
            CourseError::Open { id, .. } => Self::conflict("rollout-open", error.to_string()).with("rollout", id),
            CourseError::Moved { .. } => Self::conflict("another-in-service", error.to_string()),
            CourseError::Plan(error) => Self::unprocessable("bad-rollout", error.to_string()),
            CourseError::Ask(error) => Self::conflict("not-in-this-state", error.to_string()),
            CourseError::Registry(error) => error.into(),
            CourseError::Store(error) => error.into(),
        }
    }
}

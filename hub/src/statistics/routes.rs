//! `/api/v1/statistics`.

use axum::extract::{FromRef, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::curve::{LearningCurve, Outlook, Point, PowerLaw};
use super::job::{FOLDER_SIZE, FolderSize, LEARNING_CURVE};
use super::{BinCounts, ClassBalance, Statistics, Summary, WeekCounts, store, summarise, warnings};
use crate::auth::{Access, User};
use crate::error::HttpError;
use crate::review::job::{LABEL_NOISE, NoiseReport, NoisyPair};
use crate::review::store::kept;
use crate::store::Store;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(statistics, learning_curve),
    components(schemas(
        StatisticsView,
        Summary,
        ClassBalance,
        BinCounts,
        WeekCounts,
        FolderSize,
        NoiseReport,
        NoisyPair,
        LearningCurve,
        Point,
        PowerLaw,
        Outlook,
        CurveView
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Statistics: FromRef<S>,
{
    Router::new()
        .route("/api/v1/statistics", get(statistics))
        .route("/api/v1/statistics/learning-curve", get(learning_curve))
}

/// What there is, and whether it is enough.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct StatisticsView {
    /// Counts, as they are now.
    #[serde(flatten)]
    summary: Summary,
    /// What is out of balance, in words.
    warnings: Vec<String>,
    /// The room that the data folder takes; `null` until it has been measured.
    storage: Option<FolderSize>,
    /// When that was, in milliseconds since 1970.
    storage_at_ms: Option<i64>,
    /// How many labels are probably wrong; `null` until there are enough to judge each other.
    label_noise: Option<NoiseReport>,
    /// When they were judged, in milliseconds since 1970.
    label_noise_at_ms: Option<i64>,
    /// Whether enough is labelled, in words; `null` until it has been computed. The figures are at
    /// `/api/v1/statistics/learning-curve`.
    enough: Option<String>,
}

/// What there is, and whether it is enough.
#[utoipa::path(get, path = "/api/v1/statistics", tag = "statistics", responses(
    (status = 200, description = "The statistics", body = StatisticsView),
))]
pub(crate) async fn statistics(State(store): State<Store>, _user: User) -> Result<Json<StatisticsView>, HttpError> {
    let db = store.db();
    let summary = summarise(&store::count(db).await?, &store::count_weeks(db).await?);
    let storage = kept::<FolderSize>(db, FOLDER_SIZE).await?;
    let noise = kept::<NoiseReport>(db, LABEL_NOISE).await?;
    let curve = kept::<LearningCurve>(db, LEARNING_CURVE).await?;
    Ok(Json(StatisticsView {
        warnings: warnings(&summary),
        summary,
        storage_at_ms: storage.as_ref().map(|kept| kept.computed_ms),
        storage: storage.map(|kept| kept.result),
        label_noise_at_ms: noise.as_ref().map(|kept| kept.computed_ms),
        label_noise: noise.map(|kept| kept.result),
        enough: curve.map(|kept| kept.result.sentence),
    }))
}

/// How accuracy grows with the number of labels, for a chart.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct CurveView {
    /// The curve; `null` until it has been computed, which begins when all samples have an embedding.
    curve: Option<LearningCurve>,
    /// When it was computed, in milliseconds since 1970.
    computed_ms: Option<i64>,
}

/// How accuracy grows with the number of labels. What is out of date is computed anew in the background.
#[utoipa::path(get, path = "/api/v1/statistics/learning-curve", tag = "statistics", responses(
    (status = 200, description = "The curve", body = CurveView),
))]
pub(crate) async fn learning_curve(
    State(store): State<Store>,
    State(statistics): State<Statistics>,
    _user: User,
) -> Result<Json<CurveView>, HttpError> {
    statistics.nudge();
    let kept = kept::<LearningCurve>(store.db(), LEARNING_CURVE).await?;
    Ok(Json(CurveView { computed_ms: kept.as_ref().map(|kept| kept.computed_ms), curve: kept.map(|kept| kept.result) }))
}

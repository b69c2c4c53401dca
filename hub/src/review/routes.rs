//! `/api/v1/review`: next, answer, undo, agreement.

use std::collections::HashMap;

use axum::extract::{FromRef, Path, State as Shared};
use axum::routing::{get, post};
use axum::{Json, Router};
use pilah_models::name::BinId;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::answer::{self, Answer, Answered, Unusable};
use super::opinions::{self, Agreement, PairAgreement};
use super::{ReviewConfig, ReviewError, Reviewer, State, job, queue, store, undo, wrong};
use crate::auth::{self, Access, BinOrReviewer, BinOrUser, Role, User};
use crate::dataset::Classes;
use crate::dataset::routes::SampleView;
use crate::embeddings::{EmbeddingStatus, Vectors};
use crate::error::{HttpError, JsonBody, QueryArgs};
use crate::live::{Live, LiveEvent};
use crate::store::entity::{review, sample};
use crate::store::{Store, now_ms};

/// What one sample shows, said without being asked.
mod label;

/// Many answers at once.
mod many;

/// How many samples a batch has at most, and if nothing else is said.
const MOST: usize = 100;
const BATCH: usize = 20;

const DAY_MS: i64 = 24 * 3_600_000;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(status, held, next, respond, many::respond_many, label::label, undo, agreement, wrong),
    components(schemas(
        QueueStatus,
        EmbeddingStatus,
        Batch,
        ReviewItem,
        Answer,
        Unusable,
        Outcome,
        many::ManyAnswers,
        many::SampleAnswer,
        many::ManyOutcomes,
        many::SampleOutcome,
        label::NewLabel,
        label::Labelled,
        Agreement,
        PairAgreement,
        WrongItem,
        MarkedWrong
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Vectors: FromRef<S>,
    Live: FromRef<S>,
    Classes: FromRef<S>,
    ReviewConfig: FromRef<S>,
{
    Router::new()
        .route("/api/v1/review", get(status))
        .route("/api/v1/review/next", get(held).post(next))
        .route("/api/v1/review/{sample}/answer", post(respond))
        .route("/api/v1/review/answers", post(many::respond_many))
        .route("/api/v1/samples/{id}/label", post(label::label))
        .route("/api/v1/review/undo", post(undo))
        .route("/api/v1/review/agreement", get(agreement))
        .route("/api/v1/review/wrong", post(wrong))
}

impl From<&User> for Reviewer {
    fn from(user: &User) -> Self {
        Self { name: user.name.clone(), is_administrator: user.role == Role::Admin }
    }
}

/// What waits for reviewers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct QueueStatus {
    /// Samples that wait for an answer.
    open: u64,
    /// Samples that wait for a second opinion.
    second: u64,
    /// Samples on which reviewers differ: a third or an administrator decides.
    disputed: u64,
    /// Of the open ones, those that have a label that is suspect.
    suspect: u64,
    /// Samples that the caller has in hand.
    mine: u64,
    /// Samples that were labelled or found unusable since the moment that was asked for, by all.
    answered: u64,
    /// Of these, by the caller.
    answered_by_me: u64,
    /// How far the embeddings are, without which a sample is scored by what its bin said.
    embeddings: EmbeddingStatus,
}

/// Since when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatusQuery {
    /// From when on answers count, in milliseconds since 1970, such as the caller's midnight; the last 24
    /// hours if left out.
    since_ms: Option<i64>,
}

/// What waits for reviewers, and what they have done.
#[utoipa::path(get, path = "/api/v1/review", tag = "review", params(StatusQuery), responses(
    (status = 200, description = "The queue", body = QueueStatus),
    (status = 400, description = "`since_ms` is no number"),
))]
pub(crate) async fn status(
    Shared(store): Shared<Store>,
    Shared(vectors): Shared<Vectors>,
    user: User,
    QueryArgs(query): QueryArgs<StatusQuery>,
) -> Result<Json<QueueStatus>, HttpError> {
    let db = store.db();
    let since_ms = query.since_ms.unwrap_or_else(|| now_ms() - DAY_MS);
    let waiting = queue::waiting(db).await?;
    Ok(Json(QueueStatus {
        open: waiting.open,
        second: waiting.second,
        disputed: waiting.disputed,
        suspect: job::suspects_waiting(db).await?,
        mine: queue::held(db, &Reviewer::from(&user), now_ms()).await?.len() as u64,
        answered: store::answered(db, since_ms, None).await?,
        answered_by_me: store::answered(db, since_ms, Some(&user.name)).await?,
        embeddings: vectors.status(),
    }))
}

/// Samples that a reviewer has in hand.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Batch {
    /// In the order in which they should be looked at.
    items: Vec<ReviewItem>,
}

/// A sample with what speaks for its review.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ReviewItem {
    /// The sample. Its image is at `/api/v1/samples/{id}/image`.
    sample: SampleView,
    /// `open`, `second` or `disputed`.
    state: String,
    /// What its review is expected to bring, 0 to 1.
    value: f64,
    /// Whether it is in the random share: then it says something about all that came, and was not chosen
    /// for its value.
    random: bool,
    /// How unsure the model is, 0 to 1.
    unsure: Option<f64>,
    /// How much the guesses on its group disagree, 0 to 1.
    disagreement: Option<f64>,
    /// How strongly the model contradicts its label, 0 to 1.
    suspect: Option<f64>,
    /// How far it is from what is labelled, 0 to 1.
    novelty: Option<f64>,
    /// Whether someone at the bin said that the bin was wrong.
    marked_wrong: bool,
    /// The likeliest class by the model in service.
    guess: Option<String>,
    /// The class that its label should probably be, if the label is suspect.
    suggested: Option<String>,
    /// Until when nobody else gets it, in milliseconds since 1970.
    leased_until_ms: Option<i64>,
}

impl ReviewItem {
    fn new(sample: sample::Model, review: review::Model) -> Self {
        Self {
            sample: SampleView::from(sample),
            state: review.state,
            value: review.value,
            random: review.random_rank.is_some(),
            unsure: review.unsure,
            disagreement: review.disagreement,
            suspect: review.suspect,
            novelty: review.novelty,
            marked_wrong: review.marked_wrong,
            guess: review.guess,
            suggested: review.suggested,
            leased_until_ms: review.leased_until_ms,
        }
    }
}

async fn items(db: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<ReviewItem>, HttpError> {
    let samples = sample::Entity::find().filter(sample::Column::Id.is_in(ids)).all(db).await?;
    let reviews = review::Entity::find().filter(review::Column::SampleId.is_in(ids)).all(db).await?;
    let mut samples: HashMap<String, sample::Model> = samples.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut reviews: HashMap<String, review::Model> =
        reviews.into_iter().map(|row| (row.sample_id.clone(), row)).collect();
    // One that was deleted since is left out.
    Ok(ids.iter().filter_map(|id| Some(ReviewItem::new(samples.remove(id)?, reviews.remove(id)?))).collect())
}

/// What the caller has in hand. It changes nothing.
#[utoipa::path(get, path = "/api/v1/review/next", tag = "review", responses(
    (status = 200, description = "What the caller has in hand", body = Batch),
))]
pub(crate) async fn held(Shared(store): Shared<Store>, user: User) -> Result<Json<Batch>, HttpError> {
    let db = store.db();
    let ids = queue::held(db, &Reviewer::from(&user), now_ms()).await?;
    Ok(Json(Batch { items: items(db, &ids[..ids.len().min(MOST)]).await? }))
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NextQuery {
    /// How many samples to have in hand, 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    count: Option<usize>,
}

/// Takes the next samples in hand: those that the caller has already, and others up to `count`, the ones
/// whose review is expected to bring most, no two of one object. Nobody else gets them until the lease
/// ends. The same request again gives the same samples, with a new lease.
#[utoipa::path(post, path = "/api/v1/review/next", tag = "review", params(NextQuery), responses(
    (status = 200, description = "What the caller has in hand now; empty if nothing waits", body = Batch),
    (status = 400, description = "`count` is not 1 to 100"),
))]
pub(crate) async fn next(
    Shared(store): Shared<Store>,
    Shared(vectors): Shared<Vectors>,
    Shared(config): Shared<ReviewConfig>,
    auth::Reviewer(user): auth::Reviewer,
    QueryArgs(query): QueryArgs<NextQuery>,
) -> Result<Json<Batch>, HttpError> {
    let count = query.count.unwrap_or(BATCH);
    if !(1..=MOST).contains(&count) {
        return Err(HttpError::bad_request("bad-count", format!("count is {count}; it must be 1 to {MOST}")));
    }
    let by = Reviewer::from(&user);
    let luck = rand::random();
    let ids = queue::next(&store, &vectors, &config, &by, count, luck, now_ms()).await?;
    Ok(Json(Batch { items: items(store.db(), &ids).await? }))
}

/// What came of an answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Outcome {
    /// The sample.
    sample: String,
    /// `done`, or `second` or `disputed` if others have to look at it, or `open` if it waits again.
    state: String,
    /// Its label now.
    label: Option<String>,
    /// Its label before.
    was: Option<String>,
}

impl From<Answered> for Outcome {
    fn from(answered: Answered) -> Self {
        let Answered { sample, state, label, was } = answered;
        Self { sample, state: state.name().to_owned(), label, was }
    }
}

/// Tells those who watch of a label that changed.
pub(super) fn tell(live: &Live, user: &User, answered: &Answered) {
    if answered.label != answered.was {
        let (sample, label) = (answered.sample.clone(), answered.label.clone());
        live.publish(LiveEvent::Labelled { sample, label, by: user.name.clone() });
    }
}

/// Answers for a sample: a label, unusable and why, skip, or a second opinion. It needs no lease, but
/// nobody else may have one.
#[utoipa::path(post, path = "/api/v1/review/{sample}/answer", tag = "review", request_body = Answer,
    params(("sample" = String, Path, description = "The sample")), responses(
        (status = 200, description = "What came of it", body = Outcome),
        (status = 404, description = "No such sample; it may have been deleted"),
        (status = 409, description = "Somebody else has it in hand or was faster, or the caller has had their say"),
        (status = 422, description = "There is no such class; the answer names those that exist"),
    ))]
pub(crate) async fn respond(
    Shared(store): Shared<Store>,
    Shared(live): Shared<Live>,
    Shared(classes): Shared<Classes>,
    auth::Reviewer(user): auth::Reviewer,
    Path(sample): Path<String>,
    JsonBody(said): JsonBody<Answer>,
) -> Result<Json<Outcome>, HttpError> {
    let classes = classes.known().await?;
    let by = Reviewer::from(&user);
    let answered = answer::answer(&store, &classes, &by, &sample, &said, now_ms()).await?;
    tell(&live, &user, &answered);
    Ok(Json(answered.into()))
}

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UndoQuery {
    /// Only what the caller did before this action: to pass over one that cannot be taken back.
    before: Option<i64>,
}

/// Takes back what the caller did last; again and again, one after the other. The sample is in their hand
/// then.
#[utoipa::path(post, path = "/api/v1/review/undo", tag = "review", params(UndoQuery), responses(
    (status = 200, description = "As it is now", body = Outcome),
    (status = 409, description = "There is nothing to take back, or somebody went on from there"),
))]
pub(crate) async fn undo(
    Shared(store): Shared<Store>,
    Shared(live): Shared<Live>,
    Shared(config): Shared<ReviewConfig>,
    auth::Reviewer(user): auth::Reviewer,
    QueryArgs(query): QueryArgs<UndoQuery>,
) -> Result<Json<Outcome>, HttpError> {
    let by = Reviewer::from(&user);
    let undone = undo::undo(&store, &config, &by, query.before, now_ms()).await?;
    tell(&live, &user, &undone);
    Ok(Json(undone.into()))
}

/// How far reviewers agree on samples that several have looked at. Those are the hard ones, mostly: on
/// others they agree more.
#[utoipa::path(get, path = "/api/v1/review/agreement", tag = "review", responses(
    (status = 200, description = "Over all, and by pair", body = Agreement),
))]
pub(crate) async fn agreement(Shared(store): Shared<Store>, _user: User) -> Result<Json<Agreement>, HttpError> {
    let opinions = store::shared_opinions(store.db()).await?;
    Ok(Json(opinions::agreement(&opinions)))
}

/// An item that a bin took for the wrong thing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrongItem {
    /// The bin.
    #[schema(value_type = String)]
    bin: BinId,
    /// The incarnation of its counter, as in its messages.
    epoch: i64,
    /// The `seq` of the item's event.
    event: i64,
}

/// What was noted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct MarkedWrong {
    /// How many images of the item come to the front of the queue.
    samples: usize,
}

/// Somebody at the bin saw that it was wrong: the item's images come to the front of the queue. A bin may
/// say so of its own items, with its secret.
#[utoipa::path(post, path = "/api/v1/review/wrong", tag = "review", request_body = WrongItem, responses(
    (status = 200, description = "Noted", body = MarkedWrong),
    (status = 401, description = "Neither a person nor a bin"),
    (status = 403, description = "An item of another bin; a person needs the role reviewer"),
    (status = 404, description = "There is no image of that item"),
))]
pub(crate) async fn wrong(
    Shared(store): Shared<Store>,
    BinOrReviewer(who): BinOrReviewer,
    JsonBody(item): JsonBody<WrongItem>,
) -> Result<Json<MarkedWrong>, HttpError> {
    if let BinOrUser::Bin(bin) = &who
        && *bin != item.bin
    {
        return Err(HttpError::forbidden("other-bin", format!("{bin} may not speak for {}", item.bin)));
    }
    let samples = wrong::mark_wrong(&store, &item.bin, item.epoch, item.event).await?;
    Ok(Json(MarkedWrong { samples }))
}

impl From<ReviewError> for HttpError {
    fn from(error: ReviewError) -> Self {
        let words = error.to_string();
        match error {
            ReviewError::Held { seconds, .. } => {
                Self::conflict("held", words).retry_after(u64::try_from(seconds).unwrap_or_default())
            }
            ReviewError::Done { label, .. } => {
                Self::conflict("already-reviewed", words).with("label", label).with("state", State::Done.name())
            }
            ReviewError::AlreadySaid => Self::conflict("already-said", words),
            ReviewError::AlreadyWanted => Self::conflict("already-wanted", words),
            ReviewError::NothingToUndo => Self::conflict("nothing-to-undo", words),
            ReviewError::Superseded { action, .. } => Self::conflict("superseded", words).with("action", action),
            ReviewError::NoImage { .. } => Self::not_found(words),
            ReviewError::Dataset(error) => error.into(),
        }
    }
}

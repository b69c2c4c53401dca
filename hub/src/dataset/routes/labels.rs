//! The label of a sample, and the classes.

use axum::Json;
use axum::extract::{Path, State};
use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::{Reviewer, User};
use crate::dataset::store::{self, Tally};
use crate::dataset::{Classes, Split, UNUSABLE};
use crate::error::{HttpError, JsonBody};
use crate::live::{Live, LiveEvent};
use crate::review;
use crate::store::{Store, now_ms};

/// What a sample shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLabel {
    /// A class; `unusable` to take it out; `null` to take the label back.
    label: Option<String>,
}

/// What was changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Labelled {
    /// The sample.
    id: String,
    /// What it shows now.
    label: Option<String>,
    /// What it showed before.
    was: Option<String>,
}

/// Labels a sample. Every change is kept with who made it.
#[utoipa::path(post, path = "/api/v1/samples/{id}/label", tag = "dataset", request_body = NewLabel,
    params(("id" = String, Path, description = "The sample")), responses(
        (status = 200, description = "Labelled", body = Labelled),
        (status = 404, description = "No such sample"),
        (status = 422, description = "There is no such class; the answer names those that exist"),
    ))]
pub(crate) async fn label(
    State(store): State<Store>,
    State(live): State<Live>,
    State(classes): State<Classes>,
    Reviewer(user): Reviewer,
    Path(id): Path<String>,
    JsonBody(new): JsonBody<NewLabel>,
) -> Result<Json<Labelled>, HttpError> {
    let label = match new.label.as_deref() {
        Some(name) => Some(match Label::read(name) {
            Ok(label) if label.as_str() == UNUSABLE => label,
            _ => crate::dataset::known_label(name, &classes.known().await?)?,
        }),
        None => None,
    };
    let was = review::answer::label(&store, &id, label.as_ref(), &user.name, now_ms()).await?;
    let label = label.map(String::from);
    live.publish(LiveEvent::Labelled { sample: id.clone(), label: label.clone(), by: user.name });
    Ok(Json(Labelled { id, label, was }))
}

/// Every class, with its labelled images.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ClassCounts {
    /// The classes of the model in service in its order, then others by name.
    classes: Vec<ClassCount>,
    /// Samples that wait for a label.
    unlabelled: u64,
}

/// A class, with its labelled images by split.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ClassCount {
    /// The class.
    #[schema(value_type = String)]
    label: Label,
    /// All of them.
    images: u64,
    /// In training.
    train: u64,
    /// In validation.
    validation: u64,
    /// In test.
    test: u64,
}

/// Every class, with how many images are labelled with it.
#[utoipa::path(get, path = "/api/v1/classes", tag = "dataset", responses(
    (status = 200, description = "The classes", body = ClassCounts),
))]
pub(crate) async fn classes(
    State(store): State<Store>,
    State(classes): State<Classes>,
    _user: User,
) -> Result<Json<ClassCounts>, HttpError> {
    let tally = Tally::read(store.db()).await?;
    let count = |label: Label| {
        let counts = tally.of.get(&label).copied().unwrap_or_default();
        ClassCount {
            label,
            images: counts.total(),
            train: counts.of(Split::Train),
            validation: counts.of(Split::Validation),
            test: counts.of(Split::Test),
        }
    };
    let classes = classes.known().await?.into_iter().map(count).collect();
    Ok(Json(ClassCounts { classes, unlabelled: store::unlabelled(store.db()).await? }))
}

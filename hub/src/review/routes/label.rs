//! `POST /api/v1/samples/{id}/label`: what one sample shows, said without being asked.

use axum::Json;
use axum::extract::{Path, State};
use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::answer;
use crate::auth::Reviewer;
use crate::dataset::{Classes, UNUSABLE, known_label};
use crate::error::{HttpError, JsonBody};
use crate::live::{Live, LiveEvent};
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
            _ => known_label(name, &classes.known().await?)?,
        }),
        None => None,
    };
    let was = answer::label(&store, &id, label.as_ref(), &user.name, now_ms()).await?;
    let label = label.map(String::from);
    live.publish(LiveEvent::Labelled { sample: id.clone(), label: label.clone(), by: user.name });
    Ok(Json(Labelled { id, label, was }))
}

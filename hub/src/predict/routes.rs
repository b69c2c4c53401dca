//! `POST /api/predict`.

use axum::extract::{DefaultBodyLimit, FromRef, Query, Request, State};
use axum::http::{HeaderMap, header};
use axum::routing::post;
use axum::{Json, Router};
use pilah_models::picture::{ImageError, Limits};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{PredictError, Prediction, Predictor};
use crate::auth::{Access, User};
use crate::body;
use crate::dataset::receive::within;
use crate::dataset::routes::LARGEST_UPLOAD;
use crate::error::HttpError;
use crate::recommend::{self, Educational, Language, Recommendation};

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(paths(predict), components(schemas(Predicted, Prediction, Recommendation, Educational, Language)))]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Predictor: FromRef<S>,
{
    Router::new().route("/api/predict", post(predict)).layer(DefaultBodyLimit::max(LARGEST_UPLOAD))
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Options {
    /// `en` or `id`; else as `Accept-Language` says.
    lang: Option<String>,
}

/// What an image shows, and what to do with it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Predicted {
    /// What the model says.
    prediction: Prediction,
    /// How to dispose of it.
    recommendation: Recommendation,
    /// What is worth knowing about it.
    educational: Educational,
}

/// What an image shows, and what to do with it. The image is a file in a form, or the whole body. It
/// is not kept. A login is needed: each answer costs the hub some computing.
#[utoipa::path(post, path = "/api/predict", tag = "predict", params(Options),
    request_body(content_type = "multipart/form-data", description = "A file in any field; or the image itself, as image/jpeg or image/png"),
    responses(
        (status = 200, description = "The answer", body = Predicted),
        (status = 400, description = "No file in the form"),
        (status = 413, description = "The file or the image is too large"),
        (status = 422, description = "Not an image, or a damaged one"),
        (status = 503, description = "No model is in service, or too many ask"),
    ))]
pub(crate) async fn predict(
    State(predictor): State<Predictor>,
    _user: User,
    Query(options): Query<Options>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Predicted>, HttpError> {
    let bytes = image_of(request).await?;
    let prediction = predictor.predict(bytes).await?;
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::of_request(options.lang.as_deref(), accept);
    let (recommendation, educational) = recommend::advise(&prediction.class, language);
    Ok(Json(Predicted { prediction, recommendation, educational }))
}

/// The image that a request brings; see [`body::file`].
pub(crate) async fn image_of(request: Request) -> Result<Vec<u8>, HttpError> {
    let limits = Limits::default();
    let sent = body::file(request, limits.bytes).await?.ok_or_else(no_image)?;
    Ok(within(sent.bytes, sent.size, &limits)?)
}

fn no_image() -> HttpError {
    HttpError::bad_request("no-image", "send a JPEG or PNG image: as the body, or as a file in a form")
}

impl From<PredictError> for HttpError {
    fn from(error: PredictError) -> Self {
        match error {
            PredictError::NoModel => Self::unavailable("no-model", error.to_string()),
            PredictError::Busy => Self::unavailable("busy", error.to_string()),
            PredictError::Image(error) => error.into(),
            PredictError::Infer(_) => Self::internal(error),
        }
    }
}

impl From<ImageError> for HttpError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Bytes { .. } | ImageError::Pixels { .. } => Self::too_large(error.to_string()),
            ImageError::Frames(_)
            | ImageError::Format
            | ImageError::Coding(_)
            | ImageError::Damaged(_)
            | ImageError::Incompressible(_) => Self::unprocessable("bad-image", error.to_string()),
        }
    }
}

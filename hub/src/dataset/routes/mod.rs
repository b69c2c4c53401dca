//! HTTP: `POST /api/upload-training`, and samples, labels, imports, versions and deletions under `/api/v1`.

/// `POST /api/upload-training`.
mod upload;

/// Samples and their images.
mod samples;

/// The label of a sample, and the classes.
mod labels;

/// Zips of images.
mod imports;

/// Frozen versions, exports, and what a random split would have promised.
mod versions;

/// Deleting what a bin or a person sent.
mod deletions;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use pilah_models::name::Label;
use utoipa::OpenApi;

pub(crate) use self::imports::LARGEST_ZIP;
pub(crate) use self::samples::SampleView;
use super::store::Tally;
use super::{DatasetError, delete, export, honesty, import, version};
use crate::error::HttpError;
use crate::state::AppState;

/// No upload is larger, in bytes, all its files together.
pub(crate) const LARGEST_UPLOAD: usize = 200_000_000;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(
        upload::upload,
        samples::list,
        samples::image,
        labels::label,
        labels::classes,
        imports::send,
        imports::status,
        versions::freeze,
        versions::list,
        versions::one,
        versions::difference,
        versions::export,
        versions::honesty,
        deletions::delete
    ),
    components(schemas(
        upload::Uploaded,
        upload::FileReport,
        upload::FileOutcome,
        samples::SampleList,
        samples::SampleView,
        labels::NewLabel,
        labels::Labelled,
        labels::ClassCounts,
        labels::ClassCount,
        imports::Accepted,
        import::ImportStatus,
        import::ImportReport,
        import::Skipped,
        import::RenamedFolder,
        versions::Freezing,
        versions::VersionList,
        version::Version,
        version::Difference,
        version::Changed,
        export::Layout,
        honesty::Honesty,
        honesty::SeedFigures,
        honesty::Spread,
        deletions::Wanted,
        delete::Deletion
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/upload-training", post(upload::upload).layer(DefaultBodyLimit::max(LARGEST_UPLOAD)))
        .route("/api/v1/samples", get(samples::list))
        .route("/api/v1/samples/{id}/image", get(samples::image))
        .route("/api/v1/samples/{id}/label", post(labels::label))
        .route("/api/v1/classes", get(labels::classes))
        // It streams into a file and counts itself.
        .route("/api/v1/imports", post(imports::send).layer(DefaultBodyLimit::disable()))
        .route("/api/v1/imports/{id}", get(imports::status))
        .route("/api/v1/dataset/versions", get(versions::list).post(versions::freeze))
        .route("/api/v1/dataset/versions/{id}", get(versions::one))
        .route("/api/v1/dataset/versions/{id}/diff/{to}", get(versions::difference))
        .route("/api/v1/dataset/versions/{id}/export", get(versions::export))
        .route("/api/v1/dataset/compare-splits", post(versions::honesty))
        .route("/api/v1/dataset/deletions", post(deletions::delete))
}

pub(crate) async fn known_classes(state: &AppState) -> Result<Vec<Label>, HttpError> {
    let seen = Tally::read(state.store.db()).await?.labels();
    let service = state.registry.in_service();
    Ok(super::classes(service.as_deref().map(|model| &model.manifest().labels), &seen))
}

impl From<DatasetError> for HttpError {
    fn from(error: DatasetError) -> Self {
        match error {
            DatasetError::Name(error) => Self::unprocessable("not-a-label", error.to_string()),
            DatasetError::UnknownLabel { ref known, .. } => {
                Self::unprocessable("unknown-label", error.to_string()).with("classes", known.clone())
            }
            DatasetError::NoSample(_) | DatasetError::NoVersion(_) => Self::not_found(error.to_string()),
            DatasetError::NotGone(_) => Self::conflict("not-gone", error.to_string()),
            DatasetError::File(error) => Self::internal(error),
            DatasetError::Store(error) => error.into(),
            DatasetError::Blob(error) => error.into(),
        }
    }
}

//! HTTP: `POST /api/upload-training`, and samples, labels, imports, versions and deletions under `/api/v1`.

/// `POST /api/upload-training`.
mod upload;

/// Samples and their images.
mod samples;

/// The label of a sample, and the classes.
mod classes;

/// Zips of images.
mod imports;

/// Frozen versions, exports, and what a random split would have promised.
mod versions;

/// Deleting what a bin or a person sent.
mod deletions;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::routing::{get, post};
use utoipa::OpenApi;

pub(crate) use self::imports::LARGEST_ZIP;
pub(crate) use self::samples::SampleView;
use super::import::Imports;
use super::{Classes, DatasetError, delete, export, import, version};
use crate::auth::Access;
use crate::error::HttpError;
use crate::live::Live;
use crate::store::{Blobs, Store};

/// No upload is larger, in bytes, all its files together.
pub(crate) const LARGEST_UPLOAD: usize = 200_000_000;

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(
        upload::upload,
        samples::list,
        samples::image,
        classes::classes,
        imports::send,
        imports::status,
        versions::freeze,
        versions::list,
        versions::one,
        versions::difference,
        versions::export,
        deletions::delete
    ),
    components(schemas(
        upload::Uploaded,
        upload::FileReport,
        upload::FileOutcome,
        samples::SampleList,
        samples::SampleView,
        classes::ClassCounts,
        classes::ClassCount,
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
        deletions::Wanted,
        delete::Deletion
    ))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Blobs: FromRef<S>,
    Live: FromRef<S>,
    Classes: FromRef<S>,
    Imports: FromRef<S>,
{
    Router::new()
        .route("/api/upload-training", post(upload::upload).layer(DefaultBodyLimit::max(LARGEST_UPLOAD)))
        .route("/api/v1/samples", get(samples::list))
        .route("/api/v1/samples/{id}/image", get(samples::image))
        .route("/api/v1/classes", get(classes::classes))
        // It streams into a file and counts itself.
        .route("/api/v1/imports", post(imports::send).layer(DefaultBodyLimit::disable()))
        .route("/api/v1/imports/{id}", get(imports::status))
        .route("/api/v1/dataset/versions", get(versions::list).post(versions::freeze))
        .route("/api/v1/dataset/versions/{id}", get(versions::one))
        .route("/api/v1/dataset/versions/{id}/diff/{to}", get(versions::difference))
        .route("/api/v1/dataset/versions/{id}/export", get(versions::export))
        .route("/api/v1/dataset/deletions", post(deletions::delete))
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

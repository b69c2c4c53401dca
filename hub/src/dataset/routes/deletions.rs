//! Deleting what a bin or a person sent.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Admin;
use crate::dataset::delete::{self, Deletion, Whose};
use crate::error::{HttpError, JsonBody};
use crate::store::{Blobs, Store};

/// Whose samples, and whether to delete them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// All that this bin sent. Either this, or `sent_by`.
    bin: Option<String>,
    /// All that this person uploaded or imported.
    sent_by: Option<String>,
    /// `false` deletes; else the answer says what would be deleted.
    #[serde(default = "yes")]
    dry_run: bool,
}

fn yes() -> bool {
    true
}

/// Deletes all images of a bin or a person, everywhere, and writes the proof into the audit log.
#[utoipa::path(post, path = "/api/v1/dataset/deletions", tag = "dataset", request_body = Wanted, responses(
    (status = 200, description = "What was deleted, or would be", body = Deletion),
    (status = 422, description = "Not one of `bin` and `sent_by`"),
))]
pub(crate) async fn delete(
    State(store): State<Store>,
    State(blobs): State<Blobs>,
    Admin(user): Admin,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<Deletion>, HttpError> {
    let whose = match (wanted.bin, wanted.sent_by) {
        (Some(bin), None) => Whose::Bin(bin),
        (None, Some(name)) => Whose::Sender(name),
        _ => return Err(HttpError::unprocessable("whose", "name either a bin or, with \"sent_by\", a person")),
    };
    if wanted.dry_run {
        return Ok(Json(delete::plan(store.db(), &whose).await?));
    }
    let deletion = delete::delete(&store, &blobs, &whose, &user.name).await?;
    tracing::info!(user = user.name, ?whose, samples = deletion.samples, "samples deleted");
    Ok(Json(deletion))
}

//! `GET /api/v1/limits`: what the hub takes at its doors, so that a page can say so before anything is sent.
//!
//! Each number is the one that its door checks; here it is only told.

use axum::Json;
use pilah_forecast::intake;
use pilah_models::picture;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{SHORTEST_PASSWORD, User};
use crate::dataset::routes::LARGEST_ZIP;
use crate::exchange::import;

/// What the hub takes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Limits {
    /// The largest image file, in bytes.
    image_bytes: usize,
    /// The most pixels of an image.
    image_pixels: u64,
    /// The largest zip of images, in bytes.
    archive_bytes: u64,
    /// The largest file of a model or backbone, in bytes.
    model_bytes: usize,
    /// The largest file of quantities, in bytes.
    quantities_bytes: usize,
    /// The shortest password, in characters.
    password_characters: usize,
}

/// What the hub takes: how large files may be, and how short a password.
#[utoipa::path(get, path = "/api/v1/limits", tag = "status", responses(
    (status = 200, description = "The limits", body = Limits),
))]
pub(crate) async fn read(_user: User) -> Json<Limits> {
    let image = picture::Limits::default();
    Json(Limits {
        image_bytes: image.bytes,
        image_pixels: image.pixels,
        archive_bytes: LARGEST_ZIP,
        model_bytes: import::LARGEST,
        quantities_bytes: intake::LARGEST,
        password_characters: SHORTEST_PASSWORD,
    })
}

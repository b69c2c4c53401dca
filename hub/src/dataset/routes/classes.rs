//! The classes, with what is labelled with them.

use axum::Json;
use axum::extract::State;
use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::User;
use crate::dataset::store::{self, Tally};
use crate::dataset::{Classes, Split};
use crate::error::HttpError;
use crate::store::Store;

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

//! The OpenAPI document, put together from the stages. `hub/openapi.json` is the committed copy; a test
//! holds the two together.

use axum::Json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::status;
use crate::{
    auth, dataset, evaluate, fleet, forecast, predict, registry, review, rollout, search, settings, statistics, train,
};

/// What holds for the whole interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pilah hub",
        description = "Gathers samples from smart bins, has them reviewed, retrains, and pushes models to the bins. \
                       Errors are RFC 9457 problem documents.",
    ),
    security(("session" = []), ("basic" = [])),
    modifiers(&Logins),
)]
struct Base;

struct Logins;

impl Modify for Logins {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let cookie = ApiKeyValue::with_description(
            "pilah_session",
            "Set by POST /api/v1/login. A request that changes something also needs the header X-Pilah-CSRF: 1, \
             unless a browser sends it from our own page.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        components.add_security_scheme("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    }
}

/// The document.
#[must_use]
pub fn document() -> Document {
    let mut document = Base::openapi();
    for stage in [
        status::ApiDoc::openapi(),
        settings::routes::ApiDoc::openapi(),
        auth::ApiDoc::openapi(),
        fleet::ApiDoc::openapi(),
        dataset::routes::ApiDoc::openapi(),
        review::routes::ApiDoc::openapi(),
        statistics::routes::ApiDoc::openapi(),
        search::routes::ApiDoc::openapi(),
        train::routes::ApiDoc::openapi(),
        registry::routes::ApiDoc::openapi(),
        evaluate::routes::ApiDoc::openapi(),
        rollout::routes::ApiDoc::openapi(),
        predict::routes::ApiDoc::openapi(),
        forecast::routes::ApiDoc::openapi(),
    ] {
        document.merge(stage);
    }
    document
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "status", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(super) async fn serve() -> Json<Document> {
    Json(document())
}

//! Who may do what, by route. The document's answers 401 and 403 are made of it, and a test asks a running hub whether it
//! is so.

use crate::auth::Role::{self, Admin, Reviewer, Viewer};

/// What each route needs that changes something, or that everybody may read, or not everybody who is logged in.
/// `None`: no login. What is not listed is read by whoever is logged in.
pub(super) const NEEDED: &[(&str, &str, Option<Role>)] = &[
    ("GET", "/", None),
    ("POST", "/api/predict", Some(Viewer)),
    ("GET", "/api/status", None),
    ("POST", "/api/train", Some(Admin)),
    ("POST", "/api/upload-training", Some(Reviewer)),
    ("GET", "/api/v1/audit", Some(Admin)),
    ("DELETE", "/api/v1/backbones/{sha256}", Some(Admin)),
    ("POST", "/api/v1/bins", Some(Admin)),
    ("DELETE", "/api/v1/bins/{id}", Some(Admin)),
    ("PATCH", "/api/v1/bins/{id}", Some(Admin)),
    ("POST", "/api/v1/bins/{id}/commands", Some(Admin)),
    ("POST", "/api/v1/bins/{id}/secret", Some(Admin)),
    ("POST", "/api/v1/dataset/compare-splits", Some(Admin)),
    ("POST", "/api/v1/dataset/deletions", Some(Admin)),
    ("POST", "/api/v1/dataset/versions", Some(Reviewer)),
    ("GET", "/api/v1/dataset/versions/{id}/export", Some(Reviewer)),
    ("POST", "/api/v1/forecast/plan", Some(Viewer)),
    ("POST", "/api/v1/forecast/trainings/{id}/cancel", Some(Admin)),
    ("POST", "/api/v1/imports", Some(Reviewer)),
    ("POST", "/api/v1/login", None),
    ("POST", "/api/v1/logout", None),
    ("POST", "/api/v1/me/password", Some(Viewer)),
    ("POST", "/api/v1/models/import", Some(Admin)),
    ("DELETE", "/api/v1/models/{version}", Some(Admin)),
    ("POST", "/api/v1/models/{version}/activate", Some(Admin)),
    ("POST", "/api/v1/models/{version}/evaluate", Some(Admin)),
    ("GET", "/api/v1/openapi.json", None),
    ("PUT", "/api/v1/program", Some(Admin)),
    ("POST", "/api/v1/review/answers", Some(Reviewer)),
    ("POST", "/api/v1/review/next", Some(Reviewer)),
    ("POST", "/api/v1/review/undo", Some(Reviewer)),
    ("POST", "/api/v1/review/wrong", Some(Reviewer)),
    ("POST", "/api/v1/review/{sample}/answer", Some(Reviewer)),
    ("POST", "/api/v1/rollouts", Some(Admin)),
    ("POST", "/api/v1/rollouts/{id}/approve", Some(Admin)),
    ("POST", "/api/v1/rollouts/{id}/cancel", Some(Admin)),
    ("POST", "/api/v1/rollouts/{id}/pause", Some(Admin)),
    ("POST", "/api/v1/rollouts/{id}/resume", Some(Admin)),
    ("POST", "/api/v1/rollouts/{id}/retry", Some(Admin)),
    ("POST", "/api/v1/samples/{id}/label", Some(Reviewer)),
    ("POST", "/api/v1/search/similar", Some(Viewer)),
    ("GET", "/api/v1/subscribers", Some(Admin)),
    ("POST", "/api/v1/subscribers", Some(Admin)),
    ("DELETE", "/api/v1/subscribers/{name}", Some(Admin)),
    ("POST", "/api/v1/subscribers/{name}/secret", Some(Admin)),
    ("POST", "/api/v1/trainings/{id}/cancel", Some(Admin)),
    ("GET", "/api/v1/users", Some(Admin)),
    ("POST", "/api/v1/users", Some(Admin)),
    ("DELETE", "/api/v1/users/{name}", Some(Admin)),
    ("PATCH", "/api/v1/users/{name}", Some(Admin)),
    ("POST", "/forecast", Some(Viewer)),
    ("GET", "/health", None),
    ("POST", "/retrain", Some(Admin)),
];

/// The least role that a route needs; `None`: no login.
pub(super) fn needed(method: &str, path: &str) -> Option<Role> {
    let is_it = |(of, at, _): &&(&str, &str, Option<Role>)| of.eq_ignore_ascii_case(method) && *at == path;
    NEEDED.iter().find(is_it).map_or(Some(Viewer), |(_, _, role)| *role)
}

//! `/repo/metadata/…` and `/repo/targets/…`: the repository as it lies on disk; `GET /api/v1/updates`: how it stands with it.
//!
//! All but the timestamp is named by its content or its number and never changes, and says so. A web server or a bucket
//! with a copy of the folder `repository` serves the same.

use std::io::SeekFrom;
use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::extract::{FromRef, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::stream;
use pilah_models::name::{ContentId, TargetName};
use pilah_repository::policy::Policy;
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use utoipa::{OpenApi, ToSchema};

use super::packages::{Package, PackageError};
use super::{Place, Updates, UpdatesView};
use crate::audit;
use crate::auth::{Access, Admin, BinOrUser, User};
use crate::error::{HttpError, JsonBody};
use crate::registry::range::{Part, part};
use crate::store::Store;

/// How much of a file is in memory at once, in bytes.
const CHUNK: usize = 64 * 1024;
/// The one file that changes.
const TIMESTAMP: &str = "timestamp.json";

/// The documentation of this stage.
#[derive(OpenApi)]
#[openapi(
    paths(metadata, target, updates, programs, want),
    components(schemas(UpdatesView, Programs, ProgramPackage, WantedProgram))
)]
pub(crate) struct ApiDoc;

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Store: FromRef<S>,
    Updates: FromRef<S>,
{
    Router::new()
        .route("/repo/metadata/{file}", get(metadata))
        .route("/repo/targets/{file}", get(target))
        .route("/api/v1/updates", get(updates))
        .route("/api/v1/program", get(programs).put(want))
}

/// A bin, a person, or anybody if the hub was started so.
pub(crate) struct Loader;

impl<S> FromRequestParts<S> for Loader
where
    S: Send + Sync,
    Access: FromRef<S>,
    Updates: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        if !Updates::from_ref(state).0.public {
            BinOrUser::from_request_parts(parts, state).await?;
        }
        Ok(Self)
    }
}

/// How it stands with the signed updates: what is in force, until when, and what is out of order.
#[utoipa::path(get, path = "/api/v1/updates", tag = "updates", responses(
    (status = 200, description = "The repository in figures and words", body = UpdatesView),
))]
pub(crate) async fn updates(State(updates): State<Updates>, _user: User) -> Json<UpdatesView> {
    Json(updates.view())
}

/// The packages of the bin's program.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Programs {
    /// The version that bins are to have; `null` leaves them their own.
    wanted: Option<String>,
    /// Those that were added (`pilah-hub program add`), by version and architecture.
    packages: Vec<ProgramPackage>,
}

/// A package of the bin's program.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgramPackage {
    /// Its version.
    version: String,
    /// The architecture, as Debian names it.
    arch: String,
    /// The target that it is.
    #[schema(value_type = String)]
    target: TargetName,
    /// How many bytes it has.
    bytes: u64,
}

/// The program that bins are to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedProgram {
    /// A version of which a package was added; `null` leaves bins their own.
    #[schema(required)]
    version: Option<String>,
}

/// The packages of the bin's program, and which bins are to have.
#[utoipa::path(get, path = "/api/v1/program", tag = "updates", responses(
    (status = 200, description = "What there is, and what is wanted", body = Programs),
))]
pub(crate) async fn programs(State(updates): State<Updates>, _user: User) -> Result<Json<Programs>, HttpError> {
    Ok(Json(updates.blocking(|updates| read(&updates.0.place)).await?))
}

fn read(place: &Place) -> Result<Programs, PackageError> {
    let shown = |package: Package| {
        let Package { version, arch, target, bytes } = package;
        ProgramPackage { version, arch, target, bytes }
    };
    Ok(Programs { wanted: place.wanted_program()?, packages: place.packages()?.into_iter().map(shown).collect() })
}

/// Has all bins have this version of the program, which each installs only if it is set to (`program = true` in
/// `[updates]` of its configuration), or leaves them their own.
#[utoipa::path(put, path = "/api/v1/program", tag = "updates", request_body = WantedProgram, responses(
    (status = 200, description = "It is wanted; bins are told once it is published", body = Programs),
    (status = 404, description = "No package of this version was added; the answer names those that were"),
))]
pub(crate) async fn want(
    State(updates): State<Updates>,
    State(store): State<Store>,
    Admin(user): Admin,
    JsonBody(wanted): JsonBody<WantedProgram>,
) -> Result<Json<Programs>, HttpError> {
    let detail = serde_json::json!({ "version": wanted.version });
    let done = updates.blocking(move |updates| {
        updates.0.place.want_program(wanted.version.as_deref())?;
        read(&updates.0.place)
    });
    let programs = done.await?;
    audit::note(store.db(), &user.name, "program.want", &detail).await?;
    updates.nudge();
    Ok(Json(programs))
}

impl From<PackageError> for HttpError {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::Unknown { .. } => Self::not_found(error.to_string()),
            PackageError::Io { .. } => Self::internal(error),
            error => Self::conflict("package", error.to_string()),
        }
    }
}

/// Signed metadata of the update repository (TUF): `timestamp.json`, `N.root.json`, `N.snapshot.json`, `N.targets.json`.
/// For bins and whoever is logged in; for everybody if the hub was started with `--public-updates`.
#[utoipa::path(get, path = "/repo/metadata/{file}", tag = "updates",
    params(("file" = String, Path, description = "The file's name")), responses(
        (status = 200, description = "The file. All but `timestamp.json` never change", body = Object),
        (status = 206, description = "What follows of it from the byte that was asked for", body = Object),
        (status = 304, description = "It is what `If-None-Match` names"),
        (status = 404, description = "No such file: as an answer to the next root, that there is none yet"),
        (status = 416, description = "The file has no such byte; `Content-Range` says how many it has"),
    ))]
pub(crate) async fn metadata(
    State(updates): State<Updates>,
    _loader: Loader,
    Path(file): Path<String>,
    asked: HeaderMap,
) -> Result<Response, HttpError> {
    if !is_metadata(&file) {
        return Err(unknown(&file));
    }
    let path = updates.0.place.repository(Policy::default()).metadata_folder().join(&file);
    let bytes = tokio::fs::read(path).await.map_err(|error| cannot_read(&file, error))?;
    let about = About {
        tag: ContentId::of(&bytes).into(),
        kind: "application/json",
        keep: if file == TIMESTAMP { Keep::Ask } else { Keep::Forever { public: updates.0.public } },
        length: bytes.len() as u64,
    };
    about.answer(&asked, |from| async move { Ok(Body::from(Bytes::from(bytes).slice(from..))) }).await
}

/// A target of the update repository, by its content: `SHA256.name`. Whoever has a part of it asks for the rest by
/// `Range: bytes=N-`. For bins and whoever is logged in; for everybody if the hub was started with `--public-updates`.
#[utoipa::path(get, path = "/repo/targets/{file}", tag = "updates",
    params(("file" = String, Path, description = "SHA-256 in 64 hexadecimal digits, a dot, and the target's name")),
    responses(
        (status = 200, description = "The file, which never changes", content_type = "application/octet-stream"),
        (status = 206, description = "What follows of it from the byte that was asked for",
            content_type = "application/octet-stream"),
        (status = 304, description = "It is what `If-None-Match` names"),
        (status = 404, description = "No such file"),
        (status = 416, description = "The file has no such byte; `Content-Range` says how many it has"),
    ))]
pub(crate) async fn target(
    State(updates): State<Updates>,
    _loader: Loader,
    Path(file): Path<String>,
    asked: HeaderMap,
) -> Result<Response, HttpError> {
    let named = file.split_once('.').and_then(|(sha256, name)| {
        TargetName::new(name).ok()?;
        ContentId::new(sha256).ok()
    });
    let Some(sha256) = named else { return Err(unknown(&file)) };
    let path: PathBuf = updates.0.place.repository(Policy::default()).targets_folder().join(&file);
    let open = async {
        let open = File::open(path).await?;
        let length = open.metadata().await?.len();
        Ok((open, length))
    };
    let (open, length) = open.await.map_err(|error| cannot_read(&file, error))?;
    let keep = Keep::Forever { public: updates.0.public };
    let about = About { tag: sha256.into(), kind: "application/octet-stream", keep, length };
    about.answer(&asked, |from| from_byte(open, from, file)).await
}

/// What is left of a file from a byte on, a chunk at a time.
async fn from_byte(mut open: File, from: usize, file: String) -> Result<Body, HttpError> {
    open.seek(SeekFrom::Start(from as u64)).await.map_err(|error| cannot_read(&file, error))?;
    Ok(Body::from_stream(stream::try_unfold(open, |mut open| async move {
        let mut chunk = Vec::with_capacity(CHUNK);
        (&mut open).take(CHUNK as u64).read_to_end(&mut chunk).await?;
        Ok::<_, std::io::Error>((!chunk.is_empty()).then_some((chunk, open)))
    })))
}

/// For how long an answer may be kept.
#[derive(Debug, Clone, Copy)]
enum Keep {
    /// It is asked each time whether it is still so.
    Ask,
    /// For ever, by caches that many share only if everybody may have it.
    Forever { public: bool },
}

/// A file that is served.
#[derive(Debug)]
struct About {
    /// SHA-256 of its content.
    tag: String,
    kind: &'static str,
    keep: Keep,
    length: u64,
}

impl About {
    async fn answer<F>(self, asked: &HeaderMap, body: impl FnOnce(usize) -> F) -> Result<Response, HttpError>
    where
        F: Future<Output = Result<Body, HttpError>>,
    {
        let text = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
        let tag = format!("\"{}\"", self.tag);
        let keep = match self.keep {
            Keep::Ask => "no-cache",
            Keep::Forever { public: true } => "public, max-age=31536000, immutable",
            Keep::Forever { public: false } => "private, max-age=31536000, immutable",
        };
        let headers = [
            (header::ETAG, HeaderValue::try_from(tag.as_str()).expect("hexadecimal digits")),
            (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
            (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        ];
        if text(header::IF_NONE_MATCH).is_some_and(|known| is_known(known, &tag)) {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let length = usize::try_from(self.length).map_err(HttpError::internal)?;
        let long = |bytes: usize| (header::CONTENT_LENGTH, HeaderValue::from(bytes));
        Ok(match part(text(header::RANGE), length) {
            Part::Whole => (headers, [kind, long(length)], body(0).await?).into_response(),
            Part::From(from) => {
                let of = [(header::CONTENT_RANGE, format!("bytes {from}-{}/{length}", length - 1))];
                let kind = [kind, long(length - from)];
                (StatusCode::PARTIAL_CONTENT, headers, of, kind, body(from).await?).into_response()
            }
            Part::Beyond => {
                let of = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
                let detail = format!("the file has {length} bytes, and none from there on");
                (of, HttpError::new(StatusCode::RANGE_NOT_SATISFIABLE, "beyond-the-end", detail)).into_response()
            }
        })
    }
}

/// Whether a client has what this tag names; it may have had it compressed, or from a cache that calls tags weak.
fn is_known(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// Whether a name is one that metadata has.
fn is_metadata(file: &str) -> bool {
    let numbered = |file: &str| {
        let (number, role) = file.split_once('.')?;
        let roles = ["root.json", "snapshot.json", "targets.json"];
        Some(!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) && roles.contains(&role))
    };
    file == TIMESTAMP || numbered(file).unwrap_or(false)
}

fn unknown(file: &str) -> HttpError {
    let file: String = file.chars().take(200).collect();
    HttpError::not_found(format!("the update repository has no file {file}"))
}

fn cannot_read(file: &str, error: std::io::Error) -> HttpError {
    if error.kind() == std::io::ErrorKind::NotFound { unknown(file) } else { HttpError::internal(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_metadata_are_looked_for() {
        for name in ["timestamp.json", "1.root.json", "12.snapshot.json", "7.targets.json"] {
            assert!(is_metadata(name), "{name}");
        }
        for name in [
            "",
            "root.json",
            ".root.json",
            "1.timestamp.json",
            "../1.root.json",
            "-1.root.json",
            "1.root.json.partial",
            "1.mirrors.json",
        ] {
            assert!(!is_metadata(name), "{name}");
        }
    }

    #[test]
    fn a_tag_is_known_in_any_of_its_forms() {
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(is_known(known, "\"a\""), "{known}");
        }
        for known in ["", "\"b\"", "a"] {
            assert!(!is_known(known, "\"a\""), "{known}");
        }
    }
}

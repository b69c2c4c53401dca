//! `GET /api/v1/audit`: who did what, for administrators.

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Access, Admin};
use crate::error::{HttpError, QueryArgs};
use crate::store::entity::audit;

/// How many entries an answer has if nothing is said, and at most.
const ENTRIES: u64 = 100;
const MOST_ENTRIES: u64 = 1000;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// How many, 1 to 1000; 100 if left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// Only those before this entry.
    before: Option<i64>,
    /// Only what this user, `bin:` and a bin's id, `command line`, `hub` or `nobody` did.
    #[param(max_length = 200)]
    who: Option<String>,
    /// Only what is called this, such as `bin.enrolled`, or begins so, such as `bin.` with its dot.
    #[param(max_length = 200)]
    what: Option<String>,
    /// Only from then on, in milliseconds since 1970.
    from_ms: Option<i64>,
    /// Only before then, in milliseconds since 1970.
    to_ms: Option<i64>,
}

/// Something that somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number.
    id: i64,
    /// When, in milliseconds since 1970.
    at_ms: i64,
    /// A user, `bin:` and a bin's id, `command line`, `hub`, or `nobody`.
    who: String,
    /// What, such as `bin.enrolled`.
    what: String,
    /// More, by kind.
    #[schema(value_type = Option<Object>)]
    detail: Option<serde_json::Value>,
}

/// Who did what, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "users", params(AuditQuery), responses(
    (status = 200, description = "Entries, newest first", body = Vec<AuditEntry>),
    (status = 400, description = "A parameter makes no sense"),
))]
pub(crate) async fn read(
    State(access): State<Access>,
    _admin: Admin,
    QueryArgs(query): QueryArgs<AuditQuery>,
) -> Result<Json<Vec<AuditEntry>>, HttpError> {
    let limit = query.limit.unwrap_or(ENTRIES).clamp(1, MOST_ENTRIES);
    let mut select = audit::Entity::find().order_by_desc(audit::Column::Id).limit(limit);
    if let Some(before) = query.before {
        select = select.filter(audit::Column::Id.lt(before));
    }
    if let Some(who) = query.who {
        select = select.filter(audit::Column::Who.eq(who));
    }
    match query.what {
        Some(kind) if kind.ends_with('.') => {
            // A range rather than LIKE, which takes '_' and '%' for more than they are.
            let after = format!("{}/", kind.trim_end_matches('.'));
            select = select.filter(audit::Column::What.gte(kind).and(audit::Column::What.lt(after)));
        }
        Some(what) => select = select.filter(audit::Column::What.eq(what)),
        None => {}
    }
    if let Some(from) = query.from_ms {
        select = select.filter(audit::Column::AtMs.gte(from));
    }
    if let Some(to) = query.to_ms {
        select = select.filter(audit::Column::AtMs.lt(to));
    }
    let entry = |row: audit::Model| AuditEntry {
        detail: row.detail_json.as_deref().and_then(|json| serde_json::from_str(json).ok()),
        id: row.id,
        at_ms: row.at_ms,
        who: row.who,
        what: row.what,
    };
    Ok(Json(select.all(access.store.db()).await?.into_iter().map(entry).collect()))
}

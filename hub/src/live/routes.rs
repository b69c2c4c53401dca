//! `GET /api/v1/live`: live events as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_stream::{Stream, StreamExt};

use crate::auth::User;
use crate::state::AppState;
use crate::store::Store;

/// How often it is checked that who watches may still do so.
const LOGIN_CHECKED: Duration = Duration::from_secs(15);

/// The routes of this stage.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/live", get(live))
}

/// What happens, as it happens. An event named `missed` carries how many were skipped for a watcher
/// that is too slow: read the lists again.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses(
    (status = 200, description = "Server-sent events; each `data` is a LiveEvent", content_type = "text/event-stream", body = super::LiveEvent),
    (status = 401, description = "Not logged in", body = crate::error::Problem),
))]
pub(crate) async fn live(
    State(state): State<AppState>,
    user: User,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stopping = state.shutdown.clone();
    let events = BroadcastStream::new(state.live.watch()).map(|next| {
        Ok(match next {
            Ok(event) => Event::default().json_data(&event).unwrap_or_else(|error| {
                tracing::error!(%error, "a live event has no JSON form");
                Event::default().comment("unserialisable")
            }),
            Err(BroadcastStreamRecvError::Lagged(missed)) => Event::default().event("missed").data(missed.to_string()),
        })
    });
    let store = state.store.clone();
    let end = async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = until_logged_out(&store, &user) => {}
        }
    };
    let events = futures::StreamExt::take_until(events, end);
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// Returns once a login holds no more: it ran out, or the account was changed.
async fn until_logged_out(store: &Store, user: &User) {
    loop {
        tokio::time::sleep(LOGIN_CHECKED).await;
        match user.holds(store).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "it cannot be checked who watches; later again"),
        }
    }
}

//! `GET /api/v1/live`: live events as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_stream::{Stream, StreamExt};

use super::{Live, Streams};
use crate::auth::{Access, User};

/// When a browser is to try again after a stream has ended.
const RETRY: Duration = Duration::from_secs(3);

/// The routes of this stage.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Access: FromRef<S>,
    Live: FromRef<S>,
    Streams: FromRef<S>,
{
    Router::new().route("/api/v1/live", get(live))
}

/// What happens, as it happens. An event named `missed` carries how many were skipped for a watcher
/// that is too slow: read the lists again. The stream ends with the login.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses(
    (status = 200, description = "Server-sent events; each `data` is a LiveEvent", content_type = "text/event-stream", body = super::LiveEvent),
))]
pub(crate) async fn live(
    State(live): State<Live>,
    State(streams): State<Streams>,
    user: User,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = BroadcastStream::new(live.watch()).map(|next| {
        Ok(match next {
            Ok(event) => Event::default().json_data(&event).unwrap_or_else(|error| {
                tracing::error!(%error, "a live event has no JSON form");
                Event::default().comment("unserialisable")
            }),
            Err(BroadcastStreamRecvError::Lagged(missed)) => Event::default().event("missed").data(missed.to_string()),
        })
    });
    // The first words show at once that the stream is open, however many stand between.
    let first = futures::stream::once(async { Ok(Event::default().retry(RETRY)) });
    streams.open(user, first.chain(events))
}

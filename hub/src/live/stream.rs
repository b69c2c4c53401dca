//! A stream of server-sent events to a person: it ends with their login, and with the hub, and says something every 15
//! seconds, so that no proxy takes it for dead (nginx does after 60).

use std::convert::Infallible;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::auth::{Access, User};

/// How often something is said.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is asked whether the command line has ended a login; what this hub ends is heard of at once.
const ASKED: Duration = Duration::from_secs(15);

/// What opens such streams. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Streams {
    access: Access,
    stopping: CancellationToken,
}

impl Streams {
    /// Streams end when `stopping` is cancelled.
    #[must_use]
    pub fn new(access: Access, stopping: CancellationToken) -> Self {
        Self { access, stopping }
    }

    /// Sends these events for as long as the login holds.
    pub(crate) fn open<S>(&self, user: User, events: S) -> Sse<impl Stream<Item = S::Item> + use<S>>
    where
        S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
    {
        let Self { access: Access { store, logins }, stopping } = self.clone();
        let end = async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = user.ended(&store, &logins, ASKED) => {}
            }
        };
        Sse::new(events.take_until(Box::pin(end))).keep_alive(KeepAlive::new().interval(HEARTBEAT))
    }
}

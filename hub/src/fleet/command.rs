//! What an operator asks of a bin at once: sent, and answered when the bin has answered.
//!
//! A command is for now. A bin that is not connected is not asked, and one that does not answer in time
//! may have done it or not: who asked is told so.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use pilah_models::name::BinId;
use pilah_models::wire::Request;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::{EnrolError, store};
use crate::audit;
use crate::auth::Admin;
use crate::error::{HttpError, JsonBody};
use crate::ingest::Publisher;
use crate::live::{Live, LiveEvent};
use crate::store::Store;

/// How long a bin may take: longer than it waits for a picture from its camera.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a bin is to do.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CommandName {
    /// Classify what the camera shows now, and send the picture.
    Capture,
    /// Let the light blink.
    Identify,
    /// The last item went the wrong way.
    MarkWrong,
    /// Begin anew.
    Restart,
}

impl From<CommandName> for Request {
    fn from(name: CommandName) -> Self {
        match name {
            CommandName::Capture => Self::Capture,
            CommandName::Identify => Self::Identify,
            CommandName::MarkWrong => Self::MarkWrong,
            CommandName::Restart => Self::Restart,
        }
    }
}

/// Something to ask of a bin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCommand {
    /// What it is to do.
    command: CommandName,
}

/// What a bin has done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandDone {
    /// In words.
    what: String,
    /// The `seq` of the message that it led to: of the sample of a capture, of the event that was marked.
    about: Option<u64>,
}

/// Asks something of a bin at once.
#[utoipa::path(post, path = "/api/v1/bins/{id}/commands", tag = "bins", params(("id" = String, Path)),
    request_body = NewCommand, responses(
    (status = 200, description = "The bin has done it", body = CommandDone),
    (status = 404, description = "No such bin"),
    (status = 409, description = "The bin is not connected, or could not do it"),
    (status = 503, description = "The broker is away, or the bin did not answer in time"),
))]
pub(crate) async fn command(
    State(store): State<Store>,
    State(live): State<Live>,
    State(publisher): State<Publisher>,
    Admin(user): Admin,
    Path(id): Path<String>,
    JsonBody(NewCommand { command }): JsonBody<NewCommand>,
) -> Result<Json<CommandDone>, HttpError> {
    let id = BinId::new(id).map_err(|error| HttpError::not_found(error.to_string()))?;
    let row = store::serving(store.db(), &id).await?;
    let Some(row) = row else { return Err(EnrolError::Unknown(id).into()) };
    if !row.online {
        let detail = format!("bin {id} is not connected, and a command is not kept for later");
        return Err(HttpError::conflict("bin-offline", detail));
    }
    let detail = serde_json::json!({ "bin": id, "command": command });
    audit::note(store.db(), &user.name, "bin.asked", &detail).await?;
    let mut live = live.watch();
    let number = publisher.command(&id, command.into()).map_err(|error| {
        HttpError::unavailable("broker-away", format!("{id} cannot be asked: {error}; try again in a moment"))
    })?;
    tracing::info!(bin = %id, ?command, by = user.name, "bin asked");
    let answer = async {
        loop {
            match live.recv().await {
                Ok(LiveEvent::Reply { bin, of_epoch, of_seq, done, words, about })
                    if bin == id && (of_epoch, of_seq) == number =>
                {
                    return Some((done, words, about));
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    };
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Some((true, what, about))) => Ok(Json(CommandDone { what, about })),
        Ok(Some((false, error, _))) => Err(HttpError::conflict("bin-refused", error)),
        Ok(None) | Err(_) => {
            let seconds = PATIENCE.as_secs();
            let detail = format!("bin {id} has not answered within {seconds} s; it may have done it all the same");
            Err(HttpError::unavailable("no-answer", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use pilah_models::wire::topic::Channel;
    use pilah_models::wire::{CameraState, Command, CommandResult, Message, Reply, Status};
    use rumqttc::Incoming;
    use serde_json::json;

    use super::*;
    use crate::testing::{TestBin, TestHub, header};

    async fn ask(hub: &TestHub, command: &str) -> crate::testing::Answer {
        hub.admin("POST", "/api/v1/bins/b1/commands", Some(json!({ "command": command }))).await
    }

    async fn answer(bin: &mut TestBin, result: CommandResult) -> Request {
        let asked = bin.next(|packet| match packet {
            Incoming::Publish(publish) => Some(Command::decode(&publish.payload).expect("a command")),
            _ => None,
        });
        let asked = asked.await.expect("the connection holds");
        let reply = Reply { header: header("b1", 9), of_epoch: asked.header.epoch, of_seq: asked.header.seq, result };
        let stale = Reply { of_seq: asked.header.seq + 1, ..reply.clone() };
        for reply in [stale, reply] {
            bin.publish(&Channel::Replies.of(&bin.id), reply.encode()).await;
        }
        bin.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await.expect("taken");
        asked.request
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_bin_that_is_connected_is_asked_and_its_answer_is_given() {
        let hub = TestHub::start().await;
        assert_eq!(ask(&hub, "restart").await.status, 404);
        let mut bin = hub.bin("b1").await;
        let away = ask(&hub, "restart").await;
        assert_eq!((away.status, away.json()["type"].as_str().is_some_and(|t| t.contains("bin-offline"))), (409, true));
        assert_eq!(ask(&hub, "explode").await.status, 422);

        let status = Status {
            header: header("b1", 1),
            online: true,
            software: "0.1.0".into(),
            model: "m1".parse().expect("valid"),
            camera: CameraState::Streaming,
            connection: None,
            former: Vec::new(),
            camera_is: None,
            time_zone: None,
        };
        assert!(bin.subscribe(&Channel::Commands.of(&bin.id)).await, "its own commands");
        bin.publish(&Channel::Status.of(&bin.id), status.encode()).await;
        bin.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await.expect("taken");
        let mut live = hub.running.state.live.watch();
        while !matches!(live.recv().await, Ok(LiveEvent::Bin { online: true, .. })) {}

        let done = CommandResult::Done { what: "a picture".into(), about: Some(12) };
        let (asked, request) = tokio::join!(ask(&hub, "capture"), answer(&mut bin, done));
        assert_eq!((asked.status, request), (200, Request::Capture));
        assert_eq!(asked.json(), json!({ "what": "a picture", "about": 12 }));

        let refused = CommandResult::Refused { error: "there was no item".into() };
        let (asked, request) = tokio::join!(ask(&hub, "mark_wrong"), answer(&mut bin, refused));
        assert_eq!((asked.status, request), (409, Request::MarkWrong));
        assert_eq!(asked.json()["detail"], "there was no item");
    }
}

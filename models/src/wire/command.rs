//! What the hub asks of a bin at once, and what the bin answers.
//!
//! A command is for now: it is never retained, a bin that is away does not do it later, and one that
//! comes twice is done once. What a bin should *be* is not a command: see `Desired`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Header;

/// Something that the hub asks of a bin at once. On `commands`, QoS 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// The hub's number and time; the number is repeated in the reply.
    #[serde(flatten)]
    pub header: Header,
    /// What is to be done.
    #[serde(flatten)]
    pub request: Request,
}

/// What a bin can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// Classify what the camera shows now, item or not, and send the picture as a sample.
    Capture,
    /// Show which bin this is: its light blinks.
    Identify,
    /// The last item was taken for the wrong thing: its picture is sent as a sample.
    MarkWrong,
    /// End the program and begin anew.
    Restart,
}

impl Request {
    /// Every request.
    pub const ALL: [Self; 4] = [Self::Capture, Self::Identify, Self::MarkWrong, Self::Restart];
}

/// What came of a command. On `replies`, QoS 1; may be lost with the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// Sender, number and time.
    #[serde(flatten)]
    pub header: Header,
    /// `epoch` of the command.
    pub of_epoch: u32,
    /// `seq` of the command.
    pub of_seq: u64,
    /// What came of it.
    #[serde(flatten)]
    pub result: CommandResult,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CommandResult {
    /// It is done, or, of a restart, about to be.
    Done {
        /// What was done, in words.
        what: String,
        /// `seq` of the message that it led to: the sample of a capture, the event that was marked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<u64>,
    },
    /// It could not be done.
    Refused {
        /// Why, and how to mend it, in words.
        error: String,
    },
}

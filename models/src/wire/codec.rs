//! Bytes to messages and back, with errors that say what was wrong.

use std::io::Cursor;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::{
    Acks, Command, Desired, Event, HubStatus, LARGEST_JPEG, LARGEST_MESSAGE, Reply, Reported, Sample, Status,
    Telemetry, VERSION,
};

/// Bytes that are no message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// More than [`LARGEST_MESSAGE`].
    #[error("{0} bytes are more than the {LARGEST_MESSAGE} that a message may have")]
    TooLarge(usize),
    /// Neither the encoding nor the fields that are due.
    #[error("not a {message} message: {reason}")]
    Malformed {
        /// The message that was expected.
        message: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// Of a version that this build does not know.
    #[error("a {message} message of version {found}; this build reads version {VERSION}")]
    Version {
        /// The message that was expected.
        message: &'static str,
        /// The version that it states.
        found: u64,
    },
}

/// A message of this version: how it becomes bytes, and bytes become it.
pub trait Message: Serialize + DeserializeOwned {
    /// Its name in errors and documents.
    const NAME: &'static str;

    /// The message as bytes.
    #[must_use]
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("messages have string keys and no failing serialisers")
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`DecodeError`]: too large, malformed, or of an unknown version.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        within_limit(bytes)?;
        let malformed = |e: serde_json::Error| DecodeError::Malformed { message: Self::NAME, reason: e.to_string() };
        let stated: StatedVersion = serde_json::from_slice(bytes).map_err(malformed)?;
        known_version(Self::NAME, stated.v)?;
        serde_json::from_slice(bytes).map_err(malformed)
    }
}

#[derive(Deserialize)]
struct StatedVersion {
    v: u64,
}

fn within_limit(bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.len() > LARGEST_MESSAGE { Err(DecodeError::TooLarge(bytes.len())) } else { Ok(()) }
}

fn known_version(message: &'static str, found: u64) -> Result<(), DecodeError> {
    if found == u64::from(VERSION) { Ok(()) } else { Err(DecodeError::Version { message, found }) }
}

macro_rules! json_messages {
    ($($message:ident),*) => { $(impl Message for $message { const NAME: &'static str = stringify!($message); })* };
}

json_messages!(Acks, Command, Desired, Event, HubStatus, Reply, Reported, Status, Telemetry);

impl Message for Sample {
    const NAME: &'static str = "Sample";

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.jpeg.len() + 1024);
        ciborium::into_writer(self, &mut bytes).expect("writing to a Vec cannot fail");
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Stated {
            meta: StatedVersion,
            #[expect(dead_code, reason = "present in the message, of no interest here")]
            jpeg: IgnoredAny,
        }
        within_limit(bytes)?;
        let malformed = |reason: String| DecodeError::Malformed { message: Self::NAME, reason };
        let stated: Stated = ciborium::from_reader(Cursor::new(bytes)).map_err(|e| malformed(e.to_string()))?;
        known_version(Self::NAME, stated.meta.v)?;
        let sample: Self = ciborium::from_reader(Cursor::new(bytes)).map_err(|e| malformed(e.to_string()))?;
        if sample.jpeg.len() > LARGEST_JPEG {
            return Err(malformed(format!("its image has {} bytes, more than {LARGEST_JPEG}", sample.jpeg.len())));
        }
        Ok(sample)
    }
}

//! What was changed of a network to make it ours.

use serde::{Deserialize, Serialize};

/// Something that was changed of a network, or is left out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Tensors of a second file were taken in.
    Gathered,
    /// Half precision became single.
    Widened,
    /// It takes bytes; ours are made such.
    Bytes,
    /// It takes its channels last; ours are put so.
    ChannelsLast,
    /// Its logarithm of a softmax became a softmax.
    LogSoftmax,
}

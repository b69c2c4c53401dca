//! How fast and how large a model is, as it was measured: the hub does, this crate reads no clock.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How fast and how large a model is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Speed {
    /// Half of the images took no longer than this, in milliseconds, from pixels of the right size to
    /// probabilities.
    pub median_ms: f64,
    /// 95 of 100 images took no longer than this.
    pub p95_ms: f64,
    /// How many images were timed.
    pub runs: u32,
    /// Size of backbone and head as one file.
    pub merged_bytes: u64,
    /// Size of the backbone, which a bin fetches once.
    pub backbone_bytes: u64,
    /// Size of the head, which a bin fetches after a retraining.
    pub head_bytes: u64,
    /// The largest difference between a probability of the merged network and the golden output in the
    /// manifest, over all golden inputs.
    pub largest_difference: f32,
}

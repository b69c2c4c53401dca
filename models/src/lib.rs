//! What bin and hub share, in the order that data meets it.

/// Names that come from outside, checked at the border.
pub mod name;

/// The classes that a model tells apart.
pub mod labels;

/// What goes over MQTT.
pub mod wire;

/// Files that must survive a power cut.
pub mod durable;

/// A model as it is shipped, pushed and kept.
pub mod bundle;

/// From bytes to pixels: the one intake of pictures, at every door.
#[cfg(feature = "infer")]
pub mod picture;

/// From pixels to the tensor that a backbone takes: the only definition.
#[cfg(feature = "infer")]
pub mod preprocess;

/// ONNX files: heads written, backbone and head merged into one.
#[cfg(feature = "infer")]
pub mod onnx;

/// From a tensor to probabilities.
#[cfg(feature = "infer")]
pub mod infer;

/// Arithmetic on embeddings: how alike two images are.
pub mod vectors;

/// From labelled embeddings to a head.
#[cfg(feature = "train")]
pub mod train;

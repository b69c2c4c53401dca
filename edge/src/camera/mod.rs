//! Where frames come from, and how they get to the pipeline.
//!
//! A camera is read by a thread of its own ([`feed`]), because reading one blocks. Whatever it does,
//! the bin goes on: a damaged frame is counted and skipped, a camera that fails is opened again with
//! growing pauses, and its state is told to the hub.
//!
//! ```text
//! command  a program's Motion JPEG   the camera modules of a Raspberry Pi, by rpicam-vid
//! v4l      a device of Video4Linux   USB cameras on Linux
//! http     a stream, or single pictures, over the network
//! nokhwa   the system's own camera   laptops; a feature that is built on demand
//! replay   photos from a folder      \_ both know what each item truly is,
//! virtual  drawn items in a bin      /  and say so in every frame
//! ```
//!
//! All keep to the same rules, which [`Camera`] states and one suite of tests holds.

/// A drawn bin with drawn items: the camera `virtual`.
pub mod chamber;

/// Photos from a folder, shown one after the other: the camera `replay`.
pub mod replay;

/// A program that prints Motion JPEG: the camera `command`.
pub mod command;

/// A camera on the network: the camera `http`.
pub mod http;

/// A device of Video4Linux: the camera `v4l`.
#[cfg(target_os = "linux")]
pub mod v4l;

/// The system's own camera: the camera `nokhwa`.
#[cfg(feature = "nokhwa")]
pub mod nokhwa;

/// Pictures out of a stream of bytes.
pub mod jpeg_stream;

/// What a source sends that is no picture.
mod foreign;

/// The newest picture of a source that is read by a thread of its own.
mod newest;

/// Which frames are decoded.
mod pacing;

/// From what a camera sends to pixels.
mod picture;

#[cfg(test)]
mod tests;

/// What a bin sees with, as it is configured.
pub mod settings;

/// The thread that reads a camera, and the place where the pipeline finds its frames.
pub mod feed;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;
use pilah_models::picture::ImageError;
use pilah_models::wire::Truth;

pub use self::settings::CameraConfig;

/// One picture of the chamber.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The picture, of any size. Shared, because a still scene is the same picture many times.
    pub rgb: Arc<RgbImage>,
    /// When it was taken, on the camera's own timeline, which begins anywhere and never goes back.
    pub at: Duration,
    /// What item it shows, if the camera knows. `None` as well while there is none.
    pub truth: Option<Truth>,
}

/// How long a camera is waited for before [`CameraError::NotYet`], so that a bin that stops is not kept waiting.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// Something that sees. Dropped, it frees what it holds: a device, a program, a connection.
///
/// One that runs by itself gives the newest frame that it has; what it saw while nobody asked is passed over, and so
/// is what comes faster than it was configured to.
pub trait Camera: Send {
    /// Waits for the next frame, [`PATIENCE`] at most. A camera that is drawn returns at once with the frame that
    /// follows on its timeline: [`Camera::pace`] says who waits.
    ///
    /// # Errors
    /// [`CameraError`]; only after [`CameraError::Damaged`] and [`CameraError::NotYet`] may the camera be asked again.
    fn next_frame(&mut self) -> Result<Frame, CameraError>;

    /// Whether frames that the pipeline has no time for are skipped.
    fn pace(&self) -> Pace {
        Pace::Timeline
    }
}

/// How fast frames come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// By the camera's timeline; the pipeline gets the newest frame, and those that it had no time
    /// for are gone, as with a real camera.
    Timeline,
    /// As fast as the pipeline takes them, and it gets every one.
    AsTaken,
}

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// This frame is damaged. The next may be better.
    #[error("{} is skipped", what.display())]
    Damaged {
        /// The frame: a file, or the camera's name.
        what: PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
    /// There is no frame yet.
    #[error("no frame has come yet")]
    NotYet,
    /// The camera does not work. It is worth opening again later.
    #[error("{0}")]
    Failed(String),
    /// It has shown all it had.
    #[error("the camera has shown all it had")]
    Ended,
}

/// Opens a camera that sees the world, not one that is replayed or drawn.
///
/// # Errors
/// [`CameraError::Failed`]: it cannot be opened, or this program was built without it.
pub fn open_live(config: &CameraConfig) -> Result<Box<dyn Camera>, CameraError> {
    match config {
        CameraConfig::Command(config) => Ok(Box::new(command::CommandCamera::open(config)?)),
        CameraConfig::Http(config) => Ok(Box::new(http::HttpCamera::open(config)?)),
        #[cfg(target_os = "linux")]
        CameraConfig::V4l(config) => Ok(Box::new(v4l::V4lCamera::open(config)?)),
        #[cfg(feature = "nokhwa")]
        CameraConfig::Nokhwa(config) => Ok(Box::new(nokhwa::NokhwaCamera::open(config)?)),
        other => Err(CameraError::Failed(format!("this program cannot open the camera {other:?}"))),
    }
}

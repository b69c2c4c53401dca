//! Where frames come from, and how they get to the pipeline.
//!
//! A camera is read by a thread of its own ([`feed`]), because reading one blocks. Whatever it does,
//! the bin goes on: a damaged frame is counted and skipped, a camera that fails is opened again with
//! growing pauses, and its state is told to the hub.
//!
//! There are two, neither of them a real one: [`chamber`] draws items in a bin, [`replay`] shows
//! photos from a folder. Both know what each item truly is, and say so in every frame.

/// A drawn bin with drawn items: the camera `virtual`.
pub mod chamber;

/// Photos from a folder, shown one after the other: the camera `replay`.
pub mod replay;

/// The thread that reads a camera, and the place where the pipeline finds its frames.
pub mod feed;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;
use pilah_models::preprocess::ImageError;
use pilah_models::wire::Truth;

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

/// Something that sees.
pub trait Camera: Send {
    /// Waits for the next frame. A camera that is drawn returns at once with the frame that follows
    /// on its timeline: [`Camera::pace`] says who waits.
    ///
    /// # Errors
    /// [`CameraError`]; only after [`CameraError::Damaged`] may the camera be asked again.
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
    /// The camera does not work. It is worth opening again later.
    #[error("{0}")]
    Failed(String),
    /// It has shown all it had.
    #[error("the camera has shown all it had")]
    Ended,
}

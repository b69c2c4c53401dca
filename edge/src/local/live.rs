//! The live picture: JPEGs one after the other in one answer (`multipart/x-mixed-replace`), which every
//! browser shows as a picture that moves.
//!
//! At most [`PER_SECOND`] pictures are encoded, at most [`LARGEST_SIDE`] pixels wide or high; whoever
//! reads slowly gets fewer. The pipeline waits for none of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;
use pilah_models::preprocess;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// Pictures per second, at most.
const PER_SECOND: u32 = 5;

/// The longer side of a picture, in pixels.
const LARGEST_SIDE: u32 = 960;

/// The most bytes of a picture.
const LARGEST_PICTURE: usize = 200 * 1024;

/// What stands between two pictures; no JPEG holds it.
const BOUNDARY: &str = "pilah-next-picture";

/// Pictures as they come from the camera.
#[derive(Debug)]
pub struct Pictures(watch::Receiver<Option<Arc<RgbImage>>>);

impl Pictures {
    /// Those that `seen` shows from now on.
    #[must_use]
    pub fn new(seen: watch::Receiver<Option<Arc<RgbImage>>>) -> Self {
        Self(seen)
    }

    /// The media type of the answer.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/x-mixed-replace; boundary={BOUNDARY}")
    }
}

/// Sends pictures until the bin stops or nobody reads them; one may take so long to be read.
pub(super) async fn send_pictures(stream: &mut TcpStream, pictures: Pictures, patience: Duration) -> io::Result<()> {
    let Pictures(mut seen) = pictures;
    // A browser shows a picture when it sees the boundary behind it, which is therefore sent with it.
    stream.write_all(format!("--{BOUNDARY}\r\n").as_bytes()).await?;
    let mut pause = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return Ok(()) },
            // A browser that goes away while the camera shows nothing is noticed all the same.
            closed = is_gone(stream) => return closed,
        }
        let Some(picture) = seen.borrow_and_update().clone() else { continue };
        let encoded = tokio::task::spawn_blocking(move || {
            preprocess::encode_jpeg(&preprocess::shrink((*picture).clone(), LARGEST_SIDE), LARGEST_PICTURE)
        });
        let Ok(Ok(jpeg)) = encoded.await else { continue };
        let head = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
        let part = [head.as_bytes(), &jpeg, format!("\r\n--{BOUNDARY}\r\n").as_bytes()].concat();
        timeout(patience, stream.write_all(&part)).await??;
        pause.tick().await;
    }
}

/// Ready when the other end has closed the connection. What it may still say is of no interest.
async fn is_gone(stream: &TcpStream) -> io::Result<()> {
    let mut bytes = [0; 64];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
}

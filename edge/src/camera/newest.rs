//! The newest picture of a source that is read by a thread of its own, and the camera over it.
//!
//! Whoever reads the source never waits for whoever looks: a picture that comes before the last was taken replaces
//! it, undecoded. So the source never blocks, and a bin that is late sees the present.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pilah_models::picture::ImageError;

use super::foreign;
use super::jpeg_stream::{JpegStream, Piece};
use super::pacing::Pacing;
use super::picture::Coded;
use super::{CameraError, Frame, PATIENCE};

/// So many bytes without a picture, and a source is none of pictures.
const NO_PICTURE_IN: u64 = 4 << 20;

/// The place between the two.
#[derive(Debug, Default)]
pub(super) struct Newest {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    picture: Option<(Coded, Instant)>,
    /// Damaged pictures that were not told yet, and what is wrong with the last.
    damaged: u32,
    reason: &'static str,
    ended: Option<String>,
    closed: bool,
}

/// The camera is closed: nobody looks any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

enum Taken {
    Picture(Coded, Instant),
    Damaged(&'static str),
    Ended(String),
    NotYet,
}

impl Newest {
    /// Puts a picture in the place of the one before.
    pub(super) fn put(&self, picture: Coded) -> Result<(), Closed> {
        self.change(|state| state.picture = Some((picture, Instant::now())))
    }

    /// A picture is none.
    pub(super) fn damaged(&self, reason: &'static str) -> Result<(), Closed> {
        self.change(|state| {
            state.damaged += 1;
            state.reason = reason;
        })
    }

    /// Takes in bytes of a stream.
    ///
    /// # Errors
    /// Nobody looks any more, or it is no stream of pictures, in words.
    pub(super) fn take_in(&self, stream: &mut JpegStream, bytes: &[u8]) -> Result<(), String> {
        let mut closed = false;
        stream.push(bytes, |piece| {
            let put = match piece {
                Piece::Jpeg(jpeg) => self.put(Coded::Jpeg(jpeg)),
                Piece::Damaged(reason) => self.damaged(reason),
            };
            closed |= put.is_err();
        });
        if closed {
            return Err("nobody looks any more".to_owned());
        }
        if let (0, Some(found)) = (stream.pictures(), foreign::named(stream.head())) {
            return Err(foreign::instead(found));
        }
        if stream.passed_over() > NO_PICTURE_IN {
            return Err("it sends data, but no JPEG pictures in 4 MiB: it must be told to send Motion JPEG".to_owned());
        }
        Ok(())
    }

    /// No picture comes any more.
    pub(super) fn end(&self, why: String) {
        // One that is closed needs no reason.
        self.change(|state| state.ended = Some(why)).ok();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits until the camera is closed, at most so long.
    pub(super) fn wait_closed(&self, at_most: Duration) -> Result<(), Closed> {
        let until = Instant::now() + at_most;
        let mut state = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.closed {
                return Err(Closed);
            }
            if left.is_zero() {
                return Ok(());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn take(&self, until: Instant) -> Taken {
        let mut state = self.lock();
        loop {
            if state.damaged > 0 {
                state.damaged -= 1;
                return Taken::Damaged(state.reason);
            }
            if let Some((picture, at)) = state.picture.take() {
                return Taken::Picture(picture, at);
            }
            if let Some(why) = &state.ended {
                return Taken::Ended(why.clone());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::NotYet;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), Closed> {
        let mut state = self.lock();
        if state.closed {
            return Err(Closed);
        }
        change(&mut state);
        self.changed.notify_all();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A camera over the newest picture. Dropped, it closes the place, and whoever reads the source ends.
#[derive(Debug)]
pub(super) struct Live {
    /// What the source is called in errors.
    name: String,
    newest: Arc<Newest>,
    pacing: Pacing,
    opened: Instant,
}

impl Live {
    pub(super) fn new(name: String, frames_per_second: f32) -> Self {
        let pacing = Pacing::new(frames_per_second);
        Self { name, newest: Arc::default(), pacing, opened: Instant::now() }
    }

    pub(super) fn newest(&self) -> Arc<Newest> {
        Arc::clone(&self.newest)
    }

    pub(super) fn next_frame(&mut self) -> Result<Frame, CameraError> {
        let until = Instant::now() + PATIENCE;
        let damaged = |source| CameraError::Damaged { what: PathBuf::from(&self.name), source };
        loop {
            let (picture, at) = match self.newest.take(until) {
                Taken::Picture(picture, at) => (picture, at.saturating_duration_since(self.opened)),
                Taken::Damaged(reason) => return Err(damaged(ImageError::Damaged(reason.to_owned()))),
                Taken::Ended(why) => return Err(CameraError::Failed(format!("{}: {why}", self.name))),
                Taken::NotYet => return Err(CameraError::NotYet),
            };
            if self.pacing.takes(at) {
                let rgb = Arc::new(picture.decode().map_err(damaged)?);
                return Ok(Frame { rgb, at, truth: None });
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.newest.close();
    }
}

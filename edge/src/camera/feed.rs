//! The thread that reads a camera, and the place where the pipeline finds its frames.
//!
//! Between the two is a [`Feed`]. Of a camera that keeps its own time it holds the newest frame only:
//! a pipeline that is late sees the present, not the past. Of one that shows frames as they are taken
//! it holds [`WAITING`], and the camera waits when they are not taken.
//!
//! Whoever wants to look on as well ([`Feed::watch`]) sees the newest picture, and holds up nobody.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use image::RgbImage;
use pilah_models::wire::CameraState;
use tokio::sync::watch;

use super::{Camera, CameraError, Frame, Pace};

/// Frames that wait for the pipeline when none may be lost: at most 4 MB each.
const WAITING: usize = 2;

/// The shortest and longest pause before a failed camera is opened again.
pub const REOPEN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// The pause after a damaged frame, so that a camera with nothing else does not take a whole core.
const AFTER_DAMAGE: Duration = Duration::from_millis(5);

/// After how long without a whole picture a camera has failed.
pub const STALL: Duration = Duration::from_secs(10);

/// A frame that has arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// The frame.
    pub frame: Frame,
    /// When it arrived, by this machine's clock.
    pub at: Instant,
}

/// The place where the pipeline finds frames.
#[derive(Debug, Default)]
pub struct Feed {
    state: Mutex<State>,
    changed: Condvar,
    shown: watch::Sender<Option<Arc<RgbImage>>>,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Arrived>,
    skipped: u64,
    closed: bool,
}

/// The feed was closed: the bin stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl Feed {
    /// Gives a frame to the pipeline. Waits for room if none may be lost.
    ///
    /// # Errors
    /// The feed is closed.
    pub fn give(&self, frame: Frame, pace: Pace) -> Result<(), Closed> {
        let mut state = self.lock();
        while pace == Pace::AsTaken && state.frames.len() >= WAITING && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return Err(Closed);
        }
        if pace == Pace::Timeline {
            state.skipped += state.frames.len() as u64;
            state.frames.clear();
        }
        if self.shown.receiver_count() > 0 {
            self.shown.send_replace(Some(Arc::clone(&frame.rgb)));
        }
        state.frames.push_back(Arrived { frame, at: Instant::now() });
        self.changed.notify_all();
        Ok(())
    }

    /// Takes the next frame; waits for it. `None` once the feed is closed and empty.
    pub fn take(&self) -> Option<Arrived> {
        let mut state = self.lock();
        loop {
            if let Some(frame) = state.frames.pop_front() {
                self.changed.notify_all();
                return Some(frame);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The newest picture, for whoever looks on beside the pipeline; none until the next one comes.
    pub fn watch(&self) -> watch::Receiver<Option<Arc<RgbImage>>> {
        if self.shown.receiver_count() == 0 {
            // What was shown to the last onlooker may be old.
            self.shown.send_replace(None);
        }
        self.shown.subscribe()
    }

    /// How many frames were lost because a newer one came before the pipeline had taken them.
    pub fn skipped(&self) -> u64 {
        self.lock().skipped
    }

    /// No frame is given any more; those that wait can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits until `until`.
    ///
    /// # Errors
    /// The feed was closed before.
    fn pause(&self, until: Instant) -> Result<(), Closed> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(Closed);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the reading of a camera tells.
#[derive(Debug)]
pub enum Tell {
    /// Its state has changed.
    State(CameraState),
    /// A frame was damaged and is skipped.
    Damaged(CameraError),
}

/// Reads a camera until it has shown all it had, or the feed is closed, which it is in the end in
/// either case. A camera that fails, gives no picture for [`STALL`], or panics, is opened again after a pause, from the
/// shortest of `reopen` to the longest; it counts as failed until it streams again. To be run by a thread of its own.
pub fn read_camera(
    feed: &Arc<Feed>,
    reopen: [Duration; 2],
    open: impl FnMut() -> Result<Box<dyn Camera>, CameraError>,
    tell: impl FnMut(Tell),
) {
    read_patiently(feed, reopen, STALL, open, tell);
}

fn read_patiently(
    feed: &Feed,
    reopen: [Duration; 2],
    stall: Duration,
    mut open: impl FnMut() -> Result<Box<dyn Camera>, CameraError>,
    mut tell: impl FnMut(Tell),
) {
    let mut pause = reopen[0];
    tell(Tell::State(CameraState::Starting));
    loop {
        let mut begun = Instant::now();
        // A decoder that panics at what a camera sends costs this camera's connection, and no more.
        let reading = AssertUnwindSafe(|| read_opened(feed, open()?, stall, &mut tell, &mut begun));
        let panicked = |_| Err(CameraError::Failed("reading the camera panicked".to_owned()));
        match panic::catch_unwind(reading).unwrap_or_else(panicked) {
            Ok(Closed) | Err(CameraError::Ended) => break feed.close(),
            Err(error) => {
                tell(Tell::State(CameraState::Failed { error: crate::words::in_words(&error) }));
                if begun.elapsed() > reopen[1] {
                    pause = reopen[0];
                }
                if feed.pause(Instant::now() + pause).is_err() {
                    break;
                }
                pause = (pause * 2).min(reopen[1]);
            }
        }
    }
}

fn read_opened(
    feed: &Feed,
    mut camera: Box<dyn Camera>,
    stall: Duration,
    tell: &mut impl FnMut(Tell),
    begun: &mut Instant,
) -> Result<Closed, CameraError> {
    let mut first = None;
    let mut last = Instant::now();
    loop {
        let error = match camera.next_frame() {
            Ok(frame) => {
                let began_at = *first.get_or_insert_with(|| {
                    *begun = Instant::now();
                    tell(Tell::State(CameraState::Streaming));
                    frame.at
                });
                let due = *begun + frame.at.saturating_sub(began_at);
                if camera.pace() == Pace::Timeline && feed.pause(due).is_err() {
                    return Ok(Closed);
                }
                if feed.give(frame, camera.pace()).is_err() {
                    return Ok(Closed);
                }
                last = Instant::now();
                continue;
            }
            Err(error) => error,
        };
        let stalled = camera.pace() == Pace::Timeline && last.elapsed() >= stall;
        match error {
            CameraError::NotYet if stalled => {
                let seconds = stall.as_secs();
                return Err(CameraError::Failed(format!("the camera has given no picture for {seconds} s")));
            }
            CameraError::NotYet if feed.is_closed() => return Ok(Closed),
            CameraError::NotYet => {}
            damaged @ CameraError::Damaged { .. } => {
                let words = crate::words::in_words(&damaged);
                tell(Tell::Damaged(damaged));
                if stalled {
                    return Err(CameraError::Failed(format!("the camera gives damaged pictures only: {words}")));
                }
                if feed.pause(Instant::now() + AFTER_DAMAGE).is_err() {
                    return Ok(Closed);
                }
            }
            error => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    /// Shows what it is told to.
    struct Script(VecDeque<Result<u64, CameraError>>);

    impl Camera for Script {
        fn next_frame(&mut self) -> Result<Frame, CameraError> {
            self.0.pop_front().unwrap_or(Err(CameraError::Ended)).map(frame)
        }
        fn pace(&self) -> Pace {
            Pace::AsTaken
        }
    }

    fn frame(number: u64) -> Frame {
        Frame { rgb: Arc::new(RgbImage::new(1, 1)), at: Duration::from_millis(number), truth: None }
    }

    fn damaged() -> CameraError {
        CameraError::Damaged { what: "x.jpg".into(), source: pilah_models::picture::ImageError::Format }
    }

    #[test]
    fn of_a_camera_with_its_own_time_only_the_newest_frame_waits() {
        let feed = Feed::default();
        for number in 0..5 {
            feed.give(frame(number), Pace::Timeline).expect("open");
        }
        feed.close();
        assert_eq!(feed.skipped(), 4);
        assert_eq!(feed.take().map(|a| a.frame.at), Some(Duration::from_millis(4)));
        assert!(feed.take().is_none());
        assert_eq!(feed.give(frame(5), Pace::Timeline), Err(Closed));
    }

    #[test]
    fn an_onlooker_sees_the_newest_picture_and_holds_up_nobody() {
        let feed = Feed::default();
        feed.give(frame(0), Pace::Timeline).expect("open");
        let mut onlooker = feed.watch();
        assert!(onlooker.borrow_and_update().is_none(), "what came before it is not kept");
        let newest = frame(2).rgb;
        feed.give(frame(1), Pace::Timeline).expect("open");
        feed.give(Frame { rgb: Arc::clone(&newest), ..frame(2) }, Pace::Timeline).expect("open");
        let seen = onlooker.borrow_and_update().clone().expect("a picture");
        assert!(Arc::ptr_eq(&seen, &newest));
        drop((onlooker, seen));
        feed.give(frame(3), Pace::Timeline).expect("open");
        assert!(feed.watch().borrow().is_none(), "nothing was kept while nobody looked on");
    }

    #[test]
    fn as_taken_no_frame_is_lost_and_a_damaged_one_is_told() {
        let feed = Arc::new(Feed::default());
        let reader = Arc::clone(&feed);
        let thread = std::thread::spawn(move || {
            let mut told = Vec::new();
            let script = (0..50).map(|n| if n % 10 == 3 { Err(damaged()) } else { Ok(n) });
            let mut camera = Some(Script(script.collect()));
            let open = || Ok(Box::new(camera.take().expect("opened once")) as Box<dyn Camera>);
            read_camera(&reader, REOPEN, open, |tell| told.push(format!("{tell:?}")));
            told
        });
        let taken: Vec<_> = std::iter::from_fn(|| feed.take()).map(|a| a.frame.at.as_millis() as u64).collect();
        assert_eq!(taken, (0..50).filter(|n| n % 10 != 3).collect::<Vec<_>>());
        let told = thread.join().expect("the reader ends");
        assert_eq!(told.iter().filter(|t| t.contains("Damaged")).count(), 5);
        assert!(told[0].contains("Starting") && told[1].contains("Streaming"), "{told:?}");
    }

    #[test]
    fn a_camera_that_fails_is_opened_again_until_the_feed_is_closed() {
        let feed = Arc::new(Feed::default());
        let mut opened = 0;
        let open = || {
            opened += 1;
            Ok(Box::new(Script([Ok(1), Err(CameraError::Failed("unplugged".into()))].into())) as Box<dyn Camera>)
        };
        let mut failures = 0;
        read_camera(&feed, [Duration::from_millis(1); 2], open, |tell| {
            if let Tell::State(CameraState::Failed { error }) = tell {
                assert_eq!(error, "unplugged");
                failures += 1;
                if failures == 2 {
                    feed.close();
                }
            }
            if failures < 2 {
                while feed.lock().frames.pop_front().is_some() {}
            }
        });
        assert_eq!((opened, failures), (2, 2));
    }

    /// Gives nothing, damaged pictures, or panics.
    struct Useless(&'static str);

    impl Camera for Useless {
        fn next_frame(&mut self) -> Result<Frame, CameraError> {
            match self.0 {
                "silent" => Err(CameraError::NotYet),
                "damaged" => Err(damaged()),
                words => panic!("{words}"),
            }
        }
    }

    #[test]
    fn a_camera_that_is_of_no_use_has_failed_until_it_streams_again() {
        for (kind, expected) in
            [("silent", "no picture for"), ("damaged", "damaged pictures only: x.jpg"), ("a bug", "panicked")]
        {
            let feed = Feed::default();
            let mut opened = 0;
            let open = || {
                opened += 1;
                Ok(match opened {
                    1 | 2 => Box::new(Useless(kind)) as Box<dyn Camera>,
                    _ => Box::new(Script([Ok(1)].into())),
                })
            };
            let mut states = Vec::new();
            let times = [Duration::from_millis(1); 2];
            read_patiently(&feed, times, Duration::from_millis(20), open, |tell| {
                if let Tell::State(state) = tell {
                    states.push(state);
                }
            });
            assert_eq!((opened, states.len()), (3, 4), "{kind}: {states:?}");
            assert_eq!((&states[0], &states[3]), (&CameraState::Starting, &CameraState::Streaming), "{kind}");
            for state in &states[1..3] {
                assert!(matches!(state, CameraState::Failed { error } if error.contains(expected)), "{state:?}");
            }
        }
    }

    #[test]
    fn a_silent_camera_does_not_keep_a_bin_from_stopping() {
        let feed = Arc::new(Feed::default());
        let reader = Arc::clone(&feed);
        let open = || Ok(Box::new(Useless("silent")) as Box<dyn Camera>);
        let thread = std::thread::spawn(move || read_camera(&reader, REOPEN, open, |_| {}));
        feed.close();
        thread.join().expect("the reader ends");
    }
}

//! Photos from a folder, shown as if each were an item that comes into the chamber, lies, and goes.
//!
//! ```text
//! folder/glass/a.jpg      a subfolder's name is the true class of what lies in it
//! folder/b.png            the truth of this one is not known
//! ```
//!
//! Between two photos the camera shows a test card of dark and light fields: whatever the brightness
//! of a photo, about half of it differs from the card, so that the trigger sees every photo come and
//! go. A photo slides in from above for a few frames and then lies still for as long as the trigger
//! and the vote take ([`Showing`]).
//!
//! The order is that of the paths, or shuffled by a seed; `part = "2/3"` takes every third photo of
//! that order, so that several bins can share one folder without showing a photo twice.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use image::{Rgb, RgbImage};
use pilah_models::name::Label;
use pilah_models::picture::{self, ImageError, Limits};
use pilah_models::preprocess;
use pilah_models::wire::{Truth, TruthSource};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{Camera, CameraError, Frame, Pace};

/// No photo is shown larger than this, in pixels on its longer side.
const LARGEST_SIDE: u32 = 1280;

/// The timeline's step when frames come as fast as they are taken.
const NOMINAL_FRAME: Duration = Duration::from_millis(100);

/// What is replayed, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayConfig {
    /// Where the photos are.
    pub folder: PathBuf,
    /// Frames per second; 0 for as fast as the pipeline takes them, with none lost.
    #[serde(default)]
    pub frames_per_second: f32,
    /// Which share of the photos, as `i/n`.
    #[serde(default)]
    pub part: Part,
    /// Whether to begin again at the end.
    #[serde(default)]
    pub repeat: bool,
    /// Shuffles the photos by this seed.
    #[serde(default)]
    pub shuffle: Option<u64>,
    /// What the bin does at the end.
    #[serde(default)]
    pub then: Then,
}

/// What a bin does when it has shown everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It stays connected, without a camera.
    #[default]
    Stay,
    /// It stops once the hub has everything.
    Exit,
}

/// Share `index` of `of`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Part {
    index: usize,
    of: usize,
}

impl Default for Part {
    fn default() -> Self {
        Self { index: 1, of: 1 }
    }
}

impl TryFrom<String> for Part {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parsed {
            Some((index, of)) if 1 <= index && index <= of => Ok(Self { index, of }),
            _ => Err(format!("part {text:?} is not valid: write \"i/n\" with 1 ≤ i ≤ n, such as \"1/2\"")),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// For how many frames each part of a photo's visit is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Showing {
    /// The test card before the photo.
    pub empty: u32,
    /// The photo sliding in.
    pub arriving: u32,
    /// The photo lying still.
    pub still: u32,
}

impl Showing {
    /// Long enough for a trigger that takes an item for settled after `settle` and an empty chamber
    /// for empty after `clear`, and a vote of `votes` frames.
    #[must_use]
    pub fn for_pipeline(config: &ReplayConfig, settle: Duration, clear: Duration, votes: u8) -> Self {
        let frame = frame_time(config).as_secs_f32();
        let frames = |time: Duration| (time.as_secs_f32() / frame).ceil() as u32;
        // Where frames may be skipped, the photo waits a second longer than it would have to.
        let spare = if config.frames_per_second > 0.0 { frames(Duration::from_secs(1)) } else { 0 };
        Self { empty: frames(clear) + 3 + spare / 2, arriving: 2, still: frames(settle) + u32::from(votes) + 2 + spare }
    }
}

fn frame_time(config: &ReplayConfig) -> Duration {
    if config.frames_per_second > 0.0 { Duration::from_secs_f32(1.0 / config.frames_per_second) } else { NOMINAL_FRAME }
}

/// One photo and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Photo {
    path: PathBuf,
    truth: Option<Label>,
}

/// The camera `replay`.
#[derive(Debug)]
pub struct Replay {
    photos: Vec<Photo>,
    repeat: bool,
    pace: Pace,
    showing: Showing,
    frame_time: Duration,
    next_photo: usize,
    now: Duration,
    visit: Option<Visit>,
}

/// A photo in the middle of being shown.
#[derive(Debug)]
struct Visit {
    photo: Arc<RgbImage>,
    card: Arc<RgbImage>,
    truth: Option<Truth>,
    frame: u32,
}

impl Replay {
    /// Lists the folder. No photo is read yet.
    ///
    /// # Errors
    /// [`CameraError::Failed`]: the folder cannot be read, holds no photo, or a subfolder's name is
    /// no valid label.
    pub fn open(config: &ReplayConfig, showing: Showing) -> Result<Self, CameraError> {
        let mut photos = list(&config.folder)?;
        if let Some(seed) = config.shuffle {
            photos.shuffle(&mut StdRng::seed_from_u64(seed));
        }
        let photos: Vec<_> = photos.into_iter().skip(config.part.index - 1).step_by(config.part.of).collect();
        if photos.is_empty() {
            let folder = config.folder.display();
            return Err(CameraError::Failed(format!("part {} of {folder} has no photo (jpg, jpeg, png)", config.part)));
        }
        Ok(Self {
            photos,
            repeat: config.repeat,
            pace: if config.frames_per_second > 0.0 { Pace::Timeline } else { Pace::AsTaken },
            showing,
            frame_time: frame_time(config),
            next_photo: 0,
            now: Duration::ZERO,
            visit: None,
        })
    }

    /// How many photos will be shown.
    #[must_use]
    pub fn photos(&self) -> usize {
        self.photos.len()
    }

    fn next_visit(photos: &[Photo], next: &mut usize, repeat: bool) -> Result<Visit, CameraError> {
        if *next == photos.len() {
            if !repeat {
                return Err(CameraError::Ended);
            }
            *next = 0;
        }
        let Photo { path, truth } = &photos[*next];
        *next += 1;
        let photo = read(path).map_err(|source| CameraError::Damaged { what: path.clone(), source })?;
        Ok(Visit {
            card: Arc::new(test_card(photo.width(), photo.height())),
            photo: Arc::new(photo),
            truth: truth.clone().map(|label| Truth { label, source: TruthSource::Replay }),
            frame: 0,
        })
    }
}

impl Camera for Replay {
    fn next_frame(&mut self) -> Result<Frame, CameraError> {
        let Showing { empty, arriving, still } = self.showing;
        let visit = match &mut self.visit {
            Some(visit) => visit,
            none => {
                let next = Self::next_visit(&self.photos, &mut self.next_photo, self.repeat)?;
                none.insert(next)
            }
        };
        let frame = visit.frame;
        visit.frame += 1;
        let (rgb, truth) = if frame < empty {
            (Arc::clone(&visit.card), None)
        } else if frame < empty + arriving {
            let share = (frame - empty + 1) as f32 / (arriving + 1) as f32;
            (Arc::new(sliding_in(&visit.photo, &visit.card, share)), visit.truth.clone())
        } else {
            (Arc::clone(&visit.photo), visit.truth.clone())
        };
        if frame + 1 >= empty + arriving + still {
            self.visit = None;
        }
        self.now += self.frame_time;
        Ok(Frame { rgb, at: self.now, truth })
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}

fn read(path: &Path) -> Result<RgbImage, ImageError> {
    let limits = Limits::default();
    let unreadable = |e: std::io::Error| ImageError::Damaged(e.to_string());
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > limits.bytes as u64 {
        return Err(ImageError::Bytes { found: usize::try_from(size).unwrap_or(usize::MAX), limit: limits.bytes });
    }
    let image = picture::decode(&fs::read(path).map_err(unreadable)?, &limits)?;
    Ok(preprocess::shrink(image, LARGEST_SIDE))
}

fn list(folder: &Path) -> Result<Vec<Photo>, CameraError> {
    let failed =
        |path: &Path, e: std::io::Error| CameraError::Failed(format!("cannot read the folder {}: {e}", path.display()));
    let entries = |path: &Path| -> Result<Vec<PathBuf>, CameraError> {
        let mut paths = fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>())
            .map_err(|e| failed(path, e))?;
        paths.sort();
        Ok(paths)
    };
    let mut photos = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            let inside: Vec<_> = entries(&path)?.into_iter().filter(|p| is_photo(p)).collect();
            if inside.is_empty() {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let label = Label::read(&name).map_err(|e| CameraError::Failed(format!("{}: {e}", path.display())))?;
            photos.extend(inside.into_iter().map(|path| Photo { path, truth: Some(label.clone()) }));
        } else if is_photo(&path) {
            photos.push(Photo { path, truth: None });
        }
    }
    Ok(photos)
}

fn is_photo(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    matches!(extension.as_str(), "jpg" | "jpeg" | "png")
}

/// Dark and light fields, 8 by 6.
fn test_card(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let light = (x * 8 / width + y * 6 / height) % 2 == 1;
        Rgb(if light { [208, 208, 204] } else { [20, 20, 22] })
    })
}

/// The lower `share` of the photo at the top, the rest the card.
fn sliding_in(photo: &RgbImage, card: &RgbImage, share: f32) -> RgbImage {
    let (width, height) = photo.dimensions();
    let shown = ((height as f32 * share) as u32).min(height);
    let row = width as usize * 3;
    let (shown, height) = (shown as usize, height as usize);
    let mut pixels = Vec::with_capacity(row * height);
    pixels.extend_from_slice(&photo.as_raw()[row * (height - shown)..]);
    pixels.extend_from_slice(&card.as_raw()[row * shown..]);
    RgbImage::from_raw(width, height as u32, pixels).expect("both images have this size")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWING: Showing = Showing { empty: 2, arriving: 1, still: 3 };

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, grey) in [("glass/1.jpg", 40), ("glass/2.JPG", 90), ("metal/1.png", 200)] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
            RgbImage::from_pixel(32, 24, Rgb([grey; 3])).save(path).expect("saves");
        }
        folder
    }

    fn config(folder: &Path, more: &str) -> ReplayConfig {
        toml::from_str(&format!("folder = {folder:?}\n{more}")).expect("valid")
    }

    fn truths(config: &ReplayConfig) -> (Vec<String>, u32) {
        let mut camera = Replay::open(config, SHOWING).expect("opens");
        let (mut seen, mut damaged, mut was_empty) = (Vec::new(), 0, true);
        loop {
            match camera.next_frame() {
                Ok(frame) => {
                    if let (true, Some(truth)) = (was_empty, &frame.truth) {
                        assert_eq!(truth.source, TruthSource::Replay);
                        seen.push(truth.label.to_string());
                    }
                    was_empty = frame.truth.is_none();
                }
                Err(CameraError::Damaged { .. }) => damaged += 1,
                Err(CameraError::Ended) => return (seen, damaged),
                Err(e) => panic!("{e}"),
            }
        }
    }

    #[test]
    fn every_photo_comes_lies_and_goes_in_the_order_of_paths() {
        let folder = folder();
        let config = config(folder.path(), "");
        assert_eq!(truths(&config).0, ["glass", "glass", "metal"]);
        let mut camera = Replay::open(&config, SHOWING).expect("opens");
        let first: Vec<_> = (0..6).map(|_| camera.next_frame().expect("a frame")).collect();
        assert_eq!(first.iter().map(|f| f.truth.is_some()).collect::<Vec<_>>(), [false, false, true, true, true, true]);
        assert!(first.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert_eq!(first[3].rgb, first[5].rgb, "it lies still");
        assert_ne!(first[2].rgb, first[3].rgb, "it slides in before");
    }

    #[test]
    fn a_damaged_photo_is_told_and_skipped() {
        let folder = folder();
        fs::write(folder.path().join("glass/0.jpg"), b"not an image at all").expect("writes");
        let whole = fs::read(folder.path().join("glass/1.jpg")).expect("reads");
        fs::write(folder.path().join("glass/1.jpg"), &whole[..whole.len() / 3]).expect("truncates");
        let (seen, damaged) = truths(&config(folder.path(), ""));
        assert_eq!((seen.len(), damaged), (2, 2));
    }

    #[test]
    fn parts_are_disjoint_and_whole_also_when_shuffled() {
        let folder = folder();
        for shuffle in ["", "shuffle = 7"] {
            let part = |part: &str| {
                let config = config(folder.path(), &format!("part = {part:?}\n{shuffle}"));
                Replay::open(&config, SHOWING).expect("opens").photos
            };
            let mut both = [part("1/2"), part("2/2")].concat();
            let mut all = part("1/1");
            both.sort_by(|a, b| a.path.cmp(&b.path));
            all.sort_by(|a, b| a.path.cmp(&b.path));
            assert_eq!(both, all);
        }
        let error = Replay::open(&config(folder.path(), "part = \"4/4\""), SHOWING).expect_err("three photos only");
        assert!(error.to_string().contains("part 4/4"), "{error}");
    }

    #[test]
    fn repeats_only_when_told() {
        let folder = folder();
        let mut camera = Replay::open(&config(folder.path(), "repeat = true"), SHOWING).expect("opens");
        for _ in 0..100 {
            camera.next_frame().expect("it never ends");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_replayed_says_why() {
        let folder = folder();
        let missing = config(&folder.path().join("nowhere"), "");
        assert!(Replay::open(&missing, SHOWING).expect_err("missing").to_string().contains("nowhere"));
        fs::rename(folder.path().join("glass"), folder.path().join("Glass Bottles")).expect("renames");
        assert!(Replay::open(&config(folder.path(), ""), SHOWING).is_ok(), "glass_bottles is a class");
        fs::rename(folder.path().join("Glass Bottles"), folder.path().join("Gläser")).expect("renames");
        let error = Replay::open(&config(folder.path(), ""), SHOWING).expect_err("no label").to_string();
        assert!(error.contains("label \"Gläser\" is not valid"), "{error}");
    }

    #[test]
    fn a_part_is_checked() {
        for bad in ["0/2", "3/2", "1", "a/b", "1/0", ""] {
            assert!(Part::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!(Part::try_from("2/3".to_owned()).map(|p| p.to_string()), Ok("2/3".to_owned()));
    }
}

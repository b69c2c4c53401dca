//! Pictures of settled items of known class, written to a folder: what the recipe of the model that
//! ships learns a chamber's ways from, and a quick way to look at what the camera `virtual` draws.
//!
//! ```text
//! {out}/{label}/{look}_{item}.jpg
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use super::class::Class;
use super::dice::Dice;
use super::look::Look;
use super::render::Backdrop;
use super::room::Room;
use super::sensor::Sensor;
use super::{drop_scrap, timeline};

/// A new set of scraps lies about after so many items.
const ITEMS_PER_FLOOR: usize = 12;

/// What to draw.
#[derive(Debug, Clone, clap::Args)]
pub struct RenderScenes {
    /// The folder that the pictures go to; made if it is not there.
    #[arg(long)]
    pub out: PathBuf,
    /// How many items of each look; the classes take turns.
    #[arg(long, default_value_t = 60)]
    pub count: usize,
    /// Which items.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Which looks, as a list of numbers.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    pub looks: Vec<u64>,
    /// Of a picture, in pixels.
    #[arg(long, default_value_t = 320, value_parser = clap::value_parser!(u32).range(32..=1920))]
    pub width: u32,
    /// Of a picture, in pixels.
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u32).range(32..=1080))]
    pub height: u32,
}

/// A picture that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct SceneError {
    /// The file or folder.
    pub path: PathBuf,
    /// The operating system's reason.
    pub source: io::Error,
}

/// Draws and writes the pictures, and returns how many there are.
///
/// # Errors
/// A folder or file cannot be written.
pub fn render_scenes(what: &RenderScenes) -> Result<usize, SceneError> {
    let mut written = 0;
    for &look in &what.looks {
        each_scene(what, look, |class, item, picture| {
            let folder = what.out.join(class.label().as_str());
            fs::create_dir_all(&folder).map_err(|source| SceneError { path: folder.clone(), source })?;
            write_jpeg(&folder.join(format!("{look}_{item}.jpg")), picture)?;
            written += 1;
            Ok(())
        })?;
    }
    Ok(written)
}

/// Draws the settled items of one look, the classes in turn.
fn each_scene(
    what: &RenderScenes,
    look: u64,
    mut take: impl FnMut(Class, usize, &RgbImage) -> Result<(), SceneError>,
) -> Result<(), SceneError> {
    let look = Look::draw(look);
    let mut dice = Dice::new(what.seed).fork(look.seed);
    let room = Room::new(&look.room, look.seed);
    let clean = Backdrop::draw(&room, &look.lens, what.width as usize, what.height as usize);
    let mut sensor = Sensor::new(&look.sensor, dice.fork(1));
    let mut backdrop = clean.clone();
    for index in 0..what.count {
        if index % ITEMS_PER_FLOOR == 0 {
            backdrop = clean.clone();
            for _ in 0..look.room.scraps {
                drop_scrap(&mut backdrop, &room, &look, &mut dice);
            }
        }
        let class = Class::ALL[index % Class::ALL.len()];
        let item = class.draw(&mut dice, &look.taste);
        let pose = timeline::lay(&item, &mut dice);
        let exposed = sensor.expose(&backdrop.with_item(&room, &item, &pose, None));
        take(class, index, &sensor.read(&exposed))?;
    }
    Ok(())
}

fn write_jpeg(path: &Path, picture: &RgbImage) -> Result<(), SceneError> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 92)
        .encode_image(picture)
        .map_err(|e| SceneError { path: path.to_path_buf(), source: io::Error::other(e) })?;
    fs::write(path, jpeg).map_err(|source| SceneError { path: path.to_path_buf(), source })
}

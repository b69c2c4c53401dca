//! What a training needs to be taken up again, on disk until it is over.
//!
//! ```text
//! {data}/trainings/{id}/plan.json        the images, their classes and splits: labels may change meanwhile
//!                       fit.checkpoint   the fit after some epoch
//! ```
//!
//! Each file is there whole or not at all. A disk that is full costs nothing but the possibility to go
//! on from here: the training goes on, and its log says so. The embeddings are in the database.

use std::path::{Path, PathBuf};
use std::{fs, io};

use pilah_models::durable;
use pilah_models::train::Checkpoint;

use super::plan::Plan;

const FOLDER: &str = "trainings";
const PLAN: &str = "plan.json";
const FIT: &str = "fit.checkpoint";

/// The files of one training.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints(PathBuf);

impl Checkpoints {
    pub(super) fn of(data: &Path, id: i32) -> Self {
        Self(data.join(FOLDER).join(id.to_string()))
    }

    /// The plan that the training began with, if it is there and can be read.
    pub(super) fn plan(&self) -> Option<Plan> {
        let bytes = self.read(PLAN)?;
        let plan = serde_json::from_slice(&bytes);
        plan.inspect_err(|error| tracing::warn!(file = %self.0.join(PLAN).display(), %error, "no plan")).ok()
    }

    pub(super) fn keep_plan(&self, plan: &Plan) -> io::Result<()> {
        durable::write(&self.0.join(PLAN), &serde_json::to_vec(plan).expect("a plan has string keys"))
    }

    /// The fit as it was last kept, if it is there and can be read.
    pub(super) fn fit(&self) -> Option<Checkpoint> {
        let bytes = self.read(FIT)?;
        let fit = Checkpoint::from_bytes(&bytes);
        fit.inspect_err(|error| tracing::warn!(file = %self.0.join(FIT).display(), %error, "no checkpoint")).ok()
    }

    pub(super) fn keep_fit(&self, fit: &Checkpoint) -> io::Result<()> {
        durable::write(&self.0.join(FIT), &fit.to_bytes())
    }

    /// Removes the files, with what a crash left half-written.
    pub(super) fn clear(&self) {
        remove(&self.0);
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "a checkpoint cannot be read");
                None
            }
        }
    }
}

/// The folders of trainings, with their numbers.
pub(super) fn list(data: &Path) -> Vec<(i32, PathBuf)> {
    let Ok(entries) = fs::read_dir(data.join(FOLDER)) else { return Vec::new() };
    let numbered = |entry: fs::DirEntry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()));
    entries.flatten().filter_map(numbered).collect()
}

/// Removes a training's folder.
pub(super) fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            // It is removed at the next start.
            tracing::warn!(folder = %folder.display(), %error, "a training's files are left behind");
        }
        _ => {}
    }
}

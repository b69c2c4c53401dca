//! `pilah-edge bench`: what each stage costs on this machine, so that whoever has another one can tell.
//!
//! The pictures are those of the drawn bin, 640 × 480, as JPEGs; the model is the one that the bin would
//! use, and the disk the one that is named. Each stage runs once without being counted, then as often
//! as asked for, on one thread.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pilah_models::bundle::Bundle;
use pilah_models::infer::{Classifier, InferError, LoadError};
use pilah_models::name::BinId;
use pilah_models::picture::{self, ImageError, Limits};
use pilah_models::preprocess;
use pilah_models::wire::{self, Header, Message as _};
use serde::Serialize;

use crate::camera::chamber::{Chamber, ChamberConfig};
use crate::camera::{Camera as _, CameraError};
use crate::decide::decide;
use crate::health::machine::Machine;
use crate::outbox::{Kind, Outbox, OutboxError, OutboxRules};
use crate::trigger::{Thumbnail, Trigger, TriggerRules};
use crate::vote::Vote;

/// The size of the pictures, in pixels.
const SIZE: (u32, u32) = (640, 480);

/// How many pictures take turns, and how far apart they are in the camera's frames.
const PICTURES: usize = 8;
const APART: usize = 5;

/// Frames per second of the bin that is computed from the stages.
const RATE: f64 = 10.0;

/// How many frames vote on an item there, as in a bin that is not told otherwise.
const VOTES: f64 = 3.0;

/// The most bytes of a picture: at 640 × 480, none comes near.
const LARGEST_JPEG: usize = 200 * 1024;

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchOptions {
    /// How often each stage runs.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub runs: u32,
    /// The folder of the model; by default the one that ships with the program.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// A folder on the disk to be measured.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// One JSON object in place of the table.
    #[arg(long)]
    pub json: bool,
}

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The model is none.
    #[error("the model cannot be read")]
    Bundle(#[from] pilah_models::bundle::BundleError),
    /// The model cannot be used.
    #[error("the model cannot be used")]
    Load(#[from] LoadError),
    /// The model failed.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// A picture is none.
    #[error("a drawn picture cannot be encoded or decoded")]
    Image(#[from] ImageError),
    /// The drawn bin shows nothing.
    #[error("the drawn bin shows nothing")]
    Camera(#[from] CameraError),
    /// The disk cannot be written.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The disk failed.
    #[error("the outbox cannot be written")]
    Disk(#[source] io::Error),
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The version of the program.
    pub version: &'static str,
    /// Its model.
    pub model: String,
    /// The architecture of the processor.
    pub architecture: &'static str,
    /// How often each stage ran.
    pub runs: u32,
    /// The pictures' width and height.
    pub picture: (u32, u32),
    /// From the beginning of the model's loading to its first answer, in milliseconds.
    pub first_result_ms: f64,
    /// In the order of the pipeline.
    pub stages: Vec<Stage>,
    /// The share of one core that decoding and triggering take at 10 frames per second, as computed from
    /// their medians.
    pub idle_core_share: f64,
    /// From the moment an item lies still to the decision, at 10 frames per second and 3 votes, as computed from the
    /// medians of decoding to deciding, in milliseconds.
    pub item_to_decision_ms: f64,
    /// Memory that the program takes (resident set), in bytes, where the machine tells.
    pub memory_bytes: Option<u64>,
}

/// What a stage costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// Half of the runs took no longer, in microseconds.
    pub median_us: f64,
    /// 99 of 100 runs took no longer, in microseconds.
    pub p99_us: f64,
}

/// Measures all stages.
///
/// # Errors
/// [`BenchError`].
pub fn bench(options: &BenchOptions, bundle: &Path) -> Result<Measured, BenchError> {
    let runs = options.runs;
    let jpegs = pictures()?;
    let begun = Instant::now();
    let model = Classifier::load(&Bundle::read(bundle)?)?;
    let limits = Limits::default();
    let images = jpegs.iter().map(|jpeg| picture::decode(jpeg, &limits)).collect::<Result<Vec<_>, _>>()?;
    model.classify(&images[0])?;
    let first_result = begun.elapsed();

    let manifest = model.manifest();
    let decode = stage("decode", runs, |turn| picture::decode(&jpegs[turn % PICTURES], &limits))?;
    let mut trigger = Trigger::new(TriggerRules::default());
    let look = stage("trigger", runs, |turn| {
        let at = Duration::from_millis(turn as u64 * 100);
        Ok::<_, BenchError>(trigger.handle_frame(&Thumbnail::of(&images[turn % PICTURES]), at))
    })?;
    let resize = stage("resize", runs, |turn| {
        Ok::<_, BenchError>(preprocess::to_tensor(&images[turn % PICTURES], &manifest.input))
    })?;
    let tensors: Vec<_> = images.iter().map(|image| preprocess::to_tensor(image, &manifest.input)).collect();
    let infer = stage("infer", runs, |turn| {
        let embedding = model.backbone().embed_tensor(&tensors[turn % PICTURES])?;
        model.classify_embedding(&embedding)
    })?;
    let prediction = model.classify(&images[0])?;
    let choose = stage("decide", runs, |_| {
        let mut vote = Vote::default();
        vote.add(&prediction.probabilities);
        Ok::<_, BenchError>(vote.verdict().map(|verdict| decide(&verdict.probabilities, manifest)))
    })?;
    let append = append(options, &model, &prediction.probabilities)?;

    let idle = (decode.median_us + look.median_us) / 1e6 * RATE;
    let frame = (decode.median_us + look.median_us + resize.median_us + infer.median_us) / 1000.0;
    // The next frame is looked at when it is there and this one is done with.
    let item_to_decision = (VOTES - 1.0) * frame.max(1000.0 / RATE) + frame + choose.median_us / 1000.0;
    Ok(Measured {
        version: env!("CARGO_PKG_VERSION"),
        model: manifest.version.to_string(),
        architecture: std::env::consts::ARCH,
        runs,
        picture: SIZE,
        first_result_ms: first_result.as_secs_f64() * 1000.0,
        stages: vec![decode, look, resize, infer, choose, append],
        idle_core_share: idle,
        item_to_decision_ms: item_to_decision,
        memory_bytes: Machine::look(&options.folder).memory_bytes,
    })
}

/// An event appended to the outbox and safe on the disk, as for each item.
fn append(options: &BenchOptions, model: &Classifier, probabilities: &[f32]) -> Result<Stage, BenchError> {
    let folder = options.folder.join(format!("pilah-bench-{}", std::process::id()));
    let mut outbox = Outbox::open(&folder, OutboxRules::default())?;
    let decision = decide(probabilities, model.manifest());
    let measured = stage("outbox append", options.runs, |_| {
        let key = outbox.next_key();
        let header = Header {
            v: wire::VERSION,
            bin: BinId::new("bench").expect("a valid id"),
            epoch: key.epoch,
            seq: key.seq,
            at: jiff::Timestamp::UNIX_EPOCH,
            clock_synced: false,
        };
        let event = wire::Event {
            header,
            outcome: decision.outcome.clone(),
            confidence: decision.confidence,
            probabilities: decision.probabilities.clone(),
            model: model.manifest().version.clone(),
            latency_ms: 1.0,
            frames: 1,
            truth: None,
        };
        outbox.append(key, Kind::Event, 0, event.encode());
        outbox.sync().map_err(BenchError::Disk)
    });
    drop(outbox);
    std::fs::remove_dir_all(&folder).map_err(BenchError::Disk)?;
    measured
}

/// Pictures of the drawn bin, as a camera would send them.
fn pictures() -> Result<Vec<Vec<u8>>, BenchError> {
    let config = ChamberConfig { width: SIZE.0, height: SIZE.1, item_every_s: 3.0, ..ChamberConfig::default() };
    let mut chamber = Chamber::new(config).map_err(|e| CameraError::Failed(e.to_string()))?;
    let mut jpegs = Vec::with_capacity(PICTURES);
    for frame in 0..PICTURES * APART {
        let picture = chamber.next_frame()?.rgb;
        if frame % APART == 0 {
            jpegs.push(preprocess::encode_jpeg(&picture, LARGEST_JPEG)?);
        }
    }
    Ok(jpegs)
}

/// Runs `work` once, and then `runs` times against the clock. It is told the number of the run.
fn stage<T, E>(name: &'static str, runs: u32, mut work: impl FnMut(usize) -> Result<T, E>) -> Result<Stage, BenchError>
where
    BenchError: From<E>,
{
    std::hint::black_box(work(0)?);
    let mut times = Vec::with_capacity(runs as usize);
    for run in 1..=runs as usize {
        let begun = Instant::now();
        std::hint::black_box(work(run)?);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let at = |share| quantile(&times, share).as_secs_f64() * 1e6;
    Ok(Stage { name, median_us: at(0.5), p99_us: at(0.99) })
}

/// The least of the sorted `times` that at least `share` of them do not exceed (nearest rank).
fn quantile(times: &[Duration], share: f64) -> Duration {
    let rank = (times.len() as f64 * share).ceil() as usize;
    times[rank.clamp(1, times.len()) - 1]
}

/// As a table for people.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.picture;
        writeln!(f, "pilah-edge {}, model {}, {}", self.version, self.model, self.architecture)?;
        writeln!(f, "{width}×{height} JPEG, {} runs, one thread\n", self.runs)?;
        writeln!(f, "{:<15}{:>12}{:>12}", "stage", "median ms", "p99 ms")?;
        for stage in &self.stages {
            writeln!(f, "{:<15}{:>12.3}{:>12.3}", stage.name, stage.median_us / 1000.0, stage.p99_us / 1000.0)?;
        }
        writeln!(f)?;
        writeln!(f, "load to first result  {:.0} ms", self.first_result_ms)?;
        writeln!(f, "idle at 10 frames/s   {:.1} % of one core", self.idle_core_share * 100.0)?;
        writeln!(f, "item to decision      {:.0} ms, of 3 frames at 10 frames/s", self.item_to_decision_ms)?;
        match self.memory_bytes {
            Some(bytes) => write!(f, "resident memory       {:.1} MB", bytes as f64 / 1e6),
            None => write!(f, "resident memory       not told by this machine"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        for (share, expected) in [(0.5, 50), (0.99, 99), (0.0, 1), (1.0, 100)] {
            assert_eq!(quantile(&times, share), Duration::from_millis(expected), "{share}");
        }
        assert_eq!(quantile(&times[..1], 0.99), Duration::from_millis(1));
    }

    #[test]
    fn every_stage_is_measured_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bundle = folder.path().join("bundle");
        testing::bundle("m1", 1).write(&bundle).expect("writes");
        let disk = folder.path().join("disk");
        let options = BenchOptions { runs: 3, bundle: None, folder: disk.clone(), json: false };
        let measured = bench(&options, &bundle).expect("all stages run");
        let names: Vec<_> = measured.stages.iter().map(|stage| stage.name).collect();
        assert_eq!(names, ["decode", "trigger", "resize", "infer", "decide", "outbox append"]);
        for stage in &measured.stages {
            assert!(stage.median_us > 0.0 && stage.median_us <= stage.p99_us, "{stage:?}");
        }
        assert_eq!(std::fs::read_dir(&disk).expect("reads").count(), 0);
        let table = measured.to_string();
        assert!(table.contains("model m1") && table.contains("outbox append"), "{table}");
        let json = serde_json::to_value(&measured).expect("serialises");
        assert!(json["stages"][0]["median_us"].is_f64() && json["idle_core_share"].is_f64(), "{json}");
        assert!(measured.item_to_decision_ms >= 200.0, "two frames are waited for: {}", measured.item_to_decision_ms);

        let error = bench(&options, &folder.path().join("nothing")).expect_err("there is no model");
        assert!(matches!(error, BenchError::Bundle(_)), "{error}");
    }
}

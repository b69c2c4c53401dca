//! How fast and how large a model is: backbone and head as one network, in the runtime that bins use, on
//! this machine, one image at a time on one thread.

use std::time::{Duration, Instant};

use pilah_evaluate::Speed;
use pilah_models::bundle::Bundle;
use pilah_models::infer::{InferError, LoadError, Merged, golden};
use pilah_models::onnx::{self, OnnxError};

/// How many runs come before the first that is timed: caches and pages are warm then.
const WARM_UP: usize = 3;

/// How many runs are timed.
const RUNS: usize = 40;

/// A slow model is timed for this long, but [`LEAST_RUNS`] times in any case.
const PATIENCE: Duration = Duration::from_millis(800);
const LEAST_RUNS: usize = 8;

/// A model that could not be timed.
#[derive(Debug, thiserror::Error)]
pub enum SpeedError {
    /// Backbone and head do not become one network.
    #[error(transparent)]
    Merge(#[from] OnnxError),
    /// That network does not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It fails on a golden input.
    #[error(transparent)]
    Infer(#[from] InferError),
}

/// Merges, loads and times a model; takes about a second at most, on the caller's thread.
///
/// # Errors
/// [`SpeedError`].
pub fn measure(bundle: &Bundle) -> Result<Speed, SpeedError> {
    let manifest = bundle.manifest();
    let merged = onnx::merge(bundle.backbone(), bundle.head())?;
    let network = Merged::load(&merged, &manifest.input, manifest.labels.len())?;
    let images = golden::images(&manifest.input);
    let mut largest_difference: f32 = 0.0;
    for (image, expected) in images.iter().zip(&manifest.golden.probabilities) {
        let found = network.probabilities(image)?;
        let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        largest_difference = differences.fold(largest_difference, f32::max);
    }
    for image in images.iter().cycle().take(WARM_UP) {
        network.probabilities(image)?;
    }
    let (begun, mut times) = (Instant::now(), Vec::with_capacity(RUNS));
    for image in images.iter().cycle().take(RUNS) {
        if times.len() >= LEAST_RUNS && begun.elapsed() > PATIENCE {
            break;
        }
        let start = Instant::now();
        network.probabilities(image)?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(Speed {
        median_ms: percentile(&times, 0.5),
        p95_ms: percentile(&times, 0.95),
        runs: u32::try_from(times.len()).unwrap_or(u32::MAX),
        merged_bytes: merged.len() as u64,
        backbone_bytes: bundle.backbone().len() as u64,
        head_bytes: bundle.head().len() as u64,
        largest_difference,
    })
}

/// [`measure`] on a thread where it holds nobody up, with the reason of a failure in words.
///
/// # Errors
/// What is wrong with the model.
pub async fn measured(bundle: &Bundle) -> Result<Speed, String> {
    let bundle = bundle.clone();
    let measured = tokio::task::spawn_blocking(move || measure(&bundle)).await;
    measured.expect("measuring does not panic and is not aborted").map_err(|error| error.to_string())
}

/// The smallest of some sorted times that a share of them does not exceed (nearest rank).
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pilah_models::labels::Labels;

    use super::*;
    use crate::registry::fixture::untrained;

    #[test]
    fn a_model_is_timed_and_weighed() {
        let bundle = untrained("m1", &Labels::parse(["a", "b"]).expect("valid"));
        let speed = measure(&bundle).expect("runs");
        assert!(speed.runs as usize >= LEAST_RUNS && speed.median_ms > 0.0 && speed.p95_ms >= speed.median_ms);
        assert_eq!(
            (speed.backbone_bytes, speed.head_bytes),
            (bundle.backbone().len() as u64, bundle.head().len() as u64)
        );
        assert!(speed.merged_bytes > speed.backbone_bytes && speed.largest_difference < 1e-5, "{speed:?}");
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let times: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!((percentile(&times, 0.5), percentile(&times, 0.95), percentile(&[], 0.5)), (10.0, 19.0, 0.0));
    }
}

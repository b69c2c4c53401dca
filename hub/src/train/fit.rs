//! The fit of a training, with what it needs to be taken up again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pilah_models::train::{self as fitting, FittedHead, HeadParams};
use tokio_util::sync::CancellationToken;

use super::checkpoints::Checkpoints;
use super::plan::Plan;
use super::sets::Sets;
use super::{OnStep, Step, TrainError};

/// How often a fit is written to disk; most are over before.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);

/// The plan that this training began with in an earlier process.
pub(super) async fn begun(kept: &Checkpoints) -> Option<Plan> {
    let kept = kept.clone();
    tokio::task::spawn_blocking(move || kept.plan()).await.expect("reading a plan does not panic and is not aborted")
}

/// Keeps the plan, so that the training can be taken up with the same images.
pub(super) async fn keep_plan(kept: &Checkpoints, plan: &Plan, on_step: &OnStep) {
    let (kept, plan) = (kept.clone(), plan.clone());
    let written = tokio::task::spawn_blocking(move || kept.keep_plan(&plan));
    if let Err(error) = written.await.expect("writing a plan does not panic and is not aborted") {
        on_step(Step::Note(not_kept(&error)));
    }
}

/// What the log says when the disk is full, or otherwise refuses.
fn not_kept(error: &dyn std::fmt::Display) -> String {
    format!("no checkpoint was written, the training goes on without: {error}")
}

/// What a fit came to.
pub(super) struct Fitted {
    pub(super) sets: Sets,
    pub(super) head: FittedHead,
    /// The epoch of the checkpoint from which it went on.
    pub(super) resumed_from: Option<u32>,
}

/// Fits on a thread of its own, from the checkpoint that an earlier process left, if there is one.
pub(super) async fn fit(
    sets: Sets,
    classes: usize,
    params: HeadParams,
    kept: Checkpoints,
    on_step: &OnStep,
    stop: &CancellationToken,
) -> Result<Fitted, TrainError> {
    let (on_step, stop) = (Arc::clone(on_step), stop.clone());
    let fit = move || {
        let from = kept.fit().filter(|from| {
            let is_of_this = from.is_of(&sets.train, &sets.validation, classes, &params);
            if !is_of_this {
                on_step(Step::Note("the checkpoint is of other images or parameters: the fit begins anew".into()));
            }
            is_of_this
        });
        if let Some(from) = &from {
            on_step(Step::Resumed(from.history().to_vec()));
        }
        let (mut written, mut refused) = (Instant::now(), false);
        let mut on_epoch = |report: &fitting::EpochReport, now: &fitting::Resumable<'_>| {
            on_step(Step::Epoch(*report));
            let stops = stop.is_cancelled();
            if stops || written.elapsed() >= CHECKPOINT_EVERY {
                written = Instant::now();
                if let (Err(error), false) = (kept.keep_fit(&now.checkpoint()), refused) {
                    let error = error.to_string();
                    refused = true;
                    tracing::warn!(error, "no checkpoint was written");
                    on_step(Step::Note(not_kept(&error)));
                }
            }
            if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (train, validation) = (&sets.train, &sets.validation);
        let head = fitting::fit_from(from.as_ref(), train, validation, classes, &params, &mut on_epoch)?;
        let resumed_from = from.map(|from| u32::try_from(from.epoch()).unwrap_or(u32::MAX));
        Ok(Fitted { sets, head, resumed_from })
    };
    let fitted = tokio::task::spawn_blocking(fit).await.expect("fitting does not panic and is not aborted");
    fitted.map_err(|error| match error {
        fitting::TrainError::Cancelled(_) => TrainError::Cancelled,
        error => error.into(),
    })
}

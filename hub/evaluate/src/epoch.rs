//! The epochs of a training, as their curves are drawn.

use pilah_models::train::EpochReport;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An epoch, for a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EpochFigures {
    /// From 1.
    pub epoch: u32,
    /// Mean loss on the training split.
    pub train_loss: f64,
    /// Mean loss on the validation split.
    pub validation_loss: f64,
    /// Share of the validation split that is labelled right, 0 to 1.
    pub validation_accuracy: f64,
}

impl From<&EpochReport> for EpochFigures {
    fn from(report: &EpochReport) -> Self {
        Self {
            epoch: u32::try_from(report.epoch).unwrap_or(u32::MAX),
            train_loss: f64::from(report.train_loss),
            validation_loss: f64::from(report.validation_loss),
            validation_accuracy: f64::from(report.validation_accuracy),
        }
    }
}

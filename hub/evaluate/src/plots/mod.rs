//! A report as pictures, SVG or PNG: confusion matrix, reliability diagram, risk against coverage, and the
//! curves of a training.

/// True class against answer.
mod confusion;

/// Confidence against accuracy.
mod reliability;

/// Risk against coverage.
mod risk;

/// Loss and accuracy by epoch.
mod curves;

use std::str::FromStr;

use pilah_plots::{Format, PlotError, canvas};

use super::EpochFigures;
use super::report::SetReport;

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plot {
    /// The confusion matrix.
    Confusion,
    /// The reliability diagram.
    Reliability,
    /// Risk against coverage.
    RiskCoverage,
    /// The curves of the training.
    Training,
}

impl Plot {
    /// Every picture.
    pub const ALL: [Self; 4] = [Self::Confusion, Self::Reliability, Self::RiskCoverage, Self::Training];

    /// The name in paths.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confusion => "confusion",
            Self::Reliability => "reliability",
            Self::RiskCoverage => "risk-coverage",
            Self::Training => "training",
        }
    }
}

/// A picture as a file, such as `confusion.svg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlotFile {
    /// Which picture.
    pub plot: Plot,
    /// As which file.
    pub format: Format,
}

/// A name of no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no plot {0:?}; there are confusion, reliability, risk-coverage and training, as .svg and .png")]
pub struct UnknownPlot(String);

impl FromStr for PlotFile {
    type Err = UnknownPlot;

    fn from_str(name: &str) -> Result<Self, UnknownPlot> {
        let unknown = || UnknownPlot(name.chars().take(80).collect());
        let (stem, ending) = name.rsplit_once('.').ok_or_else(unknown)?;
        let plot = Plot::ALL.into_iter().find(|plot| plot.name() == stem).ok_or_else(unknown)?;
        let format = match ending {
            "svg" => Format::Svg,
            "png" => Format::Png,
            _ => return Err(unknown()),
        };
        Ok(Self { plot, format })
    }
}

/// The confusion matrix of a set; `title` says of which model and images.
///
/// # Errors
/// [`PlotError`].
pub fn confusion(set: &SetReport, title: &str, format: Format) -> Result<Vec<u8>, PlotError> {
    canvas::render(&confusion::Confusion { set, title }, format)
}

/// The reliability diagram of a set.
///
/// # Errors
/// [`PlotError`].
pub fn reliability(set: &SetReport, title: &str, format: Format) -> Result<Vec<u8>, PlotError> {
    canvas::render(&reliability::Reliability { calibration: &set.calibration, title }, format)
}

/// Risk against coverage of a set.
///
/// # Errors
/// [`PlotError`].
pub fn risk_coverage(set: &SetReport, title: &str, format: Format) -> Result<Vec<u8>, PlotError> {
    canvas::render(&risk::Risk { curve: &set.risk_coverage, title }, format)
}

/// Loss and accuracy of a training by epoch.
///
/// # Errors
/// [`PlotError`].
pub fn training(history: &[EpochFigures], title: &str, format: Format) -> Result<Vec<u8>, PlotError> {
    canvas::render(&curves::Curves { history, title }, format)
}

#[cfg(test)]
mod tests;

//! From probabilities to an answer: a label, or *unsure*.
//!
//! The thresholds are the model's own, from its manifest: below that of the likeliest class, the bin
//! opens the flap of the rest rather than spoil a clean fraction.

use pilah_models::bundle::Manifest;
use pilah_models::infer::best;
use pilah_models::wire::{Outcome, Probabilities};

/// What the bin takes an item for.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The label, or that it is unsure.
    pub outcome: Outcome,
    /// The highest probability.
    pub confidence: f32,
    /// All of them, by label.
    pub probabilities: Probabilities,
}

impl Decision {
    /// Whether the answer counts as sure.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        matches!(self.outcome, Outcome::Label { .. })
    }

    /// The same, but unsure.
    #[must_use]
    pub fn unsure(self) -> Self {
        Self { outcome: Outcome::Unsure { guess: self.outcome.guess().clone() }, ..self }
    }
}

/// Decides by the thresholds of `manifest`; `probabilities` are in the order of its labels.
#[must_use]
pub fn decide(probabilities: &[f32], manifest: &Manifest) -> Decision {
    let (index, confidence) = best(probabilities);
    let labels = manifest.labels.as_slice();
    let likeliest = labels[index].clone();
    let outcome = if manifest.is_sure(index, confidence) {
        Outcome::Label { label: likeliest }
    } else {
        Outcome::Unsure { guess: likeliest }
    };
    let probabilities = labels.iter().cloned().zip(probabilities.iter().copied()).collect();
    Decision { outcome, confidence, probabilities }
}

#[cfg(test)]
mod tests {
    use pilah_models::bundle::{CLOSED, FileRef, Golden, InputSpec, Lineage, uniform_thresholds};
    use pilah_models::labels::Labels;
    use pilah_models::name::{Label, ModelVersion};

    use super::*;

    #[test]
    fn the_threshold_is_that_of_the_likeliest_class() {
        let labels = Labels::parse(["glass", "metal", "paper"]).expect("valid");
        let metal = Label::new("metal").expect("valid");
        let mut thresholds = uniform_thresholds(&labels, 0.5);
        thresholds.insert(metal, 0.8);
        thresholds.insert(Label::new("paper").expect("valid"), CLOSED);
        let manifest = Manifest {
            format: 1,
            version: ModelVersion::new("m1").expect("valid"),
            created_at: "2026-01-02T03:04:05Z".parse().expect("valid"),
            input: InputSpec::square(32),
            embedding: 4,
            backbone: FileRef::of(b""),
            head: FileRef::of(b""),
            golden: Golden { tolerance: 0.001, probabilities: vec![vec![0.2, 0.3, 0.5]] },
            lineage: Lineage::default(),
            thresholds,
            labels,
        };
        let cases: [(&[f32], &str, bool); 6] = [
            (&[0.6, 0.3, 0.1], "glass", true),
            (&[0.5, 0.3, 0.2], "glass", true),
            (&[0.45, 0.35, 0.2], "glass", false),
            (&[0.1, 0.79, 0.11], "metal", false),
            (&[0.1, 0.8, 0.1], "metal", true),
            (&[0.0, 0.0, 1.0], "paper", false),
        ];
        for (probabilities, guess, sure) in cases {
            let decision = decide(probabilities, &manifest);
            assert_eq!((decision.outcome.guess().as_str(), decision.is_sure()), (guess, sure), "{probabilities:?}");
            let unsure = decision.clone().unsure();
            assert_eq!((unsure.outcome.guess().as_str(), unsure.is_sure()), (guess, false));
            assert_eq!(decision.probabilities.len(), 3);
            assert_eq!(decision.probabilities[decision.outcome.guess()], decision.confidence);
        }
    }
}

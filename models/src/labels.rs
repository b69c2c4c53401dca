//! The classes that a model tells apart, in the order of its outputs.
//!
//! Nothing in Pilah is tied to one taxonomy: a bundle carries its labels. `Labels::waste` is the
//! one that ships.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{Label, NameError};

/// The most classes that a model may have: a bound for buffers and for the page.
pub const MAX_LABELS: usize = 64;

/// A list of labels that no model can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// Fewer than two, or more than [`MAX_LABELS`].
    #[error("a model tells apart 2 to {MAX_LABELS} classes, not {0}")]
    Count(usize),
    /// A label is named twice.
    #[error("label {0} is listed twice")]
    Twice(Label),
    /// One of them is no valid label.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Two or more distinct labels in the order of the model's outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Label>", into = "Vec<Label>")]
pub struct Labels(Vec<Label>);

impl Labels {
    /// Checks count and uniqueness.
    pub fn new(labels: Vec<Label>) -> Result<Self, LabelsError> {
        if !(2..=MAX_LABELS).contains(&labels.len()) {
            return Err(LabelsError::Count(labels.len()));
        }
        for (index, label) in labels.iter().enumerate() {
            if labels[..index].contains(label) {
                return Err(LabelsError::Twice(label.clone()));
            }
        }
        Ok(Self(labels))
    }

    /// Checks the names, then as [`Labels::new`].
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, LabelsError> {
        Self::new(names.into_iter().map(Label::new).collect::<Result<_, _>>()?)
    }

    /// The taxonomy that ships: cardboard, glass, metal, paper, plastic, trash.
    #[must_use]
    pub fn waste() -> Self {
        Self::parse(["cardboard", "glass", "metal", "paper", "plastic", "trash"]).expect("six distinct valid names")
    }

    /// The place of a label among the model's outputs.
    #[must_use]
    pub fn index_of(&self, label: &Label) -> Option<usize> {
        self.0.iter().position(|known| known == label)
    }

    /// The labels in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Label] {
        &self.0
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there are always two or more")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl TryFrom<Vec<Label>> for Labels {
    type Error = LabelsError;
    fn try_from(labels: Vec<Label>) -> Result<Self, LabelsError> {
        Self::new(labels)
    }
}

impl From<Labels> for Vec<Label> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taxonomy_has_two_or_more_distinct_labels() {
        assert_eq!(Labels::parse(["glass"]), Err(LabelsError::Count(1)));
        assert!(matches!(Labels::parse(["glass", "glass"]), Err(LabelsError::Twice(_))));
        assert!(matches!(Labels::parse(["glass", "GLASS"]), Err(LabelsError::Name(_))));
        let many: Vec<String> = (0..=MAX_LABELS).map(|i| format!("c{i}")).collect();
        assert_eq!(Labels::parse(many.iter().map(String::as_str)), Err(LabelsError::Count(65)));
    }

    #[test]
    fn order_is_kept_through_json() {
        let labels: Labels = serde_json::from_str(r#"["b","a","c"]"#).expect("valid labels");
        assert_eq!(labels.index_of(&Label::new("a").expect("valid")), Some(1));
        assert_eq!(serde_json::to_string(&labels).expect("serialises"), r#"["b","a","c"]"#);
    }
}

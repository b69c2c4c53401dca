//! What a training is started with.

use pilah_models::name::Label;
use pilah_models::train::HeadParams;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TrainError;

/// The accepted contamination, see [`TrainParams::accepted_contamination`], unless the hub or the
/// training is told another.
pub const ACCEPTED_CONTAMINATION: f32 = 0.05;

/// What the trainings of this hub accept unless they are told another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AcceptedContamination(pub(crate) f32);

/// What a training is started with; what is left out gets the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainParams {
    /// How many numbers the hidden layer has, 0 to 4,096; 0: none, which makes the head small and a
    /// little less accurate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 4096)]
    pub hidden: Option<usize>,
    /// The most passes over the images, 1 to 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub epochs: Option<usize>,
    /// The step of the optimiser, above 0, at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0, maximum = 1)]
    pub learning_rate: Option<f64>,
    /// How many images a step looks at, 1 to 65,536.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 65_536)]
    pub batch_size: Option<usize>,
    /// How strongly weights are drawn to 0, 0 to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 10)]
    pub weight_decay: Option<f64>,
    /// The share of an embedding that each step leaves out, 0 to 0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 0.9)]
    pub input_dropout: Option<f64>,
    /// The share of the hidden layer that each step leaves out, 0 to 0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 0.9)]
    pub dropout: Option<f64>,
    /// The share of a label's probability that is spread over all classes, 0 to 0.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 0.5)]
    pub label_smoothing: Option<f64>,
    /// How strongly images are mixed with each other, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub mixup: Option<f64>,
    /// How many epochs that are worse than the best beyond chance end the fit, 1 to 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub patience: Option<usize>,
    /// Whether every class counts the same, however many images it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<bool>,
    /// Of all that is random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The classes to train, in the order of the outputs; all that images are labelled with, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub labels: Option<Vec<Label>>,
    /// Of the items that the model takes for a class, the share that may end in its compartment although
    /// they are of another, above 0, at most 1: thresholds are picked so that this holds on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0, maximum = 1)]
    pub accepted_contamination: Option<f32>,
}

impl TrainParams {
    /// The parameters of the fit, checked.
    ///
    /// # Errors
    /// [`TrainError::Fit`] or [`TrainError::Contamination`], which name the value and its range.
    pub fn head(&self) -> Result<HeadParams, TrainError> {
        // What suits a hidden layer does not suit a head without one.
        let default = if self.hidden == Some(0) { HeadParams::linear() } else { HeadParams::default() };
        let head = HeadParams {
            hidden: self.hidden.unwrap_or(default.hidden),
            epochs: self.epochs.unwrap_or(default.epochs),
            learning_rate: self.learning_rate.unwrap_or(default.learning_rate),
            batch_size: self.batch_size.unwrap_or(default.batch_size),
            weight_decay: self.weight_decay.unwrap_or(default.weight_decay),
            input_dropout: self.input_dropout.unwrap_or(default.input_dropout),
            dropout: self.dropout.unwrap_or(default.dropout),
            label_smoothing: self.label_smoothing.unwrap_or(default.label_smoothing),
            mixup: self.mixup.unwrap_or(default.mixup),
            patience: self.patience.unwrap_or(default.patience),
            class_weights: self.class_weights.unwrap_or(default.class_weights),
            seed: self.seed.unwrap_or(default.seed),
        };
        head.validate()?;
        check_contamination(self.contamination())?;
        Ok(head)
    }

    /// The accepted contamination, above 0, at most 1.
    #[must_use]
    pub fn contamination(&self) -> f32 {
        self.accepted_contamination.unwrap_or(ACCEPTED_CONTAMINATION)
    }
}

/// Checks the range of an accepted contamination.
///
/// # Errors
/// [`TrainError::Contamination`].
pub fn check_contamination(accepted: f32) -> Result<(), TrainError> {
    if accepted > 0.0 && accepted <= 1.0 { Ok(()) } else { Err(TrainError::Contamination(accepted)) }
}

/// A number that a training can be told.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Parameter {
    /// Its name in what a training is started with.
    pub(crate) name: &'static str,
    /// What it is if left out; `null`: as the hub is set.
    pub(crate) default: Option<f64>,
    /// The same without a hidden layer.
    pub(crate) default_without_hidden: Option<f64>,
    /// The least that it may be.
    pub(crate) minimum: f64,
    /// Whether it must be above the minimum.
    pub(crate) above_minimum: bool,
    /// The most that it may be; `null` if it may be any number.
    pub(crate) maximum: Option<f64>,
    /// Whether it is a whole number.
    pub(crate) whole: bool,
}

/// Every number that a training can be told, with its defaults and its range.
pub(crate) fn parameters() -> Vec<Parameter> {
    let defaults = HeadParams::default();
    let of_fit = defaults.numbers().into_iter().zip(HeadParams::linear().numbers());
    let of_fit = of_fit.map(|((range, default), (_, without_hidden))| Parameter {
        name: range.name,
        default: Some(default),
        default_without_hidden: Some(without_hidden),
        minimum: range.least,
        above_minimum: range.is_above,
        maximum: Some(range.most),
        whole: range.is_whole,
    });
    let seed = Parameter {
        name: "seed",
        default: Some(defaults.seed as f64),
        default_without_hidden: Some(HeadParams::linear().seed as f64),
        minimum: 0.0,
        above_minimum: false,
        maximum: None,
        whole: true,
    };
    let contamination = Parameter {
        name: "accepted_contamination",
        default: None,
        default_without_hidden: None,
        minimum: 0.0,
        above_minimum: true,
        maximum: Some(1.0),
        whole: false,
    };
    of_fit.chain([seed, contamination]).collect()
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema as _;

    use super::*;
    use crate::testing::TestHub;

    /// The document's ranges stand beside the fields: macros take no constants.
    #[test]
    fn the_document_says_the_ranges_that_hold() {
        let schema = serde_json::to_value(TrainParams::schema()).expect("serialises");
        let properties = schema["properties"].as_object().expect("an object");
        let mut said: Vec<&str> = Vec::new();
        for parameter in parameters() {
            let property = &properties[parameter.name];
            let (least, other) =
                if parameter.above_minimum { ("exclusiveMinimum", "minimum") } else { ("minimum", "exclusiveMinimum") };
            assert_eq!(property[least].as_f64(), Some(parameter.minimum), "{}", parameter.name);
            assert!(property[other].is_null(), "{}: {property}", parameter.name);
            assert_eq!(property["maximum"].as_f64(), parameter.maximum, "{}", parameter.name);
            assert_eq!(property["type"].to_string().contains("integer"), parameter.whole, "{}", parameter.name);
            said.push(parameter.name);
        }
        let numbers = properties.iter().filter(|(_, property)| {
            let kind = property["type"].to_string();
            kind.contains("integer") || kind.contains("number")
        });
        let missing: Vec<&String> =
            numbers.map(|(name, _)| name).filter(|name| !said.contains(&name.as_str())).collect();
        assert!(missing.is_empty(), "numbers without a range: {missing:?}");
    }

    #[tokio::test]
    async fn who_is_logged_in_reads_what_a_training_can_be_told() {
        let hub = TestHub::start().await;
        assert_eq!(hub.request("GET", "/api/v1/trainings/parameters", &[], None).await.status, 401);
        let answer = hub.admin("GET", "/api/v1/trainings/parameters", None).await.json();
        assert_eq!(answer["least_images"], 5);
        let epochs = answer["parameters"].as_array().expect("a list").iter().find(|each| each["name"] == "epochs");
        let expected = serde_json::json!({
            "name": "epochs", "default": 40.0, "default_without_hidden": 100.0,
            "minimum": 1.0, "above_minimum": false, "maximum": 10_000.0, "whole": true,
        });
        assert_eq!(epochs, Some(&expected));
    }

    #[test]
    fn what_is_at_the_edge_is_taken_and_what_is_beyond_is_not() {
        for parameter in parameters().into_iter().filter(|parameter| parameter.maximum.is_some()) {
            let with = |value: f64| {
                let value = if parameter.whole { serde_json::json!(value as i64) } else { serde_json::json!(value) };
                serde_json::from_value::<TrainParams>(serde_json::json!({ parameter.name: value }))
                    .is_ok_and(|params| params.head().is_ok())
            };
            let most = parameter.maximum.expect("there is one");
            assert!(with(most) && !with(most + 1.0), "{}", parameter.name);
            assert_eq!(with(parameter.minimum), !parameter.above_minimum, "{}", parameter.name);
            assert!(!with(parameter.minimum - 1.0), "{}", parameter.name);
        }
    }
}

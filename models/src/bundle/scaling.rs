//! How the pixels of an image become what a network takes: (x − mean) / deviation of values 0 to 255.
//!
//! A network that gets its pixels scaled wrongly answers all the same, and wrongly; nothing in its file shows it.
//! So a scaling is always stated: by a name, or by its numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InputSpec;

/// What is subtracted from the values 0 to 255 of each channel, and what they are divided by then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Subtracted, by channel.
    pub mean: [f32; 3],
    /// Divided by, by channel; finite and above 0.
    pub std: [f32; 3],
}

/// Words that name no scaling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scaling of pixels: say {choices}", choices = CHOICES)]
pub struct ScalingError(String);

/// What can be said, in words.
pub const CHOICES: &str = "-1..1 (x/127.5 - 1: Teachable Machine, MobileNet of Keras), 0..1 (x/255: Ultralytics), 0..255 \
     (as they are: EfficientNet of Keras), imagenet (mean and deviation of ImageNet: torchvision, timm), or MEAN/DEVIATION \
     in values of 0 to 255, such as 127.5/127.5 or 123.7,116.3,103.5/58.4,57.1,57.4";

impl Scaling {
    /// −1 to 1: x/127.5 − 1, as the MobileNets of TensorFlow take it, and Teachable Machine's.
    pub const SIGNED: Self = Self { mean: [127.5; 3], std: [127.5; 3] };
    /// 0 to 1: x/255, as Ultralytics' networks take it.
    pub const UNIT: Self = Self { mean: [0.0; 3], std: [255.0; 3] };
    /// 0 to 255, as they are: networks that scale by themselves.
    pub const BYTES: Self = Self { mean: [0.0; 3], std: [1.0; 3] };
    /// ImageNet's mean and deviation (0.485, 0.456, 0.406 and 0.229, 0.224, 0.225 of 0 to 1), as torchvision's take it.
    pub const IMAGENET: Self = Self { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };

    /// The scalings that have a name.
    pub const NAMED: [(&'static str, Self); 4] =
        [("-1..1", Self::SIGNED), ("0..1", Self::UNIT), ("0..255", Self::BYTES), ("imagenet", Self::IMAGENET)];

    /// A scaling by numbers of 0 to 255, or `None` if one is not finite or a deviation not above 0.
    #[must_use]
    pub fn of(mean: [f32; 3], std: [f32; 3]) -> Option<Self> {
        let valid = mean.iter().chain(&std).all(|x| x.is_finite()) && std.iter().all(|x| *x > 0.0);
        valid.then_some(Self { mean, std })
    }

    /// The same in values of 0 to 1, as Python's libraries write it.
    #[must_use]
    pub fn of_unit(mean: [f32; 3], std: [f32; 3]) -> Option<Self> {
        Self::of(mean.map(|x| x * 255.0), std.map(|x| x * 255.0))
    }

    /// Its name, if it has one: what differs by less than a thousandth is the same.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, named)| named.is_near(self)).map(|(name, _)| *name)
    }

    /// Whether the two make the same of a pixel, as far as anybody could see.
    #[must_use]
    pub fn is_near(&self, other: &Self) -> bool {
        let near = |a: f32, b: f32| (a - b).abs() <= 0.001 * a.abs().max(b.abs()).max(1.0);
        let pairs = self.mean.iter().zip(&other.mean).chain(self.std.iter().zip(&other.std));
        pairs.into_iter().all(|(a, b)| near(*a, *b))
    }
}

impl InputSpec {
    /// Images of this size, scaled so.
    #[must_use]
    pub fn scaled(width: u32, height: u32, scaling: Scaling) -> Self {
        Self { width, height, mean: scaling.mean, std: scaling.std }
    }

    /// How its pixels are scaled.
    #[must_use]
    pub fn scaling(&self) -> Scaling {
        Scaling { mean: self.mean, std: self.std }
    }
}

impl fmt::Display for Scaling {
    /// The name, or the numbers as they can be said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.name() {
            return f.write_str(name);
        }
        let channels = |of: &[f32; 3]| match of {
            [a, b, c] if a == b && b == c => a.to_string(),
            [a, b, c] => format!("{a},{b},{c}"),
        };
        write!(f, "{}/{}", channels(&self.mean), channels(&self.std))
    }
}

impl FromStr for Scaling {
    type Err = ScalingError;

    /// A name, or `MEAN/DEVIATION` with one number each, or one per channel. Deviations below 1 are of values of 0 to
    /// 1, as torchvision states them, since no picture of 0 to 255 is that flat.
    fn from_str(text: &str) -> Result<Self, ScalingError> {
        let wrong = || ScalingError(text.chars().take(80).collect());
        // As it is written in running text.
        let plain = text.trim().to_ascii_lowercase().replace('\u{2212}', "-").replace('…', "..");
        if let Some((_, named)) = Self::NAMED.iter().find(|(name, _)| *name == plain) {
            return Ok(*named);
        }
        let (mean, std) = plain.split_once('/').ok_or_else(wrong)?;
        let (mean, std) = (channels(mean).ok_or_else(wrong)?, channels(std).ok_or_else(wrong)?);
        let scaling = if std.iter().all(|x| *x < 1.0) { Self::of_unit(mean, std) } else { Self::of(mean, std) };
        scaling.ok_or_else(wrong)
    }
}

fn channels(text: &str) -> Option<[f32; 3]> {
    let numbers: Vec<f32> = text.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    match numbers[..] {
        [all] => Some([all; 3]),
        [r, g, b] => Some([r, g, b]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaling_is_said_by_name_or_numbers() {
        let cases = [
            ("-1..1", Some(Scaling::SIGNED)),
            ("−1…1", Some(Scaling::SIGNED)),
            ("0..1", Some(Scaling::UNIT)),
            (" 0..255 ", Some(Scaling::BYTES)),
            ("ImageNet", Some(Scaling::IMAGENET)),
            ("127.5/127.5", Some(Scaling::SIGNED)),
            ("0/1", Some(Scaling::BYTES)),
            ("0.485, 0.456, 0.406/0.229, 0.224, 0.225", Some(Scaling::IMAGENET)),
            ("0.5/0.5", Some(Scaling::SIGNED)),
            ("10,20,30/2", Some(Scaling { mean: [10.0, 20.0, 30.0], std: [2.0; 3] })),
            ("", None),
            ("0..2", None),
            ("1/0", None),
            ("1/-2", None),
            ("nan/1", None),
            ("1,2/3", None),
            ("0/1/2", None),
        ];
        for (text, expected) in cases {
            match (text.parse::<Scaling>(), expected) {
                (Ok(found), Some(expected)) => assert!(found.is_near(&expected), "{text}: {found:?}"),
                (Err(error), None) => assert!(error.to_string().contains("imagenet"), "{text}: {error}"),
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn what_is_shown_can_be_said_again() {
        let own = Scaling { mean: [10.0, 20.5, 30.0], std: [2.0; 3] };
        assert_eq!(own.to_string(), "10,20.5,30/2");
        for scaling in Scaling::NAMED.iter().map(|(_, scaling)| *scaling).chain([own]) {
            assert_eq!(scaling.to_string().parse(), Ok(scaling));
        }
        assert_eq!(InputSpec::scaled(8, 8, Scaling::SIGNED), InputSpec::square(8));
    }
}

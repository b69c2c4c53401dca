//! What the file of a network says of how its pixels are scaled, and of its classes.
//!
//! Read are: what ONNX itself has for it (`Image.NominalPixelRange`, `Image.BitmapPixelFormat`), Ultralytics' `author`
//! with `names`, mean and scale as OpenVINO's Model API writes them, and Hugging Face's `preprocessor_config.json`. A
//! file that says several things that differ says nothing that is believed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::OnnxError;
use crate::bundle::Scaling;

/// The scaling that a file's metadata state, and what says so.
///
/// # Errors
/// It states an order of channels that is not RGB, a range that is not read here, or two scalings.
pub fn stated_scaling(metadata: &BTreeMap<String, String>) -> Result<Option<(Scaling, String)>, OnnxError> {
    let unusable = |problem: String| Err(OnnxError::Unusable(problem));
    let mut stated: Vec<(Scaling, String)> = Vec::new();
    if let Some(format) = metadata.get("Image.BitmapPixelFormat")
        && !["rgb8", "rgba8"].contains(&format.to_ascii_lowercase().as_str())
    {
        return unusable(format!("says that it takes pixels as {format}; only RGB is accepted: export it so"));
    }
    if let Some(reversed) = ending_with(metadata, "reverse_input_channels")
        && ["yes", "true", "1"].contains(&reversed.to_ascii_lowercase().as_str())
    {
        return unusable("says that its channels are reversed (BGR); only RGB is accepted: export it so".into());
    }
    if let Some(range) = metadata.get("Image.NominalPixelRange") {
        let scaling = match range.as_str() {
            "NominalRange_0_255" => Scaling::BYTES,
            "Normalized_0_1" => Scaling::UNIT,
            "Normalized_1_1" => Scaling::SIGNED,
            other => return unusable(format!("says that its pixels are {other}, which is not known here")),
        };
        stated.push((scaling, format!("Image.NominalPixelRange is {range}")));
    }
    if metadata.values().any(|value| value.contains("Ultralytics")) {
        stated.push((Scaling::UNIT, "it is of Ultralytics".into()));
    }
    for (mean, std) in [("mean_values", "scale_values"), ("image_mean", "image_std"), ("mean", "std")] {
        let channels = |key| ending_with(metadata, key).and_then(numbers);
        if let (Some(mean), Some(deviation)) = (channels(mean), channels(std))
            && let Some(scaling) = of_numbers(mean, deviation)
        {
            stated.push((scaling, format!("mean and deviation are {scaling}")));
        }
    }
    match &stated[..] {
        [] => Ok(None),
        [(first, _), rest @ ..] => match rest.iter().find(|(other, _)| !other.is_near(first)) {
            None => Ok(Some(stated.swap_remove(0))),
            Some((_, other)) => unusable(format!("contradicts itself about its pixels: {} and {other}", stated[0].1)),
        },
    }
}

/// The scaling that Hugging Face's `preprocessor_config.json` states.
#[must_use]
pub fn stated_scaling_of_processor(json: &[u8]) -> Option<Scaling> {
    #[derive(Deserialize)]
    struct Processor {
        #[serde(default = "yes")]
        do_rescale: bool,
        rescale_factor: Option<f32>,
        #[serde(default = "yes")]
        do_normalize: bool,
        image_mean: Option<[f32; 3]>,
        image_std: Option<[f32; 3]>,
    }
    fn yes() -> bool {
        true
    }
    let said: Processor = serde_json::from_slice(json).ok()?;
    let factor = if said.do_rescale { said.rescale_factor.unwrap_or(1.0 / 255.0) } else { 1.0 };
    if factor.is_nan() || factor <= 0.0 {
        return None;
    }
    let (mean, std) = if said.do_normalize { (said.image_mean?, said.image_std?) } else { ([0.0; 3], [1.0; 3]) };
    // (x·factor − mean) / deviation
    Scaling::of(mean.map(|x| x / factor), std.map(|x| x / factor))
}

/// The classes that a file's metadata state, in the order of its outputs: `names` as Ultralytics writes it, a
/// dictionary of Python, or a list.
#[must_use]
pub fn stated_labels(metadata: &BTreeMap<String, String>) -> Option<Vec<String>> {
    ["names", "labels", "class_names", "classes"].into_iter().find_map(|key| names(metadata.get(key)?))
}

fn ending_with<'a>(metadata: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    // OpenVINO puts words before: `model_info mean_values`.
    let is_it =
        |name: &str| name == key || name.strip_suffix(key).is_some_and(|before| before.ends_with([' ', '.', '/']));
    metadata.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value.trim())
}

fn of_numbers(mean: [f32; 3], std: [f32; 3]) -> Option<Scaling> {
    if std.iter().all(|x| *x < 1.0) { Scaling::of_unit(mean, std) } else { Scaling::of(mean, std) }
}

/// One number or three, in whatever brackets.
fn numbers(text: &str) -> Option<[f32; 3]> {
    let parts = text.split(|c: char| c.is_whitespace() || ",;[]()".contains(c)).filter(|part| !part.is_empty());
    let numbers: Vec<f32> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match numbers[..] {
        [all] => Some([all; 3]),
        [r, g, b] => Some([r, g, b]),
        _ => None,
    }
}

/// `{0: 'glass', 1: "men's"}`, `['glass', 'metal']`, or the same in JSON.
fn names(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    let is_list = text.starts_with('[') && text.ends_with(']');
    let is_table = text.starts_with('{') && text.ends_with('}');
    if !is_list && !is_table {
        return None;
    }
    let mut rest = text[1..text.len() - 1].trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        if !is_list {
            let (key, value) = rest.split_once(':')?;
            let key: usize = key.trim().trim_matches(['"', '\'']).parse().ok()?;
            if key != found.len() {
                return None;
            }
            rest = value.trim_start();
        }
        let (name, after) = quoted(rest)?;
        found.push(name);
        rest = after.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    (!found.is_empty()).then_some(found)
}

/// The text in quotes at the start, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let (mut name, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => {
                name.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            c if c == quote => return Some((name, &text[at + 1..])),
            c => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn scalings_are_read_as_others_state_them() {
        type Case<'a> = (&'a [(&'a str, &'a str)], Option<Scaling>);
        let cases: [Case<'_>; 9] = [
            (&[], None),
            (&[("description", "anything"), ("mean_values", "1 2 3")], None),
            (&[("author", "Ultralytics"), ("task", "classify")], Some(Scaling::UNIT)),
            (
                &[("Image.BitmapPixelFormat", "Rgb8"), ("Image.NominalPixelRange", "Normalized_1_1")],
                Some(Scaling::SIGNED),
            ),
            (&[("Image.NominalPixelRange", "NominalRange_0_255")], Some(Scaling::BYTES)),
            (
                &[
                    ("model_info mean_values", "123.675 116.28 103.53"),
                    ("model_info scale_values", "58.395 57.12 57.375"),
                    ("model_info reverse_input_channels", "False"),
                ],
                Some(Scaling::IMAGENET),
            ),
            (&[("mean", "[0.485, 0.456, 0.406]"), ("std", "(0.229, 0.224, 0.225)")], Some(Scaling::IMAGENET)),
            (&[("mean", "127.5"), ("std", "127.5")], Some(Scaling::SIGNED)),
            (&[("mean", "1"), ("std", "0")], None),
        ];
        for (entries, expected) in cases {
            let found = stated_scaling(&metadata(entries)).expect("is read").map(|(scaling, _)| scaling);
            assert!(found.is_some() == expected.is_some(), "{entries:?}: {found:?}");
            assert!(found.zip(expected).is_none_or(|(a, b)| a.is_near(&b)), "{entries:?}: {found:?}");
        }
        let refused: [(&[(&str, &str)], &str); 4] = [
            (&[("Image.BitmapPixelFormat", "Bgr8")], "takes pixels as Bgr8; only RGB"),
            (&[("Image.NominalPixelRange", "NominalRange_16_235")], "NominalRange_16_235, which is not known"),
            (&[("model_info reverse_input_channels", "YES")], "BGR"),
            (&[("author", "Ultralytics"), ("Image.NominalPixelRange", "Normalized_1_1")], "contradicts itself"),
        ];
        for (entries, expected) in refused {
            let error = stated_scaling(&metadata(entries)).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_processor_of_hugging_face_is_read() {
        let of = |json: &str| stated_scaling_of_processor(json.as_bytes());
        let imagenet = r#"{"do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "size": {"height": 224}}"#;
        assert!(of(imagenet).is_some_and(|found| found.is_near(&Scaling::IMAGENET)));
        assert!(of(r#"{"do_normalize": false}"#).is_some_and(|found| found.is_near(&Scaling::UNIT)));
        assert!(of(r#"{"do_normalize": false, "do_rescale": false}"#).is_some_and(|f| f.is_near(&Scaling::BYTES)));
        let half = r#"{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#;
        assert!(of(half).is_some_and(|found| found.is_near(&Scaling::SIGNED)));
        for nothing in ["{}", "[]", "no JSON", r#"{"do_normalize": false, "rescale_factor": 0}"#] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn classes_are_read_as_others_state_them() {
        let of = |text: &str| stated_labels(&metadata(&[("names", text)])).map(|names| names.join("|"));
        let cases = [
            ("{0: 'glass', 1: 'Food Organics'}", Some("glass|Food Organics")),
            ("{0: \"men's\", 1: 'a, b: c'}", Some("men's|a, b: c")),
            (r#"{"0": "glass", "1": "metal"}"#, Some("glass|metal")),
            (r#"["glass", "metal",]"#, Some("glass|metal")),
            ("['it\\'s', 'x']", Some("it's|x")),
            ("{1: 'glass', 0: 'metal'}", None),
            ("{0: 'glass' 1: 'metal'}", None),
            ("{0: 'glass", None),
            ("glass, metal", None),
            ("{}", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text).as_deref(), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[\\[{][\\PC]{0,30}[\\]}]?", key in "(names|mean|std|Image.NominalPixelRange)") {
            let odd = metadata(&[(&key, &text)]);
            stated_scaling(&odd).ok();
            proptest::prop_assert!(stated_labels(&odd).is_none_or(|names| !names.is_empty()));
        }
    }
}

//! Images from files, classified at once: the same decoding, model and thresholds as in the bin.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use pilah_models::bundle::Manifest;
use pilah_models::infer::{Classifier, InferError};
use pilah_models::name::{Label, ModelVersion};
use pilah_models::picture::{self, ImageError, Limits};
use pilah_models::wire::Probabilities;
use serde::Serialize;

use crate::decide::decide;

/// An image that was not classified.
#[derive(Debug, thiserror::Error)]
pub enum ClassifyError {
    /// The file cannot be read.
    #[error("cannot be read")]
    Read(#[source] io::Error),
    /// It is no image that is accepted.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The model failed.
    #[error(transparent)]
    Infer(#[from] InferError),
}

/// What a model says of an image in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The likeliest class.
    pub label: Label,
    /// Whether the model is sure of it, by its threshold.
    pub sure: bool,
    /// Its probability.
    pub confidence: f32,
    /// That of every class; they sum to 1.
    pub probabilities: Probabilities,
    /// The model that says so.
    pub model: ModelVersion,
}

/// Classifies the image in a file.
///
/// # Errors
/// [`ClassifyError`].
pub fn classify(path: &Path, model: &Classifier) -> Result<Answer, ClassifyError> {
    let limits = Limits::default();
    let size = fs::metadata(path).map_err(ClassifyError::Read)?.len();
    if size > limits.bytes as u64 {
        let found = usize::try_from(size).unwrap_or(usize::MAX);
        return Err(ImageError::Bytes { found, limit: limits.bytes }.into());
    }
    let image = picture::decode(&fs::read(path).map_err(ClassifyError::Read)?, &limits)?;
    let prediction = model.classify(&image)?;
    let manifest: &Manifest = model.manifest();
    let decision = decide(&prediction.probabilities, manifest);
    Ok(Answer {
        path: path.to_owned(),
        sure: decision.is_sure(),
        label: decision.outcome.guess().clone(),
        confidence: decision.confidence,
        probabilities: decision.probabilities,
        model: manifest.version.clone(),
    })
}

/// Classifies images one by one: answers to `out`, one line each, and what is wrong with the others to
/// `problems`. Returns how many were not classified.
///
/// # Errors
/// `out` or `problems` cannot be written.
pub fn classify_all(
    paths: &[PathBuf],
    model: &Classifier,
    json: bool,
    out: &mut impl Write,
    problems: &mut impl Write,
) -> io::Result<usize> {
    let mut failed = 0;
    for path in paths {
        match classify(path, model) {
            Ok(answer) if json => writeln!(out, "{}", serde_json::to_string(&answer).map_err(io::Error::other)?)?,
            Ok(answer) => writeln!(out, "{}", for_people(&answer))?,
            Err(error) => {
                failed += 1;
                writeln!(problems, "{}: {}", path.display(), crate::words::in_words(&error))?;
            }
        }
    }
    Ok(failed)
}

fn for_people(answer: &Answer) -> String {
    let percent = |p: f32| format!("{:.1} %", p * 100.0);
    let unsure = if answer.sure { "" } else { " (unsure)" };
    let mut line = format!("{}: {} {}{unsure}", answer.path.display(), answer.label, percent(answer.confidence));
    let mut others: Vec<_> = answer.probabilities.iter().filter(|(label, _)| **label != answer.label).collect();
    others.sort_by(|a, b| b.1.total_cmp(a.1));
    for (label, p) in others.iter().take(2).filter(|(_, p)| **p >= 0.01) {
        write!(line, ", {label} {}", percent(**p)).expect("writing to a String cannot fail");
    }
    line
}

#[cfg(test)]
mod tests {
    use pilah_models::preprocess;

    use super::*;
    use crate::testing;

    #[test]
    fn answers_go_out_and_bad_images_are_told_by_name() {
        let photos = testing::photos(3);
        let folder = photos.path();
        let good = folder.join("glass/0.png");
        let whole = fs::read(&good).expect("reads");
        let (cut, text, missing) = (folder.join("cut.png"), folder.join("text.jpg"), folder.join("missing.jpg"));
        fs::write(&cut, &whole[..whole.len() / 2]).expect("writes");
        fs::write(&text, b"hello").expect("writes");
        let hole = folder.join("hole.jpg");
        let jpeg =
            preprocess::encode_jpeg(&image::open(&good).expect("opens").into_rgb8(), 1_000_000).expect("encodes");
        fs::write(&hole, [&jpeg[..jpeg.len() - jpeg.len() / 8], &[0xff, 0xd9]].concat()).expect("writes");
        let paths = [cut, good.clone(), text, missing, folder.join("metal/1.png"), hole];
        let model = testing::classifier("m1", 1);

        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let failed = classify_all(&paths, &model, true, &mut out, &mut problems).expect("writes");
        assert_eq!(failed, 4);
        let problems = String::from_utf8(problems).expect("text");
        let problems: Vec<_> = problems.lines().collect();
        assert!(problems[0].contains("cut.png: the image is damaged"), "{problems:?}");
        assert!(problems[1].ends_with("text.jpg: the file is neither a JPEG nor a PNG image"), "{problems:?}");
        assert!(problems[2].contains("missing.jpg: cannot be read: "), "{problems:?}");
        assert!(problems[3].contains("hole.jpg: the image is damaged: bytes are missing"), "{problems:?}");

        let out = String::from_utf8(out).expect("text");
        let answers: Vec<serde_json::Value> =
            out.lines().map(|line| serde_json::from_str(line).expect("one object per line")).collect();
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[0]["path"], good.display().to_string());
        assert_eq!(answers[0]["model"], "m1");
        let probabilities = answers[0]["probabilities"].as_object().expect("by label");
        let label = answers[0]["label"].as_str().expect("a label");
        assert_eq!((probabilities.len(), &probabilities[label]), (6, &answers[0]["confidence"]));
        assert!(answers[0]["sure"].is_boolean());
    }

    #[test]
    fn a_line_for_people_names_the_next_likely_ones() {
        let label = |name: &str| Label::new(name).expect("valid");
        let answer = Answer {
            path: "a.jpg".into(),
            label: label("glass"),
            sure: false,
            confidence: 0.48,
            probabilities: [
                (label("glass"), 0.48),
                (label("metal"), 0.4),
                (label("paper"), 0.115),
                (label("trash"), 0.005),
            ]
            .into(),
            model: ModelVersion::new("m1").expect("valid"),
        };
        assert_eq!(for_people(&answer), "a.jpg: glass 48.0 % (unsure), metal 40.0 %, paper 11.5 %");
    }
}

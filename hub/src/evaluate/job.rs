//! Evaluates, compares and judges versions of the registry: reads images, has the models answer, and
//! hands the answers to the pure parts of this stage.
//!
//! One evaluation runs at a time. What it embeds stays in the database, so that the next one is quick.

use pilah_evaluate::compare::by_class;
use pilah_evaluate::gate::{self, Candidate, InService, Verdict};
use pilah_evaluate::report::{
    Answer, ComparisonReport, Differing, EvaluationReport, FORMAT, SetReport, Side, set_id, set_report,
};
use pilah_evaluate::{McNemar, Speed, power, ratio, wilson};
use pilah_models::bundle::Bundle;
use pilah_models::infer::best;
use pilah_models::labels::{Labels, LabelsError};
use pilah_models::name::{ContentId, Label, ModelVersion};

use super::error::EvaluateError;
use super::store::{self, Image};
use super::{answers, speed};
use crate::registry::Parts;
use crate::store::now_ms;

/// How many images a comparison lists on which the models differ.
const MOST_DIFFERING: usize = 100;

/// Evaluates a version on the test split and on fresh field samples, compares it with the model in service,
/// and stores the report with it.
///
/// # Errors
/// [`EvaluateError`]: an unknown version, no image to measure by, or the storage failed.
pub async fn evaluate(parts: &Parts, version: &ModelVersion) -> Result<EvaluationReport, EvaluateError> {
    evaluate_new(parts, version, Known::default()).await
}

/// What is known of a version before it is evaluated.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What its logits were divided by; else what its training wrote down counts.
    pub temperature: Option<f64>,
    /// How fast and large it is; else it is measured.
    pub speed: Option<Speed>,
}

/// As [`evaluate`], of a version of which a training knows something that need not be found out again.
///
/// # Errors
/// As [`evaluate`].
pub async fn evaluate_new(
    parts: &Parts,
    version: &ModelVersion,
    known: Known,
) -> Result<EvaluationReport, EvaluateError> {
    let _alone = parts.registry.evaluation_turn().await;
    let bundle = parts.registry.bundle(version).await?;
    let born = parts.registry.birth(version).await?;
    let report = report_on(parts, &bundle, known, born.training, born.created_ms).await?;
    if report.test.is_none() && report.field.is_none() {
        return Err(EvaluateError::NoImages(version.to_string()));
    }
    parts.registry.keep_report(&report).await?;
    Ok(report)
}

/// Evaluates a bundle that came from elsewhere and judges it as a training's would be. The verdict is
/// `None` if there is no test image to judge by.
///
/// # Errors
/// [`EvaluateError`].
pub async fn judge(parts: &Parts, bundle: &Bundle) -> Result<(EvaluationReport, Option<Verdict>), EvaluateError> {
    let _alone = parts.registry.evaluation_turn().await;
    let report = report_on(parts, bundle, Known::default(), None, now_ms()).await?;
    let Some(test) = &report.test else { return Ok((report, None)) };
    let loaded = bundle.clone();
    let load = move || pilah_models::infer::Classifier::load(&loaded).map(drop).map_err(|error| error.to_string());
    let golden = tokio::task::spawn_blocking(load).await.expect("loading does not panic and is not aborted");
    let service = parts.registry.in_service();
    let service = report.compared.as_ref().zip(service.as_ref()).map(|(compared, service)| InService {
        version: &compared.a.model,
        correct: compared.a.correct,
        comparison: compared.test,
        by_class: compared.by_class.clone(),
        lost: lost(&service.manifest().labels, &bundle.manifest().labels),
    });
    let verdict = gate::judge(
        parts.registry.rules(),
        &Candidate {
            evaluation: &test.figures,
            calibration: &test.calibration,
            golden,
            speed: Ok(report.speed.clone()),
            service,
        },
    );
    Ok((report, Some(verdict)))
}

/// Compares two versions on the test split.
///
/// # Errors
/// [`EvaluateError`]: an unknown version, no image to compare by, or the storage failed.
pub async fn compare(parts: &Parts, a: &ModelVersion, b: &ModelVersion) -> Result<ComparisonReport, EvaluateError> {
    let _alone = parts.registry.evaluation_turn().await;
    let (a, b) = (parts.registry.bundle(a).await?, parts.registry.bundle(b).await?);
    let images = store::test_split(parts.store.db()).await?;
    let compared = compare_bundles(parts, &a, &b, &images).await?;
    compared.ok_or_else(|| {
        EvaluateError::NoImages(format!("either of {} and {}", a.manifest().version, b.manifest().version))
    })
}

async fn report_on(
    parts: &Parts,
    bundle: &Bundle,
    known: Known,
    training: Option<i32>,
    created_ms: i64,
) -> Result<EvaluationReport, EvaluateError> {
    let (db, manifest) = (parts.store.db(), bundle.manifest());
    let training = match training {
        Some(id) => store::training(db, id).await?,
        None => None,
    };
    let field_since_ms = training.as_ref().map_or(created_ms, |row| row.started_ms);
    // As the training wrote it down; a model that came from elsewhere does not say.
    let written = || {
        let report: serde_json::Value = serde_json::from_str(&training?.report_json?).ok()?;
        report["fitting"]["temperature"].as_f64()
    };
    let temperature = known.temperature.or_else(written).filter(|temperature| *temperature > 0.0);

    let (split, fresh) = (store::test_split(db).await?, store::fresh(db, field_since_ms).await?);
    let test = set(parts, bundle, &split, temperature).await?;
    let field = set(parts, bundle, &fresh, temperature).await?;
    let speed = match known.speed {
        Some(speed) => speed,
        None => speed::measured(bundle).await.map_err(EvaluateError::Speed)?,
    };
    let service = parts.registry.in_service().map(|service| service.manifest().version.clone());
    let compared = match service.filter(|service| *service != manifest.version) {
        Some(service) => {
            let service = parts.registry.bundle(&service).await?;
            // Only images of its own classes: what the model in service knows beyond them, the gate says.
            let known: Vec<Image> =
                split.into_iter().filter(|image| manifest.labels.index_of(&image.label).is_some()).collect();
            compare_bundles(parts, &service, bundle, &known).await?
        }
        None => None,
    };
    Ok(EvaluationReport {
        format: FORMAT,
        model: manifest.version.clone(),
        at_ms: now_ms(),
        labels: manifest.labels.as_slice().to_vec(),
        notes: notes(test.as_ref(), field.as_ref()),
        test,
        field,
        field_since_ms,
        speed,
        compared,
    })
}

/// The figures on some images; `None` if the model knows the class of none.
async fn set(
    parts: &Parts,
    bundle: &Bundle,
    images: &[Image],
    temperature: Option<f64>,
) -> Result<Option<SetReport>, EvaluateError> {
    let labels = &bundle.manifest().labels;
    let known: Vec<(&Image, usize)> =
        images.iter().filter_map(|image| Some((image, labels.index_of(&image.label)?))).collect();
    let contents: Vec<&ContentId> = known.iter().map(|(image, _)| &image.content).collect();
    let rows = answers::answers(parts, bundle, &contents).await?;
    let answers: Vec<Answer> = known
        .iter()
        .zip(rows)
        .filter_map(|((image, truth), row)| {
            Some(Answer {
                sample: image.sample.clone(),
                content: image.content.clone(),
                group: image.group.clone(),
                bin: image.bin.clone(),
                truth: *truth,
                row: row?,
            })
        })
        .collect();
    if answers.is_empty() {
        return Ok(None);
    }
    let manifest = bundle.manifest().clone();
    let counts = ((images.len() - known.len()) as u64, (known.len() - answers.len()) as u64);
    let compute = move || set_report(&manifest, temperature, &answers);
    let mut report = tokio::task::spawn_blocking(compute).await.expect("figures do not panic and are not aborted");
    (report.unknown_class, report.unreadable) = counts;
    Ok(Some(report))
}

async fn compare_bundles(
    parts: &Parts,
    a: &Bundle,
    b: &Bundle,
    images: &[Image],
) -> Result<Option<ComparisonReport>, EvaluateError> {
    let labels = union(&a.manifest().labels, &b.manifest().labels)?;
    let known: Vec<(&Image, usize)> =
        images.iter().filter_map(|image| Some((image, labels.index_of(&image.label)?))).collect();
    let contents: Vec<&ContentId> = known.iter().map(|(image, _)| &image.content).collect();
    let (of_a, of_b) = (answers::answers(parts, a, &contents).await?, answers::answers(parts, b, &contents).await?);
    let (mut truths, mut right, mut differing) = (Vec::new(), [Vec::new(), Vec::new()], Vec::new());
    let mut compared: Vec<&Image> = Vec::new();
    for (((image, truth), row_a), row_b) in known.iter().zip(of_a).zip(of_b) {
        // An image that cannot be read says nothing of either.
        let (Some(row_a), Some(row_b)) = (row_a, row_b) else { continue };
        let said = [(a, row_a), (b, row_b)].map(|(model, row)| &model.manifest().labels.as_slice()[best(&row).0]);
        let is_right = said.map(|said| *said == image.label);
        if is_right[0] != is_right[1] {
            let [a, b] = said.map(Label::clone);
            differing.push((is_right[1], Differing { sample: image.sample.clone(), truth: image.label.clone(), a, b }));
        }
        truths.push(*truth);
        right.iter_mut().zip(is_right).for_each(|(list, is_right)| list.push(is_right));
        compared.push(image);
    }
    if truths.is_empty() {
        return Ok(None);
    }
    differing.sort_by_key(|(only_b, _)| *only_b);
    let images = truths.len() as u64;
    let test = McNemar::compare(&right[0], &right[1]);
    let smallest_loss = power::smallest_loss(images, ratio(test.only_old + test.only_new, images));
    let sides = [side(a, &right[0], &labels), side(b, &right[1], &labels)];
    let summary = summary(&sides, images, &test, smallest_loss);
    let [side_a, side_b] = sides;
    Ok(Some(ComparisonReport {
        a: side_a,
        b: side_b,
        images,
        set: set_id(compared.iter().map(|image| (&image.content, &image.label))),
        test,
        by_class: by_class(&labels, &truths, &right[0], &right[1]),
        smallest_loss,
        differing: differing.into_iter().take(MOST_DIFFERING).map(|(_, differing)| differing).collect(),
        summary,
    }))
}

fn side(bundle: &Bundle, right: &[bool], labels: &Labels) -> Side {
    let correct = right.iter().filter(|right| **right).count() as u64;
    let images = right.len() as u64;
    Side {
        model: bundle.manifest().version.clone(),
        correct,
        accuracy: ratio(correct, images),
        interval: wilson(correct, images),
        lacks: lost(labels, &bundle.manifest().labels),
    }
}

/// The classes of one that the other does not know.
fn lost(of: &Labels, known: &Labels) -> Vec<Label> {
    of.as_slice().iter().filter(|label| known.index_of(label).is_none()).cloned().collect()
}

fn union(a: &Labels, b: &Labels) -> Result<Labels, LabelsError> {
    Labels::new(a.as_slice().iter().cloned().chain(lost(b, a)).collect())
}

fn summary(sides: &[Side; 2], images: u64, test: &McNemar, smallest_loss: Option<f64>) -> String {
    let [a, b] = sides;
    let verdict = if test.p >= 0.05 {
        "chance alone explains the difference".to_owned()
    } else {
        let better = if test.only_new > test.only_old { &b.model } else { &a.model };
        format!("{better} is better beyond chance")
    };
    let seen = smallest_loss.map_or_else(
        || "with so few images no difference could have been noticed".to_owned(),
        |loss| format!("a true difference of {:.1} points would be noticed four times out of five", loss * 100.0),
    );
    format!(
        "Of {images} test images, {} labels {} right and {} {}; only {} is right on {}, only {} on {} (p = {:.3}): \
         {verdict}; {seen}.",
        a.model, a.correct, b.model, b.correct, a.model, test.only_old, b.model, test.only_new, test.p
    )
}

fn notes(test: Option<&SetReport>, field: Option<&SetReport>) -> Vec<String> {
    let mut notes = Vec::new();
    match test {
        None => notes.push(
            "The test split holds no image of a class that this model knows: label images of more objects.".to_owned(),
        ),
        Some(set) => {
            let seen: Vec<_> = set.figures.per_class.iter().filter(|class| class.images > 0).collect();
            if let [only] = &seen[..] {
                notes.push(format!("All test images show {}: of the other classes nothing is known.", only.label));
            }
            notes.extend(left_out("test split", set));
        }
    }
    match field {
        None => notes.push(
            "No fresh field sample is labelled: how well it does in the bins is not known. Review samples that bins \
             kept at random."
                .to_owned(),
        ),
        Some(set) => notes.extend(left_out("field samples", set)),
    }
    notes
}

fn left_out(name: &str, set: &SetReport) -> Option<String> {
    let SetReport { unknown_class, unreadable, .. } = set;
    (unknown_class + unreadable > 0).then(|| {
        format!(
            "Of the {name}, {unknown_class} images show a class that the model does not know and {unreadable} cannot be \
             read: they are in no figure."
        )
    })
}

#[cfg(test)]
mod tests;

//! The training itself: the same for the hub and for the command.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use pilah_evaluate::gate::{self, Candidate, InService, Verdict};
use pilah_evaluate::{Evaluation, McNemar, Speed, agreement, calibration};
use pilah_models::bundle::{Bundle, CLOSED, FileRef, Lineage, Manifest};
use pilah_models::infer::{Backbone, Classifier, Head, golden};
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, Label, ModelVersion};
use pilah_models::train::thresholds::{self, ClassThreshold};
use pilah_models::train::{Examples, FittedHead};
use tokio_util::sync::CancellationToken;

use super::checkpoints::Checkpoints;
use super::fit::{self, Fitted};
use super::plan::{self, Plan};
use super::report::{Comparison, EmbeddingFigures, FailedImage, FittingFigures, ThresholdFigures, TrainReport};
use super::sets::Sets;
use super::{OnStep, Step, TrainError, TrainParams, queue};
use crate::dataset;
use crate::embeddings::embed::{self, Progress};
use crate::evaluate::job::{Known, evaluate_new};
use crate::evaluate::speed;
use crate::level;
use crate::registry::{BackboneFile, Origin, Parts, RegistryError};
use crate::store::Store;

/// The largest difference in a probability that counts as equal on another processor.
const GOLDEN_TOLERANCE: f32 = 0.005;

/// Checks, before a training begins, that there is something to train on.
///
/// # Errors
/// [`TrainError::Plan`] or [`TrainError::NoBackbone`], or the database failed.
pub async fn check(parts: &Parts, params: &TrainParams, has_backbone: bool) -> Result<(), TrainError> {
    let service = parts.registry.in_service();
    let samples = dataset::store::labelled(parts.store.db()).await?;
    plan::check(&samples, service.as_ref().map(|model| &model.manifest().labels), params.labels.as_deref())?;
    let has_backbone = has_backbone || parts.registry.next_backbone().await?.is_some();
    if service.is_none() && !has_backbone { Err(TrainError::NoBackbone) } else { Ok(()) }
}

/// Freezes the dataset as it is now, and decides what a training takes of it.
async fn planned(
    parts: &Parts,
    claim: &Claim,
    params: &TrainParams,
    service: Option<&Classifier>,
) -> Result<Plan, TrainError> {
    let note = format!("training {}", claim.id);
    let version = dataset::version::freeze(&parts.store, &parts.blobs, "hub", &note).await?;
    let samples = dataset::version::labelled(&parts.blobs, &version.id).await?;
    let known = service.map(|model| &model.manifest().labels);
    Ok(plan::plan(version.id, &samples, known, params.labels.as_deref())?)
}

/// A training that this process has.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) store: Store,
    /// The training's number.
    pub(super) id: i32,
    /// This process.
    pub(super) worker: String,
}

impl Claim {
    /// Makes sure, before something is done that others see, that no other process has it now.
    async fn confirm(&self) -> Result<(), TrainError> {
        if queue::is_still_held(self.store.db(), self.id, &self.worker).await? { Ok(()) } else { Err(TrainError::Lost) }
    }
}

/// Trains a head on all labelled samples, judges it, and puts it into service if the gate says so. What
/// an earlier process left of this training is taken up.
///
/// `backbone` is used instead of that of the model in service.
///
/// # Errors
/// [`TrainError`]; there is then no new model.
pub(super) async fn run(
    parts: &Parts,
    claim: &Claim,
    params: &TrainParams,
    backbone: Option<BackboneFile>,
    on_step: &OnStep,
    stop: &CancellationToken,
) -> Result<TrainReport, TrainError> {
    let head_params = params.head()?;
    let service = parts.registry.in_service();
    let kept = Checkpoints::of(parts.store.folder(), claim.id);
    let plan = match fit::begun(&kept).await {
        Some(plan) => plan,
        None => {
            let plan = planned(parts, claim, params, service.as_deref()).await?;
            fit::keep_plan(&kept, &plan, on_step).await;
            plan
        }
    };
    // One that was imported for the next training comes before that of the model in service.
    let backbone = match backbone {
        Some(given) => Some(given),
        None => parts.registry.next_backbone().await?.map(|(onnx, input)| BackboneFile { onnx, input }),
    };
    let base = Base::load(parts, service.as_deref(), backbone).await?;

    let begun = Instant::now();
    let images = plan.images.iter().map(|image| &image.content);
    let told = |Progress { done, total, cached }| on_step(Step::Embedding { done, total, cached });
    let embeddings = embed::embed(&parts.store, &parts.blobs, &base.backbone, &base.id, images, &told, stop).await?;
    let embedding_seconds = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    let sets = Sets::of(&plan, &embeddings, base.backbone.embedding_len())?;
    let Fitted { sets, head, resumed_from } =
        fit::fit(sets, plan.labels.len(), head_params.clone(), kept, on_step, stop).await?;
    let fitting_seconds = begun.elapsed().as_secs_f64();

    on_step(Step::Evaluating);
    let network = head.to_onnx();
    let version = parts.registry.next_version(&network).await?;
    let sealing = Sealing { plan: &plan, sets: &sets, params, seed: head_params.seed, version, fitted: &head };
    let judged = sealing.judge(parts, &base, network, service.as_deref()).await?;
    if stop.is_cancelled() {
        return Err(TrainError::Cancelled);
    }
    claim.confirm().await?;
    let origin =
        Origin { training: Some(claim.id), evaluation: Some(&judged.evaluation), verdict: Some(&judged.verdict) };
    parts.registry.register(&judged.bundle, &origin).await?;
    let model = judged.bundle.manifest().version.clone();
    let in_service = judged.verdict.passed && goes_into_service(parts, &model).await?;
    let known = Known { temperature: Some(head.temperature.into()), speed: judged.speed.ok() };
    // The model is made and judged whether or not there is a report on it.
    if let Err(error) = evaluate_new(parts, &model, known).await {
        tracing::warn!(%model, %error, "the new model has no report; it can be evaluated later");
    }
    Ok(TrainReport {
        ai_level: Some(level::after_training(parts.store.db(), &model).await?),
        model,
        in_service,
        gate: judged.verdict,
        compared_with: judged.comparison,
        splits: sets.sizes(),
        embedding: EmbeddingFigures {
            seconds: embedding_seconds,
            computed: embeddings.computed,
            cached: embeddings.cached,
            failed: embeddings.failed.into_iter().map(|(content, reason)| FailedImage { content, reason }).collect(),
        },
        fitting: FittingFigures {
            seconds: fitting_seconds,
            epochs: u32::try_from(head.history.len()).unwrap_or(u32::MAX),
            best_epoch: u32::try_from(head.best_epoch).unwrap_or(u32::MAX),
            temperature: head.temperature,
            resumed_from,
        },
        thresholds: judged.thresholds,
        evaluation: judged.evaluation,
        dataset: plan.dataset,
        seed: head_params.seed,
    })
}

/// Puts a model into service that passed the gate, unless another is on its way to the bins; tells whether it did.
async fn goes_into_service(parts: &Parts, model: &ModelVersion) -> Result<bool, RegistryError> {
    match parts.registry.activate(model.as_str(), "hub", None).await {
        Err(error @ RegistryError::RollingOut { .. }) => {
            tracing::info!(%model, reason = %error, "the new model stays a candidate");
            Ok(false)
        }
        activated => activated.map(|()| true),
    }
}

/// The backbone that a training uses, loaded.
struct Base {
    backbone: Arc<Backbone>,
    onnx: Vec<u8>,
    id: ContentId,
}

impl Base {
    async fn load(
        parts: &Parts,
        service: Option<&Classifier>,
        given: Option<BackboneFile>,
    ) -> Result<Self, TrainError> {
        if let Some(BackboneFile { onnx, input }) = given {
            let load = move || Backbone::load(&onnx, &input).map(|backbone| (backbone, onnx));
            let (backbone, onnx) =
                tokio::task::spawn_blocking(load).await.expect("loading does not panic and is not aborted")?;
            let id = ContentId::of(&onnx);
            return Ok(Self { backbone: Arc::new(backbone), onnx, id });
        }
        let service = service.ok_or(TrainError::NoBackbone)?;
        let id = service.manifest().backbone.sha256.clone();
        let onnx = parts.blobs.get(&id).await?;
        Ok(Self { backbone: Arc::clone(service.backbone()), onnx, id })
    }
}

/// What a fitted head is sealed with.
struct Sealing<'a> {
    plan: &'a Plan,
    sets: &'a Sets,
    params: &'a TrainParams,
    seed: u64,
    version: ModelVersion,
    fitted: &'a FittedHead,
}

/// A sealed model with what is known of it.
struct Judged {
    bundle: Bundle,
    evaluation: Evaluation,
    verdict: Verdict,
    speed: Result<Speed, String>,
    comparison: Option<Comparison>,
    thresholds: Vec<ThresholdFigures>,
}

impl Sealing<'_> {
    async fn judge(
        &self,
        parts: &Parts,
        base: &Base,
        network: Vec<u8>,
        service: Option<&Classifier>,
    ) -> Result<Judged, TrainError> {
        let labels = &self.plan.labels;
        let head = Head::load(&network, base.backbone.embedding_len(), labels.len())?;
        let answers = answers(&head, &self.sets.test)?;
        let evaluation = pilah_evaluate::evaluate(labels, &self.sets.test.targets, &answers);
        let thresholds = self.thresholds(&head)?;
        let bundle = self.seal(base, network, &head, &thresholds, service, evaluation.accuracy as f32)?;
        let golden = golden::check(&base.backbone, &head, bundle.manifest()).map_err(|error| error.to_string());
        let golden = golden.and_then(|()| {
            agreement::trainer_and_runtime(self.fitted, &base.backbone, &head, GOLDEN_TOLERANCE).map(drop)
        });
        let right: Vec<bool> = answers
            .iter()
            .zip(&self.sets.test.targets)
            .map(|(row, target)| pilah_models::infer::best(row).0 == *target)
            .collect();
        let compared = match service {
            Some(service) => self.compare(parts, base, service, &right).await?,
            None => None,
        };
        let (targets, speed) = (&self.sets.test.targets, speed::measured(&bundle).await);
        let candidate = Candidate {
            evaluation: &evaluation,
            calibration: &calibration::calibration(&pilah_evaluate::answered(targets, &answers)),
            golden,
            speed: speed.clone(),
            service: compared.as_ref().map(|compared| {
                InService::compare(
                    &compared.comparison.model,
                    &compared.labels,
                    labels,
                    targets,
                    &compared.right,
                    &right,
                )
            }),
        };
        let verdict = gate::judge(parts.registry.rules(), &candidate);
        let comparison = compared.map(|compared| compared.comparison);
        Ok(Judged { bundle, evaluation, verdict, speed, comparison, thresholds })
    }

    fn seal(
        &self,
        base: &Base,
        network: Vec<u8>,
        head: &Head,
        thresholds: &[ThresholdFigures],
        service: Option<&Classifier>,
        accuracy: f32,
    ) -> Result<Bundle, TrainError> {
        let manifest = Manifest {
            format: 1,
            version: self.version.clone(),
            created_at: Timestamp::now(),
            labels: self.plan.labels.clone(),
            input: base.backbone.input().clone(),
            embedding: base.backbone.embedding_len(),
            backbone: FileRef::of(&base.onnx),
            head: FileRef::of(&network),
            thresholds: thresholds.iter().map(|t| (t.label.clone(), t.threshold.unwrap_or(CLOSED))).collect(),
            golden: golden::record(&base.backbone, head, base.backbone.input(), GOLDEN_TOLERANCE)?,
            lineage: Lineage {
                software: concat!("pilah-hub ", env!("CARGO_PKG_VERSION")).into(),
                parent: service.map(|model| model.manifest().version.clone()),
                dataset: Some(self.plan.dataset.clone()),
                seed: Some(self.seed),
                trained_on: Some(self.sets.train.len() as u64),
                accuracy: Some(accuracy),
            },
        };
        Ok(Bundle::seal(manifest, base.onnx.clone(), network)?)
    }

    /// Thresholds by conformal risk control on the validation split.
    fn thresholds(&self, head: &Head) -> Result<Vec<ThresholdFigures>, TrainError> {
        let labels = self.plan.labels.as_slice();
        let rows = answers(head, &self.sets.validation)?;
        let targets = &self.sets.validation.targets;
        let controlled = thresholds::control(&rows, targets, labels.len(), self.params.contamination());
        let figures = |(label, class): (&Label, ClassThreshold)| ThresholdFigures {
            label: label.clone(),
            threshold: (!class.is_closed()).then_some(class.threshold),
            answers: class.answers as u64,
            sure: class.sure as u64,
            wrong: class.wrong as u64,
            needed: class.needed.map(|needed| needed as u64),
            rests_on: class.rests_on as u64,
        };
        Ok(labels.iter().zip(controlled).map(figures).collect())
    }

    /// The model in service on the same test images; `None` if it has no class in common.
    async fn compare(
        &self,
        parts: &Parts,
        base: &Base,
        service: &Classifier,
        right: &[bool],
    ) -> Result<Option<Compared>, TrainError> {
        let (old, new) = (&service.manifest().labels, &self.plan.labels);
        if !old.as_slice().iter().any(|label| new.index_of(label).is_some()) {
            return Ok(None);
        }
        let bundle = parts.registry.bundle(&service.manifest().version).await?;
        let head = Head::load(bundle.head(), service.manifest().embedding, old.len())?;
        let rows: Vec<Option<Vec<f32>>> = if service.manifest().backbone.sha256 == base.id {
            answers(&head, &self.sets.test)?.into_iter().map(Some).collect()
        } else {
            self.answers_of(parts, service, &head).await?
        };
        let old_right: Vec<bool> = rows
            .iter()
            .zip(&self.sets.test.targets)
            .map(|(row, target)| {
                let answer = row.as_ref().map(|row| &old.as_slice()[pilah_models::infer::best(row).0]);
                answer == Some(&new.as_slice()[*target])
            })
            .collect();
        let correct = old_right.iter().filter(|right| **right).count() as u64;
        Ok(Some(Compared {
            labels: old.clone(),
            comparison: Comparison {
                model: service.manifest().version.clone(),
                accuracy: correct as f64 / right.len().max(1) as f64,
                mcnemar: McNemar::compare(&old_right, right),
            },
            right: old_right,
        }))
    }

    /// What the model in service answers when it has a backbone of its own; `None` where that fails.
    async fn answers_of(
        &self,
        parts: &Parts,
        service: &Classifier,
        head: &Head,
    ) -> Result<Vec<Option<Vec<f32>>>, TrainError> {
        let (backbone, id) = (service.backbone(), &service.manifest().backbone.sha256);
        let images = &self.sets.test_images;
        let never = CancellationToken::new();
        let embeddings = embed::embed(&parts.store, &parts.blobs, backbone, id, images, &|_| {}, &never).await?;
        let answer = |image| embeddings.get(image).map(|row| head.probabilities(row)).transpose();
        Ok(images.iter().map(answer).collect::<Result<_, _>>()?)
    }
}

/// The model in service on the test images.
struct Compared {
    labels: Labels,
    /// Whether it labels each image right.
    right: Vec<bool>,
    comparison: Comparison,
}

fn answers(head: &Head, examples: &Examples) -> Result<Vec<Vec<f32>>, TrainError> {
    let rows = examples.embeddings.chunks(examples.embedding.max(1));
    rows.map(|row| Ok(head.probabilities(row)?)).collect()
}

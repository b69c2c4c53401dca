use pilah_models::labels::Labels;
use pilah_plots::Format;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dataset::import;
use crate::evaluate::cell::cell;
use crate::evaluate::{GateRules, plots};
use crate::registry::fixture::{Hub, picture, untrained, write_class};
use crate::registry::{Origin, State};
use crate::store::entity::{sample, training};
use crate::train::{TrainParams, TrainReport, Trainer};

const CLASSES: [(&str, usize); 3] = [("glass", 0), ("metal", 1), ("paper", 2)];

fn labels() -> Labels {
    Labels::parse(CLASSES.map(|(label, _)| label)).expect("valid")
}

fn version(name: &str) -> ModelVersion {
    ModelVersion::new(name).expect("valid")
}

async fn import_photos(hub: &Hub, classes: &[(&str, usize)], each: u32) {
    let root = hub.path().join("photos");
    for (label, class) in classes {
        write_class(&root, label, *class, 0..each);
    }
    import::import(&hub.parts.store, &hub.parts.blobs, &root, "test", |_, _| {}).await.expect("imports");
}

async fn train(hub: &Hub) -> TrainReport {
    let trainer = Trainer::open(hub.parts.clone(), hub.live.clone(), CancellationToken::new()).await.expect("opens");
    trainer.train(TrainParams::default(), None, "test").await.expect("trains")
}

/// A sample that a bin kept and a person labelled.
async fn field_sample(hub: &Hub, number: u32, class: usize, reason: &str, received_ms: i64, group: &str) -> String {
    let jpeg = pilah_models::preprocess::encode_jpeg(&picture(class, number), 100_000).expect("is small");
    let content = hub.parts.blobs.put(jpeg).await.expect("stores");
    let id = format!("field-{number}");
    let row = sample::ActiveModel {
        id: Set(id.clone()),
        source: Set("bin".into()),
        bin: Set(Some(format!("b{}", number % 2))),
        epoch: Set(Some(1)),
        seq: Set(Some(i64::from(number))),
        reason: Set(Some(reason.into())),
        at_ms: Set(received_ms),
        received_ms: Set(received_ms),
        content_sha256: Set(content.to_string()),
        width: Set(48),
        height: Set(40),
        bytes: Set(1),
        sure: Set(true),
        label: Set(Some(CLASSES[class].0.into())),
        group_key: Set(group.into()),
        ..Default::default()
    };
    sample::Entity::insert(row).exec_without_returning(hub.parts.store.db()).await.expect("inserts");
    id
}

#[tokio::test]
async fn a_training_leaves_a_report_on_the_test_split() {
    let hub = Hub::open(Some(&labels())).await;
    import_photos(&hub, &CLASSES, 30).await;
    let trained = train(&hub).await;
    let report = hub.parts.registry.report(&trained.model).await.expect("reads").expect("it was evaluated");
    let test = report.test.as_ref().expect("there are test images");
    assert_eq!((test.figures.images, test.figures.correct), (trained.evaluation.images, trained.evaluation.correct));
    let before = test.calibration.before_temperature.as_ref().expect("the training wrote its temperature down");
    assert!((before.temperature - f64::from(trained.fitting.temperature)).abs() < 1e-6, "{before:?}");
    assert!(report.field.is_none() && report.notes.iter().any(|note| note.contains("No fresh field sample")));
    assert!(report.speed.median_ms > 0.0 && report.speed.largest_difference < 1e-4, "{:?}", report.speed);
    assert_eq!((test.unknown_class, test.unreadable, test.bins.len()), (0, 0, 1));
    for (truth, row) in labels().as_slice().iter().zip(&test.figures.confusion) {
        for (answer, images) in labels().as_slice().iter().zip(row) {
            let found = cell(&hub.parts, &trained.model, None, truth, answer).await.expect("answers");
            assert_eq!(found.len() as u64, *images, "{truth} taken for {answer}");
            assert!(found.iter().all(|image| image.truth == *truth && image.answer == *answer));
            assert!(found.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence), "the surest first");
        }
    }
    for format in [Format::Svg, Format::Png] {
        assert!(!plots::confusion(test, "test", format).expect("draws").is_empty());
    }
    assert_eq!(trained.ai_level.as_ref().map(|level| level.level), Some(1), "one training, 90 samples: beginner");
    let gate: Vec<&str> = trained.gate.rules.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(
        gate,
        ["golden outputs", "classes", "accuracy", "McNemar", "each class", "calibration", "latency", "size"]
    );
    assert!(trained.gate.notes.iter().any(|note| note.contains("a true loss of")), "{:?}", trained.gate.notes);
}

#[tokio::test]
async fn only_random_samples_that_came_after_the_training_count_as_field() {
    let hub = Hub::open(Some(&labels())).await;
    import_photos(&hub, &CLASSES, 20).await;
    let trained = train(&hub).await;
    let rows = training::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    let since = rows[0].started_ms;
    field_sample(&hub, 300, 0, "random", since + 10, "g-new").await;
    field_sample(&hub, 301, 1, "random", since + 20, "g-newer").await;
    field_sample(&hub, 302, 1, "unsure", since + 30, "g-unsure").await;
    field_sample(&hub, 303, 2, "random", since - 10, "g-before").await;
    field_sample(&hub, 304, 2, "random", since + 40, "g-before").await;
    let unusable = field_sample(&hub, 305, 2, "random", since + 50, "g-blurred").await;
    sample::Entity::update_many()
        .col_expr(sample::Column::Label, Expr::value("unusable"))
        .filter(sample::Column::Id.eq(unusable))
        .exec(hub.parts.store.db())
        .await
        .expect("updates");
    let report = evaluate(&hub.parts, &trained.model).await.expect("evaluates");
    let field = report.field.expect("two samples count");
    assert_eq!((field.figures.images, field.groups, report.field_since_ms), (2, 2, since));
    let bins: Vec<Option<&str>> = field.bins.iter().map(|bin| bin.bin.as_deref()).collect();
    assert_eq!(bins, [Some("b0"), Some("b1")]);
}

#[tokio::test]
async fn two_versions_are_compared_on_the_same_images() {
    let hub = Hub::open(Some(&labels())).await;
    import_photos(&hub, &CLASSES, 30).await;
    let trained = train(&hub).await;
    let compared = compare(&hub.parts, &version("m1"), &trained.model).await.expect("compares");
    assert_eq!((compared.images, compared.b.correct), (trained.evaluation.images, trained.evaluation.correct));
    assert!(compared.test.only_new > compared.test.only_old && compared.a.accuracy < 0.5, "{compared:?}");
    assert_eq!(compared.differing.len() as u64, compared.test.only_new + compared.test.only_old);
    assert!(compared.summary.contains(trained.model.as_str()), "{}", compared.summary);
    let turned = compare(&hub.parts, &trained.model, &version("m1")).await.expect("compares");
    assert_eq!((turned.test.only_old, turned.test.only_new), (compared.test.only_new, compared.test.only_old));
    assert_eq!(turned.set, compared.set);
    let same = compare(&hub.parts, &trained.model, &trained.model).await.expect("compares");
    assert!(same.differing.is_empty() && same.summary.contains("chance alone"), "{}", same.summary);

    // A model that lacks a class gets its images wrong.
    let fewer = untrained("m9", &Labels::parse(["glass", "metal"]).expect("valid"));
    hub.parts.registry.register(&fewer, &Origin::default()).await.expect("registers");
    let compared = compare(&hub.parts, &version("m9"), &trained.model).await.expect("compares");
    assert_eq!(compared.images, trained.evaluation.images, "images of paper count");
    assert_eq!(compared.a.lacks.iter().map(Label::as_str).collect::<Vec<_>>(), ["paper"]);
    let unknown = compare(&hub.parts, &version("m1"), &version("m77")).await.expect_err("no such version").to_string();
    assert!(unknown.contains("m77") && unknown.contains("m1"), "it names those that exist: {unknown}");
}

#[tokio::test]
async fn without_an_image_there_are_no_figures_but_words() {
    let hub = Hub::open(Some(&labels())).await;
    let error = evaluate(&hub.parts, &version("m1")).await.expect_err("nothing to measure by").to_string();
    assert!(error.contains("no labelled test image") && error.contains("m1"), "{error}");
    let error = compare(&hub.parts, &version("m1"), &version("m1")).await.expect_err("nothing either").to_string();
    assert!(error.contains("no labelled test image"), "{error}");
    // Images of another class only.
    import_photos(&hub, &[("plastic", 1)], 20).await;
    assert!(matches!(evaluate(&hub.parts, &version("m1")).await, Err(EvaluateError::NoImages(_))));
    // One class in the test split: figures with a warning.
    import_photos(&hub, &CLASSES[..1], 20).await;
    let report = evaluate(&hub.parts, &version("m1")).await.expect("glass is there");
    let test = report.test.expect("images of glass");
    assert!(test.unknown_class > 0, "plastic is counted apart");
    assert!(
        report.notes.iter().any(|note| note.starts_with("All ") && note.contains("show glass")),
        "{:?}",
        report.notes
    );
}

#[tokio::test]
async fn an_image_that_went_bad_is_counted_and_left_out() {
    let hub = Hub::open(Some(&labels())).await;
    import_photos(&hub, &CLASSES, 20).await;
    let images = store::test_split(hub.parts.store.db()).await.expect("reads");
    let (folder, name) = images[0].content.as_str().split_at(2);
    std::fs::write(hub.path().join("data/objects").join(folder).join(name), b"bad sector").expect("damages it");
    let report = evaluate(&hub.parts, &version("m1")).await.expect("evaluates");
    let test = report.test.expect("the others");
    assert_eq!((test.unreadable, test.figures.images), (1, images.len() as u64 - 1));
}

#[tokio::test]
async fn the_gate_asks_for_what_the_operator_wants() {
    let hub = Hub::open(Some(&labels())).await;
    import_photos(&hub, &CLASSES, 20).await;
    let rules = GateRules { latency_ms: 1e-6, ..GateRules::default() };
    let mut parts = hub.parts.clone();
    parts.registry = parts.registry.with_rules(rules);
    let trainer = Trainer::open(parts.clone(), hub.live.clone(), CancellationToken::new()).await.expect("opens");
    let trained = trainer.train(TrainParams::default(), None, "test").await.expect("trains");
    let failed: Vec<&str> = trained.gate.rules.iter().filter(|r| !r.passed).map(|r| r.rule.as_str()).collect();
    assert_eq!((failed, trained.in_service), (vec!["latency"], false));
    let row = crate::store::entity::model::Entity::find_by_id(trained.model.as_str());
    let row = row.one(parts.store.db()).await.expect("reads").expect("it is there all the same");
    assert_eq!(row.state, State::Rejected.name());
}

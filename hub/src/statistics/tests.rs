use pilah_models::labels::Labels;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dataset::import;
use crate::embeddings;
use crate::registry::fixture::{Hub, write_class};
use crate::review::store::kept;
use crate::testing::TestHub;

fn counted(label: Option<&str>, split: Option<&str>, bin: Option<&str>, samples: u64) -> Counted {
    Counted {
        label: label.map(ToOwned::to_owned),
        split: split.map(ToOwned::to_owned),
        bin: bin.map(ToOwned::to_owned),
        source: if bin.is_some() { "bin" } else { "upload" }.to_owned(),
        samples,
        bytes: 10 * samples,
    }
}

fn week(week: i64, label: Option<&str>, samples: u64) -> CountedWeek {
    CountedWeek { week, label: label.map(ToOwned::to_owned), samples }
}

#[test]
fn counts_add_up() {
    let summary = summarise(
        &[
            counted(Some("glass"), Some("train"), None, 8),
            counted(Some("glass"), Some("test"), Some("b1"), 2),
            counted(Some(UNUSABLE), None, Some("b1"), 1),
            counted(None, None, Some("b1"), 4),
        ],
        &[
            week(2962, Some("glass"), 2),
            week(2961, Some("glass"), 8),
            week(2962, Some(UNUSABLE), 1),
            week(2962, None, 4),
        ],
    );
    assert_eq!((summary.samples, summary.labelled, summary.unlabelled, summary.unusable), (15, 10, 4, 1));
    let glass = &summary.classes[0];
    assert_eq!((glass.images, glass.train, glass.validation, glass.test, glass.bins), (10, 8, 0, 2, 1));
    assert_eq!(summary.bins[0].bin, None);
    assert_eq!((summary.bins[1].samples, summary.bins[1].labelled, summary.bins[1].unusable), (7, 2, 1));
    assert_eq!(summary.weeks.iter().map(|week| week.monday.as_str()).collect::<Vec<_>>(), ["2026-09-28", "2026-10-05"]);
    assert_eq!((summary.weeks[1].samples, summary.weeks[1].labelled), (7, 2));
    assert_eq!((summary.sources["upload"], summary.splits["train"], summary.image_bytes), (8, 8, 150));
    assert_eq!(summarise(&[], &[]), Summary::default());
    assert_eq!(monday(0), "1969-12-29");
    assert_eq!(monday(i64::MAX), "", "no date so far away");
}

#[test]
fn what_is_out_of_balance_is_said() {
    let balanced: Vec<Counted> = ["glass", "metal"]
        .iter()
        .flat_map(|label| ["train", "validation", "test"].map(|split| (label, split)))
        .flat_map(|(label, split)| ["b1", "b2"].map(|bin| counted(Some(label), Some(split), Some(bin), 30)))
        .collect();
    assert!(warnings(&summarise(&balanced, &[])).is_empty());
    let with = |rows: &[Counted]| warnings(&summarise(&[&balanced[..], rows].concat(), &[])).join("\n");
    assert!(with(&[counted(Some("paper"), Some("train"), None, 3)]).contains("paper has only 3 labelled images"));
    let behind = with(&[counted(Some("paper"), Some("train"), None, 30)]);
    assert!(behind.contains("glass has 6 times") || behind.contains("metal has 6 times"), "{behind}");
    assert!(behind.contains("no image of paper is in validation"), "{behind}");
    let ruled = with(&[counted(Some("glass"), Some("train"), Some("b1"), 2000)]);
    assert!(ruled.contains("% of the labelled images of bins come from b1"), "{ruled}");
    let spoilt = with(&[counted(Some(UNUSABLE), None, Some("b3"), 50)]);
    assert!(spoilt.contains("100 % of the images of b3 are unusable"), "{spoilt}");
    let alone = with(&[counted(Some("paper"), Some("train"), Some("b2"), 40)]);
    assert!(alone.contains("paper was labelled at one bin only"), "{alone}");
}

#[tokio::test]
async fn what_takes_long_is_computed_once_and_kept() {
    let labels = Labels::parse(["glass", "metal"]).expect("valid");
    let hub = Hub::open(Some(&labels)).await;
    let root = hub.path().join("photos");
    write_class(&root, "glass", 0, 0..60);
    write_class(&root, "metal", 1, 0..60);
    import::import(&hub.parts.store, &hub.parts.blobs, &root, "test", |_, _| {}).await.expect("imports");
    let mut embedding = embeddings::job::Reconciler::new(hub.parts.clone());
    embedding.pass().await.expect("embeds");
    let job = job::Reconciler {
        parts: hub.parts.clone(),
        folder: hub.path().join("data"),
        vectors: embedding.vectors,
        stop: CancellationToken::new(),
    };
    job.pass().await.expect("computes");
    let db = hub.parts.store.db();
    let size = kept::<job::FolderSize>(db, job::FOLDER_SIZE).await.expect("reads").expect("measured").result;
    assert!(size.objects >= 120 && size.objects_bytes > 10_000 && size.database_bytes > 10_000, "{size:?}");
    let read = || kept::<curve::LearningCurve>(db, job::LEARNING_CURVE);
    let first = read().await.expect("reads").expect("computed");
    let curve = &first.result;
    assert!(curve.points.len() >= 4 && curve.law.is_some() && curve.outlook.is_some(), "{curve:?}");
    assert_eq!((curve.training_images, curve.validation_images), (96, 12));
    assert!(curve.sentence.contains("12 validation images"), "{}", curve.sentence);
    job.pass().await.expect("has nothing to do");
    assert_eq!(read().await.expect("reads").expect("there").computed_ms, first.computed_ms);
    let weeks = store::count_weeks(db).await.expect("counts");
    let summary = summarise(&store::count(db).await.expect("counts"), &weeks);
    assert_eq!(summary.weeks.iter().map(|week| (week.samples, week.labelled)).collect::<Vec<_>>(), [(120, 120)]);
    assert_eq!((summary.samples, summary.classes.len(), summary.sources["import"]), (120, 2, 120));
    assert!(summary.image_bytes > 10_000);
}

#[tokio::test]
async fn an_empty_hub_has_statistics_too() {
    let hub = TestHub::start().await;
    let answer = hub.admin("GET", "/api/v1/statistics", None).await;
    assert_eq!((answer.status, answer.json()["samples"].as_u64()), (200, Some(0)), "{}", answer.text());
    let curve = hub.admin("GET", "/api/v1/statistics/learning-curve", None).await;
    assert_eq!((curve.status, curve.json()["curve"].is_null()), (200, true));
    assert_eq!(hub.request("GET", "/api/v1/statistics", &[], None).await.status, 401);
    hub.running.stop().await;
}

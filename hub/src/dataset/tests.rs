use std::path::Path;

use image::RgbImage;
use pilah_models::labels::Labels;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::import::{self, ImportError, ImportReport};
use super::store::{Filter, Tally};
use super::*;
use crate::registry::fixture::{Hub, picture, write_class};
use crate::store::entity::{label_history, sample};

fn label(name: &str) -> Label {
    Label::new(name).expect("valid")
}

async fn import(hub: &Hub, root: &Path) -> Result<ImportReport, ImportError> {
    import::import(&hub.parts.store, &hub.parts.blobs, root, "test", |_, _| {}).await
}

/// A PNG whose header claims 10,000 × 10,000 pixels, with none of them.
fn hundred_megapixels() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x27\x10\0\0\x27\x10\x08\x02\0\0\0".to_vec();
    png.extend_from_slice(&[0x35, 0x2c, 0xf5, 0x70]);
    png.extend_from_slice(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    png
}

#[test]
fn an_image_is_stored_upright_small_and_without_what_hides_in_it() {
    let mut jpeg = preprocess::encode_jpeg(&RgbImage::new(3000, 100), 1_000_000).expect("encodes");
    let comment = b"\xff\xfe\x00\x0asecret!!";
    jpeg.splice(2..2, comment.iter().copied());
    let prepared = prepare(&jpeg, &Limits::default()).expect("a good image");
    assert_eq!((prepared.width, prepared.height), (1024, 34));
    assert!(!prepared.jpeg.windows(6).any(|w| w == b"secret"), "metadata is gone");
    assert!(matches!(prepare(&hundred_megapixels(), &Limits::default()), Err(ImageError::Pixels { .. })));
    assert!(matches!(prepare(b"hello", &Limits::default()), Err(ImageError::Format)));
}

#[test]
fn classes_are_those_of_the_model_and_those_seen() {
    let model = Labels::parse(["trash", "glass"]).expect("valid");
    let seen = BTreeSet::from([label("apple"), label("glass")]);
    let all = classes(Some(&model), &seen);
    assert_eq!(all, [label("trash"), label("glass"), label("apple")]);
    assert_eq!(known_label("apple", &all).expect("seen"), label("apple"));
    let error = known_label("tin", &all).expect_err("no class").to_string();
    assert_eq!(error, "there is no class \"tin\"; the classes are trash, glass, apple");
    assert!(matches!(known_label("../x", &all), Err(DatasetError::Name(_))));
}

#[tokio::test]
async fn bad_files_are_skipped_and_named_and_the_same_again_is_once() {
    let hub = Hub::open(None).await;
    let root = hub.path().join("photos");
    write_class(&root, "glass", 0, 0..3);
    write_class(&root, "metal", 1, 0..2);
    std::fs::write(root.join("glass/cut.jpg"), &[0xff, 0xd8, 0xff, 0xe0][..]).expect("writes");
    std::fs::write(root.join("glass/huge.png"), hundred_megapixels()).expect("writes");
    std::fs::write(root.join("glass/notes.txt"), "hello").expect("writes");
    std::fs::write(root.join("glass/.DS_Store"), "x").expect("writes");
    std::fs::write(root.join("README"), "x").expect("writes");
    std::fs::copy(root.join("glass/glass0.png"), root.join("glass/glass0-copy.png")).expect("copies");
    std::fs::copy(root.join("glass/glass0.png"), root.join("metal/wrong.png")).expect("copies");

    let report = import(&hub, &root).await.expect("imports");
    assert_eq!((report.files, report.imported, report.duplicates), (10, 5, 1), "{report:?}");
    let reasons: Vec<(&str, &str)> = report
        .skipped
        .iter()
        .map(|skipped| (skipped.file.rsplit('/').next().unwrap_or_default(), skipped.reason.as_str()))
        .collect();
    for (file, reason) in [
        ("cut.jpg", "damaged"),
        ("huge.png", "10000×10000"),
        ("notes.txt", "neither a JPEG nor a PNG"),
        ("wrong.png", "labelled glass"),
    ] {
        assert!(reasons.iter().any(|(f, r)| *f == file && r.contains(reason)), "{file}: {reasons:?}");
    }
    assert_eq!(reasons.len(), 4, "{reasons:?}");

    let again = import(&hub, &root).await.expect("imports");
    assert_eq!((again.imported, again.duplicates, again.skipped.len()), (0, 6, 4), "{again:?}");
    let tally = Tally::read(hub.parts.store.db()).await.expect("reads");
    assert_eq!((tally.of[&label("glass")].total(), tally.of[&label("metal")].total()), (3, 2));
}

#[tokio::test]
async fn a_folder_that_cannot_be_a_class_is_named_and_the_rest_goes_on() {
    let hub = Hub::open(None).await;
    let root = hub.path().join("photos");
    write_class(&root, "glass", 0, 0..2);
    write_class(&root, "Küche", 1, 0..2);
    write_class(&root, "玻璃", 1, 4..5);
    write_class(&root, UNUSABLE, 2, 0..1);
    let report = import(&hub, &root).await.expect("imports");
    assert_eq!((report.files, report.imported, report.skipped.len()), (6, 2, 4), "{report:?}");
    for (file, reason) in [("Küche/", "\"Küche\" cannot be a class"), ("玻璃/", "a-z"), (UNUSABLE, "taken out")] {
        assert!(report.skipped.iter().any(|s| s.file.contains(file) && s.reason.contains(reason)), "{report:?}");
    }
    let tally = Tally::read(hub.parts.store.db()).await.expect("reads");
    assert_eq!(tally.labels(), BTreeSet::from([label("glass")]));
    let empty = hub.path().join("empty");
    std::fs::create_dir(&empty).expect("makes a folder");
    assert!(matches!(import(&hub, &empty).await, Err(ImportError::NoClasses(_))));
    assert!(matches!(import(&hub, Path::new("/nowhere")).await, Err(ImportError::Read { .. })));
}

#[tokio::test]
async fn splits_of_folders_are_kept_and_runs_stay_together() {
    let hub = Hub::open(None).await;
    let root = hub.path().join("photos");
    write_class(&root.join("train"), "glass", 0, 0..2);
    write_class(&root.join("val"), "glass", 0, 2..5);
    write_class(&root.join("test"), "glass", 0, 5..6);
    let report = import(&hub, &root).await.expect("imports");
    let expected = [("test", 1), ("train", 2), ("validation", 3)].map(|(split, n)| (split.to_owned(), n));
    assert_eq!(report.splits, expected.into());

    let runs = hub.path().join("runs/metal");
    std::fs::create_dir_all(&runs).expect("makes a folder");
    for number in 0..200 {
        picture(1, number).save(runs.join(format!("metal{number}.png"))).expect("writes");
    }
    import(&hub, &hub.path().join("runs")).await.expect("imports");
    let rows = sample::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    let mut of_group = std::collections::BTreeMap::new();
    for row in rows.iter().filter(|row| row.label.as_deref() == Some("metal")) {
        let split = of_group.entry(&row.group_key).or_insert(&row.split);
        assert_eq!(*split, &row.split, "{} straddles", row.group_key);
    }
    assert_eq!(of_group.len(), 10, "runs of 20");
    assert_eq!(of_group.values().filter(|split| split.as_deref() == Some("train")).count(), 8);
}

/// A sample of a bin, without a label.
async fn from_bin(hub: &Hub, id: &str, group: &str) {
    let row = sample::ActiveModel {
        id: Set(id.into()),
        source: Set("bin".into()),
        at_ms: Set(0),
        received_ms: Set(0),
        content_sha256: Set(ContentId::of(id.as_bytes()).into()),
        width: Set(1),
        height: Set(1),
        bytes: Set(1),
        sure: Set(false),
        group_key: Set(group.into()),
        ..Default::default()
    };
    sample::Entity::insert(row).exec_without_returning(hub.parts.store.db()).await.expect("inserts");
}

#[tokio::test]
async fn a_label_gives_a_group_its_split_for_ever_and_is_kept_in_history() {
    let hub = Hub::open(None).await;
    let db = hub.parts.store.db();
    for (id, group) in [("s1", "burst 1"), ("s2", "burst 1"), ("s3", "burst 2")] {
        from_bin(&hub, id, group).await;
    }
    let glass = label("glass");
    assert_eq!(store::label(db, "s1", Some(&glass), "ada").await.expect("labels"), None);
    assert_eq!(store::label(db, "s1", Some(&label("metal")), "bob").await.expect("labels").as_deref(), Some("glass"));
    store::label(db, "s2", Some(&glass), "ada").await.expect("labels");
    store::label(db, "s3", Some(&label(UNUSABLE)), "ada").await.expect("labels");
    store::label(db, "s2", None, "ada").await.expect("takes back");
    store::label(db, "s2", None, "ada").await.expect("changes nothing");
    assert!(matches!(store::label(db, "s9", None, "ada").await, Err(DatasetError::NoSample(_))));

    let rows = sample::Entity::find().all(db).await.expect("reads");
    let split = |id: &str| rows.iter().find(|row| row.id == id).and_then(|row| row.split.clone());
    assert_eq!((split("s1"), split("s2"), split("s3")), (Some("train".into()), Some("train".into()), None));
    let history = label_history::Entity::find().all(db).await.expect("reads");
    let changes: Vec<(&str, Option<&str>, Option<&str>)> =
        history.iter().map(|row| (row.sample_id.as_str(), row.was.as_deref(), row.label.as_deref())).collect();
    assert_eq!(
        changes,
        [
            ("s1", None, Some("glass")),
            ("s1", Some("glass"), Some("metal")),
            ("s2", None, Some("glass")),
            ("s3", None, Some(UNUSABLE)),
            ("s2", Some("glass"), None),
        ]
    );
    let trained: Vec<Label> =
        store::labelled(db).await.expect("reads").into_iter().map(|sample| sample.label).collect();
    assert_eq!(trained, [label("metal")], "neither what is unusable nor what has no label");
    let waiting = Filter { unlabelled: true, ..Filter::default() };
    let waiting = store::page(db, &waiting, 10).await.expect("reads");
    assert_eq!(waiting.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["s2"]);
}

use super::*;
use crate::dataset::store;
use crate::registry::fixture::{Hub, write_class};

async fn with_photos(labels: &[(&str, usize)], each: u32) -> Hub {
    let hub = Hub::open(None).await;
    add(&hub, labels, 0..each).await;
    hub
}

async fn add(hub: &Hub, labels: &[(&str, usize)], numbers: std::ops::Range<u32>) {
    let root = hub.path().join(format!("photos-{}", numbers.start));
    for (label, class) in labels {
        write_class(&root, label, *class, numbers.clone());
    }
    let (store, blobs) = (&hub.parts.store, &hub.parts.blobs);
    let report = crate::dataset::import::import(store, blobs, &root, "zoë", |_, _| {}).await.expect("imports");
    assert_eq!(report.imported, labels.len() as u64 * u64::from(numbers.end - numbers.start), "{report:?}");
}

async fn freeze_now(hub: &Hub) -> Version {
    freeze(&hub.parts.store, &hub.parts.blobs, "ada", "a test").await.expect("freezes")
}

#[tokio::test]
async fn the_same_dataset_has_the_same_version_and_another_has_another() {
    let hub = with_photos(&[("glass", 0), ("metal", 1)], 6).await;
    let (db, blobs) = (hub.parts.store.db(), &hub.parts.blobs);
    let first = freeze_now(&hub).await;
    assert_eq!(first.samples, 12);
    assert_eq!(first.counts.values().flat_map(BTreeMap::values).sum::<u64>(), 12);
    assert_eq!(freeze_now(&hub).await, first, "nothing has changed");
    let bytes = blobs.get(&first.id).await.expect("is stored");
    assert_eq!(ContentId::of(&bytes), first.id);
    let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(serde_json::to_vec(&value).expect("JSON"), bytes, "no blanks");
    let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    assert!(keys.is_sorted(), "canonical: {keys:?}");

    let mut samples = Samples::of(blobs, &first.id).await.expect("reads");
    let shard = samples.next_shard().await.expect("reads").expect("one shard");
    assert!(shard.len() == 12 && shard.is_sorted_by(|a, b| a.id < b.id));
    assert!(samples.next_shard().await.expect("reads").is_none());
    let text = String::from_utf8(json(&shard)).expect("text");
    assert!(!text.contains("zoë") && !text.contains("photos"), "nobody is named: {text}");
    let entry: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(entry[0].as_object().expect("an object").keys().is_sorted(), "canonical");

    let changed = &shard[3];
    store::label(db, &changed.id, Some(&Label::new("paper").expect("valid")), "bob").await.expect("labels");
    store::label(db, &shard[4].id, None, "bob").await.expect("labels");
    add(&hub, &[("glass", 0)], 40..43).await;
    let second = freeze_now(&hub).await;
    assert_ne!(second.id, first.id);
    let difference = compare(blobs, &first.id, &second.id).await.expect("compares");
    let counts = (difference.added, difference.removed, difference.relabelled, difference.moved, difference.same);
    assert_eq!(counts, (3, 1, 1, 0, 10), "{difference:?}");
    let relabelled = difference.samples.iter().find(|sample| sample.id == changed.id).expect("is named");
    assert!(relabelled.is.as_deref().expect("is there").starts_with("paper "), "{relabelled:?}");
    let back = compare(blobs, &second.id, &first.id).await.expect("compares");
    assert_eq!((back.added, back.removed), (1, 3));
    assert_eq!(compare(blobs, &first.id, &first.id).await.expect("compares").samples, []);

    assert_eq!(find(db, &first.id.as_str()[..12]).await.expect("finds"), first);
    for name in ["", "abc", "../../etc", "ffffffffffff"] {
        assert!(matches!(find(db, name).await, Err(DatasetError::NoVersion(_))), "{name}");
    }
    assert_eq!(all(db).await.expect("lists").len(), 2);
}

#[tokio::test]
async fn a_version_that_was_tampered_with_is_not_read() {
    let hub = with_photos(&[("glass", 0)], 2).await;
    let version = freeze_now(&hub).await;
    let (folder, name) = version.id.as_str().split_at(2);
    let path = hub.path().join("data/objects").join(folder).join(name);
    let text = std::fs::read_to_string(&path).expect("reads").replace("glass", "metal");
    std::fs::write(&path, text).expect("writes");
    let error = Samples::of(&hub.parts.blobs, &version.id).await.expect_err("it is damaged");
    assert!(matches!(error, DatasetError::Blob(crate::store::BlobError::Damaged(_))), "{error}");
}

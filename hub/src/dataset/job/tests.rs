use pilah_models::preprocess;

use super::*;
use crate::registry::fixture::{Hub, picture};

#[tokio::test]
async fn samples_from_before_there_were_hashes_get_one_and_leaks_are_taken_out() {
    let hub = Hub::open(None).await;
    let (store, blobs) = (&hub.parts.store, &hub.parts.blobs);
    // The same picture in training and in test, as an older hub would have it; another; and one that is lost.
    for (id, number, side, split) in
        [("a", 1, 48, "train"), ("b", 1, 96, "test"), ("c", 17, 48, "test"), ("d", 1, 24, "train")]
    {
        let image = image::imageops::resize(&picture(0, number), side, side, image::imageops::FilterType::Triangle);
        let jpeg = preprocess::encode_jpeg(&image, 1_000_000).expect("encodes");
        let content = if id == "d" { ContentId::of(b"lost") } else { blobs.put(jpeg).await.expect("stores") };
        let row = sample::ActiveModel {
            id: Set(id.into()),
            source: Set("upload".into()),
            at_ms: Set(0),
            received_ms: Set(0),
            content_sha256: Set(content.to_string()),
            width: Set(1),
            height: Set(1),
            bytes: Set(1),
            sure: Set(false),
            label: Set(Some("glass".into())),
            group_key: Set(format!("looks/{id}")),
            cluster: Set(Some(format!("looks/{id}"))),
            split: Set(Some(split.into())),
            ..Default::default()
        };
        sample::Entity::insert(row).exec_without_returning(store.db()).await.expect("inserts");
    }
    assert_eq!(fill_in_looks(store, blobs).await.expect("fills in"), 3);
    let rows = sample::Entity::find().order_by_asc(sample::Column::Id).all(store.db()).await.expect("reads");
    let seen: Vec<(Option<&str>, bool, bool)> =
        rows.iter().map(|row| (row.split.as_deref(), row.excluded.is_some(), row.looks.is_some())).collect();
    let expected =
        [(Some("train"), false, true), (None, true, true), (Some("test"), false, true), (Some("train"), false, false)];
    assert_eq!(seen, expected);
    assert_eq!(fill_in_looks(store, blobs).await.expect("fills in"), 0, "once is enough");
}

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait as _, EntityTrait as _};
use zip::ZipArchive;

use super::*;
use crate::dataset::{delete, import, version};
use crate::registry::fixture::{Hub, write_class};
use crate::store::entity::sample;

async fn with_photos() -> Hub {
    let hub = Hub::open(None).await;
    let root = hub.path().join("photos");
    write_class(&root, "glass", 0, 0..12);
    write_class(&root, "metal", 1, 0..12);
    import::import(&hub.parts.store, &hub.parts.blobs, &root, "ada", |_, _| {}).await.expect("imports");
    hub
}

async fn export_as(hub: &Hub, version: &Version, layout: Layout, name: &str) -> (PathBuf, Exported) {
    let path = hub.path().join(name);
    let (blobs, version, file) = (hub.parts.blobs.clone(), version.clone(), File::create(&path).expect("a file"));
    let write = move || write(&blobs, &version, layout, file);
    (path, tokio::task::spawn_blocking(write).await.expect("ends").expect("exports"))
}

fn names(path: &Path) -> Vec<String> {
    let archive = ZipArchive::new(File::open(path).expect("opens")).expect("a zip");
    archive.file_names().map(|name| name.expect("a name").into_owned()).collect()
}

fn bytes(path: &Path, name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(File::open(path).expect("opens")).expect("a zip");
    let mut bytes = Vec::new();
    io::copy(&mut archive.by_name(name).expect("is there"), &mut bytes).expect("reads");
    bytes
}

/// Label and split by image, as the database has them.
async fn labels(hub: &Hub) -> BTreeMap<String, usize> {
    let rows = sample::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(format!("{:?} {:?} {:?}", row.label, row.split, row.excluded)).or_default() += 1;
    }
    counts
}

/// An excluded sample, whose name would put it into a group of its own.
async fn exclude_one(hub: &Hub) -> String {
    let db = hub.parts.store.db();
    let row = sample::Entity::find().one(db).await.expect("asks").expect("is there");
    let change = sample::ActiveModel {
        id: Set(row.id.clone()),
        split: Set(None),
        excluded: Set(Some("a test".into())),
        ..Default::default()
    };
    change.update(db).await.expect("excludes");
    row.id
}

#[tokio::test]
async fn what_is_excluded_and_what_belongs_together_comes_along() {
    let hub = with_photos().await;
    let (store, blobs) = (&hub.parts.store, &hub.parts.blobs);
    let excluded = exclude_one(&hub).await;
    let version = version::freeze(store, blobs, "ada", "").await.expect("freezes");
    let (path, _) = export_as(&hub, &version, Layout::Processed, "some.zip").await;
    assert!(names(&path).iter().any(|name| name.starts_with("raw/") && name.contains(&excluded)));
    let other = Hub::open(None).await;
    let report =
        import::import(&other.parts.store, &other.parts.blobs, &path, "bob", |_, _| {}).await.expect("imports");
    assert_eq!((report.imported, report.excluded), (24, 1), "{report:?}");
    let rows = async |hub: &Hub| sample::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    let there: BTreeMap<i64, Option<String>> =
        rows(&hub).await.into_iter().map(|r| (r.looks.expect("hashed"), r.split)).collect();
    let here: BTreeMap<i64, Option<String>> =
        rows(&other).await.into_iter().map(|r| (r.looks.expect("hashed"), r.split)).collect();
    assert_eq!(here, there, "the same looks, each in the same split");
    let groups: Vec<String> = rows(&other).await.into_iter().map(|row| row.group_key).collect();
    assert!(groups.iter().all(|group| group.starts_with("export/")), "{groups:?}");
}

#[tokio::test]
async fn an_export_is_read_by_others_and_by_the_next_hub() {
    let hub = with_photos().await;
    let version = version::freeze(&hub.parts.store, &hub.parts.blobs, "ada", "").await.expect("freezes");
    let (path, exported) = export_as(&hub, &version, Layout::Both, "both.zip").await;
    assert_eq!(exported, Exported { images: 48, missing: 0 });
    let names = names(&path);
    let (processed, raw): (Vec<&String>, Vec<&String>) =
        names.iter().filter(|name| name.ends_with(".jpg")).partition(|name| name.starts_with("processed/"));
    assert_eq!((processed.len(), raw.len()), (24, 24));
    for name in raw {
        let [folder, label, file] = <[&str; 3]>::try_from(name.split('/').collect::<Vec<_>>()).expect("three parts");
        let (uuid, time) = file.trim_end_matches(".jpg").split_once('_').expect("uuid and time");
        assert!(folder == "raw" && ["glass", "metal"].contains(&label), "{name}");
        assert!(uuid::Uuid::parse_str(uuid).is_ok() && time.len() == 16 && time.ends_with('Z'), "{name}");
    }

    let mut annotated = 0;
    for split in Split::ALL {
        let coco: serde_json::Value =
            serde_json::from_slice(&bytes(&path, &format!("coco-{split}.json"))).expect("JSON");
        let (images, annotations) =
            (coco["images"].as_array().expect("a list"), coco["annotations"].as_array().expect("a list"));
        assert_eq!(images.len(), annotations.len());
        for (image, annotation) in images.iter().zip(annotations) {
            assert_eq!(image["id"], annotation["image_id"]);
            let name = image["file_name"].as_str().expect("a name");
            assert!(names.iter().any(|n| n == name) && name.starts_with(&format!("processed/{split}/")), "{name}");
            let category = annotation["category_id"].as_u64().expect("a number") as usize;
            assert!(name.contains(["/glass/", "/metal/"][category - 1]), "{name} {category}");
        }
        annotated += images.len();
    }
    assert_eq!(annotated, 24);

    let index = bytes(&path, "index.parquet");
    let reader = SerializedFileReader::new(axum::body::Bytes::from(index)).expect("Parquet");
    assert_eq!(reader.metadata().file_metadata().num_rows(), 24);
    for row in reader.get_row_iter(None).expect("rows") {
        let row = row.expect("a row");
        let file = row.get_string(3).expect("a file");
        assert!(names.contains(file) && file.contains(row.get_string(1).expect("a label").as_str()), "{file}");
        assert!(row.get_int(8).expect("a width") > 0 && row.get_string(6).expect("a hash").len() == 16);
    }

    // Into an empty hub, and into the one that it came from.
    let other = Hub::open(None).await;
    let report =
        import::import(&other.parts.store, &other.parts.blobs, &path, "bob", |_, _| {}).await.expect("imports");
    assert_eq!((report.imported, report.duplicates, report.excluded), (24, 24, 0), "{report:?}");
    assert_eq!(labels(&other).await, labels(&hub).await);
    let own = import::import(&hub.parts.store, &hub.parts.blobs, &path, "bob", |_, _| {}).await.expect("imports");
    assert_eq!((own.imported, own.duplicates, own.skipped.len()), (0, 48, 0), "{own:?}");
}

#[tokio::test]
async fn what_was_deleted_since_is_missing_and_said() {
    let hub = with_photos().await;
    let (store, blobs) = (&hub.parts.store, &hub.parts.blobs);
    let version = version::freeze(store, blobs, "ada", "").await.expect("freezes");
    delete::delete(store, blobs, &delete::Whose::Sender("ada".into()), "bob").await.expect("deletes");
    let (path, exported) = export_as(&hub, &version, Layout::Raw, "gone.zip").await;
    assert_eq!(exported, Exported { images: 0, missing: 24 });
    assert_eq!(String::from_utf8(bytes(&path, "missing.txt")).expect("text").lines().count(), 25);
    let index = SerializedFileReader::new(axum::body::Bytes::from(bytes(&path, "index.parquet"))).expect("Parquet");
    assert_eq!(index.metadata().file_metadata().num_rows(), 0);
}

#[tokio::test]
async fn over_http_it_comes_as_a_file_and_an_unknown_layout_is_told() {
    let hub = crate::testing::TestHub::start().await;
    let frozen = hub.admin("POST", "/api/v1/dataset/versions", Some(serde_json::json!({ "note": "empty" }))).await;
    assert_eq!(frozen.status, 200, "{}", frozen.text());
    let id = frozen.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/dataset/versions/{id}");
    let zip = hub.admin("GET", &format!("{path}/export"), None).await;
    assert_eq!((zip.status, zip.header("content-type")), (200, "application/zip"));
    let archive = ZipArchive::new(io::Cursor::new(zip.body)).expect("a zip");
    assert!(archive.index_for_name("index.parquet").is_some());
    let wrong = hub.admin("GET", &format!("{path}/export?layout=tar"), None).await;
    assert!(wrong.status == 400 && wrong.text().contains("processed, raw, both, index"), "{}", wrong.text());
    assert_eq!(hub.admin("GET", "/api/v1/dataset/versions/00000000", None).await.status, 404);
    assert_eq!(hub.request("GET", &format!("{path}/export"), &[], None).await.status, 401);
    assert_eq!(hub.admin("GET", &format!("{path}/diff/{id}"), None).await.json()["same"], 0);
    assert_eq!(hub.admin("GET", "/api/v1/dataset/versions", None).await.json()["versions"][0]["note"], "empty");
}

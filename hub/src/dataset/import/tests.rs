use std::io::Write as _;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use sea_orm::EntityTrait;

use super::*;
use crate::dataset::store::Tally;
use crate::registry::fixture::{Hub, picture};
use crate::store::entity::sample;
use crate::testing::TestHub;

/// An entry of a zip that is written byte by byte, so that it may lie.
struct Lie {
    name: Vec<u8>,
    content: Vec<u8>,
    deflate: bool,
    /// What it declares instead of its size.
    declares: Option<u32>,
    /// Unix mode and kind.
    mode: u32,
    encrypted: bool,
}

fn file(name: &str, content: &[u8]) -> Lie {
    let (name, content) = (name.as_bytes().to_vec(), content.to_vec());
    Lie { name, content, deflate: false, declares: None, mode: 0o100_644, encrypted: false }
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

/// A zip of these entries (APPNOTE.TXT 4.3).
fn zip(entries: &[Lie]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let data = if entry.deflate { deflated(&entry.content) } else { entry.content.clone() };
        let size = entry.declares.unwrap_or(entry.content.len() as u32);
        let flags: u16 = 0x0800 | u16::from(entry.encrypted);
        let mut common = Vec::new();
        common.extend([20, 0]);
        common.extend(flags.to_le_bytes());
        common.extend((if entry.deflate { 8u16 } else { 0 }).to_le_bytes());
        common.extend([0, 0, 0x21, 0]);
        common.extend(crc32fast::hash(&entry.content).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let offset = body.len() as u32;
        body.extend(*b"PK\x03\x04");
        body.extend(&common);
        body.extend(&entry.name);
        body.extend(&data);
        directory.extend(*b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let at = body.len() as u32;
    let mut zip = body;
    zip.extend(&directory);
    zip.extend(*b"PK\x05\x06\0\0\0\0");
    zip.extend((entries.len() as u16).to_le_bytes());
    zip.extend((entries.len() as u16).to_le_bytes());
    zip.extend((directory.len() as u32).to_le_bytes());
    zip.extend(at.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

fn png(class: usize, number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture(class, number).write_to(&mut io::Cursor::new(&mut bytes), image::ImageFormat::Png).expect("encodes");
    bytes
}

async fn import_zip(hub: &Hub, entries: &[Lie], options: &Options) -> Result<ImportReport, ImportError> {
    let path = hub.path().join("photos.zip");
    std::fs::write(&path, zip(entries)).expect("writes");
    import_with(&hub.parts.store, &hub.parts.blobs, &path, options, |_, _| {}).await
}

fn reason<'a>(report: &'a ImportReport, file: &str) -> &'a str {
    let skipped = report.skipped.iter().find(|skipped| skipped.file.contains(file));
    &skipped.unwrap_or_else(|| panic!("{file} is not listed: {report:?}")).reason
}

/// Names of all files below a folder.
fn files_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("lists").map(|entry| entry.expect("reads")) {
        if entry.path().is_dir() {
            names.extend(files_below(&entry.path()));
        } else {
            names.push(entry.path().display().to_string());
        }
    }
    names
}

#[tokio::test]
async fn what_lies_in_a_zip_is_judged_entry_by_entry() {
    let hub = Hub::open(None).await;
    let outside = hub.path().parent().expect("a parent").join("escaped.png");
    let good = png(0, 1);
    let entries = [
        file("glass/1.png", &good),
        Lie { deflate: true, ..file("glass/packed.png", &png(0, 9)) },
        file("glass/фото 玻璃 🍾.png", &png(1, 3)),
        file("README.txt", b"hello"),
        file("glass/.DS_Store", b"x"),
        file("__MACOSX/glass/._1.png", b"x"),
        file("../escaped.png", &good),
        file("glass/../../escaped.png", &good),
        file("/etc/escaped.png", &good),
        file("C:\\glass\\escaped.png", &good),
        file("glass\\windows.png", &png(2, 5)),
        Lie { mode: 0o120_777, ..file("glass/link.png", b"/etc/passwd") },
        Lie { encrypted: true, ..file("glass/secret.png", &good) },
        file("glass/cut.png", &good[..good.len() / 2]),
        file("glass/inner.zip", b"PK\x03\x04"),
        file("glass/deep/er.png", &good),
        file("олово/1.png", &good),
    ];
    let report =
        import_zip(&hub, &entries, &Options { by: "ada".into(), ..Options::default() }).await.expect("imports");
    assert_eq!((report.imported, report.duplicates), (4, 0), "{report:?}");
    for (file, expected) in [
        ("../escaped.png", "leads out of the zip"),
        ("/etc/escaped.png", "absolute path"),
        ("C:", "absolute path"),
        ("link.png", "symbolic link"),
        ("secret.png", "encrypted"),
        ("cut.png", "damaged"),
        ("inner.zip", "neither a JPEG nor a PNG"),
        ("deep/er.png", "folder of a class folder"),
        ("олово", "cannot be a class"),
    ] {
        assert!(reason(&report, file).contains(expected), "{file}: {}", reason(&report, file));
    }
    assert_eq!((report.files, report.skipped.len()), (14, 10), "{report:?}");
    assert!(!outside.exists(), "nothing is written where a name says");
    let again = import_zip(&hub, &entries, &Options::default()).await.expect("imports");
    assert_eq!((again.imported, again.duplicates), (0, 4), "{again:?}");
    let senders = sample::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    assert!(senders.iter().all(|row| row.sent_by.as_deref() == Some("ada") && row.source == "import"));
}

#[tokio::test]
async fn bombs_are_refused_by_what_they_declare_and_by_what_they_do() {
    let hub = Hub::open(None).await;
    let zeros = vec![0; 3_000_000];
    let packed = |declares| Lie { deflate: true, declares, ..file("glass/zeros.png", &zeros) };
    let of = async |lie: Lie| {
        let entries = [lie, file("glass/good.png", &png(0, 1))];
        let report = import_zip(&hub, &entries, &Options::default()).await.expect("the rest goes on");
        assert_eq!(report.imported + report.duplicates, 1, "{report:?}");
        reason(&report, "zeros.png").to_owned()
    };
    assert!(of(packed(None)).await.contains("may be a zip bomb"), "a thousand times smaller");
    assert!(of(packed(Some(900_000))).await.contains("declares 900000 bytes and has 900001 or more"));
    assert!(of(packed(Some(4_000_000_000))).await.contains("the limit is"), "larger than an image may be");
    assert!(of(Lie { declares: Some(3_000_001), ..packed(None) }).await.contains("zip bomb"));

    let refused = async |entries: &[Lie], limits| match import_zip(
        &hub,
        entries,
        &Options { limits, ..Options::default() },
    )
    .await
    {
        Err(ImportError::Zip { file, problem }) => format!("{file}: {problem}"),
        other => panic!("{other:?}"),
    };
    let limits = ZipLimits::default();
    let many: Vec<Lie> = (0..40).map(|n| file(&format!("glass/{n}.png"), b"x")).collect();
    let error = refused(&many, ZipLimits { entries: 39, ..limits }).await;
    assert_eq!(error, "photos: it has 40 entries, the limit is 39: send several");
    let error = refused(&[packed(None)], ZipLimits { unpacked: 2_000_000, ..limits }).await;
    assert!(error.contains("would unpack to 3000000, the limit is 2000000"), "{error}");
    // Two entries over the same bytes, as in Fifield's bomb.
    let mut twice = zip(&[file("glass/a.png", &png(0, 1)), file("glass/b.png", b"")]);
    let directory = twice.windows(4).position(|w| w == b"PK\x01\x02").expect("is there");
    let second = directory + twice[directory + 4..].windows(4).position(|w| w == b"PK\x01\x02").expect("is there") + 4;
    let sizes: Vec<u8> = twice[directory + 16..directory + 28].to_vec();
    twice[second + 16..second + 28].copy_from_slice(&sizes);
    twice[second + 42..second + 46].fill(0);
    std::fs::write(hub.path().join("twice.zip"), &twice).expect("writes");
    let path = hub.path().join("twice.zip");
    let error = import(&hub.parts.store, &hub.parts.blobs, &path, "ada", |_, _| {}).await.expect_err("a bomb");
    assert!(error.to_string().contains("share bytes"), "{error}");
    std::fs::write(&path, b"not a zip").expect("writes");
    let error = import(&hub.parts.store, &hub.parts.blobs, &path, "ada", |_, _| {}).await.expect_err("no zip");
    assert!(error.to_string().contains("it is no zip"), "{error}");
}

#[tokio::test]
async fn a_folder_around_all_and_splits_are_understood_and_unknown_classes_are_told() {
    let hub = Hub::open(None).await;
    let entries = [
        file("photos/train/glass/1.png", &png(0, 1)),
        file("photos/test/metal/1.png", &png(1, 30)),
        file("photos/tin/1.png", &png(2, 4)),
        file("photos/README.md", b"hello"),
        file("__MACOSX/photos/._x", b"x"),
    ];
    let classes = vec![Label::new("glass").expect("valid"), Label::new("metal").expect("valid")];
    let options = Options { classes: Some(classes), ..Options::default() };
    let report = import_zip(&hub, &entries, &options).await.expect("imports");
    let expected = [("test", 1), ("train", 1)].map(|(split, n)| (split.to_owned(), n));
    assert_eq!(report.splits, expected.into(), "{report:?}");
    assert_eq!(reason(&report, "tin/1.png"), "there is no class \"tin\"; the classes are glass, metal");
    let nothing = import_zip(&hub, &[file("README", b"x")], &options).await;
    assert!(matches!(nothing, Err(ImportError::NoClasses(_))), "{nothing:?}");
}

#[tokio::test]
async fn what_the_storage_does_not_take_is_listed_and_leaves_nothing() {
    let hub = Hub::open(None).await;
    let entries: Vec<Lie> =
        (0..60).map(|n| file(&format!("glass/g{}.png", n * 20), &png((n % 3) as usize, n))).collect();
    let objects = hub.path().join("data/objects");
    // A file where a folder should be: every image whose name begins so fails, as on a full disk.
    for first in 0..128 {
        let blocked = objects.join(format!("{first:02x}"));
        if !blocked.exists() {
            std::fs::write(blocked, b"").expect("writes");
        }
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let path = hub.path().join("photos.zip");
    std::fs::write(&path, zip(&entries)).expect("writes");
    let (store, blobs) = (&hub.parts.store, &hub.parts.blobs);
    let report = import(store, blobs, &path, "ada", move |done, total| told.lock().expect("alive").push((done, total)))
        .await
        .expect("the rest goes on");
    assert_eq!(report.imported + report.duplicates + report.skipped.len() as u64, 60, "{report:?}");
    assert!(report.imported > 10 && report.skipped.len() > 10, "about half each: {report:?}");
    assert!(report.skipped.iter().all(|skipped| skipped.reason.contains("the storage did not take it")), "{report:?}");
    let seen = seen.lock().expect("alive").clone();
    assert!(seen.is_sorted() && seen.last() == Some(&(60, 60)), "{seen:?}");
    let rows = sample::Entity::find().all(store.db()).await.expect("reads");
    assert_eq!(rows.len() as u64, report.imported);
    for row in &rows {
        assert!(blobs.exists(&row.content_sha256.parse().expect("an id")).await.expect("looks"));
    }
    // With room again, the same import adds what is missing.
    for first in 0..128 {
        let blocked = objects.join(format!("{first:02x}"));
        if blocked.is_file() {
            std::fs::remove_file(blocked).expect("removes");
        }
    }
    let again = import(store, blobs, &path, "ada", |_, _| {}).await.expect("imports");
    assert_eq!((again.imported + report.imported, again.skipped.len()), (60 - report.duplicates, 0), "{again:?}");
}

#[tokio::test]
async fn a_database_that_fails_leaves_no_image_behind() {
    let hub = Hub::open(None).await;
    let entries: Vec<Lie> =
        (0..96).map(|n| file(&format!("glass/g{}.png", n * 20), &png((n % 3) as usize, n))).collect();
    use sea_orm::ConnectionTrait as _;
    let db = hub.parts.store.db();
    // The 41st sample is refused by the database, and with it its batch, each time.
    db.execute_unprepared("CREATE TRIGGER full BEFORE INSERT ON samples WHEN (SELECT count(*) FROM samples) = 40 BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END").await.expect("makes a trigger");
    let report = import_zip(&hub, &entries, &Options::default()).await.expect("the rest is tried");
    assert_eq!((report.imported, report.skipped.len()), (32, 64), "{report:?}");
    assert!(report.skipped.iter().all(|skipped| skipped.reason.contains("storage did not take")), "{report:?}");
    assert_eq!(files_below(&hub.path().join("data/objects")).len(), 32, "no image without a row");
    let tally = Tally::read(db).await.expect("reads");
    assert_eq!(tally.all.total(), 32);
}

#[tokio::test]
async fn a_storage_that_stays_full_ends_the_import_with_a_list() {
    let hub = Hub::open(None).await;
    let entries: Vec<Lie> =
        (0..200).map(|n| file(&format!("glass/g{}.png", n * 20), &png((n % 3) as usize, n))).collect();
    let objects = hub.path().join("data/objects");
    std::fs::remove_dir_all(&objects).expect("removes");
    std::fs::write(&objects, b"").expect("writes");
    let report = import_zip(&hub, &entries, &Options::default()).await.expect("lists");
    assert_eq!((report.imported, report.skipped.len()), (0, 200), "{report:?}");
    assert!(report.skipped.iter().any(|skipped| skipped.reason.starts_with("not tried")), "{report:?}");
}

#[tokio::test]
async fn a_zip_is_sent_followed_and_gone() {
    let hub = TestHub::start().await;
    let basic = crate::testing::basic("admin", crate::testing::PASSWORD);
    let headers = [("authorization", basic.as_str()), ("content-type", "application/zip")];
    let body = zip(&[file("glass/1.png", &png(0, 1)), file("tin/1.png", &png(1, 9)), file("glass/../x.png", b"x")]);
    let sent = hub.send("POST", "/api/v1/imports?name=walk.zip&new_classes=true", &headers, body.clone()).await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    let follow = async |id: &serde_json::Value| {
        let path = format!("/api/v1/imports/{}", id.as_str().expect("an id"));
        loop {
            let status = hub.admin("GET", &path, None).await.json();
            if status["state"] != "running" {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let status = follow(&sent.json()["id"]).await;
    assert_eq!(
        (&status["state"], &status["done"], &status["total"]),
        (&"done".into(), &3.into(), &3.into()),
        "{status}"
    );
    assert_eq!(status["report"]["imported"], 2, "{status}");
    assert_eq!(status["by"], "admin");
    assert!(files_below(&hub.folder.path().join("data/incoming")).is_empty(), "the zip is gone");

    let body = zip(&[file("apple/1.png", &png(2, 2))]);
    let sent = hub.send("POST", "/api/v1/imports", &headers, body).await;
    let status = follow(&sent.json()["id"]).await;
    let reason = status["report"]["skipped"][0]["reason"].as_str().expect("a reason").to_owned();
    assert_eq!(reason, "there is no class \"apple\"; the classes are glass, tin");
    assert_eq!(status["state"], "failed", "an import of nothing is none: {status}");
    let error = status["error"].as_str().expect("an error");
    assert!(
        error.starts_with("none of the 1 files was imported; the first: apple/1.png: there is no class"),
        "{error}"
    );

    let body = || zip(&[file("Tin/3.png", &png(2, 40)), file("tin/4.png", &png(2, 80))]);
    let sent = hub.send("POST", "/api/v1/imports", &headers, body()).await;
    let status = follow(&sent.json()["id"]).await;
    let error = status["error"].as_str().expect("an error").to_owned();
    assert!(error.contains("\"Tin\" and \"tin\" are all tin") && error.contains("?merge_folders=true"), "{error}");
    let sent = hub.send("POST", "/api/v1/imports?merge_folders=true", &headers, body()).await;
    let report = follow(&sent.json()["id"]).await["report"].clone();
    assert_eq!(report["labels"]["tin"], 2, "{report}");
    assert_eq!(report["renamed"], serde_json::json!([{ "folder": "Tin", "label": "tin", "files": 1 }]));
    let sent = hub.send("POST", "/api/v1/imports", &headers, b"no zip".to_vec()).await;
    let status = follow(&sent.json()["id"]).await;
    assert!(status["error"].as_str().expect("an error").contains("it is no zip"), "{status}");
    assert_eq!(hub.send("POST", "/api/v1/imports", &[], b"x".to_vec()).await.status, 401);
    assert_eq!(hub.admin("GET", "/api/v1/imports/nothing", None).await.status, 404);
}

#[tokio::test]
async fn what_a_killed_hub_was_importing_is_taken_away_and_said() {
    let hub = Hub::open(None).await;
    let data = hub.path().join("data");
    let (store, blobs) = (hub.parts.store.clone(), hub.parts.blobs.clone());
    let imports = Imports::open(store.clone(), blobs.clone(), &data, CancellationToken::new()).await.expect("opens");
    // A killed process runs no destructor.
    let file = imports.file().expect("a file");
    let (_, path) = file.keep().expect("keeps");
    let row = crate::store::entity::import::ActiveModel {
        id: sea_orm::ActiveValue::Set("i1".into()),
        state: sea_orm::ActiveValue::Set("running".into()),
        by: sea_orm::ActiveValue::Set("ada".into()),
        file: sea_orm::ActiveValue::Set("x.zip".into()),
        started_ms: sea_orm::ActiveValue::Set(1),
        ..Default::default()
    };
    crate::store::entity::import::Entity::insert(row).exec_without_returning(store.db()).await.expect("inserts");
    let imports = Imports::open(store, blobs, &data, CancellationToken::new()).await.expect("opens");
    assert!(!path.exists());
    let status = imports.status("i1").await.expect("reads").expect("is there");
    assert_eq!(status.state, "failed");
    assert!(status.error.expect("a reason").contains("importing the same again adds the rest"));
}

#[tokio::test]
async fn folders_are_read_as_people_name_them_and_it_is_said_once_for_each() {
    let hub = Hub::open(None).await;
    let root = hub.path().join("waste");
    // As a public data set has them, and with a split that writes one of them otherwise.
    let folders =
        ["train/Food Organics", "test/Food Organics", "train/Glass", "train/Miscellaneous Trash", "train/paper"];
    for (class, folder) in folders.into_iter().enumerate() {
        std::fs::create_dir_all(root.join(folder)).expect("makes the folder");
        for number in 0..2 {
            let image = picture(class, number + 50 * class as u32);
            image.save(root.join(folder).join(format!("{number}.png"))).expect("writes");
        }
    }
    let import_folder =
        async |options: &Options| import_with(&hub.parts.store, &hub.parts.blobs, &root, options, |_, _| {}).await;
    let report = import_folder(&Options::default()).await.expect("imports");
    let labels: Vec<&str> = report.labels.keys().map(String::as_str).collect();
    assert_eq!(labels, ["food_organics", "glass", "miscellaneous_trash", "paper"], "{report:?}");
    let renamed: Vec<(&str, &str, u64)> =
        report.renamed.iter().map(|r| (r.folder.as_str(), r.label.as_str(), r.files)).collect();
    assert_eq!(
        renamed,
        [
            ("Food Organics", "food_organics", 4),
            ("Glass", "glass", 2),
            ("Miscellaneous Trash", "miscellaneous_trash", 2)
        ]
    );

    // Two folders that become one class are asked about.
    std::fs::create_dir_all(root.join("train/food_organics")).expect("makes the folder");
    picture(4, 999).save(root.join("train/food_organics/9.png")).expect("writes");
    let error = import_folder(&Options::default()).await.expect_err("asked").to_string();
    assert!(error.contains("\"Food Organics\" and \"food_organics\" are all food_organics"), "{error}");
    assert!(error.contains("--merge-folders"), "{error}");
    let merged = import_folder(&Options { merge_folders: true, ..Options::default() }).await.expect("imports");
    assert_eq!((merged.imported, merged.duplicates), (1, 10), "{merged:?}");
}

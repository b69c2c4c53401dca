//! What is no new hub, and what is not this build's.

use super::*;

/// A hub's data: an image in the objects, and a row of it if `is_known`.
async fn data(is_known: bool) -> (tempfile::TempDir, DataFolder) {
    let (temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    let blobs = Blobs::open(&folder).expect("a new store");
    let content = blobs.put(vec![0xff, 0xd8, 0xff, 0xe0, 1]).await.expect("stores");
    if is_known {
        let sql = format!(
            "INSERT INTO samples (id, source, at_ms, received_ms, content_sha256, width, height, bytes, sure, group_key) \
             VALUES ('s1', 'upload', 1, 1, '{content}', 1, 1, 5, 0, 'g')"
        );
        sea_orm::ConnectionTrait::execute_unprepared(store.db(), &sql).await.expect("a sample");
    }
    store.close().await.expect("closes");
    (temporary, folder)
}

async fn refusal(folder: &DataFolder) -> String {
    let error = Store::open(folder).await.expect_err("it is no new hub");
    assert!(matches!(error, StoreError::Lost { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains(&folder.path().display().to_string()) && words.contains("Restore pilah.db"), "{words}");
    words
}

#[tokio::test]
async fn images_without_their_database_are_no_new_hub() {
    let (_temporary, folder) = data(true).await;
    let (file, log) = (folder.path().join("pilah.db"), folder.path().join("pilah.db-wal"));
    let whole = fs::read(&file).expect("reads");
    fs::remove_file(&file).expect("is lost");
    assert!(refusal(&folder).await.contains("is missing"));
    assert!(!file.exists(), "none is made in its place");
    fs::write(&file, b"").expect("writes");
    assert!(refusal(&folder).await.contains("is empty"));
    fs::remove_file(&file).expect("removes");
    fs::write(&log, b"what was not folded in yet").expect("writes");
    fs::rename(folder.path().join("objects"), folder.path().join("away")).expect("moves");
    assert!(refusal(&folder).await.contains("is missing"), "a log without its database");
    assert!(log.exists(), "it is left for whoever restores");
    fs::rename(folder.path().join("away"), folder.path().join("objects")).expect("moves back");
    fs::remove_file(&log).expect("removes");

    fs::write(&file, whole).expect("restores");
    let store = Store::open(&folder).await.expect("it is restored");
    assert_eq!(entity::sample::Entity::find().count(store.db()).await.expect("counts"), 1);
}

#[tokio::test]
async fn an_empty_database_beside_images_is_no_new_hub() {
    let (_temporary, folder) = data(false).await;
    assert!(refusal(&folder).await.contains("nobody"), "tables without a row");

    let file = folder.path().join("pilah.db");
    fs::remove_file(&file).expect("removes");
    let options = sea_orm::sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut empty = sea_orm::sqlx::ConnectOptions::connect(&options).await.expect("connects");
    let made = sea_orm::sqlx::query("CREATE TABLE other (x)").execute(&mut empty).await;
    made.expect("another program's table");
    sea_orm::sqlx::Connection::close(empty).await.expect("closes");
    assert!(refusal(&folder).await.contains("holds nothing"));
}

#[tokio::test]
async fn a_hub_that_was_killed_young_starts_again() {
    // Its first image is stored, the row is not; but there is an administrator.
    let (_temporary, folder) = data(false).await;
    fs::rename(folder.path().join("objects"), folder.path().join("away")).expect("moves");
    let store = Store::open(&folder).await.expect("without images it is new");
    let row = user::ActiveModel {
        name: Set("admin".into()),
        password_hash: Set(String::new()),
        role: Set("admin".into()),
        created_ms: Set(0),
        ..Default::default()
    };
    user::Entity::insert(row).exec(store.db()).await.expect("an administrator");
    store.close().await.expect("closes");
    fs::rename(folder.path().join("away"), folder.path().join("objects")).expect("moves back");
    Store::open(&folder).await.expect("it is this hub's image");
}

#[test]
fn a_folder_that_cannot_be_written_to_says_how_to_mend_it() {
    for (kind, remedy) in [
        (io::ErrorKind::StorageFull, "make room"),
        (io::ErrorKind::ReadOnlyFilesystem, "mount it for writing"),
        (io::ErrorKind::PermissionDenied, "give this user the right"),
    ] {
        let error = StoreError::Unwritable { path: "/srv/pilah".into(), source: io::Error::from(kind) }.to_string();
        assert!(error.contains("/srv/pilah") && error.contains(remedy), "{error}");
    }
}

#[tokio::test]
async fn a_database_without_its_images_is_told() {
    let (_temporary, folder) = data(true).await;
    fs::remove_dir_all(folder.path().join("objects")).expect("is not mounted");
    let error = Store::open(&folder).await.expect_err("the images are missing");
    assert!(matches!(error, StoreError::NoObjects { .. }), "{error}");
    assert!(error.to_string().contains("mount the disk"), "{error}");
}

#[tokio::test]
async fn a_newer_folder_and_a_file_that_is_no_database_are_named() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 1)";
    sea_orm::ConnectionTrait::execute_unprepared(store.db(), newer).await.expect("a later build's");
    store.close().await.expect("closes");
    let error = Store::open(&folder).await.expect_err("it is newer").to_string();
    assert!(error.contains("newer version") && error.contains("m9999_future") && error.contains("data"), "{error}");

    for name in ["pilah.db-wal", "pilah.db-shm"] {
        fs::remove_file(folder.path().join(name)).ok();
    }
    fs::write(folder.path().join("pilah.db"), "no database ".repeat(1000)).expect("writes");
    let error = Store::open(&folder).await.expect_err("it is none").to_string();
    assert!(error.contains("pilah.db cannot be used") && error.contains("backup"), "{error}");
}

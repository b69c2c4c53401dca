use std::fs;

use sea_orm::ActiveValue::Set;
use sea_orm::{EntityTrait, PaginatorTrait, TryInsertResult};

use super::entity::{event, user};
use super::*;

mod full_disk;
mod lost;

fn folder() -> (tempfile::TempDir, DataFolder) {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = DataFolder::open(&temporary.path().join("data")).expect("a new data folder");
    (temporary, folder)
}

fn an_event(seq: i64) -> event::ActiveModel {
    event::ActiveModel {
        bin: Set("b1".into()),
        epoch: Set(7),
        seq: Set(seq),
        at_ms: Set(1),
        received_ms: Set(2),
        outcome: Set("label".into()),
        label: Set("glass".into()),
        confidence: Set(0.9),
        probabilities_json: Set("{}".into()),
        model: Set("m1".into()),
        latency_ms: Set(12.0),
        truth_label: Set(None),
        truth_source: Set(None),
        ..Default::default()
    }
}

#[test]
fn one_hub_per_folder() {
    let (_temporary, folder) = folder();
    let error = DataFolder::open(folder.path()).expect_err("it is locked");
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
    let path = folder.path().to_owned();
    drop(folder);
    DataFolder::open(&path).expect("the lock ends with its holder");
}

#[test]
fn a_folder_in_the_place_of_a_file_is_named() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let path = temporary.path().join("file");
    fs::write(&path, b"").expect("writes");
    let error = DataFolder::open(&path).expect_err("a file is no folder");
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
    assert!(error.to_string().contains("file"), "{error}");
}

#[cfg(unix)]
#[test]
fn the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_temporary, folder) = folder();
    let mode = fs::metadata(folder.path()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn commands_beside_a_hub_need_its_data() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let error = DataFolder::open_shared(temporary.path()).expect_err("it is empty");
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn rows_survive_and_repeat_only_once() {
    let (_temporary, folder) = folder();
    let key = [event::Column::Bin, event::Column::Epoch, event::Column::Seq];
    let store = Store::open(&folder).await.expect("a new database");
    let insert = |seq| event::Entity::insert(an_event(seq)).on_conflict_do_nothing_on(key);
    let first = insert(1).exec(store.db()).await.expect("inserts");
    assert!(matches!(first, TryInsertResult::Inserted(_)));
    let again = insert(1).exec(store.db()).await.expect("is no error");
    assert!(matches!(again, TryInsertResult::Conflicted));
    store.close().await.expect("closes");

    let store = Store::open(&folder).await.expect("the same database, its migrations done");
    assert_eq!(event::Entity::find().count(store.db()).await.expect("counts"), 1);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    let transaction = store.begin().await.expect("begins");
    event::Entity::insert(an_event(1)).exec(&transaction).await.expect("inserts");
    drop(transaction);
    assert_eq!(event::Entity::find().count(store.db()).await.expect("counts"), 0);
}

#[tokio::test]
async fn writers_wait_for_each_other() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    let write = |n: i64| {
        let store = store.clone();
        async move {
            let transaction = store.begin().await?;
            event::Entity::find().count(&transaction).await?;
            event::Entity::insert(an_event(n)).exec(&transaction).await?;
            transaction.commit().await
        }
    };
    let writes = futures::future::join_all((0..20).map(write)).await;
    assert!(writes.iter().all(Result::is_ok), "{writes:?}");
}

#[tokio::test]
async fn names_of_users_are_unique() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    let row = || user::ActiveModel {
        name: Set("admin".into()),
        password_hash: Set(String::new()),
        role: Set("admin".into()),
        created_ms: Set(0),
        ..Default::default()
    };
    user::Entity::insert(row()).exec(store.db()).await.expect("the first");
    assert!(user::Entity::insert(row()).exec(store.db()).await.is_err());
}

#[tokio::test]
async fn blobs_are_named_by_their_content() {
    let (_temporary, folder) = folder();
    let blobs = Blobs::open(&folder).expect("a new store");
    let id = blobs.put(b"abc".to_vec()).await.expect("stores");
    assert_eq!(id, pilah_models::name::ContentId::of(b"abc"));
    assert_eq!(blobs.put(b"abc".to_vec()).await.expect("again is no error"), id);
    assert_eq!(blobs.get(&id).await.expect("reads"), b"abc");
    assert!(blobs.exists(&id).await.expect("asks"));

    let missing = pilah_models::name::ContentId::of(b"other");
    assert!(!blobs.exists(&missing).await.expect("asks"));
    assert!(matches!(blobs.get(&missing).await, Err(BlobError::Missing(_))));

    let (parent, name) = id.as_str().split_at(2);
    fs::write(folder.path().join("objects").join(parent).join(name), b"abd").expect("a bit flips");
    assert!(matches!(blobs.get(&id).await, Err(BlobError::Damaged(_))));
}

#[test]
fn an_objects_folder_that_cannot_be_made_is_an_error_at_start() {
    let (_temporary, folder) = folder();
    fs::write(folder.path().join("objects"), b"").expect("a file in the way");
    let error = Blobs::open(&folder).expect_err("it is in the way");
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
}

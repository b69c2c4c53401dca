//! A disk that is full for a while: nothing that was called stored is lost. `PRAGMA max_page_count` imitates
//! it; the journey `full_disk` does it with a small file system.

use std::collections::BTreeSet;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};
use sea_orm::{ConnectionTrait as _, QuerySelect as _};

use super::*;

/// No page more than there are.
const FULL: u32 = 1;

/// As good as no limit.
const ROOMY: u32 = 1_000_000;

fn large(seq: i64) -> event::ActiveModel {
    event::ActiveModel { probabilities_json: Set("x".repeat(20_000)), ..an_event(seq) }
}

/// Takes the room that is left within the pages that there are, as another program would.
async fn take_all_room(folder: &DataFolder) {
    let options = SqliteConnectOptions::new().filename(folder.path().join("pilah.db"));
    let mut other = options.pragma("max_page_count", "1").connect().await.expect("connects");
    for size in [20_000, 1] {
        let row = "INSERT INTO store_marks (keeper, number, at_ms, padding) VALUES (hex(randomblob(16)), 0, ?, randomblob(?))";
        while sqlx::query(row).bind(now_ms()).bind(size).execute(&mut other).await.is_ok() {}
    }
    other.close().await.expect("closes");
}

/// Writes on a full disk, in a transaction, which is then dropped or rolled back.
async fn fill(store: &Store, folder: &DataFolder, rolls_back: bool) {
    store.limit_pages(FULL);
    take_all_room(folder).await;
    let transaction = store.begin().await.expect("begins");
    let mut seq = -1;
    let error = loop {
        match event::Entity::insert(large(seq)).exec_without_returning(&transaction).await {
            Ok(_) => seq -= 1,
            Err(error) => break error,
        }
        assert!(seq > -1000, "it never gets full");
    };
    assert_eq!(Trouble::in_error(&error), Some(Trouble::Full), "{error}");
    if rolls_back {
        transaction.rollback().await.expect_err("SQLite has ended it already");
    }
}

/// What a connection that has nothing to do with the hub's reads.
async fn seen_by_another(folder: &DataFolder) -> BTreeSet<i64> {
    let options = SqliteConnectOptions::new().filename(folder.path().join("pilah.db"));
    let mut other = options.connect().await.expect("connects");
    let seqs: Vec<i64> = sqlx::query_scalar("SELECT seq FROM events").fetch_all(&mut other).await.expect("reads");
    other.close().await.expect("closes");
    seqs.into_iter().collect()
}

/// Waits until the store has noticed that there is room: whoever asks tries, some times a second.
async fn recovered(store: &Store) {
    while store.check().await.is_err() {
        tokio::task::yield_now().await;
    }
}

async fn write(store: &Store, seq: i64) -> Result<(), DbErr> {
    let transaction = store.begin().await?;
    event::Entity::insert(an_event(seq)).exec(&transaction).await?;
    transaction.commit().await
}

#[tokio::test]
async fn what_is_committed_after_a_full_disk_is_there() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    write(&store, 1).await.expect("there is room");
    for (n, rolls_back) in [(10, false), (20, true)] {
        fill(&store, &folder, rolls_back).await;
        let refused = write(&store, n).await.expect_err("it is full");
        assert_eq!(Trouble::in_error(&refused), Some(Trouble::Full), "{refused}");
        store.limit_pages(ROOMY);
        recovered(&store).await;
        // An ordinary rollback in between: of a transaction inside another, it would end nothing.
        let transaction = store.begin().await.expect("there is room again");
        event::Entity::insert(an_event(n + 1)).exec(&transaction).await.expect("inserts");
        transaction.rollback().await.expect("rolls back");
        for seq in n + 2..n + 6 {
            write(&store, seq).await.expect("there is room");
            event::Entity::insert(an_event(100 + seq)).exec(store.db()).await.expect("a single statement");
        }
        let expected = (n + 2..n + 6).flat_map(|seq| [seq, 100 + seq]);
        let seen = seen_by_another(&folder).await;
        assert!(expected.clone().all(|seq| seen.contains(&seq)), "{seen:?}");
        assert!(!seen.contains(&n) && !seen.contains(&(n + 1)) && seen.iter().all(|seq| *seq > 0), "{seen:?}");
    }
    let before = seen_by_another(&folder).await;
    store.close().await.expect("closes");
    let store = Store::open(&folder).await.expect("opens again");
    assert_eq!(event::Entity::find().count(store.db()).await.expect("counts"), before.len() as u64);
}

#[tokio::test]
async fn whoever_writes_while_it_gets_full_is_told_the_truth() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    let writes = |from: i64| {
        let store = store.clone();
        futures::future::join_all((from..from + 40).map(move |seq| {
            let store = store.clone();
            tokio::spawn(async move {
                let done = match seq % 2 {
                    0 => write(&store, seq).await,
                    _ => event::Entity::insert(large(seq)).exec(store.db()).await.map(drop),
                };
                (seq, done)
            })
        }))
    };
    let (mut told, mut in_doubt) = (BTreeSet::new(), BTreeSet::new());
    for (round, pages) in [ROOMY, FULL, ROOMY, FULL, ROOMY].into_iter().enumerate() {
        store.limit_pages(pages);
        match pages {
            FULL => take_all_room(&folder).await,
            _ => recovered(&store).await,
        }
        let mut done = 0;
        for ended in writes(1000 * (1 + round as i64)).await {
            match ended.expect("ends") {
                (seq, Ok(())) => {
                    done += 1;
                    told.insert(seq);
                }
                (seq, Err(error)) if error.to_string().contains("is not known") => drop(in_doubt.insert(seq)),
                (_, Err(_)) => {}
            }
        }
        assert!(pages == FULL || done == 40, "round {round}: {done} of 40");
        assert!(pages == ROOMY || done < 40, "round {round}: it was not full");
        // What is told of is there, and what else is there was told to be in doubt.
        let seen = seen_by_another(&folder).await;
        assert!(told.is_subset(&seen), "round {round}: lost {:?}", told.difference(&seen));
        let silent: Vec<&i64> = seen.difference(&told).filter(|seq| !in_doubt.contains(seq)).collect();
        assert!(silent.is_empty(), "round {round}: stored, and said to be refused: {silent:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_was_open_meanwhile_counts_once_another_connection_reads_it() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    let marks = async || {
        let rows = store.db().query_all_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Sqlite,
            "SELECT 1 FROM store_marks WHERE keeper LIKE 'commit-%'",
        ));
        rows.await.expect("reads").len()
    };
    let sound = store.begin().await.expect("begins");
    event::Entity::insert(an_event(1)).exec(&sound).await.expect("inserts");
    sound.commit().await.expect("commits");
    assert_eq!(marks().await, 0, "nothing was in doubt");

    let doubtful = store.begin().await.expect("begins");
    event::Entity::insert(an_event(2)).exec(&doubtful).await.expect("inserts");
    store.meet(Trouble::Device);
    doubtful.commit().await.expect("commits");
    assert_eq!(marks().await, 1);
    assert_eq!(seen_by_another(&folder).await, BTreeSet::from([1, 2]));
}

#[tokio::test]
async fn who_overlooks_an_error_is_told_at_the_commit() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    store.limit_pages(FULL);
    take_all_room(&folder).await;
    let transaction = store.begin().await.expect("begins");
    event::Entity::insert(large(1)).exec(&transaction).await.expect_err("it is full");
    let error = transaction.commit().await.expect_err("it is not whole");
    assert_eq!(Trouble::in_error(&error), Some(Trouble::Full), "{error}");
    assert!(seen_by_another(&folder).await.is_empty());
}

#[tokio::test]
async fn reading_goes_on_and_the_state_is_told() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    store.check().await.expect("is well");
    write(&store, 1).await.expect("there is room");
    fill(&store, &folder, false).await;
    let told = store.check().await.expect_err("is not well").to_string();
    assert!(told.contains("full: make room"), "{told}");
    let seqs: Vec<i64> = event::Entity::find()
        .select_only()
        .column(event::Column::Seq)
        .into_tuple()
        .all(store.db())
        .await
        .expect("reads");
    assert_eq!(seqs, [1]);
    let single = event::Entity::insert(an_event(2)).exec(store.db()).await.expect_err("a single write is refused, too");
    assert_eq!(Trouble::in_error(&single), Some(Trouble::Full), "{single}");
    store.limit_pages(ROOMY);
    recovered(&store).await;
    write(&store, 3).await.expect("there is room again");
}

#[tokio::test]
async fn a_damaged_file_takes_nothing_until_it_is_whole() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    store.meet(Trouble::Damaged);
    // It is whole, as a look from end to end finds.
    store.check().await.expect("a wrong alarm ends");
    write(&store, 1).await.expect("writes");
    store.close().await.expect("closes");

    let file = folder.path().join("pilah.db");
    let mut bytes = fs::read(&file).expect("reads");
    let root_pages = bytes.len() / 4096;
    for page in 1..root_pages {
        bytes[page * 4096..page * 4096 + 8].fill(0xee);
    }
    fs::write(&file, bytes).expect("writes");
    let error = Store::open(&folder).await.expect_err("it is damaged");
    assert!(matches!(error, StoreError::Unusable { trouble: Trouble::Damaged, .. }), "{error}");
    assert!(error.to_string().contains("pilah.db") && error.to_string().contains("backup"), "{error}");
}

#[tokio::test]
async fn a_database_that_was_taken_away_is_missed() {
    let (_temporary, folder) = folder();
    let store = Store::open(&folder).await.expect("a new database");
    for name in ["pilah.db", "pilah.db-wal", "pilah.db-shm"] {
        fs::remove_file(folder.path().join(name)).expect("takes it away");
    }
    let error = store.check().await.expect_err("it is gone");
    assert!(matches!(error, CheckError::Trouble(Trouble::Missing)), "{error}");
    write(&store, 1).await.expect_err("what is written now would be gone");
    assert!(!folder.path().join("pilah.db").exists(), "no new one is made in its place");
}

#[tokio::test]
async fn an_image_that_could_not_be_stored_is_told_until_one_can_be() {
    let (_temporary, folder) = folder();
    let blobs = Blobs::open(&folder).expect("a new store");
    let id = pilah_models::name::ContentId::of(b"abc");
    let in_the_way = folder.path().join("objects").join(&id.as_str()[..2]);
    fs::write(&in_the_way, b"").expect("a file in the place of a folder");
    blobs.put(b"abc".to_vec()).await.expect_err("cannot be stored");
    let objects = folder.path().join("objects");
    fs::rename(&objects, folder.path().join("elsewhere")).expect("takes the folder away");
    assert_eq!(blobs.check().await, Err(Trouble::Device));
    fs::rename(folder.path().join("elsewhere"), &objects).expect("puts it back");
    while blobs.check().await.is_err() {
        tokio::task::yield_now().await;
    }
    fs::remove_file(&in_the_way).expect("out of the way");
    assert_eq!(blobs.put(b"abc".to_vec()).await.expect("stores"), id);
}

use pilah_models::labels::Labels;
use sea_orm::{ActiveValue::Set, EntityTrait, ModelTrait, PaginatorTrait, QueryOrder};

use super::job::Reconciler;
use super::*;
use crate::dataset::import;
use crate::registry::fixture::{EMBEDDING, Hub, write_class};
use crate::review::value::draw;
use crate::store::entity::{embedding, sample};

fn content(name: &str) -> ContentId {
    ContentId::of(name.as_bytes())
}

fn filled() -> Vectors {
    let vectors = Vectors::default();
    vectors.begin(Some(content("backbone")), 2);
    let rows = [("east", [2.0, 0.0]), ("north", [0.0, 1.0]), ("west", [-1.0, 0.0]), ("nowhere", [0.0, 0.0])];
    assert_eq!(vectors.insert(rows.map(|(name, row)| (content(name), row.to_vec()))), 4);
    vectors
}

#[test]
fn the_most_alike_come_first_and_what_is_deleted_does_not() {
    let vectors = filled();
    let found = vectors.snapshot().nearest(&[1.0, 0.1], 2);
    assert_eq!(found.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), [content("east"), content("north")]);
    assert!((found[0].1 - 0.995).abs() < 1e-3, "{found:?}");
    let before = vectors.snapshot();
    vectors.write().remove(&content("east"));
    assert_eq!(vectors.snapshot().nearest(&[1.0, 0.1], 1)[0].0, content("north"));
    assert_eq!(vectors.get(&content("east")), None);
    assert_eq!(before.nearest(&[1.0, 0.1], 1)[0].0, content("east"), "a snapshot stays as it was");
}

#[test]
fn what_is_no_embedding_is_left_out_and_finds_nothing() {
    let vectors = filled();
    let bad = [vec![f32::NAN, 0.0], vec![f32::INFINITY, 0.0], vec![1.0], vec![]];
    assert_eq!(vectors.insert(bad.clone().map(|row| (content("bad"), row))), 0);
    for query in bad {
        assert!(vectors.snapshot().nearest(&query, 3).is_empty(), "{query:?}");
    }
    assert!(Vectors::default().snapshot().nearest(&[], 3).is_empty(), "nothing without a model");
}

#[test]
fn more_than_a_block_is_searched() {
    let vectors = Vectors::default();
    vectors.begin(Some(content("backbone")), 8);
    let number = |i: usize, k: usize| draw(&format!("{i} {k}")) as f32 - 0.5;
    let row = |i: usize| (content(&i.to_string()), (0..8).map(|k| number(i, k)).collect::<Vec<_>>());
    vectors.insert((0..BLOCK + 100).map(row));
    for wanted in [0, 17, BLOCK - 1, BLOCK, BLOCK + 99] {
        let found = vectors.snapshot().nearest(&row(wanted).1, 1);
        assert!((found[0].1 - 1.0).abs() < 1e-6);
        assert_eq!(found[0].0, content(&wanted.to_string()));
    }
    assert_eq!(vectors.snapshot().rows().count(), BLOCK + 100);
}

#[tokio::test]
async fn all_samples_get_an_embedding_and_bad_rows_are_mended() {
    let labels = Labels::parse(["glass", "metal"]).expect("valid");
    let hub = Hub::open(Some(&labels)).await;
    let root = hub.path().join("photos");
    write_class(&root, "glass", 0, 0..4);
    write_class(&root, "metal", 1, 0..3);
    import::import(&hub.parts.store, &hub.parts.blobs, &root, "test", |_, _| {}).await.expect("imports");
    let db = hub.parts.store.db();
    let rows = sample::Entity::find().order_by_asc(sample::Column::Id).all(db).await.expect("reads");
    let broken = ContentId::new(rows[0].content_sha256.clone()).expect("valid");
    let model = hub.parts.registry.in_service().expect("one");
    let bad = embedding::ActiveModel {
        backbone_sha256: Set(model.manifest().backbone.sha256.to_string()),
        content_sha256: Set(broken.to_string()),
        vector: Set(embed::to_bytes(&[f32::NAN; EMBEDDING])),
    };
    embedding::Entity::insert(bad).exec_without_returning(db).await.expect("inserts");
    let (folder, name) = rows[1].content_sha256.split_at(2);
    std::fs::write(hub.path().join("data/objects").join(folder).join(name), b"bad sector").expect("damages it");

    let mut job = Reconciler::new(hub.parts.clone());
    job.pass().await.expect("embeds");
    let status = job.vectors.status();
    assert_eq!((status.embedded, status.missing, status.failed, status.dimension), (6, 0, 1, EMBEDDING), "{status:?}");
    assert!(job.vectors.get(&broken).expect("computed again").iter().all(|x| x.is_finite()));
    assert_eq!(embedding::Entity::find().count(db).await.expect("counts"), 6);
    let lost = ContentId::new(rows[1].content_sha256.clone()).expect("valid");
    assert!(job.vectors.failure(&lost).expect("it failed").contains("damaged"));

    let mut again = Reconciler::new(hub.parts.clone());
    again.pass().await.expect("reads");
    assert_eq!(again.vectors.status().embedded, 6, "from the database");
    rows[2].clone().delete(db).await.expect("deletes");
    again.pass().await.expect("looks");
    let gone = ContentId::new(rows[2].content_sha256.clone()).expect("valid");
    assert_eq!((again.vectors.status().embedded, again.vectors.get(&gone)), (5, None));
}

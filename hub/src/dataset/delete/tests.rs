use pilah_models::name::Label;

use sea_orm::ActiveValue::Set;

use super::*;
use crate::dataset::store::{self, NewSample, Source, Tally};
use crate::dataset::{Prepared, job};
use crate::registry::fixture::Hub;
use crate::store::entity::audit;
use crate::testing::TestHub;

/// A sample of a bin, and its image.
async fn from_bin(hub: &Hub, id: &str, bin: &str, jpeg: &[u8], received_ms: i64) -> ContentId {
    let content = hub.parts.blobs.put(jpeg.to_vec()).await.expect("stores");
    let row = sample::ActiveModel {
        id: Set(id.into()),
        source: Set("bin".into()),
        bin: Set(Some(bin.into())),
        at_ms: Set(received_ms),
        received_ms: Set(received_ms),
        content_sha256: Set(content.to_string()),
        width: Set(1),
        height: Set(1),
        bytes: Set(jpeg.len() as i64),
        sure: Set(false),
        group_key: Set(format!("group {id}")),
        ..Default::default()
    };
    let db = hub.parts.store.db();
    sample::Entity::insert(row).exec_without_returning(db).await.expect("inserts");
    let embedded = embedding::ActiveModel {
        backbone_sha256: Set("b".into()),
        content_sha256: Set(content.to_string()),
        vector: Set(vec![0; 4]),
    };
    let key = [embedding::Column::BackboneSha256, embedding::Column::ContentSha256];
    embedding::Entity::insert(embedded)
        .on_conflict_do_nothing_on(key)
        .exec_without_returning(db)
        .await
        .expect("inserts");
    content
}

async fn uploaded(hub: &Hub, by: &str, jpeg: &[u8], looks: u64) -> ContentId {
    let content = hub.parts.blobs.put(jpeg.to_vec()).await.expect("stores");
    let tx = hub.parts.store.begin().await.expect("begins");
    let image = Prepared { jpeg: jpeg.to_vec(), width: 1, height: 1, looks };
    let label = Label::new("glass").expect("valid");
    let (group, source) = (format!("{looks}"), Source::Upload);
    let new = NewSample {
        content: &content,
        image: &image,
        label: &label,
        source,
        by,
        group: &group,
        fixed: None,
        excluded: false,
    };
    store::insert(&tx, &mut Tally::read(&tx).await.expect("reads"), &new).await.expect("inserts");
    tx.commit().await.expect("commits");
    content
}

#[tokio::test]
async fn a_bins_images_go_everywhere_and_what_others_show_stays() {
    let hub = Hub::open(None).await;
    let (store, blobs, db) = (&hub.parts.store, &hub.parts.blobs, hub.parts.store.db());
    let own = from_bin(&hub, "s1", "kitchen", b"own", 1).await;
    from_bin(&hub, "s2", "kitchen", b"own", 2).await;
    let shared = from_bin(&hub, "s3", "kitchen", b"shared", 3).await;
    from_bin(&hub, "s4", "yard", b"shared", 4).await;
    let others = from_bin(&hub, "s5", "yard", b"other", 5).await;
    store::label(db, "s1", Some(&Label::new("glass").expect("valid")), "ada").await.expect("labels");
    let version = crate::dataset::version::freeze(store, blobs, "ada", "").await.expect("freezes");

    let whose = Whose::Bin("kitchen".into());
    let planned = plan(db, &whose).await.expect("plans");
    assert_eq!((planned.dry_run, planned.samples, planned.images, planned.kept, planned.bytes), (true, 3, 1, 1, 3));
    assert_eq!(sample::Entity::find().count(db).await.expect("counts"), 5, "nothing was deleted");

    let deletion = delete(store, blobs, &whose, "ada").await.expect("deletes");
    assert_eq!((deletion.samples, deletion.images, deletion.kept, deletion.bytes), (3, 1, 1, 3));
    assert!(!blobs.exists(&own).await.expect("looks"));
    assert!(blobs.exists(&shared).await.expect("looks") && blobs.exists(&others).await.expect("looks"));
    let left: Vec<String> =
        sample::Entity::find().all(db).await.expect("reads").into_iter().map(|row| row.id).collect();
    assert_eq!(left, ["s4", "s5"]);
    assert_eq!(label_history::Entity::find().count(db).await.expect("counts"), 0);
    let embedded = embedding::Entity::find().all(db).await.expect("reads");
    assert!(embedded.len() == 2 && embedded.iter().all(|row| row.content_sha256 != own.as_str()), "{embedded:?}");

    let entry = audit::Entity::find_by_id(deletion.audit.expect("written down"))
        .one(db)
        .await
        .expect("asks")
        .expect("is there");
    let detail: serde_json::Value = serde_json::from_str(&entry.detail_json.expect("a detail")).expect("JSON");
    assert_eq!((entry.who.as_str(), entry.what.as_str()), ("ada", "samples.delete"));
    assert_eq!((&detail["bin"], &detail["samples"], &detail["images"]), (&"kitchen".into(), &3.into(), &1.into()));
    assert_eq!(
        detail["digest"],
        ContentId::of(format!("{own}\n").as_bytes()).as_str(),
        "who has the image can show it"
    );
    let mut frozen = crate::dataset::version::Samples::of(blobs, &version.id).await.expect("stays");
    let text = serde_json::to_string(&frozen.next_shard().await.expect("reads").expect("a shard")).expect("JSON");
    assert!(text.contains(own.as_str()) && !text.contains("kitchen"), "a frozen version names no bin: {text}");
    let again = delete(store, blobs, &whose, "ada").await.expect("nothing is left");
    assert_eq!((again.samples, again.images), (0, 0));
}

#[tokio::test]
async fn a_persons_images_are_theirs_even_when_another_labelled_them_anew() {
    let hub = Hub::open(None).await;
    let (store, blobs, db) = (&hub.parts.store, &hub.parts.blobs, hub.parts.store.db());
    let of_ada = uploaded(&hub, "ada", b"ada's", 0).await;
    let of_bob = uploaded(&hub, "bob", b"bob's", !0).await;
    let row = sample::Entity::find().filter(sample::Column::ContentSha256.eq(of_ada.as_str())).one(db).await;
    let id = row.expect("asks").expect("is there").id;
    store::label(db, &id, Some(&Label::new("metal").expect("valid")), "bob").await.expect("labels");
    let deletion = delete(store, blobs, &Whose::Sender("ada".into()), "root").await.expect("deletes");
    assert_eq!((deletion.samples, deletion.images), (1, 1));
    assert!(!blobs.exists(&of_ada).await.expect("looks") && blobs.exists(&of_bob).await.expect("looks"));
}

#[tokio::test]
async fn old_samples_without_a_label_go_by_themselves() {
    const DAY: i64 = 24 * 3600 * 1000;
    let hub = Hub::open(None).await;
    let (store, blobs, db) = (&hub.parts.store, &hub.parts.blobs, hub.parts.store.db());
    from_bin(&hub, "old", "kitchen", b"old", 0).await;
    from_bin(&hub, "old but labelled", "kitchen", b"labelled", 0).await;
    from_bin(&hub, "young", "kitchen", b"young", 5 * DAY + 1).await;
    store::label(db, "old but labelled", Some(&Label::new("glass").expect("valid")), "ada").await.expect("labels");
    assert_eq!(job::retain(store, blobs, 30, 35 * DAY).await.expect("deletes"), 1);
    assert_eq!(job::retain(store, blobs, 30, 35 * DAY).await.expect("deletes"), 0);
    assert_eq!(sample::Entity::find().count(db).await.expect("counts"), 2);
    let entries = audit::Entity::find().filter(audit::Column::What.eq("samples.delete")).all(db).await.expect("reads");
    assert!(entries.len() == 1 && entries[0].who == "hub", "a round without work is not written down");
}

#[tokio::test]
async fn over_http_nothing_is_deleted_unless_it_is_said() {
    let hub = TestHub::start().await;
    let delete = async |body: serde_json::Value| hub.admin("POST", "/api/v1/dataset/deletions", Some(body)).await;
    let planned = delete(serde_json::json!({ "bin": "kitchen" })).await;
    assert_eq!((planned.status, &planned.json()["dry_run"]), (200, &true.into()), "{}", planned.text());
    let done = delete(serde_json::json!({ "bin": "kitchen", "dry_run": false })).await.json();
    assert!(done["dry_run"] == false && done["audit"].is_i64(), "{done}");
    for body in [serde_json::json!({}), serde_json::json!({ "bin": "kitchen", "sent_by": "ada" })] {
        assert_eq!(delete(body).await.status, 422);
    }
    assert_eq!(
        hub.request("POST", "/api/v1/dataset/deletions", &[], Some(serde_json::json!({ "bin": "kitchen" })))
            .await
            .status,
        401
    );
}

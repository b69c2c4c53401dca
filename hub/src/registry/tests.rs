use pilah_evaluate::gate::Rule;
use pilah_models::labels::Labels;

use super::fixture::{Hub, untrained};
use super::*;
use crate::registry::Parts;

fn labels() -> Labels {
    Labels::parse(["glass", "metal", "paper"]).expect("valid")
}

fn version(registry: &Registry) -> Option<String> {
    registry.in_service().map(|model| model.manifest().version.to_string())
}

fn refusal() -> Verdict {
    let rule = Rule {
        rule: "accuracy".into(),
        passed: false,
        measured: "1".into(),
        wanted: "2".into(),
        reason: "it is worse".into(),
    };
    Verdict { passed: false, rules: vec![rule], notes: Vec::new() }
}

#[tokio::test]
async fn the_initial_bundle_is_the_first_in_service_and_stays_it() {
    let hub = Hub::open(Some(&labels())).await;
    let Parts { store, blobs, registry } = hub.parts.clone();
    assert_eq!(version(&registry).as_deref(), Some("m1"));
    let changes = registry.changes();
    assert_eq!(changes.borrow().as_ref().expect("desired").version.as_str(), "m1");
    let again = Registry::open(store, blobs, hub.live.clone(), Some(Path::new("/nowhere"))).await.expect("opens");
    assert_eq!(version(&again).as_deref(), Some("m1"));
}

#[tokio::test]
async fn without_a_bundle_there_is_no_model_and_a_broken_one_is_named() {
    let hub = Hub::open(None).await;
    let Parts { store, blobs, registry } = hub.parts.clone();
    assert_eq!(version(&registry), None);
    let folder = hub.path().join("broken");
    untrained("m9", &labels()).write(&folder).expect("writes");
    std::fs::write(folder.join("head.onnx"), b"cut").expect("truncates");
    let error = Registry::open(store, blobs, hub.live.clone(), Some(&folder)).await.expect_err("broken");
    assert!(error.to_string().contains("broken"), "{error}");
    assert!(Chain(&error).to_string().contains("head is not the one"), "the cause is named");
}

#[tokio::test]
async fn a_refused_model_goes_into_service_only_with_a_reason() {
    let hub = Hub::open(Some(&labels())).await;
    let registry = &hub.parts.registry;
    let verdict = refusal();
    let origin = Origin { verdict: Some(&verdict), ..Origin::default() };
    registry.register(&untrained("m2", &labels()), &origin).await.expect("registers");
    let mut changes = registry.changes();
    changes.mark_unchanged();
    let error = registry.activate("m2", "ada", None).await.expect_err("refused");
    assert!(error.to_string().contains("it is worse"), "{error}");
    assert!(!changes.has_changed().expect("open"), "bins were told of nothing");
    registry.activate("m2", "ada", Some("the old one is worse yet")).await.expect("with a reason");
    assert!(changes.has_changed().expect("open"));
    assert_eq!(version(registry).as_deref(), Some("m2"));
    let rows = store::all(hub.parts.store.db()).await.expect("reads");
    let states: Vec<(&str, &str)> = rows.iter().map(|row| (row.version.as_str(), row.state.as_str())).collect();
    assert!(states.contains(&("m1", "previous")) && states.contains(&("m2", "in_service")), "{states:?}");
}

#[tokio::test]
async fn a_version_never_changes() {
    let hub = Hub::open(Some(&labels())).await;
    let registry = &hub.parts.registry;
    registry.register(&untrained("m1", &labels()), &Origin::default()).await.expect("the same again is one");
    let other = untrained("m1", &Labels::parse(["a", "b"]).expect("valid"));
    let error = registry.register(&other, &Origin::default()).await.expect_err("another of that name");
    assert!(matches!(error, RegistryError::Taken(_)), "{error}");
    assert!(matches!(registry.activate("m7", "ada", None).await, Err(RegistryError::Unknown { .. })));
}

#[tokio::test]
async fn versions_are_counted_on() {
    let hub = Hub::open(Some(&labels())).await;
    let next = hub.parts.registry.next_version(b"a head").await.expect("reads");
    let id = ContentId::of(b"a head");
    assert_eq!(next.as_str(), format!("m2-{}", &id.as_str()[..8]));
}

#[tokio::test]
async fn only_files_of_models_are_given_out() {
    let hub = Hub::open(Some(&labels())).await;
    let private = hub.parts.blobs.put(b"somebody's picture".to_vec()).await.expect("stores");
    let bundle = untrained("m1", &labels());
    let db = hub.parts.store.db();
    for id in [&bundle.id(), &bundle.manifest().backbone.sha256, &bundle.manifest().head.sha256] {
        assert!(store::refers_to(db, id).await.expect("reads"));
    }
    assert!(!store::refers_to(db, &private).await.expect("reads"));
}

#[tokio::test]
async fn an_exported_model_runs() {
    let hub = Hub::open(Some(&labels())).await;
    let out = hub.path().join("out");
    let bundle = hub.parts.registry.bundle(&ModelVersion::new("m1").expect("valid")).await.expect("reads");
    export::write(&bundle, &out, true).expect("writes");
    let read = Bundle::read(&out).expect("whole");
    Classifier::load(&read).expect("runs");
    assert_eq!(std::fs::read_to_string(out.join(export::LABELS_FILE)).expect("reads"), "glass\nmetal\npaper\n");
    let merged = std::fs::read(out.join(export::MERGED_FILE)).expect("reads");
    assert_eq!(pilah_models::onnx::inspect(&merged).expect("ONNX").output, "probabilities");
}

#[tokio::test]
async fn an_override_is_written_down_where_it_can_be_seen() {
    use sea_orm::EntityTrait as _;
    let hub = Hub::open(Some(&labels())).await;
    let registry = &hub.parts.registry;
    let verdict = refusal();
    let origin = Origin { verdict: Some(&verdict), ..Origin::default() };
    registry.register(&untrained("m2", &labels()), &origin).await.expect("registers");
    assert!(matches!(registry.activate("m2", "ada", Some(" \n")).await, Err(RegistryError::Refused { .. })));
    registry.activate("m2", "ada", Some(" the old one is worse ")).await.expect("with a reason");
    let shown = routes::model_detail(registry, "m2").await.expect("reads").model;
    let overridden = shown.overridden.expect("it is in its row");
    assert_eq!((overridden.by.as_str(), overridden.reason.as_str()), ("ada", "the old one is worse"));
    let entries = crate::store::entity::audit::Entity::find().all(hub.parts.store.db()).await.expect("reads");
    let detail = entries.last().and_then(|entry| entry.detail_json.as_deref()).expect("the newest entry");
    assert!(detail.contains("\"override\":true") && detail.contains("the old one is worse"), "{detail}");
    // A version that the gate let pass is no override, reason or not.
    registry.activate("m1", "ada", Some("back again")).await.expect("goes back");
    assert!(routes::model_detail(registry, "m1").await.expect("reads").model.overridden.is_none());
}

#[tokio::test]
async fn of_all_that_were_in_service_one_is_the_previous() {
    let hub = Hub::open(Some(&labels())).await;
    let registry = &hub.parts.registry;
    for name in ["m2", "m3"] {
        registry.register(&untrained(name, &labels()), &Origin::default()).await.expect("registers");
    }
    let tags = async || -> Vec<(String, Vec<&'static str>)> {
        let list = routes::model_list(registry).await.expect("reads");
        let mut tags: Vec<_> = list.models.into_iter().map(|model| (model.version, model.tags)).collect();
        tags.sort();
        tags
    };
    let expect = |m1: &[&'static str], m2: &[&'static str], m3: &[&'static str]| {
        [("m1", m1), ("m2", m2), ("m3", m3)].map(|(version, tags)| (version.to_owned(), tags.to_vec())).to_vec()
    };
    assert_eq!(tags().await, expect(&["in_service"], &["candidate"], &["candidate"]));
    for name in ["m2", "m3"] {
        // Times are kept in milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        registry.activate(name, "ada", None).await.expect("loads");
    }
    assert_eq!(tags().await, expect(&[], &["previous"], &["in_service"]));
}

#[tokio::test]
async fn what_something_refers_to_is_not_deleted_and_the_rest_is() {
    let hub = Hub::open(Some(&labels())).await;
    let Parts { store, blobs, registry } = hub.parts.clone();
    let spare = untrained("m9", &Labels::parse(["glass", "metal"]).expect("valid"));
    registry.register(&spare, &Origin::default()).await.expect("registers");
    registry.register(&untrained("m2", &labels()), &Origin::default()).await.expect("registers");
    registry.activate("m2", "ada", None).await.expect("loads");
    let refused = async |version: &str| registry.delete(version, "ada").await.expect_err("refused").to_string();
    assert!(refused("m2").await.contains("it is in service"));
    assert!(refused("m1").await.contains("it is the previous one"));
    let unknown = refused("m7").await;
    assert!(unknown.contains("m1") && unknown.contains("m9"), "it names those that exist: {unknown}");

    let bin = pilah_models::name::BinId::new("b1").expect("valid");
    crate::fleet::enrol(&store, &bin, "", "test").await.expect("enrols");
    let report = async |version: Option<&str>| {
        use sea_orm::sea_query::Expr;
        use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
        let bins = crate::store::entity::bin::Entity::update_many()
            .col_expr(crate::store::entity::bin::Column::ModelVersion, Expr::value(version))
            .filter(crate::store::entity::bin::Column::Id.eq("b1"));
        bins.exec(store.db()).await.expect("updates");
    };
    report(Some("m9")).await;
    assert!(refused("m9").await.contains("bin b1 classifies with it"));
    report(None).await;
    registry.delete("m9", "ada").await.expect("nothing refers to it any more");
    assert!(
        !blobs.exists(&spare.id()).await.expect("looks")
            && !blobs.exists(&spare.manifest().head.sha256).await.expect("looks")
    );
    let backbone = &spare.manifest().backbone.sha256;
    assert!(blobs.exists(backbone).await.expect("looks"), "the others have the same backbone");
    assert!(!store::refers_to(store.db(), &spare.id()).await.expect("reads"));
    assert!(matches!(registry.known("m9").await, Err(RegistryError::Unknown { .. })));
    let error =
        registry.register(&untrained("m9", &labels()), &Origin::default()).await.expect_err("its name is taken");
    assert!(matches!(error, RegistryError::Taken(_)), "{error}");
}

#[tokio::test]
async fn a_parent_is_kept_for_its_children() {
    let hub = Hub::open(Some(&labels())).await;
    let registry = &hub.parts.registry;
    let child = untrained("m2", &labels());
    let mut manifest = child.manifest().clone();
    manifest.lineage.parent = Some(ModelVersion::new("m1").expect("valid"));
    let child = Bundle::seal(manifest, child.backbone().to_vec(), child.head().to_vec()).expect("consistent");
    registry.register(&child, &Origin::default()).await.expect("registers");
    for name in ["m3", "m4"] {
        registry.register(&untrained(name, &labels()), &Origin::default()).await.expect("registers");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        registry.activate(name, "ada", None).await.expect("loads");
    }
    let error = registry.delete("m1", "ada").await.expect_err("m2 was trained from it").to_string();
    assert!(error.contains("m2 was trained from it"), "{error}");
    registry.delete("m2", "ada").await.expect("nothing refers to it");
    registry.delete("m1", "ada").await.expect("its child is gone");
}

#[tokio::test]
async fn an_archive_has_a_card_that_says_what_the_model_is() {
    let hub = Hub::open(Some(&labels())).await;
    let archive = hub.parts.registry.archive(&ModelVersion::new("m1").expect("valid")).await.expect("packs");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("a zip");
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut archive.by_name(name).expect(name), &mut bytes).expect("reads");
        bytes
    };
    assert_eq!(read(export::LABELS_FILE), b"glass\nmetal\npaper\n");
    assert_eq!(pilah_models::onnx::inspect(&read(export::MERGED_FILE)).expect("ONNX").input, "image");
    let card = String::from_utf8(read(export::CARD_FILE)).expect("text");
    for wanted in ["# m1", "glass, metal, paper", "[1, 3, 32, 32]", "It was not evaluated", "backbone: SHA-256"] {
        assert!(card.contains(wanted), "{wanted:?} is missing in {card}");
    }
}

#[tokio::test]
async fn a_hub_follows_what_another_process_puts_into_service() {
    let hub = Hub::open(Some(&labels())).await;
    let Parts { store, blobs, registry } = hub.parts.clone();
    let command = Registry::open(store, blobs, Live::default(), None).await.expect("opens");
    command.register(&untrained("m2", &labels()), &Origin::default()).await.expect("registers");
    command.activate("m2", "command line", None).await.expect("loads");
    assert_eq!(version(&registry).as_deref(), Some("m1"), "it was not told");
    let mut changes = registry.changes();
    changes.mark_unchanged();
    registry.refresh().await.expect("loads");
    assert_eq!(version(&registry).as_deref(), Some("m2"));
    assert!(changes.has_changed().expect("open"), "bins are told");
    changes.mark_unchanged();
    registry.refresh().await.expect("nothing to do");
    assert!(!changes.has_changed().expect("open"));
}

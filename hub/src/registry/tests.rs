use pilah_models::labels::Labels;

use super::fixture::{Hub, untrained};
use super::*;
use crate::evaluate::gate::Rule;
use crate::train::job::Parts;

fn labels() -> Labels {
    Labels::parse(["glass", "metal", "paper"]).expect("valid")
}

fn version(registry: &Registry) -> Option<String> {
    registry.in_service().map(|model| model.manifest().version.to_string())
}

fn refusal() -> Verdict {
    let rule = Rule { rule: "accuracy".into(), passed: false, measured: "1".into(), wanted: "2".into(), reason: "it is worse".into() };
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
    assert!(crate::error::Chain(&error).to_string().contains("head is not the one"), "the cause is named");
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

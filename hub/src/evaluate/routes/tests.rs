use pilah_models::labels::Labels;
use serde_json::json;

use crate::registry::Origin;
use crate::registry::fixture::{untrained, write_class};
use crate::testing::{self, Answer, TestHub};

const CLASSES: [&str; 3] = ["glass", "metal", "paper"];

/// A hub with m1 in service, m2 beside it, and 20 images of each class.
async fn hub() -> TestHub {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let labels = Labels::parse(CLASSES).expect("valid");
    untrained("m1", &labels).write(testing::config(&folder).bundle.as_deref().expect("a folder")).expect("writes");
    let hub = TestHub::start_in(folder).await;
    hub.running.state.registry.register(&untrained("m2", &labels), &Origin::default()).await.expect("registers");
    hub
}

async fn import_photos(hub: &TestHub) {
    let root = hub.folder.path().join("photos");
    for (class, label) in CLASSES.into_iter().enumerate() {
        write_class(&root, label, class, 0..20);
    }
    let state = &hub.running.state;
    crate::dataset::import::import(&state.store, &state.blobs, &root, "test", |_, _| {}).await.expect("imports");
}

fn kind(answer: &Answer) -> String {
    answer.json()["type"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_evaluated_shown_drawn_and_compared() {
    let hub = hub().await;
    let empty = hub.admin("POST", "/api/v1/models/m1/evaluate", None).await;
    assert_eq!((empty.status, kind(&empty).as_str()), (422, "urn:pilah:problem:no-test-images"), "{}", empty.text());
    let none = hub.admin("GET", "/api/v1/models/m1/report", None).await;
    assert_eq!((none.status, kind(&none).as_str()), (404, "urn:pilah:problem:not-evaluated"));
    assert!(none.text().contains("/api/v1/models/m1/evaluate"), "it says how");

    import_photos(&hub).await;
    let made = hub.admin("POST", "/api/v1/models/m1/evaluate", None).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let report = hub.admin("GET", "/api/v1/models/m1/report", None).await.json();
    for field in ["model", "at_ms", "labels", "notes"] {
        assert_eq!(report[field], made.json()[field], "{field}");
    }
    assert_eq!((&report["test"]["images"], &report["field"]), (&json!(6), &json!(null)), "{report}");
    let wrong = report["test"]["worst"][0]["sample"].as_str().expect("m1 says glass of everything").to_owned();
    let image = hub.admin("GET", &format!("/api/v1/samples/{wrong}/image"), None).await;
    assert_eq!((image.status, image.header("content-type")), (200, "image/jpeg"));

    for (plot, media) in
        [("confusion.svg", "image/svg+xml"), ("reliability.png", "image/png"), ("risk-coverage.svg", "image/svg+xml")]
    {
        let drawn = hub.admin("GET", &format!("/api/v1/models/m1/plots/{plot}"), None).await;
        assert_eq!((drawn.status, drawn.header("content-type")), (200, media), "{plot}");
    }
    for (plot, says) in [
        ("roc.svg", "reliability"),
        ("training.svg", "no training of this hub"),
        ("confusion.svg?on=field", "no figures on fresh field samples"),
    ] {
        let refused = hub.admin("GET", &format!("/api/v1/models/m1/plots/{plot}"), None).await;
        assert!(refused.status == 404 && refused.text().contains(says), "{plot}: {}", refused.text());
    }

    let compared = hub.admin("GET", "/api/v1/models/compare?a=m1&b=m2", None).await.json();
    assert_eq!((&compared["images"], &compared["test"]["only_old"]), (&json!(6), &json!(0)), "{compared}");
    let unknown = hub.admin("GET", "/api/v1/models/compare?a=m1&b=m5", None).await;
    assert!(unknown.status == 404 && unknown.text().contains("m2"), "it names those that exist: {}", unknown.text());
    assert_eq!(hub.admin("GET", "/api/v1/models/compare?a=m1", None).await.status, 400);
    assert_eq!(hub.admin("GET", "/api/v1/gate", None).await.json()["margin"], json!(0.005));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_go_out_and_come_in_and_are_deleted() {
    let hub = hub().await;
    let archive = hub.admin("GET", "/api/v1/models/m2/export", None).await;
    assert_eq!((archive.status, archive.header("content-type")), (200, "application/zip"));
    assert!(archive.header("content-disposition").contains("m2.zip"));
    let basic = testing::basic("admin", testing::PASSWORD);
    let send = async |bytes: Vec<u8>| {
        let headers = [("authorization", basic.as_str()), ("content-type", "application/octet-stream")];
        hub.send("POST", "/api/v1/models/import?scaling=-1..1", &headers, bytes).await
    };
    let imported = send(archive.body.clone()).await;
    assert_eq!(imported.status, 201, "{}", imported.text());
    let model = imported.json()["model"].as_str().expect("a version").to_owned();
    let refused = send(b"GIF89a".to_vec()).await;
    assert_eq!((refused.status, kind(&refused).as_str()), (422, "urn:pilah:problem:bad-model"), "{}", refused.text());
    assert_eq!(send(Vec::new()).await.status, 400);
    let headers = [("authorization", basic.as_str()), ("content-type", "application/octet-stream")];
    let tiny = pilah_models::onnx::tiny_backbone(8, 24, 12);
    let unsaid = hub.send("POST", "/api/v1/models/import", &headers, tiny.clone()).await;
    assert_eq!(
        (unsaid.status, kind(&unsaid).as_str()),
        (422, "urn:pilah:problem:scaling-unknown"),
        "{}",
        unsaid.text()
    );
    assert_eq!(unsaid.json()["choices"], json!(["-1..1", "0..1", "0..255", "imagenet"]));
    let wrong = hub.send("POST", "/api/v1/models/import?scaling=0..2", &headers, tiny).await;
    assert_eq!((wrong.status, kind(&wrong).as_str()), (422, "urn:pilah:problem:bad-scaling"), "{}", wrong.text());
    let backbone = send(pilah_models::onnx::tiny_backbone(8, 24, 12)).await.json();
    let sha256 = backbone["backbone"]["sha256"].as_str().expect("a backbone").to_owned();
    assert_eq!(hub.admin("GET", "/api/v1/backbones", None).await.json()["backbones"][0]["next"], json!(true));
    assert_eq!(hub.admin("DELETE", &format!("/api/v1/backbones/{sha256}"), None).await.status, 204);

    let detail = hub.admin("GET", &format!("/api/v1/models/{model}"), None).await.json();
    assert!(detail["lineage"]["software"].as_str().is_some_and(|made| made.starts_with("imported")), "{detail}");
    assert_eq!(hub.admin("DELETE", &format!("/api/v1/models/{model}"), None).await.status, 204);
    let gone = hub.admin("GET", &format!("/api/v1/models/{model}"), None).await;
    assert!(gone.status == 404 && gone.text().contains("m2"), "{}", gone.text());
    let kept = hub.admin("DELETE", "/api/v1/models/m1", None).await;
    assert_eq!((kept.status, &kept.json()["referred_by"][0]), (409, &json!("it is in service")));
    for (method, path) in [
        ("POST", "/api/v1/models/m1/evaluate"),
        ("GET", "/api/v1/models/m1/report"),
        ("GET", "/api/v1/models/m1/plots/confusion.svg"),
        ("GET", "/api/v1/models/compare?a=m1&b=m2"),
        ("GET", "/api/v1/models/m1/export"),
        ("POST", "/api/v1/models/import"),
        ("DELETE", "/api/v1/models/m2"),
        ("GET", "/api/v1/backbones"),
    ] {
        assert_eq!(hub.request(method, path, &[], None).await.status, 401, "{method} {path} needs a login");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_the_level() {
    let hub = hub().await;
    import_photos(&hub).await;
    let level = hub.admin("GET", "/api/status", None).await.json()["ai_level"].clone();
    assert_eq!((&level["level"], &level["name"], &level["reviewed"]), (&json!(0), &json!("newborn"), &json!(60)));
    assert_eq!(level["next"], json!(["1 more training"]));
}

//! The HTTP interface from an image to a model that bins fetch, against a real hub.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use image::{ImageFormat, RgbImage};
use pilah_models::labels::Labels;
use pilah_models::name::ContentId;
use serde_json::{Value, json};

use crate::registry::Origin;
use crate::registry::fixture::{picture, untrained};
use crate::testing::{Answer, PASSWORD, TestHub, basic};

const CLASSES: [&str; 3] = ["glass", "metal", "paper"];

/// A hub with an untrained model in service.
async fn hub() -> TestHub {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bundle = untrained("m1", &Labels::parse(CLASSES).expect("valid"));
    let folder_of_bundle = crate::testing::config(&folder).bundle.expect("a folder");
    bundle.write(&folder_of_bundle).expect("writes");
    TestHub::start_in(folder).await
}

fn png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

/// A form with a label and files.
fn form(label: Option<&str>, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!("--xx\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    if let Some(label) = label {
        let field = format!("--xx\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\n{label}\r\n");
        body.extend_from_slice(field.as_bytes());
    }
    body.extend_from_slice(b"--xx--\r\n");
    body
}

async fn post(hub: &TestHub, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let login = basic("admin", PASSWORD);
    hub.send("POST", path, &[("authorization", &login), ("content-type", kind)], body).await
}

const FORM: &str = "multipart/form-data; boundary=xx";

#[tokio::test(flavor = "multi_thread")]
async fn an_image_gets_a_class_and_advice() {
    let hub = hub().await;
    let image = png(&picture(0, 1));
    let answer = post(&hub, "/api/predict?lang=id", "image/png", image.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["prediction"]["class"], "glass");
    assert_eq!(body["prediction"]["model"], "m1");
    assert_eq!(body["prediction"]["probabilities"].as_object().map(serde_json::Map::len), Some(3));
    assert_eq!(body["recommendation"]["name"], "Kaca");
    assert!(body["educational"]["facts"][0].is_string());
    let answer = post(&hub, "/api/predict", FORM, form(None, &[("a.png", &image)])).await;
    assert_eq!((answer.status, &answer.json()["recommendation"]["language"]), (200, &json!("en")));

    let cases: [(&str, Vec<u8>, u16, &str); 5] = [
        ("image/jpeg", b"hello".to_vec(), 422, "neither a JPEG nor a PNG"),
        ("image/png", image[..image.len() / 2].to_vec(), 422, "damaged"),
        ("image/png", Vec::new(), 400, "send a JPEG or PNG"),
        (FORM, form(Some("glass"), &[]), 400, "send a JPEG or PNG"),
        ("image/png", vec![0; 26_000_000], 413, "the limit is 25000000"),
    ];
    for (kind, body, status, detail) in cases {
        let answer = post(&hub, "/api/predict", kind, body).await;
        assert_eq!(answer.status, status, "{detail}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.json()["detail"].as_str().is_some_and(|text| text.contains(detail)), "{}", answer.text());
    }
    let stranger = hub.send("POST", "/api/predict", &[("content-type", "image/png")], image).await;
    assert_eq!(stranger.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_picture_is_the_same_at_every_door_however_it_is_written() {
    const WHOLE: &[u8] = include_bytes!("../../../models/golden/pictures/420.one-scan.jpg");
    let hub = hub().await;
    let same: [(&str, &[u8]); 4] = [
        ("whole.jpg", WHOLE),
        ("no-tables.jpg", include_bytes!("../../../models/golden/pictures/420.no-tables-no-app0.jpg")),
        ("one-by-one.jpg", include_bytes!("../../../models/golden/pictures/420.one-by-one.jpg")),
        ("stale-tail.jpg", include_bytes!("../../../models/golden/pictures/420.stale-tail.jpg")),
    ];
    let mut answers = Vec::new();
    for (name, jpeg) in same {
        let answer = post(&hub, "/api/predict", "image/jpeg", jpeg.to_vec()).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        answers.push(answer.json()["prediction"]["probabilities"]["glass"].as_f64().expect("a number"));
    }
    assert!(answers.iter().all(|found| (found - answers[0]).abs() < 0.01), "{answers:?}");
    let answer = post(&hub, "/api/upload-training", FORM, form(Some("glass"), &same)).await.json();
    assert_eq!(answer["refused"], 0, "{answer}");
    assert_eq!(answer["stored"].as_u64().zip(answer["duplicates"].as_u64()).map(|(a, b)| a + b), Some(4), "{answer}");

    let hole = [&WHOLE[..WHOLE.len() - 200], &[0xff, 0xd9]].concat();
    let fine: &[u8] = include_bytes!("../../../models/golden/pictures/refused/fine-colour.jpg");
    for (jpeg, expected) in [(&hole[..], "damaged: bytes are missing"), (fine, "more values of colour than of light")] {
        let answer = post(&hub, "/api/predict", "image/jpeg", jpeg.to_vec()).await;
        assert!(answer.status == 422 && answer.text().contains(expected), "{}", answer.text());
        let answer = post(&hub, "/api/upload-training", FORM, form(Some("glass"), &[("a.jpg", jpeg)])).await;
        let reason = answer.json()["files"][0]["reason"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 422 && reason.contains(expected), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_uploads_to_a_model_that_bins_may_fetch() {
    let hub = hub().await;
    let image = png(&picture(0, 1));
    let answer = post(&hub, "/api/upload-training", FORM, form(Some("tin"), &[("a.png", &image)])).await;
    assert_eq!((answer.status, &answer.json()["classes"]), (422, &json!(CLASSES)));
    let answer = post(&hub, "/api/upload-training", FORM, form(Some("glass"), &[("a.png", b"no image")])).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(answer.json()["files"][0]["reason"].as_str().is_some_and(|reason| reason.contains("neither")));
    for (body, expected) in [(form(None, &[("a.png", &image)]), "no-label"), (form(Some("glass"), &[]), "no-file")] {
        let answer = post(&hub, "/api/upload-training", FORM, body).await;
        assert_eq!((answer.status, &answer.json()["type"]), (400, &json!(format!("urn:pilah:problem:{expected}"))));
    }
    let answer = hub.admin("POST", "/api/train", None).await;
    assert_eq!(answer.status, 422, "nothing to train on: {}", answer.text());

    for (class, label) in CLASSES.iter().enumerate() {
        let images: Vec<(String, Vec<u8>)> =
            (0..12).map(|n| (format!("{label}{}.png", n * 20), png(&picture(class, n)))).collect();
        let mut files: Vec<(&str, &[u8])> = images.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        files.extend([("again.png", &images[0].1[..]), ("broken.png", &images[0].1[..60])]);
        let answer = post(&hub, "/api/upload-training", FORM, form(Some(label), &files)).await;
        let body = answer.json();
        assert_eq!((&body["stored"], &body["duplicates"], &body["refused"]), (&json!(12), &json!(1), &json!(1)));
    }
    let classes = hub.admin("GET", "/api/v1/classes", None).await.json();
    assert_eq!(classes["classes"][2]["images"], 12, "{classes}");

    label_one(&hub).await;

    let answer = hub.admin("POST", "/api/train", Some(json!({"epochs": 0}))).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    let answer = hub.admin("POST", "/api/train", Some(json!({"epochs": 40, "seed": 3}))).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    hub.until("the training ends", |running| !running.state.trainer.status().in_progress).await;
    let status = hub.admin("GET", "/api/training-status", None).await.json();
    assert_eq!((&status["state"], &status["progress"]), (&json!("succeeded"), &json!(100.0)), "{status}");
    let trainings = hub.admin("GET", "/api/v1/trainings", None).await.json();
    assert_eq!(trainings["trainings"][0]["report"]["seed"], 3, "{trainings}");
    let models = hub.admin("GET", "/api/v1/models", None).await.json();
    assert_eq!(models["models"].as_array().map(Vec::len), Some(2));
    assert_ne!(models["in_service"], "m1", "{models}");
    fetch_as_bin(&hub, models["in_service"].as_str().expect("a version")).await;

    let answer = hub.admin("POST", "/api/v1/models/m1/activate", Some(json!({}))).await;
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("in_service")));
}

/// Predictions under load while the model in service changes again and again, and a training runs.
#[tokio::test(flavor = "multi_thread")]
async fn no_prediction_fails_while_models_are_switched() {
    const SWITCHES: usize = 60;
    let hub = hub().await;
    let labels = Labels::parse(CLASSES).expect("valid");
    let registry = &hub.running.state.registry;
    for version in ["m2", "m3"] {
        registry.register(&untrained(version, &labels), &Origin::default()).await.expect("registers");
    }
    for (class, label) in CLASSES.iter().enumerate() {
        let images: Vec<(String, Vec<u8>)> =
            (0..12).map(|n| (format!("{label}{}.png", n * 20), png(&picture(class, n)))).collect();
        let files: Vec<(&str, &[u8])> = images.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        post(&hub, "/api/upload-training", FORM, form(Some(label), &files)).await;
    }
    let answer = hub.admin("POST", "/api/train", Some(json!({"epochs": 10_000, "patience": 10_000}))).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let refused = hub.admin("POST", "/api/train", None).await;
    let (job, training) = (&refused.json()["job"], &refused.json()["training"]);
    assert_eq!((refused.status, &job["id"], &job["in_progress"]), (409, training, &json!(true)), "{}", refused.text());

    let image = png(&picture(0, 1));
    let done = std::sync::atomic::AtomicBool::new(false);
    let ask = async || {
        let mut models = BTreeMap::<String, u32>::new();
        while !done.load(Ordering::Relaxed) {
            let answer = post(&hub, "/api/predict", "image/png", image.clone()).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            *models.entry(text(&answer.json()["prediction"]["model"]).to_owned()).or_default() += 1;
        }
        models
    };
    let switch = async {
        for turn in 0..SWITCHES {
            registry.activate(["m2", "m3", "m1"][turn % 3], "test", None).await.expect("switches");
            // So that some request is answered by each.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let training = hub.running.state.trainer.status();
        done.store(true, Ordering::Relaxed);
        training
    };
    let (first, second, third, training) = tokio::join!(ask(), ask(), ask(), switch);
    assert!(training.in_progress, "the training ran meanwhile: {training:?}");
    let mut models = first;
    second.into_iter().chain(third).for_each(|(model, count)| *models.entry(model).or_default() += count);
    assert_eq!(models.len(), 3, "each model answered some: {models:?}");
    let id = training.id.expect("a number");
    assert!(hub.running.state.trainer.cancel(id, "test").await.expect("asks"));
}

/// Lists, looks at and labels a sample.
async fn label_one(hub: &TestHub) {
    let list = hub.admin("GET", "/api/v1/samples?label=paper&limit=5", None).await.json();
    let samples = list["samples"].as_array().expect("a list");
    assert_eq!((samples.len(), &list["next"]), (5, &samples[4]["id"]));
    let next = hub.admin("GET", &format!("/api/v1/samples?label=paper&before={}", text(&list["next"])), None).await;
    assert_eq!(next.json()["samples"].as_array().map(Vec::len), Some(7));
    let path = format!("/api/v1/samples/{}", text(&samples[0]["id"]));
    let image = hub.admin("GET", &format!("{path}/image"), None).await;
    assert_eq!((image.status, image.header("content-type")), (200, "image/jpeg"));
    assert_eq!(hub.send("GET", &format!("{path}/image"), &[], Vec::new()).await.status, 401, "images are private");
    for (label, status) in [(json!("tin"), 422), (json!("../x"), 422), (json!("unusable"), 200), (json!("paper"), 200)]
    {
        let answer = hub.admin("POST", &format!("{path}/label"), Some(json!({ "label": label }))).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let unknown = hub.admin("POST", "/api/v1/samples/no-such/label", Some(json!({"label": "paper"}))).await;
    assert_eq!(unknown.status, 404);
}

/// Fetches the files of a model as a bin does.
async fn fetch_as_bin(hub: &TestHub, version: &str) {
    let secret = hub.enrol("b1").await;
    let login = basic("b1", secret.reveal());
    let detail = hub.admin("GET", &format!("/api/v1/models/{version}"), None).await.json();
    for id in [&detail["manifest"], &detail["backbone"], &detail["head"]] {
        let path = format!("/api/v1/artifacts/{}", text(id));
        let answer = hub.send("GET", &path, &[("authorization", &login)], Vec::new()).await;
        assert_eq!((answer.status, ContentId::of(&answer.body).as_str()), (200, text(id)));
        let rest = hub.send("GET", &path, &[("authorization", &login), ("range", "bytes=7-")], Vec::new()).await;
        assert_eq!((rest.status, &rest.body[..]), (206, &answer.body[7..]), "a bin whose link broke gets the rest");
        let beyond = format!("bytes={}-", answer.body.len());
        let beyond = hub.send("GET", &path, &[("authorization", &login), ("range", &beyond)], Vec::new()).await;
        assert_eq!(beyond.status, 416);
        let wrong = basic("b1", "another secret");
        assert_eq!(hub.send("GET", &path, &[("authorization", &wrong)], Vec::new()).await.status, 401);
    }
    for id in [ContentId::of(b"unknown").to_string(), "../../pilah.db".to_owned()] {
        let path = format!("/api/v1/artifacts/{}", id.replace('/', "%2F"));
        assert_eq!(hub.send("GET", &path, &[("authorization", &login)], Vec::new()).await.status, 404, "{id}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

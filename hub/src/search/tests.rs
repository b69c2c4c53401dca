use pilah_models::labels::Labels;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::routes::{SearchQuery, read};
use super::*;
use crate::config::Config;
use crate::registry::fixture::{Hub, picture, untrained};
use crate::store::entity::{review, sample};
use crate::testing::{PASSWORD, TestHub, basic};

/// Samples a to j, of which the model is unsure by tenths, two by two the same.
async fn with_samples() -> Hub {
    let hub = Hub::open(None).await;
    let db = hub.parts.store.db();
    for (number, id) in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].into_iter().enumerate() {
        let row = sample::ActiveModel {
            id: Set(id.into()),
            source: Set(if number < 5 { "bin" } else { "upload" }.into()),
            bin: Set((number < 5).then(|| "b1".to_owned())),
            at_ms: Set(0),
            received_ms: Set(number as i64),
            content_sha256: Set(ContentId::of(id.as_bytes()).into()),
            width: Set(1),
            height: Set(1),
            bytes: Set(1),
            sure: Set(false),
            label: Set((number % 2 == 0).then(|| "glass".to_owned())),
            split: Set((number % 2 == 0).then(|| "train".to_owned())),
            group_key: Set(id.into()),
            ..Default::default()
        };
        sample::Entity::insert(row).exec_without_returning(db).await.expect("inserts");
        let row = review::ActiveModel {
            sample_id: Set(id.into()),
            state: Set("open".into()),
            value: Set(0.5),
            unsure: Set((number > 0).then(|| (number / 2) as f64 / 10.0)),
            random_rank: Set((number == 3).then_some(0.01)),
            guess: Set((number > 6).then(|| "metal".to_owned())),
            ..Default::default()
        };
        review::Entity::insert(row).exec_without_returning(db).await.expect("inserts");
    }
    hub
}

/// All pages of two, as one string of ids.
async fn all(hub: &Hub, filter: &Filter, sort: Sort) -> String {
    let (mut found, mut after) = (String::new(), None);
    for _ in 0..20 {
        let page = store::page(hub.parts.store.db(), filter, sort, after.as_ref(), 2).await.expect("reads");
        found.extend(page.0.iter().map(|(sample, _)| sample.id.as_str()));
        // Through text, as a client would.
        after = page.1.map(|cursor| cursor.to_string().parse().expect("reads back"));
        if after.is_none() {
            return found;
        }
    }
    panic!("the pages do not end: {found}");
}

#[tokio::test]
async fn pages_hold_every_sample_once_in_order() {
    let hub = with_samples().await;
    let none = Filter::default();
    assert_eq!(all(&hub, &none, Sort::Newest).await, "jihgfedcba");
    assert_eq!(all(&hub, &none, Sort::Unsure).await, "jihgfedcb", "a is not scored");
    let cases = [
        (Filter { label: Some("glass".into()), ..Filter::default() }, "igeca"),
        (Filter { unlabelled: true, source: Some("bin".into()), ..Filter::default() }, "db"),
        (Filter { bin: Some("b1".into()), split: Some(Split::Train), ..Filter::default() }, "eca"),
        (Filter { from_ms: Some(3), to_ms: Some(6), ..Filter::default() }, "fed"),
        (Filter { unsure_from: Some(0.1), unsure_to: Some(0.2), ..Filter::default() }, "fedc"),
        (Filter { random: true, ..Filter::default() }, "d"),
        (Filter { suspect: true, ..Filter::default() }, ""),
        (Filter { guess: Some("metal".into()), ..Filter::default() }, "jih"),
        (Filter { guess: Some("metal".into()), label: Some("glass".into()), ..Filter::default() }, "i"),
    ];
    for (filter, expected) in cases {
        assert_eq!(all(&hub, &filter, Sort::Newest).await, expected, "{filter:?}");
    }
    let of_other_order = Cursor { unsure: None, sample: "c".into() };
    let error = store::page(hub.parts.store.db(), &none, Sort::Unsure, Some(&of_other_order), 2).await;
    assert!(matches!(error, Err(SearchError::Cursor(_))));
}

#[test]
fn values_that_do_not_exist_are_refused_with_those_that_do() {
    let query = |change: fn(&mut SearchQuery)| {
        let mut query = SearchQuery::default();
        change(&mut query);
        read(&query).expect_err("refused").to_string()
    };
    let cases = [
        (query(|q| q.source = Some("post".into())), "bin, upload or import"),
        (query(|q| q.split = Some("val".into())), "train, validation or test"),
        (query(|q| q.sort = Some("best".into())), "newest or unsure"),
        (query(|q| q.unsure_from = Some(f64::NAN)), "0 to 1"),
        (query(|q| q.unsure_to = Some(1.5)), "0 to 1"),
    ];
    for (error, rule) in cases {
        assert!(error.contains(rule), "{error}");
    }
    for bad in ["x:y", "NaN:a", ":"] {
        assert!(bad.parse::<Cursor>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn what_looks_alike_is_found_over_http() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bundle = folder.path().join("bundle");
    untrained("m1", &Labels::parse(["glass", "metal"]).expect("valid")).write(&bundle).expect("writes");
    let config = Config { bundle: Some(bundle), ..crate::testing::config(&folder) };
    let hub = TestHub { running: crate::server::start(config).await.expect("starts"), folder };
    let png = |class, number| {
        let mut bytes = Vec::new();
        picture(class, number)
            .write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png)
            .expect("encodes");
        bytes
    };
    let admin = basic("admin", PASSWORD);
    for (label, class) in [("glass", 0), ("metal", 1)] {
        for number in 0..4 {
            let mut form = Vec::new();
            let part = format!(
                "--x\r\ncontent-disposition: form-data; name=\"label\"\r\n\r\n{label}\r\n--x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"{label}{}.png\"\r\n\r\n",
                number * 20
            );
            form.extend_from_slice(part.as_bytes());
            form.extend(png(class, number));
            form.extend_from_slice(b"\r\n--x--\r\n");
            let headers = [("authorization", admin.as_str()), ("content-type", "multipart/form-data; boundary=x")];
            assert_eq!(hub.send("POST", "/api/upload-training", &headers, form).await.status, 200);
        }
    }
    hub.until("all are embedded", |hub| hub.state.vectors.status().embedded == 8).await;

    let headers = [("authorization", admin.as_str()), ("content-type", "image/png")];
    let found = hub.send("POST", "/api/v1/search/similar?count=3", &headers, png(1, 2)).await.json();
    let samples = found["samples"].as_array().expect("a list");
    assert!(samples[0]["similarity"].as_f64().expect("a number") > 0.99, "{found}");
    assert_eq!((samples.len(), samples[0]["sample"]["label"].as_str()), (3, Some("metal")));
    let id = samples[0]["sample"]["id"].as_str().expect("an id");
    let near = hub.admin("GET", &format!("/api/v1/samples/{id}/similar?count=7"), None).await.json();
    let near = near["samples"].as_array().expect("a list");
    assert!(near.len() == 7 && near.iter().all(|similar| similar["sample"]["id"] != id), "all but itself");

    let body = serde_json::json!({ "label": "glass" });
    assert!(hub.admin("POST", &format!("/api/v1/samples/{id}/label"), Some(body)).await.status < 300);
    let one = hub.admin("GET", &format!("/api/v1/samples/{id}"), None).await.json();
    let changes = one["history"].as_array().expect("a list");
    let labels: Vec<_> = changes.iter().map(|change| (change["was"].as_str(), change["label"].as_str())).collect();
    assert_eq!(labels, [(Some("metal"), Some("glass"))], "the label that it came with is no change: {one}");
    assert_eq!((one["sample"]["label"].as_str(), one["history"][0]["by"].as_str()), (Some("glass"), Some("admin")));
    assert_eq!(hub.admin("GET", "/api/v1/samples/no-such", None).await.status, 404);

    assert_eq!(hub.send("POST", "/api/v1/search/similar", &headers, b"no image".to_vec()).await.status, 422);
    assert_eq!(hub.admin("GET", "/api/v1/samples/no-such/similar", None).await.status, 404);
    let page = hub.admin("GET", "/api/v1/search?label=glass&limit=3", None).await.json();
    assert_eq!((page["hits"].as_array().map(Vec::len), page["next"].is_string()), (Some(3), true));
    let unknown = hub.admin("GET", "/api/v1/search?label=tin", None).await;
    assert!(unknown.status == 422 && unknown.text().contains("glass"), "{}", unknown.text());
    assert_eq!(hub.admin("GET", "/api/v1/search?guess=tin", None).await.status, 422);
    assert_eq!(hub.admin("GET", "/api/v1/search?colour=red", None).await.status, 400);
    assert_eq!(hub.admin("GET", "/api/v1/search?after=x:y", None).await.status, 400);
    // Between two versions there is a moment in which this would be so.
    hub.running.state.vectors.begin(None, 0);
    assert_eq!(hub.send("POST", "/api/v1/search/similar", &headers, png(1, 2)).await.status, 503);
    assert_eq!(hub.admin("GET", &format!("/api/v1/samples/{id}/similar"), None).await.status, 503);
    hub.running.stop().await;
}

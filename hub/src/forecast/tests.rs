//! Forecasts over HTTP: a file comes in, a model answers.

use super::job::Forecasts;
use crate::testing::{Answer, PASSWORD, TestHub, basic};

/// A form with a CSV file and fields.
fn form(csv: &str, fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    let boundary = "----pilah";
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    if !csv.is_empty() {
        body += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"sales.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n"
        );
    }
    body += &format!("--{boundary}--\r\n");
    (format!("multipart/form-data; boundary={boundary}"), body.into_bytes())
}

async fn retrain(hub: &TestHub, csv: &str, fields: &[(&str, &str)]) -> Answer {
    let (kind, body) = form(csv, fields);
    let login = basic("admin", PASSWORD);
    hub.send("POST", "/retrain", &[("authorization", &login), ("content-type", &kind)], body).await
}

/// Eighty days of two products.
fn csv() -> String {
    let mut text = String::from("date,product_id,quantity,on_hand,lead_time_days\n");
    let start: jiff::civil::Date = "2024-01-01".parse().expect("a date");
    for day in 0..80_i64 {
        let date = start.saturating_add(jiff::ToSpan::days(day));
        text += &format!("{date},bottle,{},30,2\n{date},can,{},,\n", 10 + day % 7, 20 + day % 7 * 2);
    }
    text
}

#[tokio::test]
async fn a_file_is_merged_trained_and_answers() {
    let hub = TestHub::start().await;
    let before = hub.admin("POST", "/forecast", Some(serde_json::json!({}))).await;
    assert_eq!(before.status, 409, "{}", before.text());

    let answer = retrain(&hub, &csv(), &[("epochs", "2")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let stages: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    for stage in ["validated", "merged", "prophet", "lstm", "products", "saved", "result"] {
        assert!(stages.contains(&stage), "{stage} in {stages:?}");
    }
    assert_eq!(stages.last(), Some(&"result"));
    assert!(text.contains("epoch 2 of 2") && text.contains("160 new, 0 updated, 0 unchanged"), "{text}");

    let total = hub.admin("POST", "/forecast", Some(serde_json::json!({ "days": 14 }))).await.json();
    assert_eq!(total["forecast"]["ensemble"]["mean"].as_array().map(Vec::len), Some(14));
    assert_eq!(total["weights"]["prophet"], 0.6);
    assert_eq!(total["trained"]["rows"], 160);
    let one = hub.admin("POST", "/forecast", Some(serde_json::json!({ "product_id": "bottle" }))).await.json();
    assert_eq!(one["title"], "bottle");
    assert!(one["stock"]["reorder_point"].as_f64().is_some_and(|point| point > 20.0), "{one}");
    let svg = hub.admin("GET", one["plot"]["svg"].as_str().expect("a URL"), None).await;
    assert_eq!((svg.status, svg.header("content-type")), (200, "image/svg+xml"));
    let stored = hub.admin("GET", "/api/v1/forecast/result?product_id=can", None).await.json();
    assert_eq!(stored["dates"].as_array().map(Vec::len), Some(90));

    let part = serde_json::json!({ "product_id": "can", "from": "2024-02-01", "days": 7 });
    let part = hub.admin("POST", "/forecast", Some(part)).await.json();
    assert_eq!(part["history"]["dates"][0], "2024-02-01");
    let wrong = hub.admin("POST", "/forecast", Some(serde_json::json!({ "product_id": "botle" }))).await;
    assert_eq!(wrong.status, 404);
    assert!(wrong.text().contains("is it bottle"), "{}", wrong.text());
    for days in [0, 10_000] {
        let answer = hub.admin("POST", "/forecast", Some(serde_json::json!({ "days": days }))).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
    // What was trained survives the process.
    let store = hub.running.state.store.clone();
    let again = Forecasts::open(store, tokio_util::sync::CancellationToken::new()).await.expect("opens");
    assert_eq!(again.trained().map(|artefact| artefact.metadata.rows), Some(160));
}

#[tokio::test]
async fn bad_files_harm_nothing_and_are_explained() {
    let hub = TestHub::start().await;
    let bad = csv() + "2024-99-99,bottle,1,,\n2024-03-30,bottle,-5,,\n";
    let answer = retrain(&hub, &bad, &[]).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    let report = &answer.json()["report"];
    assert_eq!((report["bad"].as_u64(), report["errors"][0]["line"].as_u64()), (Some(2), Some(162)));
    for (csv, fields, status, words) in [
        ("date,product_id,quantity\n", &[][..], 422, "no rows"),
        ("nothing here", &[], 422, "no column"),
        ("", &[], 200, "there is no data yet"),
        ("a,b\n1,2\n", &[("dates", "whenever")], 400, "DD/MM/YYYY"),
        ("a,b\n1,2\n", &[("colour", "red")], 400, "no such option"),
        ("a,b\n1,2\n", &[("country", "XX")], 400, "ID"),
    ] {
        let answer = retrain(&hub, csv, fields).await;
        assert_eq!(answer.status, status, "{csv}: {}", answer.text());
        assert!(answer.text().contains(words), "{csv}: {}", answer.text());
    }
    let products = hub.admin("GET", "/api/v1/forecast/products", None).await.json();
    assert_eq!(products["products"], serde_json::json!([]), "nothing was merged");

    let answer = retrain(&hub, &bad, &[("accept_errors", "true"), ("epochs", "1")]).await;
    assert!(answer.text().contains("event: result"), "{}", answer.text());
    assert_eq!(retrain(&hub, "", &[]).await.status, 200, "what is stored can be trained again");
}

#[tokio::test]
async fn a_training_is_a_job_that_can_be_asked_for_and_cancelled() {
    let hub = TestHub::start().await;
    let answer = retrain(&hub, &csv(), &[("job", "true"), ("epochs", "1000")]).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    let busy = retrain(&hub, &csv(), &[("job", "true")]).await;
    assert_eq!(busy.status, 409, "{}", busy.text());
    let cancelled = hub.admin("POST", &format!("/api/v1/forecast/trainings/{id}/cancel"), None).await;
    assert_eq!(cancelled.status, 202);
    let path = format!("/api/v1/forecast/trainings/{id}");
    let wait = async {
        loop {
            let status = hub.admin("GET", &path, None).await.json();
            if status["state"] != "running" {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let status = tokio::time::timeout(crate::testing::PATIENCE, wait).await.expect("it ends");
    assert_eq!(status["state"], "cancelled", "{status}");
    assert!(hub.running.state.forecasts.trained().is_none());
    assert_eq!(hub.admin("GET", "/api/v1/forecast/trainings/none", None).await.status, 404);
}

#[tokio::test]
async fn a_plan_needs_bins_that_have_sent_something() {
    let hub = TestHub::start().await;
    let plan = |body: serde_json::Value| hub.admin("POST", "/api/v1/forecast/plan", Some(body));
    let bins = serde_json::json!([{ "bin": "b1", "items": 3, "capacity": 50 }]);
    let answer = plan(serde_json::json!({ "bins": bins })).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    for body in [
        serde_json::json!({ "bins": [] }),
        serde_json::json!({ "bins": bins, "days": 61 }),
        serde_json::json!({ "bins": bins, "accepted_risk": 0.0 }),
        serde_json::json!({ "bins": bins, "weekdays": ["someday"] }),
        serde_json::json!({ "bins": [{ "bin": "b1", "items": 3, "capacity": 0 }] }),
    ] {
        let answer = plan(body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
    }
    // Five weeks of items, counted straight into the database.
    let today = crate::store::now_ms() / 86_400_000;
    let mut seq = 0;
    for day in today - 35..today {
        for _ in 0..5 + day % 7 {
            seq += 1;
            insert_event(&hub, day, seq).await;
        }
    }
    let answer = plan(serde_json::json!({ "bins": bins })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()["collections"][0]["day"].is_string(), "{}", answer.text());
    let calendar = plan(serde_json::json!({ "bins": bins, "format": "ics" })).await;
    assert!(calendar.text().starts_with("BEGIN:VCALENDAR"), "{}", calendar.text());
    assert_eq!(calendar.header("content-type"), "text/calendar; charset=utf-8");
}

async fn insert_event(hub: &TestHub, day: i64, seq: i64) {
    use sea_orm::ActiveValue::Set;
    use sea_orm::EntityTrait as _;

    use crate::store::entity::event;
    let row = event::ActiveModel {
        bin: Set("b1".into()),
        epoch: Set(1),
        seq: Set(seq),
        at_ms: Set(day * 86_400_000 + seq),
        received_ms: Set(day * 86_400_000 + seq),
        outcome: Set("label".into()),
        label: Set("glass".into()),
        confidence: Set(0.9),
        probabilities_json: Set("{}".into()),
        model: Set("m1".into()),
        latency_ms: Set(1.0),
        truth_label: Set(None),
        truth_source: Set(None),
        ..Default::default()
    };
    event::Entity::insert(row).exec_without_returning(hub.running.state.store.db()).await.expect("inserts");
}

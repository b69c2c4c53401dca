use serde_json::json;

use crate::forecast::store::fill;
use crate::testing::TestHub;

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn a_plan_needs_bins_that_have_sent_something() {
    let hub = TestHub::start().await;
    let plan = |body: serde_json::Value| hub.admin("POST", "/api/v1/forecast/plan", Some(body));
    let bins = json!([{ "bin": "b1", "items": 3, "capacity": 50 }]);
    let answer = plan(json!({ "bins": bins })).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    for body in [
        json!({ "bins": [] }),
        json!({ "bins": bins, "days": 61 }),
        json!({ "bins": bins, "accepted_risk": 0.0 }),
        json!({ "bins": bins, "weekdays": ["someday"] }),
        json!({ "bins": [{ "bin": "b1", "items": 3, "capacity": 0 }] }),
    ] {
        let answer = plan(body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
    }
    // Five weeks of items, counted straight into the database.
    let today = crate::store::now_ms() / DAY_MS;
    let mut seq = 0;
    for day in today - 35..today {
        for _ in 0..5 + day % 7 {
            seq += 1;
            insert_event(&hub, day, seq).await;
        }
    }
    let answer = plan(json!({ "bins": bins })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()["collections"][0]["day"].is_string(), "{}", answer.text());
    let calendar = plan(json!({ "bins": bins, "format": "ics" })).await;
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
        at_ms: Set(day * DAY_MS + seq),
        received_ms: Set(day * DAY_MS + seq),
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

#[tokio::test]
async fn what_a_fill_sensor_tells_becomes_a_series_and_a_plan() {
    let hub = TestHub::start().await;
    for bin in ["b1", "b2", "b3"] {
        hub.enrol(bin).await;
    }
    let db = hub.running.state.store.db();
    let now = crate::store::now_ms();
    let today = now / DAY_MS;
    // A tenth of the bin per day, and a truck each week; today it is emptied for two days and a reading.
    for (index, day) in (today - 40..=today).enumerate() {
        let level = (index % 7) as f64 / 10.0;
        fill::note(db, "b1", level + 0.02, day * DAY_MS).await.expect("writes");
        if day < today {
            fill::note(db, "b1", level + 0.1, day * DAY_MS + DAY_MS / 2).await.expect("writes");
        }
    }
    fill::note(db, "b3", 0.5, now).await.expect("writes");

    let products = hub.admin("GET", "/api/v1/forecast/products", None).await.json();
    let b1 = &products["products"][0];
    assert_eq!((&b1["product_id"], &b1["category"], &b1["rows"]), (&"b1/fill%".into(), &"fill".into(), &39.into()));
    assert_eq!(products["products"].as_array().map(Vec::len), Some(1), "b3 has no whole day yet");
    let days = hub.admin("GET", "/api/v1/forecast/fill?bin=b1&days=14", None).await.json();
    let days = days["days"].as_array().expect("days").clone();
    let sum = |name: &str| days.iter().filter_map(|day| day[name].as_f64()).sum::<f64>();
    assert_eq!((days.len(), sum("collections"), sum("readings")), (14, 2.0, 27.0));
    assert!((sum("gained") - 1.28).abs() < 1e-6, "{days:?}");

    let plan = async |query: &str| hub.admin("GET", &format!("/api/v1/forecast/plan{query}"), None).await;
    let answer = plan("?days=21").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let view = answer.json();
    let b1 = &view["collections"][0];
    assert_eq!((&b1["bin"], &b1["by"]), (&"b1".into(), &"fill".into()), "{view}");
    let number = |name: &str| b1[name].as_f64().expect("a number");
    assert!((number("fill") - 0.52).abs() < 1e-6 && (0.08..0.12).contains(&number("per_day")), "{b1}");
    let day = b1["day"].as_str().expect("a day").parse::<jiff::civil::Date>().expect("a date");
    let from = view["from"].as_str().expect("a day").parse::<jiff::civil::Date>().expect("a date");
    let wait = from.until(day).expect("a span").get_days();
    assert!((2..=4).contains(&wait), "it holds 48 % more: {view}");
    let why: Vec<&str> =
        view["unplanned"].as_array().expect("bins").iter().filter_map(|u| u["reason"].as_str()).collect();
    assert!(why[0].contains("no fill in the last 30 days") && why[1].contains("no whole day"), "{why:?}");

    assert!(plan("?format=csv&weekdays=monday,thursday").await.text().starts_with("day,bin,"));
    assert!(plan("?format=ics").await.text().contains("BEGIN:VEVENT"));
    for query in ["?days=0", "?days=61", "?weekdays=someday", "?format=pdf", "?accepted_risk=0.9"] {
        assert_eq!(plan(query).await.status, 422, "{query}");
    }
    let post = async |body| hub.admin("POST", "/api/v1/forecast/plan", Some(body)).await;
    assert_eq!(post(json!({})).await.json()["collections"][0]["bin"], "b1");
    let both = post(json!({ "bins": [{ "bin": "b1" }, { "bin": "b1", "items": 3, "capacity": 9 }] })).await;
    assert_eq!(both.status, 404, "b1 has seen no item: {}", both.text());
    assert_eq!(post(json!({ "bins": [{ "bin": "b1" }] })).await.status, 200);
    assert_eq!(post(json!({ "bins": [{ "bin": "b2" }] })).await.status, 404);
    assert_eq!(post(json!({ "bins": [{ "bin": "b1", "items": 3 }] })).await.status, 422);
    let answer = hub.admin("POST", "/forecast", Some(json!({ "product_id": "b1/fill%", "days": 7 }))).await.json();
    assert_eq!((&answer["title"], answer["dates"].as_array().map(Vec::len)), (&"b1/fill%".into(), Some(7)), "{answer}");
}

use pilah_forecast::prophet::Growth;

use super::{csv, retrain, train};
use crate::forecast::job::Forecasts;
use crate::testing::{PASSWORD, TestHub, basic};

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
    assert_eq!(one["weights"], serde_json::json!({ "prophet": 0.6, "lstm": 0.4 }), "as the trained model");
    for model in ["prophet", "lstm", "smoothing", "naive", "ensemble"] {
        assert!(one["forecast"][model]["mean"].is_array(), "{model}: {one}");
        // The history before the test on the past is too short for a network.
        assert_eq!(one["backtest"][model]["mae"].is_number(), model != "lstm", "{model}: {one}");
    }
    assert!(one["stock"]["reorder_point"].as_f64().is_some_and(|point| point > 20.0), "{one}");
    let svg = hub.admin("GET", one["files"]["svg"].as_str().expect("a URL"), None).await;
    assert_eq!((svg.status, svg.header("content-type")), (200, "image/svg+xml"));
    let stored = hub.admin("GET", "/api/v1/forecast/result?product_id=bottle", None).await.json();
    assert_eq!(stored["dates"].as_array().map(Vec::len), Some(90));
    assert!(stored["stock"]["order_quantity"].is_number(), "the rows say what is in stock: {}", stored["stock"]);
    assert_eq!(stored["trained"]["products"], 2);
    let csv = hub.admin("GET", stored["files"]["csv"].as_str().expect("a URL"), None).await;
    assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert_eq!(csv.text().lines().count(), 91);
    let png = hub.admin("GET", stored["files"]["png"].as_str().expect("a URL"), None).await;
    assert_eq!((png.status, png.header("content-type")), (200, "image/png"));
    for path in
        ["result/forecast.pdf", "plot/forecast.pdf", "result?product_id=none", "result/forecast.svg?product_id=none"]
    {
        assert_eq!(hub.admin("GET", &format!("/api/v1/forecast/{path}"), None).await.status, 404, "{path}");
    }
    let products = hub.admin("GET", "/api/v1/forecast/products", None).await.json();
    let bottle = &products["products"][0];
    assert_eq!((&bottle["product_id"], &bottle["last"]), (&"bottle".into(), &"2024-03-20".into()));
    assert_eq!((&bottle["rows"], &bottle["character"]), (&80.into(), &"smooth".into()), "{bottle}");

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
async fn growth_and_seasonality_are_asked_for_in_training_and_in_questions() {
    let hub = TestHub::start().await;
    for (fields, words) in [
        (&[("growth", "exponential")][..], "linear, flat, logistic"),
        (&[("growth", "logistic")], "given with a capacity"),
        (&[("capacity", "50")], "left out unless growth is logistic"),
        (&[("growth", "logistic"), ("capacity", "5"), ("floor", "9")], "above the floor"),
        (&[("growth", "logistic"), ("capacity", "much")], "a number"),
        (&[("seasonality", "none")], "additive or multiplicative"),
    ] {
        let answer = retrain(&hub, &csv(), fields).await;
        assert_eq!(answer.status, 400, "{fields:?}: {}", answer.text());
        assert!(answer.text().contains(words), "{fields:?}: {}", answer.text());
    }
    let events = train(&hub, &csv(), &[("growth", "flat"), ("seasonality", "additive")]).await;
    assert!(events.contains("event: result"), "{events}");
    let settings = hub.running.state.forecasts.trained().and_then(|artefact| artefact.settings.clone());
    assert_eq!(settings.expect("they are kept").prophet.growth, Growth::Flat);

    let ask = |question: serde_json::Value| hub.admin("POST", "/forecast", Some(question));
    // The same day of the week, 51 weeks later.
    let ends = async |question| {
        let answer = ask(question).await.json();
        let mean = &answer["forecast"]["prophet"]["mean"];
        (mean[0].as_f64().expect("a number"), mean[357].as_f64().expect("a number"))
    };
    for filter in [serde_json::json!({ "days": 364 }), serde_json::json!({ "days": 364, "product_id": "can" })] {
        let (first, last) = ends(filter.clone()).await;
        assert!((last - first).abs() < 1e-6, "as it was trained: {first} and {last}");
    }
    let (first, last) = ends(serde_json::json!({ "days": 364, "growth": "linear" })).await;
    assert!((last - first).abs() > 1e-6, "{first} and {last}");
    let few = |growth: &str| {
        serde_json::json!({
            "product_id": "can", "from": "2024-02-15", "growth": growth, "capacity": 1, "seasonality": "multiplicative"
        })
    };
    let low = ask(few("logistic")).await.json();
    assert!(low["notes"].to_string().contains("saturates too low"), "{}", low["notes"]);
    assert_eq!(ask(few("flat")).await.status, 422, "a flat trend has no capacity");
    for (question, status) in [
        (serde_json::json!({ "growth": "logistic" }), 422),
        (serde_json::json!({ "capacity": 5 }), 422),
        (serde_json::json!({ "growth": "exponential" }), 422),
        (serde_json::json!({ "seasonality": 3 }), 400),
    ] {
        let answer = ask(question.clone()).await;
        assert_eq!(answer.status, status, "{question}: {}", answer.text());
    }
    let svg = "/api/v1/forecast/plot/forecast.svg?days=30&growth=flat&seasonality=additive";
    assert_eq!(hub.admin("GET", svg, None).await.status, 200);
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
    let listed = hub.admin("GET", "/api/v1/forecast/trainings", None).await.json();
    assert_eq!(
        (&listed["trainings"][0]["id"], &listed["trainings"][0]["state"]),
        (&id.clone().into(), &"cancelled".into())
    );
    let login = basic("admin", PASSWORD);
    let again = hub.request("GET", &format!("{path}/events"), &[("authorization", &login)], None).await;
    assert!(again.text().contains("event: validated") && again.text().contains("event: cancelled"), "{}", again.text());
    let last = again.text().lines().filter_map(|line| line.strip_prefix("id: ")).next_back().map(str::to_owned);
    let last = last.expect("an event has an id");
    let heard = [("authorization", login.as_str()), ("last-event-id", &last)];
    assert_eq!(hub.request("GET", &format!("{path}/events"), &heard, None).await.status, 204);
    for path in ["trainings/none", "trainings/none/events"] {
        assert_eq!(hub.admin("GET", &format!("/api/v1/forecast/{path}"), None).await.status, 404, "{path}");
    }
}

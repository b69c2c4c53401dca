use serde_json::json;

use super::{retrain, train};
use crate::testing::TestHub;

/// Seventy days from a Monday on, each of which sells `1.500`.
fn thousands() -> String {
    let start: jiff::civil::Date = "2025-01-06".parse().expect("a date");
    let rows = (0..70_i64).map(|day| format!("{};a;1.500\n", start.saturating_add(jiff::ToSpan::days(day))));
    std::iter::once("date;product;quantity\n".to_owned()).chain(rows).collect()
}

#[tokio::test]
async fn a_file_that_can_be_meant_in_two_ways_is_asked_about_and_a_field_answers() {
    let hub = TestHub::start().await;
    for fields in [&[][..], &[("check", "true")], &[("accept_errors", "true")]] {
        let asked = retrain(&hub, &thousands(), fields).await;
        assert_eq!(asked.status, 422, "{}", asked.text());
        let asked = asked.json();
        assert_eq!(asked["type"], "urn:pilah:problem:unclear-file", "{asked}");
        assert_eq!(asked["option"], "decimal");
        assert_eq!(asked["choices"][0], json!({ "value": "comma", "meaning": "1500" }));
        assert_eq!(asked["found"]["understood"][2]["name"], "quantity");
    }
    let products = hub.admin("GET", "/api/v1/forecast/products", None).await.json();
    assert_eq!(products["products"], json!([]), "nothing was merged");

    let missing = retrain(&hub, "wann;menge\n2025-01-06;1\n", &[("check", "true")]).await;
    assert_eq!(missing.status, 422);
    assert_eq!(
        (&missing.json()["option"], &missing.json()["found"]["understood"][0]["name"]),
        (&json!("columns"), &json!("wann"))
    );
    let stated = [("check", "true"), ("columns", "wann=date"), ("columns", "menge=quantity")];
    let stated = retrain(&hub, "wann;menge\n2025-01-06;1\n", &stated).await;
    assert_eq!((stated.status, &stated.json()["quantities"]), (200, &json!(1)), "{}", stated.text());
    for (field, words) in [
        (("step", "fortnight"), "hour, day, week"),
        (("decimal", "dot"), "point or comma"),
        (("delimiter", "ab"), "one character"),
        (("columns", "a=b"), "product_id"),
    ] {
        let refused = retrain(&hub, &thousands(), &[field]).await;
        assert!(refused.status == 400 && refused.text().contains(words), "{field:?}: {}", refused.text());
    }
}

#[tokio::test]
async fn a_stated_step_holds_for_what_is_asked_later() {
    let hub = TestHub::start().await;
    let fields = [("decimal", "comma"), ("step", "week")];
    let checked = retrain(&hub, &thousands(), &[("check", "true"), fields[0], fields[1]]).await.json();
    assert_eq!(
        (&checked["quantities"], &checked["step"], &checked["total"]),
        (&json!(10), &json!("week"), &json!(105_000.0))
    );
    let events = train(&hub, &thousands(), &fields).await;
    assert!(events.contains("event: result") && events.contains("10 new, 0 updated"), "{events}");
    for question in [json!({ "days": 14 }), json!({ "days": 14, "product_id": "a" })] {
        let answer = hub.admin("POST", "/forecast", Some(question)).await.json();
        assert_eq!((&answer["step"], &answer["history"]["values"][0]), (&json!("week"), &json!(10_500.0)), "{answer}");
    }
}

use pilah_forecast::intake;
use serde_json::json;

use super::{csv, retrain, retrain_file, train};
use crate::forecast::store::{self, Filter};
use crate::testing::TestHub;

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
    let checked = retrain(&hub, &bad, &[("check", "true")]).await;
    assert_eq!((checked.status, &checked.json()["bad"]), (200, &2.into()), "{}", checked.text());
    assert_eq!(hub.admin("GET", "/api/v1/forecast/products", None).await.json(), products, "a check merges nothing");
    assert_eq!(retrain(&hub, "", &[("check", "true")]).await.status, 400);

    let events = train(&hub, &bad, &[("accept_errors", "true")]).await;
    assert!(events.contains("event: result"), "{events}");
    let again = train(&hub, "", &[]).await;
    assert!(again.contains("event: result"), "what is stored can be trained again: {again}");
}

/// All that a bad file could harm: the rows, and what answers.
async fn kept(hub: &TestHub) -> (Vec<intake::Row>, serde_json::Value, serde_json::Value) {
    let db = hub.running.state.store.db();
    let rows = store::rows(db, &Filter::default()).await.expect("reads");
    let total = hub.admin("POST", "/forecast", Some(json!({}))).await.json();
    let result = hub.admin("GET", "/api/v1/forecast/result?product_id=can", None).await.json();
    assert!(total["dates"].is_array() && result["dates"].is_array(), "{total} {result}");
    (rows, total, result)
}

#[tokio::test]
async fn whatever_comes_the_stored_data_is_unharmed() {
    let hub = TestHub::start().await;
    assert!(train(&hub, &csv(), &[]).await.contains("event: result"));
    let before = kept(&hub).await;

    let row = |row: &str| format!("date,product_id,quantity\n2024-01-01,bottle,1\n{row}\n").into_bytes();
    let large = b"2024-01-01,bottle,1\n".repeat(intake::LARGEST / 20 + 50_000);
    let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0; 200]].concat();
    let tomorrow = jiff::Timestamp::now().as_second() / 86_400 + 3;
    let future = pilah_forecast::series::civil(tomorrow * 86_400).date();
    for (what, file, status, words) in [
        ("empty", Vec::new(), 422, "the file is empty".to_owned()),
        ("header only", b"date,product_id,quantity\n".to_vec(), 422, "a header and no rows".into()),
        ("a picture", png, 422, "not text".into()),
        ("an archive", b"PK\x03\x04\x14\0\0\0\x08\0".repeat(20), 422, "not text".into()),
        ("negative", row("2024-01-02,bottle,-5"), 422, "below 0".into()),
        ("the future", row(&format!("{future},bottle,5")), 422, "in the future".into()),
        ("1e300", row("2024-01-02,bottle,1e300"), 422, "too large to be meant".into()),
        ("no number", row("2024-01-02,bottle,NaN"), 422, "NaN".into()),
        ("long ago", row("0024-01-02,bottle,5"), 422, "too long ago".into()),
        ("too large", large, 413, intake::LARGEST.to_string()),
    ] {
        let answer = retrain_file(&hub, Some(&file), &[("epochs", "1")]).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        assert!(answer.text().contains(&words), "{what}: {}", answer.text());
        assert!(kept(&hub).await == before, "{what}");
    }
    for days in [0, 10_000] {
        let answer = hub.admin("POST", "/forecast", Some(json!({ "days": days }))).await;
        assert!(answer.status == 422 && answer.text().contains("1 to 730"), "{days}: {}", answer.text());
    }
    let answer = hub.admin("POST", "/forecast", Some(json!({ "product_id": "cann" }))).await;
    assert_eq!((answer.status, &answer.json()["nearest"][0]), (404, &"can".into()));
    assert!(kept(&hub).await == before);
    let listed = hub.admin("GET", "/api/v1/forecast/trainings", None).await.json();
    assert_eq!(listed["trainings"].as_array().map(Vec::len), Some(1), "nothing else was started");
}

#[tokio::test]
async fn data_that_is_hard_gets_a_clear_answer() {
    let hub = TestHub::start().await;
    // One row cannot be forecast. It is kept, and says so; what answers later needs more.
    let one = train(&hub, "date,product_id,quantity\n2024-01-01,one,7\n", &[]).await;
    assert!(one.contains("event: failed") && one.contains("takes 3 known values"), "{one}");

    let mut text = csv().replace(",on_hand,lead_time_days", "").replace(",30,2", "").replace(",,", "");
    for day in 1..=28 {
        text += &format!("2024-02-{day:02},constant,5\n2024-02-{day:02},zeros,0\n");
        text += &format!("2019-02-{day:02},gap,40\n2024-02-{day:02},gap,{}\n", 10 + day % 7);
    }
    text += "2024-02-28,constant,9\n2024-02-28,constant,5\n";
    let events = train(&hub, &text, &[]).await;
    assert!(events.contains("event: result"), "{events}");
    assert!(events.contains("\"added_up\":2"), "rows of a date and product in one file are added up: {events}");
    let later = train(&hub, "date,product_id,quantity\n2024-02-28,constant,5\n", &[]).await;
    assert!(later.contains("0 new, 1 updated, 0 unchanged"), "a later file corrects an earlier one: {later}");

    let result = async |product: &str| {
        let path = format!("/api/v1/forecast/result?product_id={product}");
        let answer = hub.admin("GET", &path, None).await;
        assert_eq!(answer.status, 200, "{product}: {}", answer.text());
        answer.json()
    };
    for (product, value) in [("constant", 5.0), ("zeros", 0.0)] {
        let answer = result(product).await;
        let mean = answer["forecast"]["ensemble"]["mean"].as_array().expect("values").clone();
        let off = |mean: &serde_json::Value| (mean.as_f64().expect("a number") - value).abs();
        assert!(mean.iter().all(|mean| off(mean) < 0.01), "{product}: {mean:?}");
        assert!(answer["notes"].to_string().contains("all values are"), "{}", answer["notes"]);
    }
    let gap = result("gap").await;
    assert!(gap["notes"].to_string().contains("what was before is not used"), "{}", gap["notes"]);
    assert!(gap["forecast"]["ensemble"]["mean"][0].as_f64().is_some_and(|mean| mean < 30.0), "{gap}");
    let one = hub.admin("GET", "/api/v1/forecast/result?product_id=one", None).await;
    assert_eq!(one.status, 404, "{}", one.text());
    let products = hub.admin("GET", "/api/v1/forecast/products", None).await.json();
    let one = products["products"].as_array().and_then(|all| all.iter().find(|p| p["product_id"] == "one")).cloned();
    assert!(one.expect("it is kept")["skipped"].as_str().is_some_and(|why| why.contains("takes 3")), "{products}");
    let asked = hub.admin("POST", "/forecast", Some(json!({ "product_id": "one" }))).await;
    assert!(asked.status == 422 && asked.text().contains("takes 3 known values"), "{}", asked.text());
}

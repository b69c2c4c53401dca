//! Forecasts over HTTP: a file comes in, a model answers.

/// Files that cannot be used, and data that is hard.
mod bad_input;

/// Files that can be meant in two ways.
mod unclear;

/// Bins, their fill, and when they are collected.
mod bins;

/// From a file to an answer.
mod trainings;

use crate::testing::{Answer, PASSWORD, TestHub, basic};

/// A form with a file, if there is one, and fields.
fn form(file: Option<&[u8]>, fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    let boundary = "----pilah";
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    if let Some(file) = file {
        let kind = "name=\"file\"; filename=\"sales.csv\"\r\nContent-Type: text/csv";
        body.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; {kind}\r\n\r\n").as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// Sends a form; without a file if it is empty.
async fn retrain(hub: &TestHub, csv: &str, fields: &[(&str, &str)]) -> Answer {
    retrain_file(hub, Some(csv.as_bytes()).filter(|csv| !csv.is_empty()), fields).await
}

async fn retrain_file(hub: &TestHub, file: Option<&[u8]>, fields: &[(&str, &str)]) -> Answer {
    let (kind, body) = form(file, fields);
    let login = basic("admin", PASSWORD);
    hub.send("POST", "/retrain", &[("authorization", &login), ("content-type", &kind)], body).await
}

/// Trains to the end, however long it takes, and gives the events; `fields` are those of the form.
async fn train(hub: &TestHub, csv: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("job", "true"), ("epochs", "1")]).collect();
    let answer = retrain(hub, csv, &fields).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let path = format!("/api/v1/forecast/trainings/{}", answer.json()["id"].as_str().expect("an id"));
    while hub.admin("GET", &path, None).await.json()["state"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    hub.admin("GET", &format!("{path}/events"), None).await.text()
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

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use super::*;
use crate::testing::{TestHub, basic, config, event};

#[tokio::test]
async fn what_is_open_and_what_is_not() {
    let hub = TestHub::start().await;
    for (method, path, expected) in [
        ("GET", "/health", 200),
        ("GET", "/api/status", 200),
        ("GET", "/", 200),
        #[cfg(feature = "ui")]
        ("GET", "/icon.svg", 200),
        ("GET", "/api/v1/openapi.json", 200),
        ("GET", "/api/v1/me", 401),
        ("GET", "/api/v1/bins", 401),
        ("POST", "/api/v1/bins", 401),
        ("POST", "/api/v1/bins/b1/secret", 401),
        ("GET", "/api/v1/events", 401),
        ("GET", "/api/v1/field", 401),
        ("GET", "/api/v1/live", 401),
        ("GET", "/api/v1/samples", 401),
        ("POST", "/api/train", 401),
        ("POST", "/api/predict", 401),
        ("GET", "/objects", 404),
        ("GET", "/pilah.db", 404),
        ("GET", "/../pilah.db", 404),
        ("DELETE", "/health", 405),
    ] {
        let answer = hub.request(method, path, &[], None).await;
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(answer.header("access-control-allow-origin").is_empty(), "{path}");
        if expected >= 400 {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
            assert_eq!(answer.json()["status"], expected, "{path}");
        }
    }
}

#[tokio::test]
async fn a_hub_that_cannot_store_says_so_and_goes_on_by_itself() {
    let hub = TestHub::start().await;
    let store = &hub.running.state.store;
    let ada = serde_json::json!({ "name": "ada", "password": "a long password", "role": "viewer" });
    store.limit_pages(1);
    store.meet(crate::store::Trouble::Full);
    let health = hub.request("GET", "/health", &[], None).await;
    assert_eq!(health.status, 503);
    let detail = health.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.starts_with("nothing can be stored") && detail.contains("make room"), "{detail}");
    let refused = hub.admin("POST", "/api/v1/users", Some(ada.clone())).await;
    assert_eq!((refused.status, &refused.json()["type"]), (503, &"urn:pilah:problem:cannot-store".into()));
    assert_eq!(hub.admin("GET", "/api/v1/users", None).await.status, 200, "reading goes on");

    store.limit_pages(1_000_000);
    while hub.request("GET", "/health", &[], None).await.status != 200 {}
    assert_eq!(hub.admin("POST", "/api/v1/users", Some(ada)).await.status, 201);
}

#[tokio::test]
async fn the_root_answers_as_it_is_asked() {
    let hub = TestHub::start().await;
    for (accept, json) in [
        ("text/html,application/xhtml+xml,application/json;q=0.9", false),
        ("application/json", true),
        ("*/*", false),
        ("", false),
    ] {
        let answer = hub.request("GET", "/", &[("accept", accept)], None).await;
        assert_eq!(answer.header("content-type").starts_with("application/json"), json, "{accept}");
        assert_eq!(answer.text().contains("<!doctype html>"), !json, "{accept}");
    }
}

#[tokio::test]
async fn status_tells_counts_and_the_field_accuracy() {
    let hub = TestHub::start().await;
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    for seq in 1..=4 {
        bin.send(&event("b1", seq, seq != 4)).await;
    }
    bin.acks(4).await;
    let status = hub.request("GET", "/api/status", &[], None).await.json();
    for (name, expected) in [("bins", 1), ("events", 4), ("samples", 0), ("labelled", 0)] {
        assert_eq!(status[name], expected, "{name}: {status}");
    }
    assert_eq!(status["model"], serde_json::Value::Null);
    assert_eq!(status["ingest"]["events"], 4);
    assert_eq!(status["broker"]["refused_connections"], 0);

    let field = hub.admin("GET", "/api/v1/field", None).await.json();
    let model = &field["models"][0];
    assert_eq!((&model["model"], &model["items"], &model["right"]), (&"m1".into(), &4.into(), &3.into()));
    assert_eq!((&model["sure"], &model["sure_right"]), (&4.into(), &3.into()));
    assert_eq!(field["classes"][0], serde_json::json!({ "label": "glass", "sure": 3, "unsure": 0 }));
    assert_eq!(field["truth_sources"], serde_json::json!(["virtual"]));
    let points = field["points"].as_array().expect("a list");
    assert_eq!(points.iter().filter_map(|point| point["items"].as_i64()).sum::<i64>(), 4);

    let newest = hub.admin("GET", "/api/v1/events?limit=2", None).await.json();
    assert_eq!(newest.as_array().map(Vec::len), Some(2));
    assert_eq!(newest[0]["label"], "metal");
    let before = newest[1]["id"].as_i64().expect("a number");
    let older = hub.admin("GET", &format!("/api/v1/events?before={before}&bin=b1"), None).await.json();
    assert_eq!(older.as_array().map(Vec::len), Some(2));
    let odd = hub.admin("GET", "/api/v1/events?limit=many", None).await;
    assert_eq!((odd.status, odd.header("content-type")), (400, "application/problem+json"));
}

#[tokio::test]
async fn bins_are_enrolled_over_http() {
    let hub = TestHub::start().await;
    let enrol = |id: &str| Some(serde_json::json!({ "id": id, "name": "By the door" }));
    let first = hub.admin("POST", "/api/v1/bins", enrol("b1")).await;
    assert_eq!(first.status, 201);
    let secret = first.json()["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(first.json()["client_id"], "pilah-b1");
    crate::testing::TestBin::connect(hub.port(), "b1", &secret).await.expect("the secret works");
    assert_eq!(hub.admin("POST", "/api/v1/bins", enrol("b1")).await.status, 409);
    assert_eq!(hub.admin("POST", "/api/v1/bins", enrol("hub")).await.status, 409, "the hub's own name");
    assert_eq!(hub.admin("POST", "/api/v1/bins", enrol("../b")).await.status, 422);
    assert_eq!(hub.admin("POST", "/api/v1/bins/b2/secret", None).await.status, 404);
    let renewed = hub.admin("POST", "/api/v1/bins/b1/secret", None).await;
    let new = renewed.json()["secret"].as_str().expect("a secret").to_owned();
    assert!(crate::testing::TestBin::connect(hub.port(), "b1", &secret).await.is_err(), "the old one is worth nothing");
    crate::testing::TestBin::connect(hub.port(), "b1", &new).await.expect("the new one works");
    let listed = hub.admin("GET", "/api/v1/bins", None).await;
    assert_eq!(listed.json()[0]["name"], "By the door");
    assert!(!listed.text().contains(&new) && !listed.text().contains("password"), "no secret is listed");
}

#[tokio::test]
async fn live_events_are_streamed_and_end_with_the_hub() {
    let hub = TestHub::start().await;
    let addr = hub.running.http_addr;
    let login = basic("admin", crate::testing::PASSWORD);
    let mut stream = std::net::TcpStream::connect(addr).expect("connects");
    stream.set_read_timeout(Some(crate::testing::PATIENCE)).expect("sets");
    write!(
        stream,
        "GET /api/v1/live HTTP/1.1\r\nHost: {addr}\r\nAccept-Encoding: gzip\r\nAuthorization: {login}\r\n\r\n"
    )
    .expect("writes");
    let reading = tokio::task::spawn_blocking(move || {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).expect("reads"), 0);
        }
        (head, reader)
    });
    let (head, mut reader) = reading.await.expect("reads");
    assert!(head.contains("200 OK") && head.contains("text/event-stream"), "{head}");
    assert!(!head.to_lowercase().contains("content-encoding"), "an event does not wait for others: {head}");

    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    bin.send(&event("b1", 1, true)).await;
    bin.acks(1).await;
    let reading = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        while !line.contains("\"type\":\"item\"") {
            line.clear();
            assert_ne!(reader.read_line(&mut line).expect("reads"), 0);
        }
        (line, reader)
    });
    let (line, mut reader) = reading.await.expect("an event");
    assert!(line.starts_with("data: {") && line.contains("\"bin\":\"b1\""), "{line}");

    let end = tokio::task::spawn_blocking(move || reader.read_to_end(&mut Vec::new()));
    hub.running.stop().await;
    end.await.expect("the stream ends").expect("in good order");
}

#[tokio::test]
async fn live_events_end_with_the_session() {
    let hub = TestHub::start().await;
    let credentials = serde_json::json!({ "user": "admin", "password": crate::testing::PASSWORD });
    let login = hub.request("POST", "/api/v1/login", &[], Some(credentials)).await;
    let cookie = login.header("set-cookie").split(';').next().expect("a pair").to_owned();
    let addr = hub.running.http_addr;
    let mut stream = std::net::TcpStream::connect(addr).expect("connects");
    stream.set_read_timeout(Some(crate::testing::PATIENCE)).expect("sets");
    write!(stream, "GET /api/v1/live HTTP/1.1\r\nHost: {addr}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n")
        .expect("writes");
    let reading = tokio::task::spawn_blocking(move || {
        let mut reader = BufReader::new(stream);
        let mut said = String::new();
        while !said.contains("retry: 3000\n") {
            assert_ne!(reader.read_line(&mut said).expect("reads"), 0, "{said}");
        }
        (said.to_lowercase(), reader)
    });
    let (head, mut reader) = reading.await.expect("the first words come at once");
    assert!(head.contains("x-accel-buffering: no\r\n") && head.contains("cache-control: no-"), "{head}");
    let end = tokio::task::spawn_blocking(move || reader.read_to_end(&mut Vec::new()));
    assert_eq!(hub.request("POST", "/api/v1/logout", &[("cookie", &cookie)], None).await.status, 204);
    end.await.expect("the stream ends").expect("in good order");
}

#[tokio::test]
async fn a_second_hub_on_the_same_folder_or_port_says_what_to_do() {
    let hub = TestHub::start().await;
    let error = start(config(&hub.folder)).await.expect_err("the folder is taken");
    assert!(error.to_string().contains("in use by another pilah-hub"), "{error}");

    let other = tempfile::tempdir().expect("a temporary folder");
    let mut taken = config(&other);
    taken.admin_password = None;
    taken.http = hub.running.http_addr;
    let error = start(taken.clone()).await.expect_err("the HTTP port is taken");
    assert!(error.to_string().contains("--http"), "{error}");
    taken.http_steps = 20;
    let running = start(taken).await.expect("steps around it");
    assert!(running.administrator_password.is_some(), "the start that failed drew no password that nobody saw");
    running.stop().await;

    let mut taken = config(&other);
    let addr = hub.running.mqtt_addr.expect("embedded");
    taken.mqtt = Mqtt::Embedded { addr, steps: 0 };
    let error = start(taken.clone()).await.expect_err("the MQTT port is taken");
    assert!(error.to_string().contains("--mqtt"), "{error}");
    taken.mqtt = Mqtt::Embedded { addr, steps: 20 };
    start(taken).await.expect("steps around it").stop().await;
}

#[tokio::test]
async fn a_hub_without_its_broker_serves_on() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut config = config(&temporary);
    config.mqtt = Mqtt::External {
        url: "mqtt://127.0.0.1:1".into(),
        user: "hub".into(),
        password: Secret::new("x"),
        ca_file: None,
    };
    let hub = TestHub { running: start(config).await.expect("starts"), folder: temporary };
    assert_eq!(hub.running.mqtt_addr, None);
    let status = hub.request("GET", "/api/status", &[], None).await.json();
    assert_eq!(status["ingest"]["connected"], false);
    assert_eq!(status["broker"], serde_json::Value::Null);
    hub.running.stop().await;
}

#[test]
fn the_committed_openapi_document_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let mut now = serde_json::to_string_pretty(&document()).expect("serialises");
    now.push('\n');
    assert!(now.starts_with("{\n  \"openapi\": \"3.1"), "OpenAPI 3.1");
    if std::env::var_os("PILAH_BLESS").is_some() {
        std::fs::write(path, &now).expect("writes");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == now, "hub/openapi.json is stale: run the tests with PILAH_BLESS=1 and commit it");
}

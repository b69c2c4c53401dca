use super::*;
use crate::testing::{PASSWORD, TestHub, basic};

fn login(user: &str, password: &str) -> Option<serde_json::Value> {
    Some(serde_json::json!({ "user": user, "password": password }))
}

async fn cookie(hub: &TestHub) -> String {
    let answer = hub.request("POST", "/api/v1/login", &[], login("admin", PASSWORD)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    set.split(';').next().expect("a pair").to_owned()
}

#[tokio::test]
async fn a_session_begins_and_ends() {
    let hub = TestHub::start().await;
    assert_eq!(hub.request("GET", "/api/v1/me", &[], None).await.status, 401);
    let cookie = cookie(&hub).await;
    let me = hub.request("GET", "/api/v1/me", &[("cookie", &cookie)], None).await;
    assert_eq!(me.json(), serde_json::json!({ "user": "admin", "role": "admin" }));
    let others = format!("theme=dark; {cookie}; x=y");
    assert_eq!(hub.request("GET", "/api/v1/me", &[("cookie", &others)], None).await.status, 200);

    let out = hub.request("POST", "/api/v1/logout", &[("cookie", &cookie)], None).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(hub.request("GET", "/api/v1/me", &[("cookie", &cookie)], None).await.status, 401);
    let made_up = format!("pilah_session={}", "a".repeat(43));
    assert_eq!(hub.request("GET", "/api/v1/me", &[("cookie", &made_up)], None).await.status, 401);
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    let hub = TestHub::start().await;
    let cookie = cookie(&hub).await;
    let enrol = |id: &str| Some(serde_json::json!({ "id": id }));
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Headers, u16); 5] = [
        ("b1", &[], 403),
        ("b2", &[("sec-fetch-site", "cross-site"), ("x-pilah-csrf", "1")], 403),
        ("b3", &[("origin", "https://evil.example")], 403),
        ("b4", &[("x-pilah-csrf", "1")], 201),
        ("b5", &[("sec-fetch-site", "same-origin")], 201),
    ];
    for (id, headers, expected) in cases {
        let mut headers = headers.to_vec();
        headers.push(("cookie", cookie.as_str()));
        let answer = hub.request("POST", "/api/v1/bins", &headers, enrol(id)).await;
        assert_eq!(answer.status, expected, "{id}: {}", answer.text());
    }
    let script = basic("admin", PASSWORD);
    let answer = hub.request("POST", "/api/v1/bins", &[("authorization", &script)], enrol("b6")).await;
    assert_eq!(answer.status, 201, "a program sends its password itself");
    let foreign = [("authorization", script.as_str()), ("sec-fetch-site", "cross-site")];
    assert_eq!(hub.request("POST", "/api/v1/bins", &foreign, enrol("b7")).await.status, 403, "a browser may, too");
}

#[tokio::test]
async fn failures_are_alike_and_limited() {
    let hub = TestHub::start().await;
    let wrong = hub.request("POST", "/api/v1/login", &[], login("admin", "wrong")).await;
    let unknown = hub.request("POST", "/api/v1/login", &[], login("nobody", "wrong")).await;
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(wrong.text(), unknown.text(), "a name cannot be probed");
    assert_eq!(wrong.header("content-type"), "application/problem+json");
    for _ in 0..8 {
        assert_eq!(hub.request("POST", "/api/v1/login", &[], login("admin", "wrong")).await.status, 401);
    }
    let limited = hub.request("POST", "/api/v1/login", &[], login("admin", PASSWORD)).await;
    assert_eq!(limited.status, 429, "even the right password must wait now");
    assert!(limited.json()["retry_after_s"].as_u64().is_some_and(|seconds| seconds <= 10));
    let script = basic("admin", PASSWORD);
    assert_eq!(hub.request("GET", "/api/v1/me", &[("authorization", &script)], None).await.status, 429);
}

#[tokio::test]
async fn malformed_logins_are_problems_not_crashes() {
    let hub = TestHub::start().await;
    for authorization in ["Basic !!!", "Basic YWRtaW4=", "Bearer x", "Basic"] {
        let answer = hub.request("GET", "/api/v1/me", &[("authorization", authorization)], None).await;
        assert_eq!(answer.status, 401, "{authorization}");
    }
    let long = "x".repeat(10_000);
    assert_eq!(hub.request("POST", "/api/v1/login", &[], login("admin", &long)).await.status, 401);
    let odd = hub.request("POST", "/api/v1/login", &[], Some(serde_json::json!({ "user": 1 }))).await;
    assert_eq!((odd.status, odd.header("content-type")), (422, "application/problem+json"));
    let text = hub.request("POST", "/api/v1/login", &[("content-type", "text/plain")], None).await;
    assert_eq!(text.status, 415);
}

#[tokio::test]
async fn a_new_password_ends_the_sessions() {
    let hub = TestHub::start().await;
    let cookie = cookie(&hub).await;
    let store = &hub.running.state.store;
    assert!(matches!(reset_password(store, "nobody").await, Err(AccountError::Unknown(_))));
    let new = reset_password(store, "admin").await.expect("resets");
    assert_eq!(hub.request("GET", "/api/v1/me", &[("cookie", &cookie)], None).await.status, 401);
    let old = basic("admin", PASSWORD);
    assert_eq!(hub.request("GET", "/api/v1/me", &[("authorization", &old)], None).await.status, 401);
    let new = basic("admin", new.reveal());
    assert_eq!(hub.request("GET", "/api/v1/me", &[("authorization", &new)], None).await.status, 200);
}

#[tokio::test]
async fn a_drawn_password_is_told_once_and_works() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut config = crate::testing::config(&temporary);
    config.admin_password = None;
    let running = crate::server::start(config).await.expect("starts");
    let password = running.administrator_password.clone().expect("the first start draws one");
    let hub = TestHub { running, folder: temporary };
    let answer = hub.request("POST", "/api/v1/login", &[], login(ADMINISTRATOR, password.reveal())).await;
    assert_eq!(answer.status, 200);
    assert!(ensure_administrator(&hub.running.state.store, None).await.expect("asks").is_none());
    assert!(!format!("{:?}", hub.running).contains(password.reveal()), "it does not show in logs");
    drop(hub.folder);
}

#[tokio::test]
async fn the_audit_log_tells_of_logins_and_is_searched() {
    let hub = TestHub::start().await;
    cookie(&hub).await;
    for (user, password) in [("admin", "a wrong password"), ("admin", "another"), ("mypassword?", "x")] {
        assert_eq!(hub.request("POST", "/api/v1/login", &[], login(user, password)).await.status, 401);
    }
    hub.enrol("b1").await;
    let search = async |query: &str| {
        let entries = hub.admin("GET", &format!("/api/v1/audit?{query}"), None).await.json();
        let list = entries.as_array().unwrap_or_else(|| panic!("{query}: {entries}")).clone();
        list.into_iter()
            .map(|entry| format!("{} {}", entry["who"].as_str().expect("who"), entry["what"]))
            .collect::<Vec<_>>()
    };
    let quoted = |entries: &[&str]| entries.iter().map(ToString::to_string).collect::<Vec<_>>();
    let logins = [r#"nobody "login.refused""#, r#"admin "login.refused""#, r#"admin "login.succeeded""#];
    assert_eq!(search("what=login.").await, quoted(&logins));
    assert_eq!(search("what=login.&who=admin").await, quoted(&logins[1..]));
    assert_eq!(search("what=login.refused&who=admin").await, quoted(&logins[1..2]));
    assert_eq!(search("what=bin.enrolled").await, quoted(&[r#"test "bin.enrolled""#]));
    assert_eq!(search("what=login").await, quoted(&[]), "a kind has a dot");
    assert_eq!(search("to_ms=1").await, quoted(&[]));
    assert_eq!(search("from_ms=1&what=user.").await, quoted(&[r#"hub "user.added""#]));
    let refused = hub.admin("GET", "/api/v1/audit?what=login.refused&who=admin", None).await.json();
    assert_eq!(refused[0]["detail"], serde_json::json!({ "address": "127.0.0.1", "count": 2 }));
    let unknown = hub.admin("GET", "/api/v1/audit?what=login.refused&who=nobody", None).await;
    assert!(!unknown.text().contains("mypassword"), "what was typed for a name is not written down");
    assert_eq!(hub.admin("GET", "/api/v1/audit?whom=x", None).await.status, 400);
}

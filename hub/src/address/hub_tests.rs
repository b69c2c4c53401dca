//! A hub behind a proxy, asked as a proxy would ask it.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::auth::Role;
use crate::config::Config;
use crate::server;
use crate::testing::{Answer, PASSWORD, TestHub, basic, config};

async fn hub(public: Option<&str>, proxies: &[&str]) -> TestHub {
    let folder = TempDir::new().expect("a temporary folder");
    let networks: Vec<Network> = proxies.iter().map(|proxy| proxy.parse().expect("a network")).collect();
    let public = public.map(|url| url.parse().expect("an address"));
    let site = Site { public, proxies: Networks::from(networks) };
    let running = server::start(Config { site, ..config(&folder) }).await.expect("starts");
    TestHub { running, folder }
}

async fn login(hub: &TestHub, headers: &[(&str, &str)], user: &str, password: &str) -> Answer {
    let body = json!({ "user": user, "password": password });
    hub.request("POST", "/api/v1/login", headers, Some(body)).await
}

/// Fails from these addresses in turn until there is another answer, and gives it with how many tries it took. On a
/// busy machine, one more try may become free meanwhile.
async fn until_refused(hub: &TestHub, user: &str, address: impl Fn(usize) -> String) -> (usize, Answer) {
    for tries in 0..50 {
        let answer = login(hub, &[("x-forwarded-for", &address(tries))], user, "wrong").await;
        if answer.status != 401 {
            return (tries, answer);
        }
    }
    panic!("nobody stopped it");
}

#[tokio::test]
async fn under_a_path_of_a_proxy() {
    let hub = hub(Some("https://example.org/pilah/"), &[]).await;
    let browser = ("accept", "text/html");
    // With the path taken off, and left on.
    for path in ["/", "/fleet/b1", "/pilah", "/pilah/", "/pilah/fleet/b1", "/pilah/index.html"] {
        let page = hub.request("GET", path, &[browser], None).await;
        assert_eq!(page.status, 200, "{path}");
        #[cfg(feature = "ui")]
        assert!(page.text().contains("<base href=\"/pilah/\" />"), "{path}: {}", page.text());
        assert!(page.header("content-security-policy").contains("base-uri 'self'"), "{path}");
    }
    assert_eq!(hub.request("GET", "/pilah/api/status", &[], None).await.status, 200);
    assert_eq!(hub.request("GET", "/pilahx/api/status", &[], None).await.status, 404);

    let page = ("origin", "https://example.org");
    let answer = login(&hub, &[page], "admin", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.header("set-cookie");
    assert!(set.contains("; Path=/pilah/;") && set.ends_with("; Secure"), "{set}");
    let cookie = set.split(';').next().expect("a pair");
    let enrol = Some(json!({ "id": "b1" }));
    let made = hub.request("POST", "/pilah/api/v1/bins", &[page, ("cookie", cookie)], enrol.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let foreign = [("origin", "https://evil.example"), ("cookie", cookie)];
    assert_eq!(hub.request("POST", "/api/v1/bins", &foreign, enrol).await.status, 403);
    let out = hub.request("POST", "/api/v1/logout", &[page, ("cookie", cookie)], None).await;
    assert!(out.header("set-cookie").contains("Path=/pilah/; HttpOnly; SameSite=Strict; Max-Age=0"));
}

#[tokio::test]
async fn a_page_behind_a_proxy_that_is_not_told_of_says_what_to_set() {
    let hub = hub(None, &[]).await;
    let answer = login(&hub, &[("origin", "http://pilah.lan:81")], "admin", PASSWORD).await;
    assert_eq!((answer.status, &answer.json()["type"]), (403, &Value::from("urn:pilah:problem:foreign-origin")));
    let words = answer.json()["detail"].as_str().expect("words").to_owned();
    assert!(words.contains("--public-url http://pilah.lan:81/"), "{words}");
}

#[tokio::test]
async fn cookies_are_secure_where_the_browser_speaks_tls() {
    let hub = hub(None, &["127.0.0.1"]).await;
    let host = hub.running.http_addr.to_string();
    let (plain, tls) = (format!("http://{host}"), format!("https://{host}"));
    let said = ("x-forwarded-proto", "https");
    for (headers, secure) in [
        (vec![], false),
        (vec![said], true),
        (vec![("origin", tls.as_str())], true),
        // Whoever believes that proxy would be logged in with a cookie that the browser does not send.
        (vec![("origin", plain.as_str()), said], false),
    ] {
        let answer = login(&hub, &headers, "admin", PASSWORD).await;
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text());
        assert_eq!(answer.header("set-cookie").contains("Secure"), secure, "{headers:?}");
    }
}

#[tokio::test]
async fn who_fails_is_locked_out_and_nobody_else_behind_the_same_proxy() {
    let hub = hub(None, &["127.0.0.0/8"]).await;
    hub.login("budi", Role::Viewer).await;
    let from = |address: &'static str| [("x-forwarded-for", address)];
    let (tries, locked) = until_refused(&hub, "admin", |_| "203.0.113.1".to_owned()).await;
    assert!((10..14).contains(&tries) && locked.status == 429, "{tries}: {}", locked.text());
    let wait: u64 = locked.header("retry-after").parse().expect("seconds");
    assert!((1..=10).contains(&wait) && locked.json()["retry_after_s"] == wait, "{}", locked.text());
    assert!(locked.json()["detail"].as_str().is_some_and(|words| words.contains("from this address")));
    // What a client writes itself stands to the left of what the proxy adds.
    let written = [("x-forwarded-for", "203.0.113.7, 203.0.113.1")];
    assert_eq!(login(&hub, &written, "budi", PASSWORD).await.status, 429);
    assert_eq!(login(&hub, &from("203.0.113.2"), "admin", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn without_its_name_a_proxy_is_one_client_and_the_refusal_says_so() {
    let hub = hub(None, &[]).await;
    let (tries, locked) = until_refused(&hub, "admin", |n| format!("203.0.113.{n}")).await;
    assert!((10..14).contains(&tries) && locked.status == 429, "{tries}: {}", locked.text());
    assert!(locked.text().contains("--trusted-proxy"), "{}", locked.text());
}

#[tokio::test]
async fn an_account_is_guarded_against_many_addresses() {
    let hub = hub(None, &["127.0.0.1"]).await;
    assert_eq!(login(&hub, &[("x-forwarded-for", "203.0.113.250")], "admin", PASSWORD).await.status, 200);
    let (tries, locked) = until_refused(&hub, "admin", |n| format!("203.0.113.{n}")).await;
    assert!((30..40).contains(&tries) && locked.status == 429, "{tries}: {}", locked.text());
    assert!(locked.text().contains("to this account") && !locked.header("retry-after").is_empty(), "{}", locked.text());
    let known = login(&hub, &[("x-forwarded-for", "203.0.113.250")], "admin", PASSWORD).await;
    assert_eq!(known.status, 200, "where they logged in before, the limit of the account does not keep them out");
}

#[tokio::test]
async fn tries_at_the_same_moment_do_not_slip_through() {
    let hub = hub(None, &[]).await;
    let tries = (0..30).map(|_| login(&hub, &[], "admin", "wrong"));
    let statuses: Vec<u16> = futures::future::join_all(tries).await.iter().map(|answer| answer.status).collect();
    let of = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert!((10..14).contains(&of(401)) && of(401) + of(429) == 30, "{statuses:?}");
}

#[tokio::test]
async fn many_requests_with_the_right_password_are_no_failures() {
    let hub = hub(None, &[]).await;
    let right = basic("admin", PASSWORD);
    let headers = [("authorization", right.as_str())];
    let asked = (0..30).map(|_| hub.request("GET", "/api/v1/me", &headers, None));
    let answers = futures::future::join_all(asked).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
}

#[tokio::test]
async fn a_bins_secret_at_a_persons_door_locks_nobody_out() {
    let hub = hub(None, &[]).await;
    let secret = hub.enrol("b1").await;
    let (right, old) = (basic("b1", secret.reveal()), basic("b1", "an old secret"));
    for _ in 0..15 {
        let refused = hub.request("GET", "/api/v1/me", &[("authorization", &right)], None).await;
        assert_eq!((refused.status, &refused.json()["type"]), (403, &Value::from("urn:pilah:problem:not-for-bins")));
        let refused = hub.request("GET", "/api/v1/artifacts/0", &[("authorization", &old)], None).await;
        assert_eq!(refused.status, 401, "{}", refused.text());
    }
    assert_eq!(login(&hub, &[], "admin", PASSWORD).await.status, 200);
    let (tries, locked) = until_refused(&hub, "b2", |_| "203.0.113.1".to_owned()).await;
    assert!((10..14).contains(&tries) && locked.status == 429, "whoever is neither is counted: {tries}");
}

use std::collections::BTreeMap;

use super::*;
use crate::auth::Role;
use crate::secret::Secret;
use crate::testing::{TestHub, config};

fn by_name(settings: &Value) -> BTreeMap<String, Value> {
    let list = settings["settings"].as_array().expect("a list");
    list.iter().map(|setting| (setting["name"].as_str().expect("a name").to_owned(), setting.clone())).collect()
}

#[tokio::test]
async fn who_is_logged_in_sees_the_settings_and_no_secret() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = config(&folder);
    config.keep_unlabelled_days = Some(30);
    config.map_tiles = Some("https://tiles.example.org/{z}/{x}/{y}.png".parse().expect("an address"));
    config.mqtt = Mqtt::External {
        url: "mqtt://127.0.0.1:1".into(),
        user: "hub".into(),
        password: Secret::new("the broker's password"),
        ca_file: None,
    };
    let hub = TestHub { running: crate::server::start(config).await.expect("starts"), folder };
    assert_eq!(hub.request("GET", "/api/v1/settings", &[], None).await.status, 401);
    let login = hub.login("vera", Role::Viewer).await;
    let answer = hub.request("GET", "/api/v1/settings", &[("authorization", &login)], None).await;
    assert!(!answer.text().contains("password"), "{}", answer.text());
    let folder = hub.folder.path().to_string_lossy().into_owned();
    assert!(!answer.text().contains(&folder), "where files lie is not told: {}", answer.text());
    let settings = answer.json();
    assert_eq!((&settings["demo"], &settings["version"]), (&false.into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!(settings["map_tiles"], "https://tiles.example.org/{z}/{x}/{y}.png");
    let named = by_name(&settings);
    let keep = json!({
        "group": "storage", "name": "keep_unlabelled_days", "value": 30, "unit": "days",
        "how": "--keep-unlabelled-days DAYS",
    });
    assert_eq!(named["keep_unlabelled_days"], keep);
    assert_eq!(named["broker"]["value"], "external");
    assert_eq!(named["broker_address"]["value"], "mqtt://127.0.0.1:1");
    assert_eq!((&named["session_days"]["value"], &named["review_lease_minutes"]["value"]), (&json!(7), &json!(15)));
    assert_eq!(named["accepted_contamination"]["value"].to_string().len(), 4, "0.02, as it was given");
    assert!(named["data_bytes"]["value"].as_u64().is_some_and(|bytes| bytes > 0));

    let policy = answer.header("content-security-policy");
    assert!(policy.contains("img-src 'self' blob: data: https://tiles.example.org;"), "{policy}");
}

#[tokio::test]
async fn the_embedded_broker_is_named_by_where_it_listens() {
    let hub = TestHub::start().await;
    let settings = hub.admin("GET", "/api/v1/settings", None).await;
    let named = by_name(&settings.json());
    assert_eq!(named["broker_address"]["value"], format!("mqtt://127.0.0.1:{}", hub.port()));
    assert_eq!(settings.json()["map_tiles"], Value::Null);
    let policy = settings.header("content-security-policy");
    assert!(policy.contains("img-src 'self' blob: data:;"), "no other site: {policy}");
}

#[test]
fn every_flag_that_is_named_exists() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let command = crate::cli::command();
    let serve = command.find_subcommand("serve").expect("a subcommand");
    let flags: Vec<String> =
        serve.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned).collect();
    for setting in settings(&config(&folder), "mqtt://127.0.0.1:1883", None) {
        let Some(how) = setting.how.filter(|how| *how != GATE) else { continue };
        let flag = how.split(' ').next().and_then(|flag| flag.strip_prefix("--")).expect("a flag");
        assert!(flags.iter().any(|known| known == flag), "{}: {how}", setting.name);
    }
}

#[tokio::test]
async fn the_limits_are_those_of_the_doors() {
    let hub = TestHub::start().await;
    assert_eq!(hub.request("GET", "/api/v1/limits", &[], None).await.status, 401);
    let limits = hub.admin("GET", "/api/v1/limits", None).await.json();
    let most = limits["image_bytes"].as_u64().expect("a number") as usize;
    let login = crate::testing::basic("admin", crate::testing::PASSWORD);
    let headers = [("content-type", "image/png"), ("authorization", login.as_str())];
    let fits = hub.send("POST", "/api/predict", &headers, vec![0; most]).await;
    assert_ne!(fits.status, 413, "{}", fits.text());
    let too_large = hub.send("POST", "/api/predict", &headers, vec![0; most + 1]).await;
    assert_eq!(too_large.status, 413, "{}", too_large.text());

    let shortest = limits["password_characters"].as_u64().expect("a number") as usize;
    let add = async |name: &str, password: String| {
        let body = json!({ "name": name, "password": password, "role": "viewer" });
        hub.admin("POST", "/api/v1/users", Some(body)).await.status
    };
    assert_eq!(add("vera", "é".repeat(shortest)).await, 201);
    assert_eq!(add("otto", "é".repeat(shortest - 1)).await, 422);
}

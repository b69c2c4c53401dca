use serde_json::{Value, json};

use super::*;
use crate::address::Caller;
use crate::auth::{ADMINISTRATOR, User, reset_password};
use crate::testing::{PASSWORD, TestHub, basic};

async fn cookie(hub: &TestHub, user: &str, password: &str) -> String {
    let credentials = json!({ "user": user, "password": password });
    let answer = hub.request("POST", "/api/v1/login", &[], Some(credentials)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("set-cookie").split(';').next().expect("a pair").to_owned()
}

async fn me(hub: &TestHub, header: (&str, &str)) -> u16 {
    hub.request("GET", "/api/v1/me", &[header], None).await.status
}

#[test]
fn names() {
    for good in ["anna", "a", "anna@example.org", "m.x_y-1", &"x".repeat(64)] {
        assert_eq!(good.parse::<UserName>().expect("a name").as_str(), good);
    }
    for bad in ["", "Anna", "bin:b1", ".hidden", "a b", "ä", "a\n", &"x".repeat(65)] {
        assert!(matches!(bad.parse::<UserName>(), Err(AccountError::Name(_))), "{bad}");
    }
    assert!(matches!("hub".parse::<UserName>(), Err(AccountError::Reserved)));
}

#[tokio::test]
async fn an_account_is_made_changed_and_deleted() {
    let hub = TestHub::start().await;
    let new = json!({ "name": "anna", "password": "four plain words", "role": "viewer" });
    let made = hub.admin("POST", "/api/v1/users", Some(new)).await;
    assert_eq!(
        (made.status, &made.json()["role"], &made.json()["last_login_ms"]),
        (201, &"viewer".into(), &Value::Null)
    );
    let session = cookie(&hub, "anna", "four plain words").await;
    let listed = hub.admin("GET", "/api/v1/users", None).await;
    assert_eq!(listed.json()[1]["name"], "anna");
    assert!(listed.json()[1]["last_login_ms"].is_i64(), "{}", listed.text());
    assert!(!listed.text().contains("argon2"), "no hash is shown");

    let changed = hub.admin("PATCH", "/api/v1/users/anna", Some(json!({ "role": "reviewer" }))).await;
    assert_eq!((changed.status, &changed.json()["role"]), (200, &"reviewer".into()));
    assert_eq!(me(&hub, ("cookie", &session)).await, 401, "who has another role logs in again");
    let session = cookie(&hub, "anna", "four plain words").await;
    let changed = hub.admin("PATCH", "/api/v1/users/anna", Some(json!({ "password": "five other plain words" }))).await;
    assert_eq!(changed.status, 200);
    assert_eq!(me(&hub, ("cookie", &session)).await, 401);
    assert_eq!(me(&hub, ("authorization", &basic("anna", "four plain words"))).await, 401);
    let session = cookie(&hub, "anna", "five other plain words").await;
    assert_eq!(hub.admin("PATCH", "/api/v1/users/anna", Some(json!({}))).await.status, 200);
    assert_eq!(me(&hub, ("cookie", &session)).await, 200, "nothing was changed");

    assert_eq!(hub.admin("DELETE", "/api/v1/users/anna", None).await.status, 204);
    assert_eq!(me(&hub, ("cookie", &session)).await, 401);
    assert_eq!(me(&hub, ("authorization", &basic("anna", "five other plain words"))).await, 401);
    assert_eq!(hub.admin("DELETE", "/api/v1/users/anna", None).await.status, 404);

    let audit = hub.admin("GET", "/api/v1/audit?what=user.", None).await;
    assert!(!audit.text().contains("plain words"), "no password is written down");
    let kinds: Vec<_> = audit.json().as_array().expect("a list").iter().map(|entry| entry["what"].clone()).collect();
    assert_eq!(kinds, ["user.deleted", "user.changed", "user.changed", "user.added", "user.added"]);
    assert_eq!(audit.json()[2]["detail"], json!({ "user": "anna", "role": "reviewer", "was": "viewer" }));
    assert_eq!((&audit.json()[2]["who"], &audit.json()[4]["who"]), (&"admin".into(), &"hub".into()));
    let before = audit.json()[2]["id"].as_i64().expect("a number");
    let older = hub.admin("GET", &format!("/api/v1/audit?what=user.&limit=1&before={before}"), None).await.json();
    assert_eq!(older, json!([audit.json()[3]]));
}

#[tokio::test]
async fn what_cannot_be_done_says_why() {
    let hub = TestHub::start().await;
    let new = |name: &str, password: &str, role: &str| json!({ "name": name, "password": password, "role": role });
    let cases = [
        ("POST", "/api/v1/users", new("anna", "too short", "viewer"), 422, "at least 10 characters"),
        ("POST", "/api/v1/users", new("Anna", PASSWORD, "viewer"), 422, "a-z, 0-9"),
        ("POST", "/api/v1/users", new("anna", PASSWORD, "owner"), 422, "unknown variant"),
        ("POST", "/api/v1/users", new("admin", PASSWORD, "viewer"), 409, "already"),
        ("POST", "/api/v1/users", new("hub", PASSWORD, "viewer"), 409, "hub's own"),
        ("PATCH", "/api/v1/users/nobody", json!({ "role": "viewer" }), 404, "no user"),
        ("PATCH", "/api/v1/users/admin", json!({ "role": "viewer" }), 409, "their own role"),
        ("PATCH", "/api/v1/users/admin", json!({ "password": PASSWORD }), 409, "/api/v1/me/password"),
        ("DELETE", "/api/v1/users/admin", json!(null), 409, "their own account"),
        (
            "POST",
            "/api/v1/me/password",
            json!({ "old": "wrong", "new": "another good one" }),
            422,
            "old password is wrong",
        ),
        ("POST", "/api/v1/me/password", json!({ "old": PASSWORD, "new": "short" }), 422, "at least 10 characters"),
    ];
    for (method, path, body, status, words) in cases {
        let answer = hub.admin(method, path, Some(body)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert!(answer.text().contains(words), "{method} {path}: {}", answer.text());
    }
    assert_eq!(hub.admin("GET", "/api/v1/users", None).await.json().as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn there_is_always_an_administrator() {
    let hub = TestHub::start().await;
    let store = &hub.running.state.store;
    let demote = || Change { role: Some(Role::Viewer), password: None };
    let last = change(store, ADMINISTRATOR, demote(), By::CommandLine).await;
    assert!(matches!(last, Err(AccountError::LastAdministrator(_))), "{last:?}");
    assert!(matches!(delete(store, ADMINISTRATOR, By::CommandLine).await, Err(AccountError::LastAdministrator(_))));
    hub.login("rev", Role::Reviewer).await;
    assert!(delete(store, ADMINISTRATOR, By::CommandLine).await.is_err(), "a reviewer is none");
    hub.login("second", Role::Admin).await;
    change(store, ADMINISTRATOR, demote(), By::User("second")).await.expect("there is another now");
    assert!(matches!(delete(store, "second", By::CommandLine).await, Err(AccountError::LastAdministrator(_))));
}

#[tokio::test]
async fn a_password_that_one_chooses_ends_the_other_sessions() {
    let hub = TestHub::start().await;
    hub.login("anna", Role::Viewer).await;
    let (here, there) = (cookie(&hub, "anna", PASSWORD).await, cookie(&hub, "anna", PASSWORD).await);
    let wanted = json!({ "old": PASSWORD, "new": "a better password" });
    let headers = [("cookie", here.as_str()), ("x-pilah-csrf", "1")];
    let answer = hub.request("POST", "/api/v1/me/password", &headers, Some(wanted)).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!((me(&hub, ("cookie", &here)).await, me(&hub, ("cookie", &there)).await), (200, 401));
    assert_eq!(me(&hub, ("authorization", &basic("anna", PASSWORD))).await, 401);
    assert_eq!(me(&hub, ("authorization", &basic("anna", "a better password"))).await, 200);
}

#[tokio::test]
async fn whoever_watches_hears_of_the_end_at_once() {
    let hub = TestHub::start().await;
    let state = hub.running.state.clone();
    let found = async |cookie: &str| {
        let headers = [(axum::http::header::COOKIE, cookie.parse().expect("a value"))].into_iter().collect();
        session::find(&state.store, &headers).await.expect("asks").expect("is alive")
    };
    let watched = |user: User| {
        let (store, logins) = (state.store.clone(), state.logins.clone());
        // Only what is heard of counts: it would be asked again in a day.
        let day = std::time::Duration::from_secs(86_400);
        tokio::spawn(async move { user.ended(&store, &logins, day).await })
    };
    let watch = async |cookie: &str| watched(found(cookie).await);
    let ends = async |watching: tokio::task::JoinHandle<()>| {
        let ended = tokio::time::timeout(crate::testing::PATIENCE, watching).await;
        ended.expect("it is heard of").expect("does not panic");
    };
    for name in ["anna", "budi", "cici", "dewi"] {
        hub.login(name, Role::Viewer).await;
    }
    let (anna, elsewhere) = (cookie(&hub, "anna", PASSWORD).await, cookie(&hub, "anna", PASSWORD).await);
    let (left, stays) = (watch(&anna).await, watch(&elsewhere).await);
    assert_eq!(hub.request("POST", "/api/v1/logout", &[("cookie", &anna)], None).await.status, 204);
    ends(left).await;
    let budi = watch(&cookie(&hub, "budi", PASSWORD).await).await;
    assert_eq!(hub.admin("PATCH", "/api/v1/users/budi", Some(json!({ "role": "reviewer" }))).await.status, 200);
    ends(budi).await;
    let cici = watch(&cookie(&hub, "cici", PASSWORD).await).await;
    assert_eq!(hub.admin("DELETE", "/api/v1/users/cici", None).await.status, 204);
    ends(cici).await;
    let wanted = json!({ "old": PASSWORD, "new": "a better password" });
    let own = [("authorization", &*basic("anna", PASSWORD))];
    assert!(!stays.is_finished(), "one session is not the other");
    assert_eq!(hub.request("POST", "/api/v1/me/password", &own, Some(wanted)).await.status, 204);
    ends(stays).await;

    let dewi = found(&cookie(&hub, "dewi", PASSWORD).await).await;
    let soon = now_ms() + 300;
    crate::store::entity::session::Entity::update_many()
        .col_expr(crate::store::entity::session::Column::ExpiresMs, sea_orm::sea_query::Expr::value(soon))
        .exec(state.store.db())
        .await
        .expect("is shortened");
    ends(watched(dewi)).await;
}

#[tokio::test]
async fn a_login_holds_until_it_is_ended() {
    let hub = TestHub::start().await;
    let state = &hub.running.state;
    hub.login("anna", Role::Viewer).await;
    let by_password = state.logins.verify(&state.store, &Caller::default(), "anna", PASSWORD).await.expect("logs in");
    let session = cookie(&hub, "anna", PASSWORD).await;
    let headers = [(axum::http::header::COOKIE, session.parse().expect("a value"))].into_iter().collect();
    let by_session = session::find(&state.store, &headers).await.expect("asks").expect("is alive");
    for user in [&by_password, &by_session] {
        assert!(user.holds(&state.store).await.expect("asks"));
    }
    reset_password(&state.store, "anna").await.expect("resets");
    for user in [&by_password, &by_session] {
        assert!(!user.holds(&state.store).await.expect("asks"), "{user:?}");
    }
}

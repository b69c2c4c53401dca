use std::collections::BTreeMap;

use super::super::needs::{NEEDED, needed};
use crate::auth::Role::{Admin, Reviewer, Viewer};
use crate::testing::{PASSWORD, TestHub, basic};

/// The responses of every operation of the document, by method and path.
fn operations() -> BTreeMap<(String, String), serde_json::Value> {
    let document = serde_json::to_value(super::super::document()).expect("serialises");
    let paths = document["paths"].as_object().expect("paths").clone();
    let operations = paths.into_iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").clone();
        methods
            .into_iter()
            .map(move |(method, operation)| ((method.to_uppercase(), path.clone()), operation["responses"].clone()))
    });
    operations.collect()
}

#[test]
fn every_route_that_changes_something_says_who_may() {
    let operations = operations();
    let listed: Vec<_> = NEEDED.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    for (operation, responses) in &operations {
        let changes = operation.0 != "GET";
        assert!(!changes || listed.contains(operation), "{operation:?} is new: who may do that?");
        let has_role = !responses["403"].is_null();
        assert!(!has_role || listed.contains(operation), "{operation:?} refuses some: say whom");
    }
    for (method, path, needed) in NEEDED {
        let responses = operations.get(&((*method).to_owned(), (*path).to_owned()));
        let responses = responses.unwrap_or_else(|| panic!("{method} {path} is no route of the document"));
        let said = responses["403"]["description"].as_str().unwrap_or_default();
        match needed {
            None | Some(Viewer) => assert_eq!(said, "", "{method} {path}"),
            Some(role) => assert!(said.contains(&format!("eeds the role {role}")), "{method} {path}: {said}"),
        }
    }
}

#[test]
fn every_operation_says_whom_it_refuses() {
    let operations = operations();
    for ((method, path), responses) in &operations {
        let said = |status: &str| responses[status]["description"].as_str().unwrap_or_default();
        match needed(method, path) {
            // It may be refused for another reason: a login by its password.
            None => assert_eq!(said("403"), "", "{method} {path}"),
            Some(role) => {
                assert_ne!(said("401"), "", "{method} {path}");
                assert_eq!(said("403").is_empty(), role == Viewer, "{method} {path}: {}", said("403"));
            }
        }
    }
    assert!(operations.len() > 80, "{}", operations.len());
}

/// Whatever the document has without a login, and nothing else, is open.
#[tokio::test]
async fn what_needs_a_login_is_refused_without() {
    let hub = TestHub::start().await;
    for (method, path) in operations().into_keys() {
        let answer = hub.request(&method, &filled(&path, "1"), &[], None).await;
        let is_open = needed(&method, &path).is_none();
        // A login without a body is malformed.
        assert_eq!(answer.status == 401, !is_open, "{method} {path}: {} {}", answer.status, answer.text());
    }
}

/// A path with this in place of each name.
fn filled(path: &str, value: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { value } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// What goes wrong before a route looks at anything is in the document of each route, and is a problem document.
#[tokio::test]
async fn what_cannot_be_read_is_refused_as_the_document_says() {
    let hub = TestHub::start().await;
    let login = basic("admin", PASSWORD);
    let document = serde_json::to_value(super::super::document()).expect("serialises");
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let address = filled(path, "1");
            let content = &operation["requestBody"]["content"];
            let mut tries: Vec<(String, &str, &str, &[u16])> = Vec::new();
            if content["application/json"].is_object() && operation["requestBody"]["required"] != true {
                // It is read as it comes, whatever it is said to be.
                tries.push((address.clone(), "text/plain", "{", &[400]));
                tries.push((address.clone(), "application/json", "{\"no such field\": 1}", &[400]));
            } else if content["application/json"].is_object() {
                tries.push((address.clone(), "application/json", "{", &[400]));
                tries.push((address.clone(), "text/plain", "{}", &[415]));
                tries.push((address.clone(), "application/json", "7", &[422]));
                tries.push((address.clone(), "application/json", "{\"no such field\": 1}", &[422]));
            } else if content["multipart/form-data"].is_object() {
                tries.push((address.clone(), "text/plain", "", &[400]));
                tries.push((address.clone(), "multipart/form-data; boundary=x", "--y", &[400]));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                if parameter["schema"]["type"].to_string().contains("integer") {
                    match parameter["in"].as_str() {
                        Some("query") => tries.push((format!("{address}?{name}=x"), "application/json", "{}", &[400])),
                        _ => tries.push((filled(path, "x"), "application/json", "{}", &[400])),
                    }
                }
            }
            for (address, kind, body, expected) in tries {
                let headers = [("authorization", login.as_str()), ("content-type", kind)];
                let answer = hub.send(&method.to_uppercase(), &address, &headers, body.as_bytes().to_vec()).await;
                let what = format!("{method} {address} {kind} {body}: {} {}", answer.status, answer.text());
                assert!(expected.contains(&answer.status), "{what}");
                assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
                assert!(operation["responses"][answer.status.to_string()].is_object(), "{what}");
                asked += 1;
            }
        }
    }
    assert!(asked > 80, "{asked}");
}

#[tokio::test]
async fn each_role_may_do_what_it_may_and_no_more() {
    let hub = TestHub::start().await;
    let logins = [
        (Viewer, hub.login("vera", Viewer).await),
        (Reviewer, hub.login("rita", Reviewer).await),
        (Admin, basic("admin", PASSWORD)),
    ];
    for (method, path, needed) in NEEDED {
        let path = path.replace("{id}", "1").replace("{version}", "m1").replace("{name}", "nobody");
        let path = path.replace("{sha256}", &"0".repeat(64)).replace("{sample}", "s1");
        for (role, login) in &logins {
            // Without a body nothing comes of it: what is asked is who may ask at all.
            let answer = hub.request(method, &path, &[("authorization", login)], None).await;
            let what = format!("{method} {path} as {role}: {} {}", answer.status, answer.text());
            let Some(needed) = needed.filter(|needed| role < needed) else {
                // A login without a body is malformed.
                assert!(answer.status != 403 && (answer.status != 401 || needed.is_none()), "{what}");
                continue;
            };
            assert_eq!(answer.status, 403, "{what}");
            let problem = answer.json();
            assert_eq!(problem["type"], "urn:pilah:problem:role", "{what}");
            assert_eq!((&problem["needs"], &problem["role"]), (&needed.name().into(), &role.name().into()), "{what}");
            assert_eq!(problem["ask"], serde_json::json!(["admin"]), "{what}");
            let detail = problem["detail"].as_str().expect("words");
            assert!(detail.contains(&format!("the role {needed}")) && detail.contains("(admin)"), "{what}");
        }
        if needed.is_some() {
            assert_eq!(hub.request(method, &path, &[], None).await.status, 401, "{method} {path}");
        }
    }
}

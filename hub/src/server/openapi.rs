//! The OpenAPI document, put together from the stages. `hub/openapi.json` is the committed copy; a test
//! holds the two together.

use axum::Json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// What every error is, in words of the document.
mod errors;

use super::{needs, status};
use crate::{
    auth, dataset, evaluate, exchange, fleet, forecast, predict, registry, review, rollout, search, settings,
    statistics, train, updates,
};

/// What holds for the whole interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pilah hub",
        description = "Gathers samples from smart bins, has them reviewed, retrains, and pushes models to the bins. \
                       Errors are RFC 9457 problem documents.",
    ),
    paths(serve),
    security(("session" = []), ("basic" = [])),
    modifiers(&Logins),
)]
struct Base;

struct Logins;

impl Modify for Logins {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let cookie = ApiKeyValue::with_description(
            "pilah_session",
            "Set by POST /api/v1/login. A request that changes something also needs the header X-Pilah-CSRF: 1, \
             unless a browser sends it from our own page.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        components.add_security_scheme("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    }
}

/// The document.
#[must_use]
pub fn document() -> Document {
    let mut document = Base::openapi();
    for stage in stages() {
        document.merge(stage);
    }
    for (path, item) in &mut document.paths.paths {
        let methods = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
                errors::complete(operation, needs::needed(method, path));
            }
        }
    }
    document
}

/// An operation's name for generated clients, unlike any other: `get_models_version_report`. The names of
/// handlers, which it would have otherwise, repeat from stage to stage.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").or_else(|| path.strip_prefix("/api")).unwrap_or(path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// The document of each stage.
fn stages() -> Vec<Document> {
    vec![
        status::ApiDoc::openapi(),
        settings::routes::ApiDoc::openapi(),
        auth::ApiDoc::openapi(),
        fleet::ApiDoc::openapi(),
        dataset::routes::ApiDoc::openapi(),
        review::routes::ApiDoc::openapi(),
        statistics::routes::ApiDoc::openapi(),
        search::routes::ApiDoc::openapi(),
        train::routes::ApiDoc::openapi(),
        registry::routes::ApiDoc::openapi(),
        exchange::routes::ApiDoc::openapi(),
        evaluate::routes::ApiDoc::openapi(),
        updates::routes::ApiDoc::openapi(),
        rollout::routes::ApiDoc::openapi(),
        predict::routes::ApiDoc::openapi(),
        forecast::routes::ApiDoc::openapi(),
    ]
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "status", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(super) async fn serve() -> Json<Document> {
    Json(document())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(document()).expect("has a JSON form");
        let paths = document["paths"].as_object().expect("an object");
        let operations = paths.values().flat_map(|path| path.as_object().expect("an object").values());
        let mut names: Vec<&str> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), names.contains(&"get_models_version_report")), (all, true), "{names:?}");
        assert!(all > 50, "{all}");
    }

    #[test]
    fn what_is_in_the_path_is_named_there() {
        let document = serde_json::to_value(document()).expect("has a JSON form");
        for (path, operations) in document["paths"].as_object().expect("an object") {
            for operation in operations.as_object().expect("an object").values() {
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let name = parameter["name"].as_str().expect("a name");
                    let in_path = path.contains(&format!("{{{name}}}"));
                    assert_eq!(
                        parameter["in"] == "path",
                        in_path,
                        "{path}: {name}: add #[into_params(parameter_in = Query)]"
                    );
                }
            }
        }
    }

    #[test]
    fn every_error_is_a_problem_document() {
        let document = serde_json::to_value(document()).expect("has a JSON form");
        for (path, operations) in document["paths"].as_object().expect("an object") {
            for (method, operation) in operations.as_object().expect("an object") {
                let responses = operation["responses"].as_object().expect("an object");
                for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                    let content =
                        response["content"].as_object().unwrap_or_else(|| panic!("{method} {path}: {status}"));
                    let kinds: Vec<&str> = content.keys().map(String::as_str).collect();
                    assert_eq!(kinds, ["application/problem+json"], "{method} {path}: {status}");
                }
                if responses.contains_key("401") {
                    assert!(responses["429"]["headers"]["Retry-After"].is_object(), "{method} {path}");
                }
            }
        }
    }

    /// The numbers of `1 to 200` and of `0 to 0.9`.
    fn range(words: &str) -> Option<(f64, f64)> {
        let number =
            |word: &str| word.trim_end_matches(['.', ',', ';']).replace(',', "").replace('\u{2212}', "-").parse().ok();
        let words: Vec<&str> = words.split_whitespace().collect();
        words.windows(3).find_map(|window| match window {
            [least, "to", most] => Some((number(least)?, number(most)?)),
            _ => None,
        })
    }

    #[test]
    fn bounds_that_words_tell_stand_in_the_schemas() {
        let document = serde_json::to_value(document()).expect("has a JSON form");
        let mut asked = Vec::new();
        let mut bodies = Vec::new();
        for operation in document["paths"]
            .as_object()
            .expect("an object")
            .values()
            .flat_map(|path| path.as_object().expect("an object").values())
        {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                asked.push((
                    parameter["name"].to_string(),
                    parameter["description"].clone(),
                    parameter["schema"].clone(),
                ));
            }
            bodies.extend(
                operation["requestBody"]["content"].as_object().into_iter().flat_map(|content| content.values()),
            );
        }
        // What bodies are made of, down to the last.
        let mut known = std::collections::BTreeSet::new();
        let mut names: Vec<String> = bodies.iter().flat_map(|body| names(body)).collect();
        while let Some(name) = names.pop() {
            let schema = &document["components"]["schemas"][&name];
            if known.insert(name.clone()) {
                names.extend(self::names(schema));
                for (field, property) in schema["properties"].as_object().into_iter().flatten() {
                    asked.push((format!("{name}.{field}"), property["description"].clone(), property.clone()));
                }
            }
        }
        let mut found = 0;
        for (what, description, schema) in asked {
            let Some((least, most)) = description.as_str().and_then(range) else { continue };
            let bounds = [("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")];
            let said = bounds
                .iter()
                .any(|(low, high)| (schema[low].as_f64(), schema[high].as_f64()) == (Some(least), Some(most)));
            assert!(said, "{what}: {least} to {most} is not in {schema}");
            found += 1;
        }
        assert!(found > 30, "{found}");
    }

    /// The schemas that a part of the document refers to.
    fn names(part: &serde_json::Value) -> Vec<String> {
        match part {
            serde_json::Value::Object(fields) => {
                let own = fields.get("$ref").and_then(|to| to.as_str()?.strip_prefix("#/components/schemas/"));
                own.map(str::to_owned).into_iter().chain(fields.values().flat_map(names)).collect()
            }
            serde_json::Value::Array(items) => items.iter().flat_map(names).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn no_two_stages_give_different_shapes_one_name() {
        let mut known = BTreeMap::new();
        for stage in stages() {
            for (name, schema) in stage.components.into_iter().flat_map(|components| components.schemas) {
                let shape = serde_json::to_value(&schema).expect("has a JSON form");
                let first = known.entry(name.clone()).or_insert_with(|| shape.clone());
                assert_eq!(*first, shape, "{name}: give one of them another name with #[schema(as = …)]");
            }
        }
    }
}

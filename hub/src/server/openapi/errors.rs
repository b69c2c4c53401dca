//! What every error is, in words of the document.
//!
//! Routes say what they refuse for reasons of their own. What follows from who may do it and from a route's shape is
//! added here, so that none forgets it: somebody is not logged in (401) or lacks the role (403), a login may have failed
//! too often (429), a query or a path may not be readable (400), and neither may a body (400, 413, 415, 422). Each error
//! is a problem document, `application/problem+json`, without a word of the route.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::{Content, Header, ObjectBuilder, Ref, RefOr, Required, Response};

use crate::auth::Role;

/// The media type of RFC 9457.
const PROBLEM: &str = "application/problem+json";

/// The schema of [`crate::error::Problem`].
const SCHEMA: &str = "#/components/schemas/Problem";

/// Gives an operation the errors that follow from its shape, and all of its errors the problem document that they are.
/// `needed`: the least role; `None`: no login.
pub(super) fn complete(operation: &mut Operation, needed: Option<Role>) {
    for (status, words) in by_role(needed) {
        let made = || RefOr::T(response(&words));
        operation.responses.responses.entry(status.to_owned()).or_insert_with(made);
    }
    for (status, words) in by_shape(operation) {
        let made = || RefOr::T(response(words));
        operation.responses.responses.entry(status.to_owned()).or_insert_with(made);
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status.as_str() >= "400" && response.content.is_empty() {
            response.content.insert(PROBLEM.to_owned(), problem_content());
        }
        if status == "429" {
            response.headers.insert("Retry-After".to_owned(), RefOr::T(retry_after()));
        }
    }
}

fn response(words: &str) -> Response {
    let mut response = Response::new(words);
    response.content.insert(PROBLEM.to_owned(), problem_content());
    response
}

fn problem_content() -> RefOr<Content> {
    RefOr::T(Content::new(Some(RefOr::<Schema>::Ref(Ref::new(SCHEMA)))))
}

fn retry_after() -> Header {
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let mut header = Header::new(seconds);
    header.description = Some("In how many seconds to try again".to_owned());
    header
}

fn by_role(needed: Option<Role>) -> Vec<(&'static str, String)> {
    let login = needed.map(|_| ("401", "Not logged in".to_owned()));
    let role = needed.filter(|role| *role > Role::Viewer).map(|role| ("403", format!("Needs the role {role}")));
    login.into_iter().chain(role).collect()
}

fn by_shape(operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut errors = Vec::new();
    if operation.responses.responses.contains_key("401") {
        errors.push(("429", "Too many failed logins from this address, or to this account"));
    }
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    if parameters.clone().any(|parameter| parameter.parameter_in == ParameterIn::Query) {
        errors.push(("400", "The query cannot be read; the answer says what is wrong"));
    }
    if parameters.clone().any(is_number_in_path) {
        errors.push(("400", "The path has no number where one is asked for"));
    }
    if let Some(RefOr::T(body)) = &operation.request_body {
        errors.push(("413", "The body is too large"));
        let is_json = body.content.contains_key("application/json");
        if is_json && body.required != Some(Required::True) {
            errors.push(("400", "The body is no JSON, or not what is asked for; the answer says where"));
        } else if is_json {
            errors.push(("400", "The body is no JSON"));
            errors.push(("415", "The body is not said to be application/json"));
            errors.push(("422", "The body is JSON, and not what is asked for; the answer says where"));
        } else if body.content.contains_key("multipart/form-data") {
            errors.push(("400", "The body is no form"));
        }
    }
    errors
}

fn is_number_in_path(parameter: &Parameter) -> bool {
    let number = |schema: &RefOr<Schema>| matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Integer));
    parameter.parameter_in == ParameterIn::Path && parameter.schema.as_ref().is_some_and(number)
}

//! Models in and out: what people bring is understood, tried out, judged and kept, and what is here is given out.

/// A version or a backbone from elsewhere.
pub mod import;

/// HTTP: export, import, the backbones that wait.
#[expect(unused_qualifications, reason = "utoipa's macro qualifies the types of query parameters")]
pub(crate) mod routes;

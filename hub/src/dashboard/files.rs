//! The dashboard's files, if the program has them; else a page that says how to get them.

use axum::body::Bytes;

/// A file.
pub(super) struct File {
    /// Changes with the content: the first hexadecimal digits of its SHA-256.
    pub(super) name: String,
    /// The content.
    pub(super) content: Bytes,
}

/// The files that `build.rs` made.
#[cfg(feature = "ui")]
#[derive(rust_embed::Embed)]
#[folder = "$OUT_DIR/ui"]
struct Embedded;

/// The file of a path without a leading slash.
#[cfg(feature = "ui")]
pub(super) fn get(path: &str) -> Option<File> {
    use std::borrow::Cow;
    let file = Embedded::get(path)?;
    let name = file.metadata.sha256_hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let content = match file.data {
        Cow::Borrowed(content) => Bytes::from_static(content),
        Cow::Owned(content) => Bytes::from(content),
    };
    Some(File { name, content })
}

/// What is shown instead of the dashboard.
#[cfg(not(feature = "ui"))]
const WITHOUT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Pilah hub</title>\n\
    <h1>Pilah hub</h1>\n\
    <p>This program was built without the dashboard. Build it with the feature <code>ui</code>, which is on unless \
    <code>--no-default-features</code> is given; it needs Node.js 20.19 or newer with npm:</p>\n\
    <pre>cargo build --release -p pilah-hub</pre>\n\
    <p>The same is available as an HTTP interface: <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p>\n";

/// The file of a path without a leading slash.
#[cfg(not(feature = "ui"))]
pub(super) fn get(path: &str) -> Option<File> {
    (path == super::INDEX).then(|| File { name: "without".to_owned(), content: Bytes::from_static(WITHOUT.as_bytes()) })
}

//! The contract on the wire as committed files: golden messages, JSON Schemas, the AsyncAPI document.
//!
//! `PILAH_BLESS=1 cargo test -p pilah-models` rewrites what is generated; without it, a file that is
//! not what the types say fails the test. Golden messages themselves are never rewritten.

mod asyncapi;
mod golden;
mod schemas;

use std::fs;
use std::path::{Path, PathBuf};

/// A path in the repository.
fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Compares a generated text with the committed file, or writes the file if that was asked for.
fn assert_committed(path: &Path, generated: &str) {
    if std::env::var_os("PILAH_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("in a folder")).expect("creates the folder");
        fs::write(path, generated).expect("writes the file");
        return;
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is stale; run: PILAH_BLESS=1 cargo test -p pilah-models --test contract",
        path.display()
    );
}

/// Makes a description that was written for rustdoc plain text: its links lead nowhere in a schema.
fn without_links(schema: &mut schemars::Schema) {
    if let Some(serde_json::Value::String(text)) = schema.get_mut("description") {
        *text = text.replace("[`", "`").replace("`]", "`").replace("super::", "");
    }
    schemars::transform::transform_subschemas(&mut (without_links as fn(&mut schemars::Schema)), schema);
}

/// JSON as it is committed.
fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("serialises") + "\n"
}

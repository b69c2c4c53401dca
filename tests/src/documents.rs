//! Documents say what is: what they link to and name is there, and they agree with each other.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of a folder that end so, from the root.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let names = entries.map(|entry| entry.expect("reads").file_name().into_string().expect("a plain name"));
    let mut found: Vec<String> = names
        .filter(|name| name.ends_with(ending))
        .map(|name| Path::new(folder).join(name).display().to_string())
        .collect();
    found.sort();
    found
}

/// Where a document links to within the repository: path and heading are told apart by `#`.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.filter(|target| !target.contains("://")).collect()
}

/// The files and folders that a document names by their whole path.
fn named_paths(text: &str) -> Vec<&str> {
    const FOLDERS: [&str; 7] = ["deploy/", "docs/", "edge/", "findings/", "hub/", "models/", "tests/"];
    // What stands between grave accents is every second part.
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .map(|path| path.split([' ', '#']).next().unwrap_or(path))
        .filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
        .filter(|path| !path.contains(['*', '{', '…']) && !path.contains("NAME"))
        .collect()
}

#[test]
fn what_is_linked_to_is_there() {
    let mut missing = Vec::new();
    let documents = ["", "docs", "docs/adr", "findings", "models/default"].map(|folder| files(folder, ".md")).concat();
    assert!(documents.len() > 30, "{documents:?}");
    for document in &documents {
        let folder = root().join(document).parent().expect("in a folder").to_owned();
        for link in links(&read(document)) {
            let path = link.split('#').next().unwrap_or(link);
            if !path.is_empty() && !folder.join(path).exists() {
                missing.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(missing.is_empty(), "links that lead nowhere: {missing:#?}");
}

#[test]
fn what_is_named_is_there() {
    let mut missing = Vec::new();
    for document in ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/operating.md", "docs/forecast.md"] {
        let text = read(document);
        let gone = named_paths(&text).into_iter().filter(|path| !root().join(path).exists());
        missing.extend(gone.map(|path| format!("{document}: {path}")));
    }
    assert!(missing.is_empty(), "paths that are not there: {missing:#?}");
}

#[test]
fn documents_stay_short_enough_to_be_read() {
    for (document, most) in [("README.md", 150), ("docs/ARCHITECTURE.md", 300)] {
        let lines = read(document).lines().count();
        assert!(lines < most, "{document} has {lines} lines: move the details into docs/");
    }
}

#[test]
fn the_licence_is_the_same_everywhere() {
    let licence = env!("CARGO_PKG_LICENSE");
    assert_eq!(licence, "MIT OR Apache-2.0");
    let says = [
        ("LICENSE", licence),
        ("LICENSE", "\nMIT License\n"),
        ("LICENSE", "Apache License\n                           Version 2.0, January 2004"),
        ("LICENSE", "END OF TERMS AND CONDITIONS"),
        ("README.md", "[MIT or Apache-2.0](LICENSE)"),
        ("deploy/edge/deb/copyright", "License: Expat or Apache-2.0"),
        ("docs/asyncapi.yaml", licence),
        ("hub/openapi.json", licence),
        ("hub/ui/src/pages/settings/en.json", "the MIT or the Apache 2.0 licence"),
        ("hub/ui/src/pages/settings/id.json", "MIT atau Apache 2.0"),
        ("models/default/MODEL_CARD.md", licence),
        ("models/recipe/card.py", licence),
    ];
    for (file, words) in says {
        assert!(read(file).contains(words), "{file} does not say {words:?}");
    }
}

#[test]
fn a_finding_is_a_script_that_says_what_it_found() {
    let list = read("findings/README.md");
    let scripts = files("findings", ".sh");
    assert!(!scripts.is_empty());
    for script in scripts {
        let name = script.rsplit('/').next().expect("a name");
        assert!(list.contains(&format!("\n| [{name}]({name}) | ")), "findings/README.md has no row for {name}");
        let text = read(&script);
        let head: Vec<&str> = text.lines().skip(1).take_while(|line| line.starts_with('#')).collect();
        for part in ["# Versions: ", "Seen:", "# Fails if that changes: ", "# Needs "] {
            assert!(head.iter().any(|line| line.contains(part)), "{script}: its first lines have no {part:?}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(root().join(&script)).expect("is there").permissions().mode();
            assert!(mode & 0o111 != 0, "{script} is not executable");
        }
    }
}

#[test]
fn paths_and_links_are_found_in_a_text() {
    let text = "See [the map](docs/MAP.md#here), [a site](https://example.org) and `hub/src/a.rs`; `hub/src/*` and\n\
                `tests/run --fast`, but not `models` or `hub/x/NAME.rs`.";
    assert_eq!(links(text), ["docs/MAP.md#here"]);
    assert_eq!(named_paths(text), ["hub/src/a.rs", "tests/run"]);
}

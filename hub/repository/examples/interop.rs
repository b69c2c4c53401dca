//! Our side of the comparison with Python's `tuf` (`tests/python-tuf/run`): makes a repository, or reads one.
//!
//! ```text
//! interop write FOLDER    a repository with targets, and with keys of every role exchanged
//! interop read FOLDER     what a bin believes of FOLDER/repository by FOLDER/trusted.json, as JSON
//! ```

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use pilah_models::name::TargetName;
use pilah_repository::Repository;
use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::{Policy, ROLES};
use pilah_repository::publish::{Content, Offer};
use pilah_trust::clock::Clock;
use pilah_trust::source::Source;
use pilah_trust::{Client, Outcome};
use serde_json::{Map, json};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments[..] {
        [act, folder] if act == "write" => write(Path::new(folder)),
        [act, folder] if act == "read" => read(Path::new(folder)),
        _ => Err("usage: interop write|read FOLDER".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> Result<(), Failure> {
    let now = Timestamp::now();
    let mut policy = Policy::default();
    (policy.targets.keys, policy.targets.threshold) = (3, 2);
    let repository = Repository::new(folder.join("repository"), policy);
    let keys = KeyFolders::one_machine(&folder.join("keys"));
    repository.init(&keys, now)?;
    std::fs::write(folder.join("trusted.json"), repository.root_of_trust()?)?;
    let mut custom = Map::new();
    custom.insert("labels".to_owned(), json!(["glass", "kaca ♻", {"z": 1, "a": -3}]));
    let head = Offer { name: TargetName::new("head-7.onnx")?, content: Content::Bytes(b"weights".to_vec()), custom };
    let empty = Offer { name: TargetName::new("empty")?, content: Content::Bytes(Vec::new()), custom: Map::new() };
    repository.publish(&keys, vec![head, empty], now)?;
    for role in ROLES {
        repository.rotate(&keys, role, now)?;
    }
    Ok(())
}

fn read(folder: &Path) -> Result<(), Failure> {
    let source = Source::folder(folder.join("repository"));
    let bin = Client::new(&folder.join("trusted.json"), folder.join("bin"), source, Duration::ZERO)?;
    let clock = Clock { now: Timestamp::now(), synchronised: true, waited: Duration::ZERO };
    let Outcome::Checked(checked) = bin.check(clock)? else { return Err("it waits for the clock".into()) };
    let mut targets = Map::new();
    for target in checked.trusted.targets() {
        let fetched = bin.fetch(target, &folder.join("store"), 1024 * 1024)?;
        let content = String::from_utf8_lossy(&std::fs::read(fetched.path)?).into_owned();
        targets.insert(target.name.clone(), json!({ "content": content, "custom": target.custom }));
    }
    println!("{}", json!({ "root": checked.trusted.versions.root, "targets": targets }));
    Ok(())
}

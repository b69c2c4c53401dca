//! `pilah-hub keys`
//!
//! Works on the folder beside a running hub as well: one waits for the other, and the hub serves what lies there.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::Policy;
use pilah_repository::renew::Renewed;
use pilah_repository::status::Standing;
use pilah_repository::{RepositoryError, RoleType};
use serde_json::json;

use super::data::Data;
use crate::audit;
use crate::updates::Place;

/// Who did it, in the audit log.
const WHO: &str = "command line";

/// Arguments of `pilah-hub keys`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// Folder of the keys, as `pilah-hub serve --keys` has it; keys in the data folder, if left out
    #[arg(long, value_name = "DIR", global = true)]
    keys: Option<PathBuf>,
    /// Folder of root keys that lie elsewhere, on a disk that was plugged in; may be given more than once
    #[arg(long = "root", value_name = "DIR", global = true)]
    roots: Vec<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the keys and the first root. A hub does so by itself when it starts, with all keys on its machine
    Init {
        /// How many keys of a role must sign, and how many there are, as root=2/3; may be given more than once.
        /// One of one, if left out
        #[arg(long = "threshold", value_name = "ROLE=M/N")]
        thresholds: Vec<Threshold>,
    },
    /// Make new keys for a role; bins follow, and the old ones count no more
    Rotate {
        /// Whose keys
        role: Role,
        /// How many of the new keys must sign, and how many there are, as 2/3; as before, if left out
        #[arg(long, value_name = "M/N")]
        threshold: Option<Keys>,
    },
    /// Sign anew what is about to expire. A running hub does so by itself, as far as it has the keys
    Renew,
    /// Tell which keys there are, what is lacking, and what expires when
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the root of trust, for bins
    Root,
}

/// A role, as it is named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    Root,
    Timestamp,
    Snapshot,
    Targets,
}

impl From<Role> for RoleType {
    fn from(role: Role) -> Self {
        match role {
            Role::Root => Self::Root,
            Role::Timestamp => Self::Timestamp,
            Role::Snapshot => Self::Snapshot,
            Role::Targets => Self::Targets,
        }
    }
}

/// `2/3`: how many keys must sign, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Keys {
    threshold: u64,
    keys: u64,
}

impl FromStr for Keys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(of, all)| Some((of.parse().ok()?, all.parse().ok()?)));
        match numbers {
            Some((threshold, keys)) if (1..=keys).contains(&threshold) && keys <= 16 => Ok(Self { threshold, keys }),
            _ => Err("it must be M/N, as 2/3, with M at least 1, and N at least M and at most 16".to_owned()),
        }
    }
}

/// `root=2/3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Threshold {
    role: Role,
    keys: Keys,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, keys) = text.split_once('=').ok_or("it must be ROLE=M/N, as root=2/3")?;
        Ok(Self { role: Role::from_str(role, false)?, keys: keys.parse()? })
    }
}

fn with(mut policy: Policy, role: Role, keys: Keys) -> Policy {
    if let Some(own) = policy.of_mut(role.into()) {
        own.keys = keys.keys;
        own.threshold = keys.threshold;
    }
    policy
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { data, keys, roots, command } = args;
    if let Command::Init { .. } = command {
        data.make()?;
    }
    let mut place = Place::of(data.path(), keys.as_deref());
    if !roots.is_empty() {
        place.keys.root = roots;
    }
    anyhow::ensure!(
        data.path().is_dir(),
        "there is no folder {}: name the hub's data folder with --data, or begin one with `pilah-hub keys init`",
        data.path().display()
    );
    let (done, what) =
        tokio::task::spawn_blocking(move || act(&place, command)).await.context("a command failed")??;
    for line in done {
        println!("{line}");
    }
    if let Some((what, detail)) = what
        && data.is_there()
    {
        let (_, store) = data.open().await?;
        audit::note(store.db(), WHO, what, &detail).await?;
        store.close().await?;
    }
    Ok(())
}

type Done = (Vec<String>, Option<(&'static str, serde_json::Value)>);

fn act(place: &Place, command: Command) -> anyhow::Result<Done> {
    let (keys, now) = (&place.keys, Timestamp::now());
    let here = |policy| place.repository(policy);
    let cannot_lock = || format!("cannot write to the folder of {}", place.folder().display());
    match command {
        Command::Init { thresholds } => {
            let policy = thresholds.iter().fold(Policy::default(), |policy, new| with(policy, new.role, new.keys));
            let made = place.alone(|| here(policy).init(keys, now)).with_context(cannot_lock)??;
            let mut lines = vec![format!(
                "{} keys made, {} found; the repository is in {}",
                made.made,
                made.found,
                place.folder().display()
            )];
            lines.push("Bins trust what `pilah-hub keys root` prints: it comes with each enrolment, too".to_owned());
            lines.extend(made.warning.map(|warning| format!("Warning: {warning}")));
            Ok((lines, Some(("keys.init", json!({ "made": made.made, "found": made.found })))))
        }
        Command::Rotate { role, threshold } => {
            let rotate = || {
                let policy = here(Policy::default()).policy_in_force()?;
                let policy = threshold.map_or(policy, |keys| with(policy, role, keys));
                here(policy).rotate(keys, role.into(), now)
            };
            let done = place.alone(rotate).with_context(cannot_lock)??;
            let role = RoleType::from(role);
            let mut lines = vec![
                format!("root {} names for {role}: {}", done.root, done.keys.join(", ")),
                format!("these count no more: {}", done.retired.join(", ")),
            ];
            if done.gap {
                lines.push(format!("the old keys of {role} were not there to sign: bins find nothing valid until they have read the new root"));
            }
            let detail =
                json!({ "role": role.to_string(), "root": done.root, "keys": done.keys, "retired": done.retired });
            Ok((lines, Some(("keys.rotate", detail))))
        }
        Command::Renew => {
            let renewed = place.alone(|| here(Policy::default()).renew(keys, now)).with_context(cannot_lock)??;
            let signed: Vec<String> = renewed.signed.iter().map(ToString::to_string).collect();
            let what = (!signed.is_empty()).then(|| ("keys.renew", json!({ "roles": signed })));
            let lines = in_words(&renewed);
            anyhow::ensure!(renewed.lacking.is_empty(), "{}", lines.join("\n"));
            Ok((lines, what))
        }
        Command::Status { json } => {
            let standing = here(Policy::default()).standing(keys)?;
            if json {
                Ok((vec![as_json(&standing, keys).to_string()], None))
            } else {
                Ok((table(&standing, keys), None))
            }
        }
        Command::Root => {
            let root = here(Policy::default()).root_of_trust().map_err(|error: RepositoryError| error)?;
            Ok((vec![String::from_utf8(root).context("the root is no text")?], None))
        }
    }
}

fn in_words(renewed: &Renewed) -> Vec<String> {
    let mut lines: Vec<String> = renewed.found.iter().map(|fault| format!("found, and mended: {fault}")).collect();
    match renewed.signed.as_slice() {
        [] => lines.push("nothing was due".to_owned()),
        roles => lines.push(format!("signed anew: {}", list(roles.iter()))),
    }
    for lacking in &renewed.lacking {
        let until =
            lacking.expires.map_or_else(|| "nothing of it counts now".to_owned(), |end| format!("it ends at {end}"));
        lines.push(format!("{} could not be signed ({until}): {}", lacking.role, lacking.why));
    }
    lines.extend(renewed.due.map(|due| format!("due next: {due}")));
    lines
}

fn list(all: impl Iterator<Item = impl ToString>) -> String {
    all.map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

fn table(standing: &Standing, keys: &KeyFolders) -> Vec<String> {
    let version = standing.list.map_or_else(|| "none that is whole".to_owned(), |list| list.to_string());
    let mut lines =
        vec![format!("root {}, list of targets {version} with {} targets", standing.root, standing.targets)];
    for role in &standing.roles {
        let ends = role.expires.map_or_else(|| "nothing signed counts".to_owned(), |end| format!("until {end}"));
        let short = list(role.keys.iter().map(|key| key.chars().take(8).collect::<String>()));
        let held = role
            .lacking
            .as_deref()
            .map_or_else(|| "can sign here".to_owned(), |why| format!("cannot sign here: {why}"));
        lines.push(format!("{}\t{} of {} ({short})\t{ends}\t{held}", role.role, role.threshold, role.keys.len()));
    }
    lines.extend(standing.faults.iter().map(|fault| format!("broken: {fault}")));
    lines.extend(keys.warning().map(|warning| format!("Warning: {warning}")));
    lines
}

fn as_json(standing: &Standing, keys: &KeyFolders) -> serde_json::Value {
    let roles: Vec<_> = standing
        .roles
        .iter()
        .map(|role| {
            json!({
                "role": role.role.to_string(), "keys": role.keys, "threshold": role.threshold, "expires": role.expires,
                "lacking": role.lacking,
            })
        })
        .collect();
    let faults: Vec<_> = standing.faults.iter().map(ToString::to_string).collect();
    json!({
        "root": standing.root, "list": standing.list, "targets": standing.targets, "roles": roles, "faults": faults,
        "warning": keys.warning(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn place(folder: &tempfile::TempDir) -> Place {
        Place::of(folder.path(), None)
    }

    fn run(place: &Place, command: Command) -> Result<String, String> {
        act(place, command).map(|(lines, _)| lines.join("\n")).map_err(|error| format!("{error:#}"))
    }

    fn init(thresholds: &[&str]) -> Command {
        Command::Init { thresholds: thresholds.iter().map(|text| text.parse().expect(text)).collect() }
    }

    #[test]
    fn thresholds_are_read_or_refused_with_the_form_they_have() {
        assert_eq!("root=2/3".parse(), Ok(Threshold { role: Role::Root, keys: Keys { threshold: 2, keys: 3 } }));
        for (text, says) in [
            ("root", "ROLE=M/N"),
            ("mirrors=1/1", "mirrors"),
            ("root=0/1", "M at least 1"),
            ("root=3/2", "N at least M"),
            ("root=1/17", "at most 16"),
            ("root=1/-1", "M/N"),
        ] {
            let error = text.parse::<Threshold>().expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn keys_are_made_once_exchanged_and_told_of() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut place = place(&folder);
        let words = run(&place, Command::Status { json: false }).expect_err("nothing there");
        assert!(words.contains("`pilah-hub keys init`"), "{words}");
        let disk = folder.path().join("disk");
        place.keys.root = vec![disk.clone()];
        let words = run(&place, init(&["root=2/3"])).expect("is made");
        assert!(words.contains("6 keys made, 0 found") && !words.contains("Warning"), "{words}");
        let words = run(&place, init(&[])).expect_err("there is one");
        assert!(words.contains("`pilah-hub keys rotate`"), "{words}");

        let first = run(&place, Command::Root).expect("a root");
        let parsed: serde_json::Value = serde_json::from_str(&first).expect("JSON");
        assert_eq!(parsed["signed"]["roles"]["root"]["threshold"], 2);

        // With the disk in the drawer.
        fs::rename(&disk, folder.path().join("drawer")).expect("moves");
        let words = run(&place, Command::Rotate { role: Role::Targets, threshold: None }).expect_err("no root keys");
        assert!(words.contains("Plug in the disk"), "{words}");
        let status = run(&place, Command::Status { json: true }).expect("tells");
        let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
        assert!(status["roles"][0]["lacking"].as_str().is_some_and(|why| why.contains("is missing")), "{status}");
        assert_eq!((&status["roles"][3]["lacking"], &status["root"]), (&json!(null), &json!(1)), "{status}");

        place.keys.root = vec![folder.path().join("drawer")];
        let words = run(&place, Command::Rotate { role: Role::Targets, threshold: None }).expect("is exchanged");
        assert!(words.contains("root 2 names for targets"), "{words}");
        let words = run(&place, Command::Rotate { role: Role::Root, threshold: None }).expect("is exchanged");
        assert_eq!(words.lines().next().map(|line| line.matches(", ").count()), Some(2), "still three keys: {words}");
        assert!(run(&place, Command::Status { json: false }).expect("tells").contains("root\t2 of 3"));
        assert_eq!(run(&place, Command::Renew).expect("signs").lines().next(), Some("nothing was due"));
    }

    #[test]
    fn keys_on_one_machine_are_warned_of() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let words = run(&place(&folder), init(&[])).expect("is made");
        assert!(
            words.contains("4 keys made") && words.contains("Warning: the root keys lie on this machine"),
            "{words}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn keys_that_cannot_be_used_are_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = place(&folder);
        run(&place, init(&[])).expect("is made");
        let timestamp = place.keys.timestamp.clone();
        fs::set_permissions(&timestamp, fs::Permissions::from_mode(0o755)).expect("sets");
        let words = run(&place, Command::Status { json: false }).expect("tells");
        assert!(words.contains("can be read by others") && words.contains("chmod go-rwx"), "{words}");
        for key in fs::read_dir(&timestamp).expect("lists") {
            fs::remove_file(key.expect("an entry").path()).expect("removes");
        }
        let words = run(&place, Command::Status { json: false }).expect("tells");
        assert!(words.contains("holds no key"), "{words}");
    }
}

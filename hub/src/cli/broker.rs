//! `pilah-hub broker export --mosquitto DIR`: accounts and rights for a broker of one's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use pilah_models::wire::topic;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::data::Data;
use super::secret::write_private;
use crate::auth::{bins, draw_secret, subscribers};
use crate::broker::mosquitto::{Changes, Listener, acl, passwords};
use crate::store::Store;
use crate::store::entity::bin;

/// The files of an export.
const PASSWORDS: &str = "pilah.passwords";
const ACL: &str = "pilah.acl";
const HUB_PASSWORD: &str = "hub.password";

/// Arguments of `pilah-hub broker`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write what another broker needs to know of hub, bins and subscribers, and say what changed since
    Export {
        /// The folder for Mosquitto's password file and ACL; made if it is missing
        #[arg(long, value_name = "DIR")]
        mosquitto: PathBuf,
        /// File with the hub's own password at that broker, if it is to be one that you chose; without, one is
        /// drawn at the first export
        #[arg(long, value_name = "FILE")]
        hub_password_file: Option<PathBuf>,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, store) = args.data.open().await?;
    let Command::Export { mosquitto, hub_password_file } = args.command;
    let written = export(&store, &mosquitto, hub_password_file.as_deref()).await;
    store.close().await?;
    written
}

async fn export(store: &Store, out: &Path, hub_password: Option<&Path>) -> anyhow::Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let before = read(&out.join(PASSWORDS))?.unwrap_or_default();
    let hub = hub_hash(out, hub_password, &before)?;
    let rows = bin::Entity::find()
        .filter(bin::Column::RetiredMs.is_null())
        .order_by_asc(bin::Column::Id)
        .all(store.db())
        .await?;
    let (known, unknown): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.mosquitto_hash.is_some());
    let listeners = subscribers::list(store.db()).await?;

    let of_bins = known.iter().map(|row| (row.id.as_str(), row.mosquitto_hash.as_deref().unwrap_or_default()));
    let of_listeners = listeners.iter().map(|row| (row.name.as_str(), row.mosquitto_hash.as_str()));
    let after = passwords([(topic::HUB_USER, hub.as_str())].into_iter().chain(of_bins).chain(of_listeners));
    let listeners: Vec<Listener> =
        listeners.iter().map(|row| Listener { name: row.name.clone(), samples: row.samples }).collect();
    let rights = acl(known.iter().map(|row| row.id.as_str()), &listeners);
    for (name, text) in [(PASSWORDS, &after), (ACL, &rights)] {
        let path = out.join(name);
        write_private(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    tell(out, &Changes::between(&before, &after), &unknown.iter().map(|row| row.id.as_str()).collect::<Vec<_>>());
    Ok(())
}

/// The hub's own entry: of the password that was given, or as it was, or of one that is drawn now.
fn hub_hash(out: &Path, given: Option<&Path>, before: &str) -> anyhow::Result<String> {
    if let Some(path) = given {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let password = text.trim_end_matches(['\r', '\n']);
        anyhow::ensure!(!password.is_empty(), "{} is empty: write the hub's password into it", path.display());
        return Ok(bins::for_mosquitto(password));
    }
    let known = before.lines().find_map(|line| line.strip_prefix(topic::HUB_USER)?.strip_prefix(':'));
    if let Some(hash) = known {
        return Ok(hash.to_owned());
    }
    let (secret, path) = (draw_secret(), out.join(HUB_PASSWORD));
    write_private(&path, &format!("{}\n", secret.reveal()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(bins::for_mosquitto(secret.reveal()))
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn tell(out: &Path, changes: &Changes, unknown: &[&str]) {
    let Changes { added, renewed, removed } = changes;
    for (what, names) in [("new", added), ("with another secret", renewed), ("gone", removed)] {
        if !names.is_empty() {
            println!("{what}: {}", names.join(", "));
        }
    }
    if changes == &Changes::default() {
        println!("no account has changed");
    } else {
        println!(
            "have Mosquitto read the files again: kill -HUP its process. It cuts off who is gone or has another secret"
        );
    }
    if !unknown.is_empty() {
        println!(
            "left out, because their secrets were drawn by an older hub, which kept no more than a SHA-256 of them: {}. \
             `pilah-hub bin renew ID` draws new ones",
            unknown.join(", ")
        );
    }
    let at = |name: &str| out.join(name).display().to_string();
    println!(
        "\nMosquitto's configuration:\n  allow_anonymous false\n  password_file {}\n  acl_file {}\n\
         The hub: pilah-hub serve --mqtt-url mqtt://HOST:PORT --mqtt-password-file {}",
        at(PASSWORDS),
        at(ACL),
        at(HUB_PASSWORD),
    );
}

#[cfg(test)]
mod tests {
    use pilah_models::name::BinId;
    use sea_orm::sea_query::Expr;

    use super::*;
    use crate::fleet;
    use crate::store::DataFolder;

    #[tokio::test]
    async fn an_export_names_who_changed_and_who_is_left_out() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&DataFolder::open(&folder.path().join("data")).expect("opens")).await.expect("opens");
        let out = folder.path().join("broker");
        let id = |id: &str| BinId::new(id).expect("a valid id");
        for bin in ["b1", "b2"] {
            fleet::enrol(&store, &id(bin), "", "test").await.expect("enrols");
        }
        subscribers::add(&store, &"grafana".parse().expect("a name"), false, "test").await.expect("adds");
        export(&store, &out, None).await.expect("writes");
        let first = fs::read_to_string(out.join(PASSWORDS)).expect("is there");
        let names = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.split(':').next().expect("a name").to_owned()).collect()
        };
        assert_eq!(names(&first), ["hub", "b1", "b2", "grafana"]);
        assert!(fs::read_to_string(out.join(HUB_PASSWORD)).expect("is there").len() > 40);

        export(&store, &out, None).await.expect("writes");
        assert_eq!(fs::read_to_string(out.join(PASSWORDS)).expect("is there"), first, "nothing changed");

        fleet::renew_secret(&store, &id("b1"), "test").await.expect("renews");
        bin::Entity::update_many()
            .col_expr(bin::Column::MosquittoHash, Expr::value(None::<String>))
            .filter(bin::Column::Id.eq("b2"))
            .exec(store.db())
            .await
            .expect("as an older hub left it");
        export(&store, &out, None).await.expect("writes");
        let second = fs::read_to_string(out.join(PASSWORDS)).expect("is there");
        let expected = Changes { renewed: vec!["b1".into()], removed: vec!["b2".into()], ..Changes::default() };
        assert_eq!(Changes::between(&first, &second), expected);

        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(out.join(PASSWORDS)).expect("is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
        }
    }
}

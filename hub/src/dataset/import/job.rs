//! Zips that were sent over HTTP, one after the other.
//!
//! A zip lies in `{data}/incoming/` while it is received and imported, as a file that goes with the value
//! that holds it. A hub that is killed leaves it behind: the next start takes away what is there, and says
//! of the imports that ran that they failed. What they had stored stays, and the same zip adds the rest.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ImportError, ImportReport, Options};
use crate::audit;
use crate::error::Chain;
use crate::store::entity::import;
use crate::store::{Blobs, Store, now_ms};

/// What is said of an import that the end of the hub cut off.
const INTERRUPTED: &str =
    "the hub ended while it ran; what was imported stays, and importing the same again adds the rest";

/// How far an import is, or what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportStatus {
    /// Its id.
    pub id: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// Who sent it.
    pub by: String,
    /// The file's name, as its sender calls it.
    pub file: String,
    /// Files that are dealt with.
    pub done: u64,
    /// Files that there are; 0 until the zip has been looked into.
    pub total: u64,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// When it ended.
    pub finished_ms: Option<i64>,
    /// What became of each file, once it is done.
    pub report: Option<ImportReport>,
    /// Why it failed, or nothing was imported, in words.
    pub error: Option<String>,
}

/// The imports of a hub. Clones share them.
#[derive(Debug, Clone)]
pub struct Imports(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    blobs: Blobs,
    incoming: PathBuf,
    stop: CancellationToken,
    /// One at a time: an import uses all processors as it is.
    turn: Semaphore,
    progress: Mutex<HashMap<String, (u64, u64)>>,
}

impl Imports {
    /// The imports of a hub, which holds the lock on its data folder. Takes away what an earlier process
    /// left behind.
    ///
    /// # Errors
    /// The database's.
    pub async fn open(store: Store, blobs: Blobs, data: &Path, stop: CancellationToken) -> Result<Self, DbErr> {
        let incoming = data.join("incoming");
        if let Err(error) = sweep(&incoming) {
            tracing::warn!(%error, folder = %incoming.display(), "files of a killed hub cannot be taken away");
        }
        import::Entity::update_many()
            .col_expr(import::Column::State, Expr::value("failed"))
            .col_expr(import::Column::Error, Expr::value(INTERRUPTED))
            .col_expr(import::Column::FinishedMs, Expr::value(now_ms()))
            .filter(import::Column::State.eq("running"))
            .exec(store.db())
            .await?;
        let (turn, progress) = (Semaphore::new(1), Mutex::default());
        Ok(Self(Arc::new(Inner { store, blobs, incoming, stop, turn, progress })))
    }

    /// A file to receive a zip in. It goes with the value.
    ///
    /// # Errors
    /// The operating system's.
    pub fn file(&self) -> io::Result<NamedTempFile> {
        fs::create_dir_all(&self.0.incoming)?;
        tempfile::Builder::new().suffix(".zip").tempfile_in(&self.0.incoming)
    }

    /// Imports a zip in the background, and gives the import's id. `name` is what its sender calls it.
    ///
    /// # Errors
    /// The database's.
    pub async fn start(&self, file: NamedTempFile, name: &str, options: Options) -> Result<String, DbErr> {
        let id = Uuid::now_v7().to_string();
        let row = import::ActiveModel {
            id: Set(id.clone()),
            state: Set("running".into()),
            by: Set(options.by.clone()),
            file: Set(name.to_owned()),
            started_ms: Set(now_ms()),
            ..Default::default()
        };
        let transaction = self.0.store.begin().await?;
        import::Entity::insert(row).exec_without_returning(&transaction).await?;
        let detail = serde_json::json!({ "import": id, "file": name });
        audit::note(&transaction, &options.by, "samples.imported", &detail).await?;
        transaction.commit().await?;
        self.progress().insert(id.clone(), (0, 0));
        let (this, own, name) = (self.clone(), id.clone(), name.to_owned());
        tokio::spawn(async move { this.run(own, file, &name, options).await });
        Ok(id)
    }

    async fn run(self, id: String, file: NamedTempFile, name: &str, mut options: Options) {
        options.stop = self.0.stop.child_token();
        let result = {
            let _turn = self.0.turn.acquire().await.expect("nobody closes it");
            let progress = |done, total| {
                self.progress().insert(id.clone(), (done, total));
            };
            let (store, blobs) = (&self.0.store, &self.0.blobs);
            super::import_as(store, blobs, file.path(), name, &options, progress).await
        };
        // Before the import is said to be over.
        drop(file);
        if let Err(error) = self.finish(&id, result).await {
            tracing::error!(%error, import = id, "the end of an import is not written down");
        }
        self.progress().remove(&id);
    }

    async fn finish(&self, id: &str, result: Result<ImportReport, ImportError>) -> Result<(), DbErr> {
        let mut row = import::ActiveModel { id: Set(id.to_owned()), ..Default::default() };
        row.finished_ms = Set(Some(now_ms()));
        match result {
            Ok(report) => {
                tracing::info!(import = id, imported = report.imported, skipped = report.skipped.len(), "imported");
                let nothing = report.nothing();
                row.state = Set(if nothing.is_some() { "failed" } else { "done" }.into());
                row.error = Set(nothing);
                row.report_json = Set(Some(serde_json::to_string(&report).expect("a report is JSON")));
            }
            Err(error) => {
                tracing::warn!(import = id, error = %Chain(&error), "import failed");
                row.state = Set("failed".into());
                row.error = Set(Some(match &error {
                    // The cause is the hub's own affair.
                    ImportError::Dataset(_) | ImportError::Read { .. } => {
                        "the hub failed to do this; its log says why".into()
                    }
                    error => error.to_string(),
                }));
            }
        }
        import::Entity::update(row).exec(self.0.store.db()).await?;
        Ok(())
    }

    /// How far an import is, or what came of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn status(&self, id: &str) -> Result<Option<ImportStatus>, DbErr> {
        let progress = self.progress().get(id).copied();
        let Some(row) = import::Entity::find_by_id(id).one(self.0.store.db()).await? else { return Ok(None) };
        let report: Option<ImportReport> = row.report_json.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let files = report.as_ref().map_or(0, |report| report.files);
        let (done, total) = if row.state == "running" { progress.unwrap_or_default() } else { (files, files) };
        Ok(Some(ImportStatus {
            id: row.id,
            state: row.state,
            by: row.by,
            file: row.file,
            done,
            total,
            started_ms: row.started_ms,
            finished_ms: row.finished_ms,
            report,
            error: row.error,
        }))
    }

    fn progress(&self) -> MutexGuard<'_, HashMap<String, (u64, u64)>> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Empties a folder of files.
fn sweep(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_file() {
            fs::remove_file(&path)?;
            tracing::info!(file = %path.display(), "taken away: a killed hub left it behind");
        }
    }
    Ok(())
}

//! The connection to the database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

use super::migrations::Migrator;
use super::{DataFolder, StoreError};

/// How many queries run at once. SQLite has one writer and many readers.
const CONNECTIONS: u32 = 6;

/// How long a writer waits for another before it fails.
const BUSY: Duration = Duration::from_secs(15);

/// The database of a hub, migrated to this build's tables. Clones share one pool.
#[derive(Debug, Clone)]
pub struct Store(DatabaseConnection, Arc<PathBuf>);

impl Store {
    /// Opens the database of a data folder, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn open(folder: &DataFolder) -> Result<Self, StoreError> {
        let db = connect(&folder.path().join("pilah.db")).await?;
        Migrator::up(&db, None).await?;
        Ok(Self(db, Arc::new(folder.path().to_owned())))
    }

    /// For queries outside a transaction.
    #[must_use]
    pub fn db(&self) -> &DatabaseConnection {
        &self.0
    }

    /// The data folder, for what is kept beside the database.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.1
    }

    /// Begins a transaction that writes. It takes the writer's place at once: a transaction that reads
    /// first and asks for it later would fail if another had written meanwhile.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.0
            .begin_with_options(TransactionOptions {
                isolation_level: None::<IsolationLevel>,
                access_mode: None::<AccessMode>,
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            })
            .await
    }

    /// Closes the pool, so that the write-ahead log is folded into the file.
    ///
    /// # Errors
    /// The database's.
    pub async fn close(self) -> Result<(), DbErr> {
        self.0.close().await
    }
}

async fn connect(file: &Path) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(30)).sqlx_logging(false);
    let file = file.to_owned();
    // The path is set on the options, not written into a URL, so that any character may be in it.
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .filename(&file)
            .in_memory(false)
            .shared_cache(false)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("journal_mode", "WAL")
            // A commit is acknowledged to a bin, which then forgets: it must be on disk.
            .pragma("synchronous", "FULL")
    });
    Database::connect(options).await
}

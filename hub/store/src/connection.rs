//! The connection to the database: the one door to it.
//!
//! [`Store::db`] and [`Store::begin`] give types of this module, which stand in for SeaORM's and pass each
//! statement through the keeper: an error of the disk or of the file is noticed wherever it is met. Nobody
//! else opens, begins or commits, so that "committed" is a word that can be relied on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;

use super::keeper::{self, Keeper};
use super::migrations::Migrator;
use super::trouble::Trouble;
use super::{DataFolder, StoreError, lost, now_ms};

/// How many queries run at once. SQLite has one writer and many readers.
const CONNECTIONS: u32 = 6;

/// The database of a hub, migrated to this build's tables. Clones share one pool.
#[derive(Debug, Clone)]
pub struct Store(DatabaseConnection, Arc<PathBuf>);

/// What queries and single writes run on, outside a transaction.
#[derive(Debug, Clone)]
pub struct DatabaseConnection {
    pool: sea_orm::DatabaseConnection,
    keeper: Arc<Keeper>,
}

/// A transaction. What is not committed is rolled back when it is dropped.
#[derive(Debug)]
pub struct DatabaseTransaction {
    inner: sea_orm::DatabaseTransaction,
    keeper: Arc<Keeper>,
    /// How many errors the database had met when it began.
    began_at: u64,
    is_spoilt: AtomicBool,
}

impl Store {
    /// Opens the database of a data folder, and brings its tables up to date. A folder with nothing in it gets
    /// a new one.
    ///
    /// # Errors
    /// [`StoreError`]: what is wrong with the folder or the database, and how to mend it.
    pub async fn open(folder: &DataFolder) -> Result<Self, StoreError> {
        let (path, file) = (folder.path(), folder.path().join("pilah.db"));
        let unusable = |error| match error {
            StoreError::Database(source) => match Trouble::in_error(&source) {
                Some(trouble) => StoreError::Unusable { file: file.clone(), trouble, source },
                None => StoreError::Database(source),
            },
            other => other,
        };
        lost::check_file(path)?;
        let keeper = Arc::new(Keeper::new(folder.condition().clone(), &file));
        let pool = connect(&file, &keeper).await.map_err(StoreError::from).map_err(unusable)?;
        let made_ready = async {
            lost::check_rows(&pool, path).await?;
            refuse_newer(&pool, path).await?;
            Migrator::up(&pool, None).await?;
            Ok(())
        };
        if let Err(error) = made_ready.await {
            pool.close().await.ok();
            return Err(unusable(error));
        }
        Ok(Self(DatabaseConnection { pool, keeper }, Arc::new(path.to_owned())))
    }

    /// For queries and single writes outside a transaction.
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
    /// The database's; while writing fails, at once.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.0.keeper.ready().await?;
        self.0.begin(SqliteTransactionMode::Immediate).await
    }

    /// Begins a transaction that only reads: all its queries see one moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn moment(&self) -> Result<DatabaseTransaction, DbErr> {
        self.0.begin(SqliteTransactionMode::Deferred).await
    }

    /// Whether the database can be read and written to now, tried if nobody has written for a while.
    ///
    /// # Errors
    /// What keeps it from that, in words for people, with the cause if it is not [`Trouble`].
    pub async fn check(&self) -> Result<(), CheckError> {
        self.0.keeper.check().await?;
        self.0.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Closes the pool, so that the write-ahead log is folded into the file.
    ///
    /// # Errors
    /// The database's.
    pub async fn close(self) -> Result<(), DbErr> {
        self.0.pool.close().await
    }

    /// Imitates a disk with room for so many pages of the database, for tests of what a hub does on a full
    /// one; 0 takes the limit away from connections to come.
    pub fn limit_pages(&self, pages: u32) {
        self.0.keeper.most_pages.store(pages, Ordering::Relaxed);
    }

    /// Takes it that a connection met this, for tests of what a hub does then. Like any trouble, it is over
    /// once a trial has worked.
    pub fn meet(&self, trouble: Trouble) {
        self.0.keeper.meet(trouble, "it was told so");
    }
}

/// A database that cannot be used now.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It cannot be written to.
    #[error("nothing can be stored, because {}", .0.words())]
    Trouble(Trouble),
    /// It does not answer.
    #[error("the database does not answer")]
    Silent(#[from] DbErr),
}

impl From<Trouble> for CheckError {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl DatabaseConnection {
    async fn begin(&self, mode: SqliteTransactionMode) -> Result<DatabaseTransaction, DbErr> {
        // Counted first: an error that is met while it begins puts it in doubt.
        let began_at = self.keeper.count();
        let options = TransactionOptions {
            isolation_level: None::<IsolationLevel>,
            access_mode: None::<AccessMode>,
            sqlite_transaction_mode: Some(mode),
        };
        let inner = self.keeper.noted(self.pool.begin_with_options(options).await)?;
        Ok(DatabaseTransaction { inner, keeper: Arc::clone(&self.keeper), began_at, is_spoilt: AtomicBool::new(false) })
    }

    /// After a statement outside a transaction: what it says of the database.
    fn noted<T>(&self, is_write: bool, result: Result<T, DbErr>) -> Result<T, DbErr> {
        let result = self.keeper.noted(result);
        if is_write && result.is_ok() {
            self.keeper.worked();
        }
        result
    }
}

/// Whether a statement may write; only what surely does not is answered while writing fails.
fn writes(sql: &str) -> bool {
    !sql.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

#[async_trait::async_trait]
impl ConnectionTrait for DatabaseConnection {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let is_write = writes(&statement.sql);
        if is_write {
            self.keeper.ready().await?;
        }
        self.noted(is_write, self.pool.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let is_write = writes(sql);
        if is_write {
            self.keeper.ready().await?;
        }
        self.noted(is_write, self.pool.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let is_write = writes(&statement.sql);
        if is_write {
            self.keeper.ready().await?;
        }
        self.noted(is_write, self.pool.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let is_write = writes(&statement.sql);
        if is_write {
            self.keeper.ready().await?;
        }
        self.noted(is_write, self.pool.query_all_raw(statement).await)
    }
}

impl DatabaseTransaction {
    /// Makes all of it last. After an error of the disk or of the file, met by whatever connection since this
    /// transaction began, it is committed once a second connection has read a mark that it leaves.
    ///
    /// # Errors
    /// The database's: nothing of it counts then, although some errors leave it there.
    pub async fn commit(self) -> Result<(), DbErr> {
        if self.is_spoilt.load(Ordering::Relaxed) {
            let refused = self.keeper.spoilt();
            self.rollback().await.ok();
            return Err(refused);
        }
        let mark = if self.keeper.count() == self.began_at { None } else { Some(self.leave_mark().await?) };
        let Self { inner, keeper, began_at, .. } = self;
        keeper.noted(inner.commit().await)?;
        match mark {
            Some(mark) => keeper.confirm(&mark).await?,
            // An error was met at this very moment. Without a mark there is nothing to look for: who is told this
            // tries again.
            None if keeper.count() != began_at => return Err(keeper.in_doubt()),
            None => {}
        }
        keeper.worked();
        Ok(())
    }

    /// Undoes all of it.
    ///
    /// # Errors
    /// The database's; it is undone all the same when the connection is closed.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.keeper.noted(self.inner.rollback().await)
    }

    async fn leave_mark(&self) -> Result<String, DbErr> {
        let mark = format!("commit-{}", Uuid::new_v4());
        let values = [mark.as_str().into(), now_ms().into()];
        let sql = "INSERT INTO store_marks (keeper, number, at_ms, padding) VALUES (?, 0, ?, x'00')";
        self.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await?;
        Ok(mark)
    }

    fn noted<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &result
            && Trouble::in_error(error).is_some()
        {
            self.is_spoilt.store(true, Ordering::Relaxed);
        }
        self.keeper.noted(result)
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for DatabaseTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.noted(self.inner.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.noted(self.inner.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.noted(self.inner.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.noted(self.inner.query_all_raw(statement).await)
    }
}

/// A database with tables that this build does not know may be misread by it, and its rows lost.
async fn refuse_newer(pool: &sea_orm::DatabaseConnection, folder: &Path) -> Result<(), StoreError> {
    let is_new = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'";
    if pool.query_one_raw(Statement::from_string(DbBackend::Sqlite, is_new)).await?.is_none() {
        return Ok(());
    }
    let applied = Statement::from_string(DbBackend::Sqlite, "SELECT version FROM seaql_migrations ORDER BY version");
    let known: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let mut unknown = Vec::new();
    for row in pool.query_all_raw(applied).await? {
        let version: String = row.try_get_by_index(0)?;
        if !known.contains(&version) {
            unknown.push(version);
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(StoreError::Newer { folder: folder.to_owned(), unknown }) }
}

async fn connect(file: &Path, keeper: &Arc<Keeper>) -> Result<sea_orm::DatabaseConnection, DbErr> {
    let mut settings = ConnectOptions::new("sqlite::memory:");
    settings.max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(30)).sqlx_logging(false);
    let file = file.to_owned();
    settings.map_sqlx_sqlite_opts(move |sqlite| keeper::options(sqlite, &file));
    let keeper = Arc::clone(keeper);
    settings.map_sqlx_sqlite_pool_opts(move |pool| {
        let (made, taken, given_back) = (Arc::clone(&keeper), Arc::clone(&keeper), Arc::clone(&keeper));
        pool.after_connect(move |connection, _| {
            let keeper = Arc::clone(&made);
            Box::pin(async move { keeper.limit(connection).await })
        })
        .before_acquire(move |connection, meta| {
            let keeper = Arc::clone(&taken);
            Box::pin(async move { keeper.may_use(connection, meta.age).await })
        })
        .after_release(move |connection, meta| {
            let keeper = Arc::clone(&given_back);
            Box::pin(async move { keeper.may_stay(connection, meta.age).await })
        })
    });
    Database::connect(settings).await
}

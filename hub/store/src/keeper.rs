//! Watches over the database: what may be written now, and which connections may be used.
//!
//! After an error of the disk or of the file
//! - the connections that were open then are closed when they come back, and none is given out again;
//! - nothing is begun until a *trial* has worked: a row written through a connection of its own, with room
//!   for a batch of others, and read through a second one;
//! - a transaction that was under way then leaves a mark, and counts as committed once a second connection
//!   has read it.
//!
//! Trials are made by whoever wants to write, or asks `/health`, so that the hub goes on by itself once there
//! is room.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};
use sea_orm::{DbErr, RuntimeErr, SqlxError};
use tokio::sync::Mutex as Turn;
use uuid::Uuid;

use super::now_ms;
use super::trouble::{Due, InDoubt, Refused, Soundness, Trouble};

/// How much a trial writes: room for a full batch of items.
const ROOM: i64 = 256 * 1024;

/// A trial that only shows that writing works writes a page or two.
const NO_ROOM: i64 = 1;

/// How long a writer waits for another before it fails.
const BUSY: Duration = Duration::from_secs(15);

/// How long a trial waits for another writer before it proves nothing.
const TRIAL_BUSY: Duration = Duration::from_secs(1);

/// How long a write that worked proves that the next one would, to who asks how the hub is.
const PROVEN: Duration = Duration::from_secs(30);

/// Marks of processes that are gone are removed after a day.
const KEPT_MS: i64 = 24 * 3600 * 1000;

/// What is known of a data folder's database and of its objects. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    database: Arc<Mutex<Soundness>>,
    objects: Arc<Mutex<Soundness>>,
}

impl Condition {
    pub(super) fn database(&self) -> MutexGuard<'_, Soundness> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn objects(&self) -> MutexGuard<'_, Soundness> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches over a database.
#[derive(Debug)]
pub(super) struct Keeper {
    condition: Condition,
    options: SqliteConnectOptions,
    /// One trial at a time.
    turn: Turn<()>,
    /// Whose mark is whose: several processes use one database.
    name: String,
    number: AtomicI64,
    /// The largest number of pages of the database, which imitates a full disk; 0 for no limit.
    pub(super) most_pages: AtomicU32,
}

impl Keeper {
    pub(super) fn new(condition: Condition, file: &Path) -> Self {
        let options = options(SqliteConnectOptions::new(), file).create_if_missing(false).busy_timeout(TRIAL_BUSY);
        Self {
            condition,
            options: options.disable_statement_logging(),
            turn: Turn::default(),
            name: Uuid::new_v4().to_string(),
            number: AtomicI64::new(0),
            most_pages: AtomicU32::new(0),
        }
    }

    /// How many errors were met so far.
    pub(super) fn count(&self) -> u64 {
        self.condition.database().count()
    }

    /// Passes a result on, and remembers what it says of the database.
    pub(super) fn noted<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &result
            && let Some(trouble) = Trouble::in_error(error)
        {
            self.meet(trouble, &error.to_string());
        }
        result
    }

    pub(super) fn meet(&self, trouble: Trouble, error: &str) {
        if self.condition.database().met(trouble, Instant::now()) {
            tracing::error!(error, "nothing can be stored, because {}", trouble.words());
        }
    }

    /// A write that was seen to work.
    pub(super) fn worked(&self) {
        self.condition.database().worked(Instant::now());
    }

    /// Before something is written: refuses while writing fails.
    ///
    /// # Errors
    /// [`Refused`], as the database's error.
    pub(super) async fn ready(&self) -> Result<(), DbErr> {
        if self.condition.database().trouble().is_none() {
            return Ok(());
        }
        self.tried_again().await.map_err(|trouble| said(Refused(trouble)))
    }

    /// What is said of a transaction that met an error, and is undone.
    pub(super) fn spoilt(&self) -> DbErr {
        said(Refused(self.latest()))
    }

    /// What is said of a commit that may have met an error.
    pub(super) fn in_doubt(&self) -> DbErr {
        said(InDoubt(self.latest()))
    }

    fn latest(&self) -> Trouble {
        self.condition.database().latest().unwrap_or(Trouble::Device)
    }

    /// Whether the database can be written to. If nobody has written for a while, it is tried.
    pub(super) async fn check(&self) -> Result<(), Trouble> {
        if self.condition.database().trouble().is_some() {
            return self.tried_again().await;
        }
        if self.condition.database().is_unproven(Instant::now(), PROVEN) {
            let _turn = self.turn.lock().await;
            if self.condition.database().is_unproven(Instant::now(), PROVEN) {
                self.tries(NO_ROOM, None).await;
            }
        }
        self.condition.database().trouble().map_or(Ok(()), Err)
    }

    async fn tried_again(&self) -> Result<(), Trouble> {
        let _turn = self.turn.lock().await;
        let due = self.condition.database().due(Instant::now());
        match due {
            Due::Nothing => return Ok(()),
            Due::Wait(trouble) => return Err(trouble),
            Due::Trial(trouble) => self.tries(ROOM, Some(trouble)).await,
        }
        self.condition.database().trouble().map_or(Ok(()), Err)
    }

    async fn tries(&self, room: i64, trouble: Option<Trouble>) {
        let began = Instant::now();
        let outcome = match self.trial(room, trouble).await {
            Ok(()) => Ok(()),
            Err(error) => match Trouble::at_sqlx(&error) {
                Some(trouble) => {
                    tracing::debug!(%error, "a trial failed");
                    Err(trouble)
                }
                // Another writer took long: that proves nothing, either way.
                None => return tracing::debug!(%error, "it could not be tried whether the database can be written to"),
            },
        };
        if let (Err(trouble), None) = (outcome, trouble) {
            self.meet(trouble, "a trial failed");
        }
        if self.condition.database().tried(outcome, began, Instant::now()) {
            tracing::info!("the database can be written to again");
        }
    }

    /// Writes through a connection of its own, and reads through a second one.
    async fn trial(&self, room: i64, trouble: Option<Trouble>) -> Result<(), SqlxError> {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let mut writer = self.connect().await?;
        let tried = async {
            self.write(&mut writer, number, room, trouble).await?;
            match self.read(&self.name).await? {
                Some(found) if found == number => {}
                _ => return Err(lost()),
            }
            // The room is given back: a trial that wrote over its own row would need none.
            let shrink = sqlx::query("UPDATE store_marks SET padding = x'00' WHERE keeper = ?").bind(&self.name);
            shrink.execute(&mut writer).await?;
            Ok(())
        };
        let tried = tried.await;
        writer.close().await.ok();
        tried
    }

    async fn write(
        &self,
        connection: &mut SqliteConnection,
        number: i64,
        room: i64,
        trouble: Option<Trouble>,
    ) -> Result<(), SqlxError> {
        if trouble == Some(Trouble::Damaged) {
            let said: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *connection).await?;
            if said != "ok" {
                tracing::error!(said, "the database is still damaged");
                return Err(SqlxError::Io(io::Error::other(Refused(Trouble::Damaged))));
            }
        }
        let now = now_ms();
        sqlx::query(
            "INSERT INTO store_marks (keeper, number, at_ms, padding) VALUES (?, ?, ?, randomblob(?)) \
             ON CONFLICT (keeper) DO UPDATE SET number = excluded.number, at_ms = excluded.at_ms, padding = excluded.padding",
        )
        .bind(&self.name)
        .bind(number)
        .bind(now)
        .bind(room)
        .execute(&mut *connection)
        .await?;
        let old = sqlx::query("DELETE FROM store_marks WHERE at_ms < ?").bind(now - KEPT_MS);
        old.execute(connection).await?;
        Ok(())
    }

    /// The number of a mark, as a connection of its own reads it.
    async fn read(&self, mark: &str) -> Result<Option<i64>, SqlxError> {
        let mut reader = self.connect().await?;
        let number = sqlx::query_scalar("SELECT number FROM store_marks WHERE keeper = ?");
        let number = number.bind(mark).fetch_optional(&mut reader).await;
        reader.close().await.ok();
        number
    }

    /// Whether a second connection reads the mark of a transaction that was committed.
    ///
    /// # Errors
    /// It does not: the commit is none.
    pub(super) async fn confirm(&self, mark: &str) -> Result<(), DbErr> {
        let read = match self.read(mark).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => lost(),
            Err(error) => error,
        };
        self.noted(Err(DbErr::Query(RuntimeErr::SqlxError(Arc::new(read)))))
    }

    async fn connect(&self) -> Result<SqliteConnection, SqlxError> {
        let mut connection = self.options.connect().await?;
        self.limit(&mut connection).await?;
        Ok(connection)
    }

    /// Whether a connection that comes back to the pool may stay.
    pub(super) async fn may_stay(&self, connection: &mut SqliteConnection, age: Duration) -> Result<bool, SqlxError> {
        // What was sent before is done after this, a rollback among it.
        connection.ping().await?;
        self.may_use(connection, age).await
    }

    /// Whether a connection of the pool may be used: no error was met since it was made, and no transaction
    /// is open on it.
    pub(super) async fn may_use(&self, connection: &mut SqliteConnection, age: Duration) -> Result<bool, SqlxError> {
        let now = Instant::now();
        if self.condition.database().is_tainted(now.checked_sub(age).unwrap_or(now)) {
            return Ok(false);
        }
        if connection.is_in_transaction() {
            tracing::warn!("a connection came back with a transaction open; it is closed");
            return Ok(false);
        }
        self.limit(connection).await?;
        Ok(true)
    }

    /// Puts the limit of [`Keeper::most_pages`] on a connection.
    pub(super) async fn limit(&self, connection: &mut SqliteConnection) -> Result<(), SqlxError> {
        let pages = self.most_pages.load(Ordering::Relaxed);
        if pages > 0 {
            let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::query(limit).execute(connection).await?;
        }
        Ok(())
    }
}

/// How every connection of the hub to its database is opened. The path is set on the options, not written into
/// a URL, so that any character may be in it.
pub(super) fn options(options: SqliteConnectOptions, file: &Path) -> SqliteConnectOptions {
    options
        .filename(file)
        .in_memory(false)
        .shared_cache(false)
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("journal_mode", "WAL")
        // A commit is acknowledged to a bin, which then forgets: it must be on disk.
        .pragma("synchronous", "FULL")
}

fn said(words: impl std::error::Error + Send + Sync + 'static) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(SqlxError::Io(io::Error::other(words)))))
}

/// What was written is not there.
fn lost() -> SqlxError {
    tracing::error!("a row that was committed is not read by a second connection");
    SqlxError::Io(io::Error::other(Refused(Trouble::Device)))
}

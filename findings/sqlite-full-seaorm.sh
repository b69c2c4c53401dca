#!/usr/bin/env bash
# What sqlx 0.9.0 and SeaORM 2.0.4 do after SQLITE_FULL, with these libraries alone.
#
# Versions: sqlx 0.9.0, sea-orm 2.0.4, libsqlite3-sys 0.37.0 (SQLite 3.51.3).
#
# SQLite ends a transaction by itself when its disk is full (https://www.sqlite.org/lang_transaction.html, "response to
# errors within a transaction"). The library's ROLLBACK fails then, and its count of open transactions stays at one on
# that pooled connection. From then on `begin` is SAVEPOINT and `commit` is RELEASE SAVEPOINT. After one ordinary
# rollback (ROLLBACK TO, which ends nothing) a transaction is open for good: commits say Ok, no second connection
# ever reads what they wrote, and all of it is gone when the pool is closed.
#
# `PRAGMA max_page_count` imitates the full disk. Seen:
#
#   sqlx: SQLITE_FULL in a transaction: error 13
#   sqlx: the connection that the pool gives out next says it is in a transaction: true
#   sqlx: commits that said Ok: 10, rows that a second connection reads: 0, rows after the pool was closed: 0
#   SeaORM: commits that said Ok: 10, rows that a second connection reads: 0, rows after the pool was closed: 0
#
# Fails if that changes: Pilah's hub/store/src/keeper.rs, which closes such connections, may then be simpler.
# Needs cargo, a C compiler and a registry. Takes some minutes.
set -euo pipefail

expected=$(sed -n 's/^#   \(sqlx\|SeaORM\): /\1: /p' "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"

cat >"$work/Cargo.toml" <<'TOML'
[package]
name = "sqlite-full"
version = "0.0.0"
edition = "2024"

[dependencies]
sqlx = { version = "=0.9.0", default-features = false, features = ["runtime-tokio", "sqlite"] }
sea-orm = { version = "=2.0.4", default-features = false, features = ["runtime-tokio", "sqlx-sqlite"] }
tokio = { version = "1", features = ["macros", "rt"] }

[profile.dev]
debug = false
TOML

cat >"$work/src/main.rs" <<'RUST'
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement, TransactionTrait};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use std::path::Path;

const TABLE: &str = "CREATE TABLE t (x)";
const LARGE: &str = "INSERT INTO t VALUES (randomblob(20000))";
const ROW: &str = "INSERT INTO t VALUES (1)";
const FULL: &str = "PRAGMA max_page_count = 1";
const ROOMY: &str = "PRAGMA max_page_count = 1000000";

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file).create_if_missing(true).pragma("journal_mode", "WAL")
}

async fn count(file: &Path) -> i64 {
    let mut other = options(file).connect().await.unwrap();
    let rows = sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(&mut other).await.unwrap();
    other.close().await.unwrap();
    rows
}

async fn with_sqlx(file: &Path) {
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options(file)).await.unwrap();
    sqlx::query(TABLE).execute(&pool).await.unwrap();
    sqlx::query(FULL).execute(&pool).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let error = loop {
        if let Err(error) = sqlx::query(LARGE).execute(&mut *tx).await {
            break error;
        }
    };
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    println!("sqlx: SQLITE_FULL in a transaction: error {code}");
    drop(tx);
    let connection = pool.acquire().await.unwrap();
    println!("sqlx: the connection that the pool gives out next says it is in a transaction: {}", connection.is_in_transaction());
    drop(connection);
    sqlx::query(ROOMY).execute(&pool).await.unwrap();

    let mut tx = pool.begin().await.unwrap();
    sqlx::query(ROW).execute(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    let mut ok = 0;
    for _ in 0..10 {
        let mut tx = pool.begin().await.unwrap();
        sqlx::query(ROW).execute(&mut *tx).await.unwrap();
        ok += i32::from(tx.commit().await.is_ok());
    }
    let seen = count(file).await;
    pool.close().await;
    let left = count(file).await;
    println!("sqlx: commits that said Ok: {ok}, rows that a second connection reads: {seen}, rows after the pool was closed: {left}");
}

async fn with_sea_orm(file: &Path) {
    let path = file.to_owned();
    let mut settings = ConnectOptions::new("sqlite::memory:");
    settings.max_connections(1).sqlx_logging(false);
    settings.map_sqlx_sqlite_opts(move |options| options.filename(&path).in_memory(false).shared_cache(false).create_if_missing(true).pragma("journal_mode", "WAL"));
    let db = Database::connect(settings).await.unwrap();
    let sql = |text: &str| Statement::from_string(db.get_database_backend(), text);
    db.execute_raw(sql(TABLE)).await.unwrap();
    db.query_all_raw(sql(FULL)).await.unwrap();
    let tx = db.begin().await.unwrap();
    while tx.execute_raw(sql(LARGE)).await.is_ok() {}
    drop(tx);
    db.query_all_raw(sql(ROOMY)).await.unwrap();

    let tx = db.begin().await.unwrap();
    tx.execute_raw(sql(ROW)).await.unwrap();
    tx.rollback().await.unwrap();
    let mut ok = 0;
    for _ in 0..10 {
        let tx = db.begin().await.unwrap();
        tx.execute_raw(sql(ROW)).await.unwrap();
        ok += i32::from(tx.commit().await.is_ok());
    }
    let seen = count(file).await;
    db.close().await.unwrap();
    let left = count(file).await;
    println!("SeaORM: commits that said Ok: {ok}, rows that a second connection reads: {seen}, rows after the pool was closed: {left}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = std::env::args().nth(1).unwrap();
    with_sqlx(&Path::new(&folder).join("sqlx.db")).await;
    with_sea_orm(&Path::new(&folder).join("sea-orm.db")).await;
}
RUST

export CARGO_TARGET_DIR="$work/target"
cargo build --quiet --manifest-path "$work/Cargo.toml"
cargo tree --manifest-path "$work/Cargo.toml" --prefix none | grep -E '^(sqlx|sea-orm|libsqlite3-sys) v' | sort -u
seen=$("$work/target/debug/sqlite-full" "$work")
printf '%s\n' "$seen"
if [ "$seen" != "$expected" ]; then
  printf 'this has changed; expected was:\n%s\n' "$expected" >&2
  exit 1
fi
echo "as it was"

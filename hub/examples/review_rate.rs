//! How fast statistics, review queue and search answer, and how long the background work takes:
//! `cargo run --release -p pilah-hub --example review_rate -- [SAMPLES] [LABELLED] [BUNDLE]`.
//!
//! It fills a hub's database with synthetic rows and embeddings (no images), starts the hub on it with the
//! model in BUNDLE, `models/default` if nothing is said, waits until all is scored and computed, and asks.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use pilah_hub::config::Config;
use pilah_hub::review::{ReviewConfig, Reviewer, queue};
use pilah_hub::search::{self, Filter, Sort};
use pilah_hub::server::{self, Running};
use pilah_hub::statistics;
use pilah_hub::store::entity::{computation, embedding, review, sample};
use pilah_hub::store::{DataFolder, Store, now_ms};
use pilah_models::bundle::Bundle;
use pilah_models::name::ContentId;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

/// How often each figure is measured.
const REPEATS: usize = 15;

/// How many rows are inserted in one statement.
const ROWS: usize = 200;

/// A week in milliseconds.
const WEEK_MS: i64 = 7 * 24 * 3600 * 1000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let samples: usize = arguments.next().map_or(Ok(100_000), |text| text.parse()).context("SAMPLES is a number")?;
    let labelled: usize = arguments.next().map_or(Ok(samples / 10), |text| text.parse()).context("LABELLED is one")?;
    let bundle = arguments.next().map_or_else(|| PathBuf::from("models/default"), PathBuf::from);
    let manifest = Bundle::read(&bundle)?.manifest().clone();

    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let begun = Instant::now();
    fill(&data, samples, labelled, &manifest.backbone.sha256, manifest.embedding).await?;
    println!("{samples} samples, {labelled} labelled, embeddings of {} numbers", manifest.embedding);
    println!("  filled in {:.1} s", begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    let hub = server::start(Config::local(data, bundle)).await?;
    println!("hub started in {:.1} s", begun.elapsed().as_secs_f64());
    while hub.state.vectors.status().embedded < samples as u64 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("  embeddings in memory after {:.1} s", begun.elapsed().as_secs_f64());
    until_scored(&hub, samples).await?;
    println!("  all enrolled, labels judged and scored after {:.1} s", begun.elapsed().as_secs_f64());
    until_idle(&hub).await?;
    println!("  learning curve computed after {:.1} s", begun.elapsed().as_secs_f64());
    if let Some(kilobytes) = resident() {
        println!("  resident memory {} MB", kilobytes / 1000);
    }
    measure(&hub).await?;
    hub.stop().await;
    Ok(())
}

async fn until_scored(hub: &Running, samples: usize) -> anyhow::Result<()> {
    let scored = || review::Entity::find().filter(review::Column::Model.is_not_null()).count(hub.state.store.db());
    while scored().await? < samples as u64 {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// Waits for the learning curve, which would take a processor while the rest is measured.
async fn until_idle(hub: &Running) -> anyhow::Result<()> {
    let curve = || computation::Entity::find_by_id("learning_curve").one(hub.state.store.db());
    while curve().await?.is_none() {
        hub.state.statistics.nudge();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

async fn measure(hub: &Running) -> anyhow::Result<()> {
    let (state, db) = (&hub.state, hub.state.store.db());
    let mut times = Times::begin();
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let (counted, weeks) = (statistics::store::count(db).await?, statistics::store::count_weeks(db).await?);
        let summary = statistics::summarise(&counted, &weeks);
        let warnings = statistics::warnings(&summary);
        times.push(begun.elapsed());
        assert!(summary.samples > 0 && warnings.len() < 1000);
    }
    report("statistics", &mut times);

    for count in [1, 20, 100] {
        for number in 0..REPEATS {
            let by = Reviewer { name: format!("reviewer {count} {number}"), is_administrator: false };
            let begun = Instant::now();
            let config = ReviewConfig::default();
            let batch = queue::next(&state.store, &state.vectors, &config, &by, count, 0.5, now_ms()).await?;
            times.push(begun.elapsed());
            anyhow::ensure!(batch.len() == count, "only {} samples", batch.len());
        }
        report(&format!("next batch of {count}, each of another reviewer"), &mut times);
    }

    let newest = Filter { label: Some("glass".into()), ..Filter::default() };
    let (page, _) = search::store::page(db, &newest, Sort::Newest, None, 50).await?;
    let query = ContentId::new(page[0].0.content_sha256.clone())?;
    let query = state.vectors.get(&query).context("it has an embedding")?;
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let (snapshot, query) = (state.vectors.snapshot(), query.clone());
        let images = tokio::task::spawn_blocking(move || snapshot.nearest(&query, 20)).await?;
        times.push(begun.elapsed());
        anyhow::ensure!(images.len() == 20 && images[0].1 > 0.99);
    }
    report("20 most similar, all looked at", &mut times);

    for (name, filter, sort) in [
        ("search by label, newest first", newest, Sort::Newest),
        ("search by uncertainty", Filter::default(), Sort::Unsure),
        ("search by bin and uncertainty", Filter { bin: Some("b7".into()), ..Filter::default() }, Sort::Unsure),
    ] {
        for _ in 0..REPEATS {
            let begun = Instant::now();
            let (page, next) = search::store::page(db, &filter, sort, None, 50).await?;
            times.push(begun.elapsed());
            anyhow::ensure!(page.len() == 50 && next.is_some());
        }
        report(name, &mut times);
    }
    Ok(())
}

/// How long something took, each time, and how long this process computed meanwhile.
struct Times {
    took: Vec<Duration>,
    processor: Option<Duration>,
}

impl Times {
    fn begin() -> Self {
        Self { took: Vec::new(), processor: processor_time() }
    }

    fn push(&mut self, took: Duration) {
        self.took.push(took);
    }
}

fn report(what: &str, times: &mut Times) {
    let took = &mut times.took;
    took.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    print!("{what}: median {:.1} ms, worst {:.1} ms", ms(took[took.len() / 2]), ms(took[took.len() - 1]));
    // On a machine that others use, this tells more than the clock.
    if let (Some(before), Some(now)) = (times.processor, processor_time()) {
        print!("; processor {:.1} ms each", ms(now.saturating_sub(before)) / took.len() as f64);
    }
    println!();
    *times = Times::begin();
}

/// How long all threads of this process have computed, where the system tells.
fn processor_time() -> Option<Duration> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        let schedule = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        nanoseconds += schedule.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanoseconds))
}

/// Writes samples of six classes from 40 bins over a year, three images to a burst, and their embeddings:
/// a direction for each class, and noise.
async fn fill(
    data: &std::path::Path,
    samples: usize,
    labelled: usize,
    backbone: &ContentId,
    dimension: usize,
) -> anyhow::Result<()> {
    let folder = DataFolder::open(data)?;
    let store = Store::open(&folder).await?;
    let classes = ["cardboard", "glass", "metal", "paper", "plastic", "trash"];
    let directions: Vec<Vec<f32>> = classes.iter().map(|_| noise(dimension)).collect();
    let first = now_ms() - 52 * WEEK_MS;
    let numbers: Vec<usize> = (0..samples).collect();
    for part in numbers.chunks(ROWS) {
        let (mut rows, mut vectors) = (Vec::new(), Vec::new());
        for &number in part {
            let burst = number / 3;
            let class = (burst * 7 + burst / 11) % classes.len();
            let content = ContentId::of(format!("image {number}").as_bytes());
            let label = (number % samples < labelled).then(|| classes[class].to_owned());
            let split = ["train", "train", "train", "train", "train", "train", "train", "train", "validation", "test"];
            let at_ms = first + (number as i64 * 52 * WEEK_MS) / samples as i64;
            let bin = format!("b{}", burst % 40);
            rows.push(sample::ActiveModel {
                id: Set(format!("{at_ms:013x}-{number:08}")),
                source: Set("bin".into()),
                bin: Set(Some(bin.clone())),
                epoch: Set(Some(1)),
                seq: Set(Some(number as i64)),
                event_seq: Set(Some(burst as i64)),
                reason: Set(Some("unsure".into())),
                at_ms: Set(at_ms),
                received_ms: Set(at_ms),
                content_sha256: Set(content.to_string()),
                width: Set(320),
                height: Set(240),
                bytes: Set(20_000),
                model: Set(Some("base-1".into())),
                guess: Set(Some(classes[class].into())),
                sure: Set(false),
                confidence: Set(Some(0.5)),
                probabilities_json: Set(Some(format!("{{\"{}\":0.6,\"other\":0.4}}", classes[class]))),
                split: Set(label.as_ref().map(|_| split[burst % split.len()].to_owned())),
                labelled_by: Set(label.as_ref().map(|_| "ada".to_owned())),
                label: Set(label),
                group_key: Set(format!("bin:{bin}:1:{burst}")),
                ..Default::default()
            });
            let vector = directions[class].iter().zip(noise(dimension)).map(|(a, b)| 0.6 * a + b);
            vectors.push(embedding::ActiveModel {
                backbone_sha256: Set(backbone.to_string()),
                content_sha256: Set(content.to_string()),
                vector: Set(vector.flat_map(f32::to_le_bytes).collect()),
            });
        }
        let transaction = store.begin().await?;
        sample::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
        embedding::Entity::insert_many(vectors).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
    }
    store.close().await?;
    Ok(())
}

fn noise(length: usize) -> Vec<f32> {
    (0..length).map(|_| rand::random::<f32>() * 2.0 - 1.0).collect()
}

/// The memory that this process holds, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

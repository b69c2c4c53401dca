//! Memory and time of a large dataset: `cargo run --release -p pilah-hub --example dataset_scale -- [SAMPLES]`.
//!
//! Fills a dataset with synthetic rows that share few images, and says what placing a new sample, freezing,
//! and exporting cost; the resident memory is read before and after the export.

use std::io::{self, Write};
use std::time::Instant;

use anyhow::Context as _;
use image::{Rgb, RgbImage};
use pilah_hub::dataset::cluster::{self, LooksColumns};
use pilah_hub::dataset::export::{self, Layout};
use pilah_hub::dataset::version;
use pilah_hub::store::entity::sample;
use pilah_hub::store::{Blobs, DataFolder, Store};
use pilah_models::preprocess;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use uuid::Uuid;

/// Counts what it is given and keeps none of it.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0 += piece.len() as u64;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let samples: usize =
        std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse()).context("SAMPLES is a number")?;
    let temporary = tempfile::tempdir()?;
    let folder = DataFolder::open(&temporary.path().join("data"))?;
    let (store, blobs) = (Store::open(&folder).await?, Blobs::open(&folder)?);
    let mut images = Vec::new();
    for number in 0..20u32 {
        let image = RgbImage::from_fn(512, 384, |x, y| Rgb([(x ^ (y * number)) as u8, y as u8, number as u8]));
        images.push(blobs.put(preprocess::encode_jpeg(&image, 1_000_000)?).await?);
    }

    let begun = Instant::now();
    for first in (0..samples).step_by(500) {
        let tx = store.begin().await?;
        let rows = (first..samples.min(first + 500)).map(|number| {
            let mut row = row(number, images[number % images.len()].as_str());
            LooksColumns::of(hash(number as u64)).set(&mut row);
            row
        });
        sample::Entity::insert_many(rows).exec_without_returning(&tx).await?;
        tx.commit().await?;
    }
    println!("{samples} rows written in {:.1} s", begun.elapsed().as_secs_f64());

    let tx = store.begin().await?;
    let begun = Instant::now();
    for number in 0..500 {
        cluster::place(&tx, &format!("new {number}"), hash(u64::MAX - number), None).await?;
    }
    println!("placing a new sample: {:.2} ms", begun.elapsed().as_secs_f64() * 1000.0 / 500.0);
    tx.rollback().await?;

    let begun = Instant::now();
    let frozen = version::freeze(&store, &blobs, "benchmark", "").await?;
    println!("frozen in {:.1} s; resident {} MB", begun.elapsed().as_secs_f64(), resident_mb()?);
    let begun = Instant::now();
    let written = tokio::task::spawn_blocking(move || {
        let mut counter = Counter(0);
        export::write(&blobs, &frozen, Layout::Processed, &mut counter).map(|exported| (exported, counter.0))
    });
    let (exported, bytes) = written.await??;
    println!(
        "{} images, {:.0} MB exported in {:.1} s; resident {} MB, at most {} MB",
        exported.images,
        bytes as f64 / 1e6,
        begun.elapsed().as_secs_f64(),
        resident_mb()?,
        status("VmHWM:")?
    );
    Ok(())
}

fn row(number: usize, content: &str) -> sample::ActiveModel {
    sample::ActiveModel {
        id: Set(Uuid::now_v7().to_string()),
        source: Set("upload".to_owned()),
        at_ms: Set(1_700_000_000_000 + number as i64 * 1000),
        received_ms: Set(0),
        content_sha256: Set(content.to_owned()),
        width: Set(512),
        height: Set(384),
        bytes: Set(30_000),
        sure: Set(false),
        label: Set(Some(["glass", "metal", "paper", "plastic", "trash", "cardboard"][number % 6].to_owned())),
        group_key: Set(format!("group {}", number / 3)),
        split: Set(Some(["train", "train", "validation", "test"][number / 3 % 4].to_owned())),
        cluster: Set(Some(format!("group {}", number / 3))),
        ..Default::default()
    }
}

/// Spreads numbers over all 64 bits (SplitMix64, G. Steele and others, 2014).
fn hash(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn resident_mb() -> anyhow::Result<u64> {
    status("VmRSS:")
}

fn status(what: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status").context("only Linux tells the memory of a process here")?;
    let line = text.lines().find_map(|line| line.strip_prefix(what)).context("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

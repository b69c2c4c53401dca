//! How long a fleet takes to get a model, and how many bytes: the real hub and as many real bins on this machine, each a
//! process of its own that looks at small photos, with the root of trust, a trial of a few items, and groups of 5 and 25 %
//! and all.
//!
//! ```text
//! cargo build --workspace && cargo run -p pilah-tests --example fleet -- 200
//! ```
//!
//! Two rollouts. The first brings a model that is never sure: the first group takes it back by itself, the rollout stops,
//! and no other bin ever hears of it. The second brings a good one, and ends with the whole fleet.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use pilah_tests::bin::{Bin, Setup};
use pilah_tests::hub::Hub;
use pilah_tests::program::within;
use pilah_tests::{model, photos};
use serde_json::{Value, json};

/// Two cores classify what so many bins see, in the build of the tests.
const PATIENCE: Duration = Duration::from_secs(1800);
/// A short trial: what is measured is the way, not the waiting.
const UPDATES: &str = "[updates.probation]\nitems = 20\nminutes = 0.1\n";

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(200);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shipped = folder.path().join("m0");
    model::write(&model::sure("m0"), &shipped);
    small_photos(&folder.path().join("photos"));

    let begin = Instant::now();
    let hub = Hub::with_embedded_broker(&shipped);
    hub.register(&[model::never_sure("m-bad"), model::sure("m-good")]);
    let camera =
        format!("kind = \"replay\"\nfolder = {:?}\nframes_per_second = 4\nrepeat = true", folder.path().join("photos"));
    let bins: Vec<Bin> = (0..count)
        .map(|number| {
            let id = format!("bin{number:04}");
            let admission = hub.admit(&id);
            Bin::start(&Setup {
                id: &id,
                secret: &admission.secret,
                mqtt_url: &hub.mqtt_url(),
                hub_url: &hub.url(),
                bundle: &shipped,
                camera: &camera,
                root: Some(&admission.root),
                more: UPDATES,
            })
        })
        .collect();
    within(PATIENCE, "all bins with the model that they begin with", || on_all(&hub, count, "m0"));
    println!("{count} bins, started, enrolled, connected: {:.1?}", begin.elapsed());
    // A bin that has seen nothing yet has nothing to hold a new model against.
    within(PATIENCE, "items to compare with", || match hub.count("/events")? {
        found if found >= 30 * count as u64 => Ok(()),
        found => Err(found.to_string()),
    });

    let begin = Instant::now();
    let stopped = roll_out(&hub, "m-bad", "stopped");
    within(PATIENCE, "all bins back", || on_all(&hub, count, "m0"));
    let touched = touched(&hub, count, "m-bad");
    println!(
        "a bad model: stopped and taken back in {:.1?}; {touched} bins had it; {}",
        begin.elapsed(),
        words(&stopped)
    );

    let begin = Instant::now();
    let completed = roll_out(&hub, "m-good", "completed");
    within(PATIENCE, "all bins with the good one", || on_all(&hub, count, "m-good"));
    let bytes: u64 = reported(&hub).iter().filter_map(|bin| bin["update_bytes"].as_u64()).sum();
    println!(
        "a good model: on {count} bins in {:.1?}, {bytes} bytes in all, {} a bin; {}",
        begin.elapsed(),
        bytes / count as u64,
        words(&completed)
    );
    drop(bins);
}

/// The test's photos, small: what is measured is not how fast they are decoded.
fn small_photos(folder: &Path) {
    let large = tempfile::tempdir().expect("a temporary folder");
    photos::lay_out(large.path(), 12);
    for class in std::fs::read_dir(large.path()).expect("reads") {
        let class = class.expect("reads").path();
        let target = folder.join(class.file_name().expect("a folder"));
        std::fs::create_dir_all(&target).expect("makes");
        for photo in std::fs::read_dir(&class).expect("reads") {
            let photo = photo.expect("reads").path();
            let picture = image::open(&photo).expect("a photo").thumbnail_exact(128, 96);
            picture.save(target.join(photo.file_name().expect("a file"))).expect("writes");
        }
    }
}

/// Starts a rollout in groups, and waits for its end.
fn roll_out(hub: &Hub, version: &str, end: &str) -> Value {
    let rules = json!({ "soak_s": 0, "present_percent": 50, "silent_after_s": 600, "field": "ignore" });
    let group = |percent: u8| json!({ "who": { "by": "share", "percent": percent } });
    let groups = [group(5), group(25), group(100)];
    let begun = hub.post("/api/v1/rollouts", &json!({ "version": version, "groups": groups, "rules": rules }));
    let path = format!("/api/v1/rollouts/{}", begun["id"]);
    within(PATIENCE, end, || {
        let rollout = hub.try_get(&path)?;
        if rollout["phase"] == end { Ok(rollout) } else { Err(rollout.to_string().chars().take(2000).collect()) }
    })
}

/// What each bin last reported.
fn reported(hub: &Hub) -> Vec<Value> {
    hub.get("/api/v1/bins").as_array().cloned().unwrap_or_default()
}

fn on_all(hub: &Hub, count: usize, version: &str) -> Result<(), String> {
    let bins = reported(hub);
    let there = bins.iter().filter(|bin| bin["model"] == version && bin["online"] == true).count();
    if there == count { Ok(()) } else { Err(format!("{there} of {count}")) }
}

/// How many bins classified anything with a version.
fn touched(hub: &Hub, count: usize, version: &str) -> usize {
    let events = hub.get("/api/v1/events?limit=500");
    let bins: BTreeSet<&str> = events
        .as_array()
        .into_iter()
        .flatten()
        .filter(|event| event["model"] == version)
        .filter_map(|event| event["bin"].as_str())
        .collect();
    assert!(bins.len() < count, "only the first group was to have it");
    bins.len()
}

fn words(rollout: &Value) -> String {
    let history = rollout["history"].as_array().and_then(|history| history.last()).unwrap_or(&Value::Null);
    history["words"].as_str().unwrap_or_default().to_owned()
}

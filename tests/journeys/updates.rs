//! A bin with a root of trust gets what is signed, group by group: a bad model is taken back by the bin that had it first,
//! and reaches no other; a good one reaches all; what somebody changed on its way is refused, and the old model goes on.

use std::fs;
use std::path::Path;

use pilah_models::bundle::Bundle;
use pilah_tests::bin::{Bin, Setup};
use pilah_tests::hub::{Admission, Hub};
use pilah_tests::model;
use pilah_tests::program::eventually;
use serde_json::{Value, json};

/// A short trial, which a bin that looks at photos as fast as it can passes in seconds.
const SHORT_TRIAL: &str = "[updates.probation]\nitems = 20\nminutes = 0.02\n";

#[test]
fn a_bad_model_stays_with_the_first_group_and_a_good_one_reaches_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shipped = folder.path().join("m0");
    model::write(&model::sure("m0"), &shipped);
    let photos = folder.path().join("photos");
    pilah_tests::photos::lay_out(&photos, 12);
    let hub = Hub::with_embedded_broker(&shipped);
    hub.register(&[model::never_sure("m-bad"), model::sure("m-good"), model::sure("m-changed")]);
    let mut second = start(&hub, "second", &shipped, &photos);
    let first = start(&hub, "first", &shipped, &photos);
    let report = || format!("{}\n{}", hub.output(), first.output());
    let wait = |what: &str, bin: &str, test: &dyn Fn(&Value) -> bool| {
        eventually(what, || match bin_of(&hub, bin)? {
            state if test(&state) => Ok(state),
            state => Err(format!("{state}\n{}", report())),
        })
    };
    for bin in ["first", "second"] {
        wait("the model that ships", bin, &|state| state["model"] == "m0" && state["online"] == true);
    }

    // What the model before did is what a new one is held against.
    eventually("items to compare with", || match hub.count("/events")? {
        found if found >= 80 => Ok(()),
        found => Err(found.to_string()),
    });
    let bad = roll_out(&hub, "m-bad", "stopped", &report);
    assert!(bad.to_string().contains("unsure"), "the bin's reason is told: {bad}");
    let back = wait("the first bin goes back", "first", &|state| state["model"] == "m0");
    assert_eq!(back["taken_back"][0]["version"], "m-bad", "{back}");
    let events = hub.get("/api/v1/events?limit=500");
    let seen_by = |version: &str, bin: &str| {
        events.as_array().is_some_and(|list| list.iter().any(|e| e["model"] == version && e["bin"] == bin))
    };
    assert!(seen_by("m-bad", "first") && !seen_by("m-bad", "second"), "the second bin never heard of it");

    let good = roll_out(&hub, "m-good", "completed", &report);
    for bin in ["first", "second"] {
        wait("the good model", bin, &|state| state["model"] == "m-good");
    }
    assert_eq!(hub.get("/api/status")["model"], "m-good", "it is in service now: {good}");

    // Somebody who has the hub's disk, and not its keys, exchanges a head. Its length stays, so that only its hash tells.
    let targets = hub.data().join("repository/targets");
    second.stop();
    hub.post("/api/v1/models/m-changed/activate", &json!({ "reason": "a test" }));
    eventually("m-changed published", || change_head(&targets, &model::sure("m-changed")));
    second.restart();
    let refused = wait("the changed head is refused", "second", &|state| {
        state["update"].as_str().is_some_and(|update| update.contains("not what was signed"))
    });
    assert_eq!(refused["model"], "m-good", "the old model goes on");
}

fn start(hub: &Hub, id: &str, bundle: &Path, photos: &Path) -> Bin {
    let Admission { secret, root } = hub.admit(id);
    let (mqtt_url, hub_url) = (hub.mqtt_url(), hub.url());
    let camera = format!("kind = \"replay\"\nfolder = {photos:?}\nframes_per_second = 30\nrepeat = true");
    Bin::start(&Setup {
        id,
        secret: &secret,
        mqtt_url: &mqtt_url,
        hub_url: &hub_url,
        bundle,
        camera: &camera,
        root: Some(&root),
        more: SHORT_TRIAL,
    })
}

fn bin_of(hub: &Hub, bin: &str) -> Result<Value, String> {
    let list = hub.try_get("/api/v1/bins")?;
    list.as_array().and_then(|list| list.iter().find(|b| b["id"] == bin)).cloned().ok_or_else(|| "no such bin".into())
}

/// Rolls a version out to the first bin, then to all, and waits for its end.
fn roll_out(hub: &Hub, version: &str, end: &str, report: &dyn Fn() -> String) -> Value {
    let groups = json!([{ "who": { "by": "bins", "bins": ["first"] } }, { "who": { "by": "share", "percent": 100 } }]);
    let rules = json!({ "soak_s": 0, "field": "ignore" });
    let begun = hub.post("/api/v1/rollouts", &json!({ "version": version, "groups": groups, "rules": rules }));
    let path = format!("/api/v1/rollouts/{}", begun["id"]);
    eventually("the end of the rollout", || match hub.try_get(&path)? {
        rollout if rollout["phase"] == end => Ok(rollout),
        rollout => Err(format!("{rollout}\n{}", report())),
    })
}

/// Turns a bit of a head among the targets.
fn change_head(targets: &Path, bundle: &Bundle) -> Result<(), String> {
    let id = bundle.manifest().head.sha256.as_str().to_owned();
    let files = fs::read_dir(targets).map_err(|error| error.to_string())?;
    let mut paths = files.flatten().map(|file| file.path());
    let path = paths.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&id)));
    let path = path.ok_or("the head is not there yet")?;
    let mut bytes = fs::read(&path).map_err(|error| error.to_string())?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).map_err(|error| error.to_string())
}

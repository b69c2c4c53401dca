//! Labels make a new head; both bins take it and classify with it.

use pilah_tests::bin::{Bin, Setup};
use pilah_tests::hub::{Admission, Hub};
use pilah_tests::mosquitto::Mosquitto;
use pilah_tests::program::eventually;
use pilah_tests::{model, photos};
use serde_json::{Value, json};

/// Enough that each class has some in each split.
const PHOTOS: usize = 360;

#[test]
fn through_the_embedded_broker() {
    let bundle = tempfile::tempdir().expect("a temporary folder");
    model::write(&model::teachable("m0"), bundle.path());
    let hub = Hub::with_embedded_broker(bundle.path());
    let admissions = ["left", "right"].map(|id| hub.admit(id));
    learn(&hub, bundle.path(), &admissions);
}

#[test]
fn through_mosquitto() {
    let bundle = tempfile::tempdir().expect("a temporary folder");
    model::write(&model::teachable("m0"), bundle.path());
    let mut broker = Mosquitto::start();
    let hub = Hub::with_mosquitto(bundle.path(), &broker);
    let admissions = ["left", "right"].map(|id| hub.admit(id));
    broker.admit(&[("left", &admissions[0].secret), ("right", &admissions[1].secret)]);
    learn(&hub, bundle.path(), &admissions);
}

fn learn(hub: &Hub, bundle: &std::path::Path, admissions: &[Admission; 2]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    photos::lay_out(folder.path(), PHOTOS);
    let bins = [("left", "1/2"), ("right", "2/2")].into_iter().zip(admissions).map(|((id, part), admission)| {
        Bin::start(&Setup {
            id,
            secret: &admission.secret,
            mqtt_url: &hub.mqtt_url(),
            hub_url: &hub.url(),
            bundle,
            camera: &format!(
                "kind = \"replay\"\nfolder = {:?}\npart = {part:?}\nframes_per_second = 0\nrepeat = true",
                folder.path()
            ),
            root: Some(&admission.root),
            more: "",
        })
    });
    let bins: Vec<Bin> = bins.collect();
    let report = || format!("{}\n{}\n{}", hub.output(), bins[0].output(), bins[1].output());

    // A person labels what has come.
    eventually("samples to label", || match hub.count("/samples")? {
        found if found >= PHOTOS as u64 => Ok(()),
        found => Err(format!("{found} of {PHOTOS}\n{}", report())),
    });
    while hub.count("/labelled").expect("the hub answers") < PHOTOS as u64 {
        let page = hub.get("/api/v1/samples?unlabelled=true&limit=100");
        for sample in page["samples"].as_array().expect("a list of samples") {
            let id = sample["id"].as_str().expect("an id");
            hub.post(&format!("/api/v1/samples/{id}/label"), &json!({ "label": sample["truth"] }));
        }
    }

    // The hub retrains, and says how far it is.
    hub.post("/api/train", &json!({ "epochs": 60, "seed": 3 }));
    let trained = eventually("the training", || {
        let status = hub.try_get("/api/training-status")?;
        if status["in_progress"] == Value::Bool(true) { Err(status.to_string()) } else { Ok(status) }
    });
    assert_eq!(trained["progress"].as_f64(), Some(100.0), "{trained}\n{}", report());
    let before = hub.get("/api/v1/models");
    let version = hub.get("/api/status")["model"].as_str().expect("a model is in service").to_owned();
    assert_ne!(version, "m0", "the gate lets a model that learned something pass: {trained} {before}");

    // Both bins report it and classify with it.
    for bin in ["left", "right"] {
        eventually("the new model on the bin", || {
            let list = hub.try_get("/api/v1/bins")?;
            let state = list.as_array().and_then(|l| l.iter().find(|b| b["id"] == bin)).ok_or("no such bin")?;
            match state["model"].as_str() {
                Some(model) if model == version => {
                    let by = state["trust"].as_str().unwrap_or_default();
                    assert!(by.starts_with("signatures"), "it was signed: {state}");
                    Ok(())
                }
                _ => Err(format!("{state}\n{}", report())),
            }
        });
        eventually("an item classified by it", || {
            let events = hub.try_get("/api/v1/events?limit=50")?;
            let of_new = |e: &&Value| e["bin"] == bin && e["model"] == json!(version);
            events.as_array().and_then(|l| l.iter().find(of_new)).map(drop).ok_or_else(|| format!("{events}"))
        });
    }
}
